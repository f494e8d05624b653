"""The parts of the pages of rules: what they say, and that names are never read as markup."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from plotly.utils import PlotlyJSONEncoder

from components import rule_chain, rule_form, rule_preview, rule_why, trigger_halt, trigger_log, triggers
from pipeline.domain.choices import Mode
from pipeline.domain.rules.chart import draw
from pipeline.domain.rules.checks import Names
from pipeline.domain.rules.drafts import opened, plain
from pipeline.domain.rules.model import Action, Kind, Same
from pipeline.domain.rules.pages import Entry, Line, Today
from pipeline.domain.rules.planning import NOTHING_BEFORE, Outcome, why
from pipeline.domain.rules.previews import in_the_way
from pipeline.domain.rules.reading import read_rule
from pipeline.domain.rules.snapshot import Board, Cost, Gates
from pipeline.domain.rules.templates import TEMPLATES, RuleTemplate
from pipeline.domain.rules.trials import try_out
from pipeline.domain.statuses import CellStatus
from tests.rule_boards import LOOKS, NOTIFY, PEOPLE, PROJECT, TYPES, Chance, happened, is_, production, rule, submit, with_cells

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCENES = rule("auto-scenes", "still.approved", submit(scene_types=Same.ALL))
PACKAGE = rule("package", "cell.approved", Action(Kind.PACKAGE, of="character"), where=is_("character.all_approved", True))
NAMES = Names(PEOPLE, TYPES, LOOKS, (), ("age",), ("producers",))


def text_of(part: Any) -> str:
    """Everything that is written in a component, one after the other."""
    found = json.loads(json.dumps(part, cls=PlotlyJSONEncoder))
    said: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            said.append(value)
        elif isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, dict):
            walk(value.get("props", {}).get("children"))

    walk(found)
    return "".join(said)


def view(*rules: Any, **changes: Any) -> triggers.View:
    """The list page over these rules."""
    return triggers.View(rules, draw(rules, Gates("human", "human")), NOW, **changes)


def whole(shown: triggers.View) -> str:
    """The page with the list that the browser draws."""
    return text_of([triggers.page(shown), triggers.rows(shown)])


def test_without_rules_the_page_teaches_and_offers_the_usual_ones() -> None:
    said = whole(view())
    assert "when this happens, do that" in said
    assert all(template.help in said for template in TEMPLATES)


def test_the_list_says_what_happened_today_and_what_waits() -> None:
    waiting = replace(SCENES, approved=False, version=2)
    today = {PACKAGE.id: Today(NOW, (0, 1, 2), 3, 1, Cost(3, 7200.0, 0, 1.5), 2)}
    waits = [triggers.Waits(waiting, NOW - timedelta(minutes=22), 4, Cost(32, 7560.0, 0, 5.6))]
    said = whole(view(PACKAGE, waiting, today=today, waits=waits))
    assert "today 3 firings, 3 jobs, 2 h GPU time, 1.50, 1 refused" in said
    assert "auto-scenes v2 waits for an admin" in said
    assert "it would fire 4 times, queue 32 jobs, 2.1 h of GPU time, 5.60." in said
    assert "3 jobs, 2 messages" in said


def test_a_rule_in_a_refused_loop_cannot_be_switched_on_and_the_cure_is_told() -> None:
    again = rule("again", "cell.failed", submit(Mode.ALL))
    page = [triggers.page(view(again)), triggers.rows(view(again))]
    said = text_of(page)
    assert "refused: loop" in said
    assert "Nothing bounds it." in said
    assert '"disabled": true' in json.dumps(page, cls=PlotlyJSONEncoder)


def test_after_a_halt_the_page_says_so_and_leads_back_by_way_of_the_receipt() -> None:
    halt = trigger_halt.Halt(True, NOW, "Tom", "wrong workflow", (("rules switched off", "5"),))
    said = text_of(triggers.page(view(PACKAGE, halt=halt)))
    assert "All rules are halted by Tom" in said
    assert "rules switched off5" in said
    assert "resume" in said


def test_the_drawing_has_every_rule_once_and_the_table_the_same() -> None:
    chart = draw([SCENES, PACKAGE], Gates("human", "human"))
    nodes = rule_chain.elements(chart, [SCENES, PACKAGE], {SCENES.id: "16 today"})
    labels = [one["data"].get("label", "") for one in nodes if "rule" in one["data"]]
    assert labels == ["auto-scenes\n16 today", "package"]
    ids = {one["data"]["id"] for one in nodes}
    assert all(one["data"]["source"] in ids and one["data"]["target"] in ids for one in nodes if "source" in one["data"])
    assert "package (past scene approval)" in text_of(rule_chain.table(chart, [SCENES, PACKAGE]))


@pytest.mark.parametrize("seed", range(15))
def test_any_rules_can_be_drawn_told_and_opened(seed: int) -> None:
    rules = Chance(seed).rules()
    chart = draw(rules)
    nodes = rule_chain.elements(chart, rules, {})
    ids = [one["data"]["id"] for one in nodes]
    assert len(ids) == len(set(ids))
    assert text_of(triggers.page(triggers.View(rules, chart, NOW)))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_a_template_can_be_read_as_a_sentence_and_tried(template: RuleTemplate) -> None:
    draft = opened(template.rule)
    [found] = read_rule(plain(draft), project=PROJECT).rules
    trial = try_out(found, [], production(cells=CellStatus.REVIEW, stills=CellStatus.APPROVED))
    assert text_of(rule_form.form(draft, NAMES, PROJECT, trial.funnel))
    said = text_of(rule_preview.panel(rule_preview.Preview(found, trial=trial)))
    assert "On today's board this would fire" in said
    assert ("Needs one admin approval" in said) == found.can_generate


def test_a_preview_tells_count_jobs_cost_and_the_first_scenes_by_name() -> None:
    trial = try_out(SCENES, [], production(stills=CellStatus.APPROVED))
    said = text_of(rule_preview.panel(rule_preview.Preview(SCENES, trial=trial)))
    assert "would fire 9 times, queue 72 jobs, 0.15 h of GPU time" in said
    assert "Mara / dance / casual" in said
    assert "Scene approval stops it here." in said


def test_what_is_wrong_with_a_draft_stands_at_its_place() -> None:
    issues = read_rule({"name": "a", "when": "cell.approved", "do": []}, project=PROJECT).issues
    said = text_of(rule_preview.panel(rule_preview.Preview(None, issues)))
    assert "The rule does nothing. Add an action." in said


def test_why_not_marks_what_decided_and_ends_with_the_cure() -> None:
    board = Board(with_cells(production(cells=CellStatus.APPROVED), 3, status=CellStatus.REVIEW))
    event = happened("cell.approved", 1)
    verdict = why(PACKAGE, event, board, NOTHING_BEFORE)
    assert verdict.judged is not None
    missing = [(one, board.cells[one].key) for one in in_the_way(verdict.judged, event, board)]
    said = text_of(rule_why.panel(rule_why.Why(verdict, "Mara / dance / casual", "scene approved", missing)))
    assert "Why did it not fire?" in said
    assert "5 of 6" in said
    assert said.endswith("Approve Mara / close-up / casual, and it fires.Review it")


def test_why_not_has_what_decided_then_where_the_condition_holds_by_now() -> None:
    now = why(PACKAGE, happened("cell.approved", 1), Board(production(cells=CellStatus.APPROVED)), NOTHING_BEFORE)
    then = replace(now, outcome=Outcome.CONDITION_FAILED, reason="every scene of the same character approved (it is 1 of 2)")
    said = text_of(rule_why.panel(rule_why.Why(then, "Mara / dance / casual", "scene approved")))
    assert "did not match. Then: every scene of the same character approved (it is 1 of 2). On today's board it holds:" in said
    assert "6 of 6" in said


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_words(outcome: Outcome) -> None:
    verdict = replace(why(PACKAGE, happened("cell.failed"), Board(production()), NOTHING_BEFORE), outcome=outcome)
    assert rule_why.OUTCOMES[outcome] in text_of(rule_why.panel(rule_why.Why(verdict, "Mara", "scene failed")))


def test_the_log_tells_what_each_rule_made_of_an_event() -> None:
    lines = (
        Line("1", "notify", 2, Outcome.MATCHED, actions=("notify producers",), results=(("done", "sent in 0.4 s"),)),
        Line("2", "pause-column", 1, Outcome.CONDITION_FAILED, "2 of 3 failures"),
    )
    entry = Entry(7, "cell.failed", NOW, "Freya / formal / entrance", "Ann", 0, lines)
    shown = trigger_log.View([entry], NOW, {"fired": 166, "refused": 1}, planned={(7, "1"): Cost(4, 90.0)})
    assert "166 firings, 1 refused" in text_of(trigger_log.page(shown))
    said = text_of(trigger_log.lines(shown))
    assert "scene failed, Freya / formal / entrance, by Ann" in said
    assert "1 firing, 1 not" in said
    assert "2 of 3 failures" in said
    assert "4 jobs, 1 min 30 s GPU" in said


def test_the_log_without_entries_teaches() -> None:
    assert "condition that failed" in text_of(trigger_log.lines(trigger_log.View([], NOW)))


def test_names_are_text_and_long_ones_are_cut_on_the_drawing() -> None:
    name = "<img src=x onerror=alert(1)> " + "long " * 30
    odd = rule(name, "cell.failed", NOTIFY)
    [label] = [one["data"]["label"] for one in rule_chain.elements(draw([odd]), [odd], {}) if "rule" in one["data"]]
    assert len(label) < 60
    assert "dangerously" not in json.dumps([triggers.page(view(odd)), triggers.rows(view(odd))], cls=PlotlyJSONEncoder)
