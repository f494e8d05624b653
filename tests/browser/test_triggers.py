"""The pages of rules: the list, which rule leads to which as drawing and table, and how they look in any size and theme."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.rules.templates import TEMPLATES
from tests.browser.looks import barriers
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Complaints, Opens
from tests.browser.test_looks import THEMES, at_every_size, told
from tests.factories import PERSON

LONG = "tell everybody of the long and winding story of the lighthouse keeper"
AGAIN = {"name": "again-and-again", "when": "cell.failed", "do": [{"submit": {"mode": "all"}}]}


@pytest.fixture(autouse=True)
def _forgives(complaints: Complaints) -> Iterator[None]:
    """Cytoscape warns of a sensitivity of the wheel that its Dash component always sets, to what is usual."""
    yield
    complaints.forgive("custom wheel sensitivity")


@pytest.fixture(scope="module")
def run(stage: Stage) -> Run:
    """A run whose scenes wait."""
    return stage.create(fresh_production(characters=3, scene_types=3, variants=2, title="Harbor Nights"))


def put(stage: Stage, spec: dict[str, Any], *, enabled: bool = True, approved_by: str = "Ann") -> int:
    """A rule that is everywhere, as if somebody had saved it."""
    with stage.studio.stores.begin(stage.clock.now()) as store:
        return store.triggers.add(
            project_id=None, name=spec["name"], spec={**spec, "everywhere": True}, enabled=enabled, origin="people", by="Ann",
            from_seq=store.journal.last_seq(), now=stage.clock.now(), approved_by=approved_by,
        )  # fmt: skip


def clear(stage: Stage) -> None:
    """No rule at all."""
    with stage.studio.stores.begin(stage.clock.now()) as store:
        for rule in store.triggers.live():
            store.triggers.remove(rule.id, stage.clock.now())


def put_usual(stage: Stage) -> None:
    """The usual rules: one off, one that waits for an admin, one in a loop, one with a long name."""
    clear(stage)
    for template in TEMPLATES:
        waits = template.key == "retry-failed"
        put(stage, dict(template.rule), enabled=template.key != "approve-when-reliable", approved_by="" if waits else "Ann")
    put(stage, AGAIN)
    put(stage, {"name": LONG, "when": "cell.failed", "do": [{"notify": {"to": "producers"}}]})


def test_without_a_rule_the_page_teaches_and_offers_the_usual_ones(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    page = opens("/triggers")
    expect(page.locator("#rail-triggers")).to_have_attribute("aria-current", "page")
    expect(page.locator(".tr-empty")).to_contain_text("when this happens, do that")
    expect(page.locator(".tr-template")).to_have_count(len(TEMPLATES))
    assert not told(barriers(page))


def test_every_rule_is_listed_in_the_order_of_its_turn_with_what_keeps_it_from_firing(
    opens: Opens, stage: Stage, run: Run
) -> None:
    put_usual(stage)
    page = opens("/triggers")
    rows = page.locator(".tr-list tbody tr")
    expect(rows).to_have_count(len(TEMPLATES) + 2)
    expect(rows.first).to_contain_text("pause-column")
    expect(rows.filter(has_text="again-and-again")).to_contain_text("refused: loop")
    expect(rows.filter(has_text="retry-failed")).to_contain_text("waits for an admin")
    expect(rows.filter(has_text="again-and-again").get_by_role("switch")).to_be_disabled()
    expect(page.locator(".tr-next")).to_contain_text("retry-failed v1 waits for an admin")
    expect(page.locator(".tr-loop.refused").first).to_contain_text("Nothing bounds it.")


def test_the_drawing_and_the_table_have_the_same_rules(opens: Opens, stage: Stage, run: Run) -> None:
    put_usual(stage)
    page = opens("/triggers")
    expect(page.locator(".tr-graph canvas").first).to_be_visible()
    expect(page.locator(".tr-table")).not_to_be_visible()
    page.locator("#chain-as-table").click()
    expect(page.locator(".tr-table tbody tr")).to_have_count(len(TEMPLATES) + 2)
    expect(page.locator(".tr-graph")).not_to_be_visible()
    expect(page.locator(".tr-table tr", has_text="auto-scenes").first).to_contain_text("picture approved")
    page.locator("#chain-as-graph").click()
    expect(page.locator(".tr-graph canvas").first).to_be_visible()


def test_keys_lead_to_the_page(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens("/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator("h1", has_text="Triggers")).to_be_visible()


def field(page: Page, path: str) -> Locator:
    """A field of the sentence."""
    return page.locator(f"[id='{json.dumps({'path': path, 'type': 'rule-field'}, separators=(',', ':'))}']")


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_looks_right_in_every_size_and_keeps_nobody_out(opens: Opens, stage: Stage, run: Run, theme: str) -> None:
    put_usual(stage)
    page = opens("/triggers", theme=theme)
    expect(page.locator(".tr-graph canvas").first).to_be_visible()
    assert not told(at_every_size(page))
    assert not told(barriers(page))
    page.locator("#chain-as-table").click()
    assert not told(barriers(page))


def test_a_rule_is_built_by_clicks_previewed_saved_and_approved(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    page = opens("/triggers")
    page.locator(".tr-template", has_text="auto-package").get_by_role("link").click()
    page.get_by_label("Name of the rule").fill("package and tell")
    page.get_by_label("Name of the rule").press("Enter")
    expect(page.locator(".rule-side")).to_contain_text("On today's board this would fire 0 times")
    page.get_by_role("button", name="Do something else, too").click()
    expect(page.locator(".rf-step")).to_have_count(3)
    page.locator(".rf-step").nth(2).locator("select.strong").select_option("submit")
    expect(page.locator(".rule-side")).to_contain_text("Needs one admin approval")
    expect(page.locator("#rule-save")).to_have_text("Save and ask for approval")
    page.locator("#rule-save").click()
    expect(page.locator(".tr-list tbody tr")).to_contain_text("waits for an admin")
    page.locator(".tr-next .btn").click()
    page.locator("#rule-approve").click()
    expect(page.get_by_role("switch", name="package and tell")).to_have_attribute("aria-checked", "true")
    [stored] = stage.studio.triggers.all()
    assert (stored.name, stored.rule.approved, len(stored.rule.do.steps)) == ("package and tell", True, 3)


def test_whoever_goes_on_writing_before_the_page_has_answered_loses_nothing(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    page = opens("/triggers/rule/new")
    written = {"name": "quick", "do.0.text": "all is well", "do.0.to": "crew", "wait_s": "12", "priority": "3"}
    for path, text in written.items():
        field(page, path).click()
        page.keyboard.press("Control+A")
        page.keyboard.type(text, delay=20)
    page.keyboard.press("Tab")
    for path, text in written.items():
        expect(field(page, path)).to_have_value(text)
    expect(page.locator(".rule-side")).to_contain_text("would fire")
    page.locator("#rule-save").click()
    expect(page.locator(".tr-list tbody tr")).to_contain_text("quick")
    [stored] = stage.studio.triggers.all()
    assert (stored.name, stored.rule.wait_s, stored.rule.priority) == ("quick", 12, 3)
    assert stored.spec["do"] == [{"notify": {"to": "crew", "text": "all is well"}}]


def test_whoever_saves_before_the_page_has_answered_saves_what_is_written_there(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    page = opens("/triggers/rule/new")
    page.route("**/_dash-update-component", lambda asked: None if is_change(asked) else asked.continue_())
    field(page, "name").fill("quicker")
    field(page, "wait_s").fill("7")
    page.locator("#rule-save").click()
    expect(page.locator(".tr-list tbody tr")).to_contain_text("quicker")
    [stored] = stage.studio.triggers.all()
    assert (stored.name, stored.rule.wait_s) == ("quicker", 7)


def is_change(asked: Route) -> bool:
    """Whether the page asks what follows from a change of the sentence."""
    return '"output":"..rule-draft.data' in (asked.request.post_data or "")


def test_a_loop_that_nothing_bounds_is_drawn_and_refused(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    page = opens("/triggers/rule/new?template=retry-failed")
    page.get_by_label("Remove the condition").click()
    expect(page.locator(".rf-test")).to_have_count(0)
    page.locator(".rf-step select").last.select_option("all")
    expect(page.locator(".rp-safe")).to_contain_text("Refused, a loop: retry-failed → retry-failed")
    page.locator("#rule-save").click()
    expect(page.locator(".toast-refused")).to_contain_text("Nothing bounds the loop")
    assert stage.studio.triggers.all() == []


def test_everything_is_halted_with_a_receipt_and_goes_on_after_a_look_at_it(opens: Opens, stage: Stage, run: Run) -> None:
    put_usual(stage)
    page = opens("/triggers")
    page.locator("#halt-open").click()
    page.locator("#halt-reason").fill("wrong workflow")
    page.locator("#halt-do").click()
    expect(page.locator(".tr-next.halted")).to_contain_text("wrong workflow")
    assert stage.studio.triggers.halted() == "wrong workflow"
    page.locator("#halt-open").click()
    expect(page.locator(".tr-receipt")).to_contain_text("rules stopped")
    page.locator("#halt-resume").click()
    expect(page.locator("#halt-open")).to_contain_text("Emergency halt")
    assert stage.studio.triggers.halted() == ""


def test_the_red_switch_works_from_the_log_too(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens("/triggers/log")
    page.locator("#halt-open").click()
    page.locator("#halt-do").click()
    expect(page.locator(".tr-next.halted")).to_contain_text("All rules are halted")
    assert stage.studio.triggers.halted()
    stage.studio.triggers.resume(PERSON)


def test_what_rules_gathered_and_what_it_took_is_told_and_a_halt_names_whose_work_it_stopped(
    opens: Opens, stage: Stage, run: Run
) -> None:
    clear(stage)
    made = stage.start(fresh_production(characters=1, scene_types=2, variants=1, title="Gathered"), auto_deliver=False)
    stage.work()
    put(stage, {"name": "anew", "when": "cell.stale", "do": [{"submit": {"mode": "all"}}]})
    put(stage, {"name": "tell", "when": "cell.queued", "wait_s": 0.2, "do": [{"notify": {"to": "producers"}}]})
    keys = [cell.plan.key for cell in stage.cells(made).values()]
    stage.studio.review.mark_stale(made, dict.fromkeys(keys, "new"), PERSON)
    stage.studio.firing.settle()
    while stage.studio.firing.next_due() is not None:
        stage.studio.firing.settle()
    first, second = [event.seq for event in stage.events("cell.queued")][-2:]

    page = opens(f"/triggers/log?event={second}")
    line = page.locator(".tl-entry").first
    expect(line).to_contain_text("gathered with 1 other: see")
    expect(page.locator(".tt-tree")).to_contain_text("gathered 2 events")
    stale = [event.seq for event in stage.events("cell.stale")][-1]
    page = opens(f"/triggers/log?event={stale}")
    expect(page.locator(".tl-cost").first).to_contain_text("4 jobs planned")
    expect(page.locator(".tl-cost").first).to_contain_text("none done, 1 open")
    expect(page.locator(".tt-tree")).to_contain_text("gathered 2 events, one from here")
    expect(page.locator(".tt-tree")).to_contain_text(f"event {first}")
    assert not told(barriers(page))

    page.locator("#halt-open").click()
    page.locator("#halt-work").select_option("queued")
    page.locator("#halt-do").click()
    expect(page.locator(".tr-next.halted")).to_contain_text("All rules are halted")
    page.locator("#halt-open").click()
    expect(page.locator(".modal .tr-receipt")).to_contain_text("asked for by anew")
    expect(page.locator(".modal .tr-receipt")).to_contain_text(f"2 jobs: {', '.join(keys)}")
    assert not told(barriers(page))
    page.locator("#halt-resume").click()
    expect(page.locator("#halt-open")).to_contain_text("Emergency halt")


def test_a_rule_is_switched_where_it_is_listed(opens: Opens, stage: Stage, run: Run) -> None:
    put_usual(stage)
    page = opens("/triggers")
    switch = page.get_by_role("switch", name="pause-column")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    assert not stage.studio.triggers.find("pause-column").enabled


def test_the_log_tells_what_fired_and_why_another_one_did_not(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    when_all = {"field": "character.all_approved", "is": True}
    put(stage, {"name": "tell", "when": "cell.approved", "do": [{"notify": {"to": "producers", "text": "One more."}}]})
    put(stage, {"name": "pack", "when": "cell.approved", "where": when_all, "do": [{"package": {"of": "character"}}]})
    half = Approvals("auto", "human")
    reviewed = stage.start(fresh_production(characters=1, scene_types=2, variants=1, title="Two scenes", approvals=half))
    stage.work()
    first = next(iter(stage.cells(reviewed).values()))
    stage.studio.review.approve(reviewed, Selection(keys=(first.plan.key,)), PERSON)
    stage.studio.firing.settle()

    page = opens("/triggers/log")
    entry = page.locator(".tl-entry", has_text=first.plan.key).first
    expect(entry).to_contain_text("scene approved")
    expect(entry).to_contain_text("1 firing, 1 not")
    entry.locator(".tl-why", has_text="pack").click()
    expect(page.locator(".rule-side")).to_contain_text("Why did it not fire?")
    expect(page.locator(".rw-tree .decides")).to_contain_text("1 of 2")
    expect(page.locator(".rw-cure")).to_contain_text("and it fires.")
    entry.locator(".tl-followed").click()
    expect(page.locator(".tt-tree")).to_contain_text("notify producers")
    expect(page.locator(".tt-total")).to_contain_text("In all 1 firing")
    page.locator(".chip", has_text="did not match").click()
    expect(page.locator(".chip[aria-pressed=true]")).to_contain_text("did not match")
    expect(page.locator(".tl-entry").first).to_be_visible()
    assert not told(barriers(page))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("path", ["/triggers/rule/new?template=approve-when-reliable", "/triggers/log"])
def test_the_other_pages_look_right_and_keep_nobody_out(opens: Opens, stage: Stage, run: Run, theme: str, path: str) -> None:
    page = opens(path, theme=theme)
    expect(page.locator(".rule-side")).to_be_visible()
    assert not told(at_every_size(page))
    assert not told(barriers(page))


def test_the_counts_of_conditions_change_while_the_fields_stay(opens: Opens, stage: Stage) -> None:
    clear(stage)
    stage.start(fresh_production(characters=2, scene_types=1, variants=1, title="Lagoon", approvals=Approvals("auto", "human")))
    stage.work()
    page = opens("/triggers/rule/new?template=retry-failed")
    field(page, "when.0").select_option("cell.review")
    value, counts = field(page, "where.parts.0.value"), page.locator(".rf-flow .num").first
    expect(counts).to_have_text("2 → 2")
    value.evaluate("field => { field.dataset.seen = 'yes' }")
    value.fill("0")
    page.keyboard.press("Tab")
    expect(counts).to_have_text("2 → 0")
    expect(value).to_have_attribute("data-seen", "yes")
