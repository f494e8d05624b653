"""What an event sets in motion: verdicts with their reasons, the order of rules, effects, fuel, and what is done only once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.rules.evaluation import evaluate, funnel, nearest
from pipeline.domain.rules.facts import measure
from pipeline.domain.rules.model import (
    Action,
    Actions,
    AllOf,
    AnyOf,
    Branch,
    Comparison,
    Fuel,
    Kind,
    Limits,
    NotOf,
    Per,
    Rule,
    Same,
    Scope,
)
from pipeline.domain.rules.planning import Chain, Outcome, Past, Plan, Spent, plan, plan_gathered, why
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board, Left, Snapshot
from pipeline.domain.rules.vocabulary import Operator
from pipeline.domain.statuses import CellStatus, RunStatus
from tests.rule_boards import NOTIFY, PROJECT, at_most, happened, is_, production, rule, submit, with_cells

APPROVED = production(cells=CellStatus.APPROVED, stills=CellStatus.APPROVED)
ALL_DONE = is_("character.all_approved", True)


def planned(snapshot: Snapshot, *rules: Rule, event: str = "cell.approved", subject: int = 1, past: Past = Past()) -> Plan:  # noqa: B008
    return plan(happened(event, subject), Rulebook(rules), Board(snapshot), past)


def outcome(snapshot: Snapshot, one: Rule, **changes: object) -> Outcome:
    [verdict] = planned(snapshot, one, **changes).verdicts  # type: ignore[arg-type]
    return verdict.outcome


def test_fifteen_of_sixteen_is_the_part_that_decided() -> None:
    snapshot = with_cells(production(("Mara",), tuple("abcdefgh"), cells=CellStatus.APPROVED), 7, status=CellStatus.REVIEW)
    condition = AllOf((is_("scene_type", "a"), ALL_DONE, AnyOf((at_most("attempts", 3),))))
    [verdict] = planned(snapshot, rule("package", "cell.approved", NOTIFY, where=condition)).verdicts
    assert verdict.outcome is Outcome.CONDITION_FAILED
    assert verdict.judged is not None and verdict.judged.deciding.condition == ALL_DONE
    assert verdict.reason == "15 of 16"
    assert [part.truth for part in verdict.judged.parts] == [True, False, True]


def test_what_was_not_measured_neither_holds_nor_fails_to_hold() -> None:
    sharp = Comparison("qa.sharpness", Operator.AT_LEAST, 60)
    event, board = happened("cell.approved"), Board(APPROVED)
    assert evaluate(sharp, event, board).truth is None
    assert evaluate(NotOf(sharp), event, board).truth is None
    assert evaluate(AnyOf((sharp, is_("scene_type", "dance"))), event, board).truth is True
    assert outcome(APPROVED, rule("blurred", "cell.approved", NOTIFY, where=NotOf(sharp))) is Outcome.CONDITION_FAILED


def test_a_funnel_counts_what_each_part_lets_through() -> None:
    board = Board(with_cells(APPROVED, 1, 2, 3, is_stale=True))
    looks = [lambda name, one=one: measure(name, happened("cell.approved", one), board) for one in board.cells]
    counted = funnel(AllOf((is_("scene_type", "dance"), is_("stale", False))), looks)
    assert [(part.came, part.passed) for part in counted.parts] == [(18, 6), (6, 5)]
    assert counted.passed == 5


def test_the_nearest_miss_is_the_character_that_the_least_is_missing_of() -> None:
    board = Board(with_cells(with_cells(APPROVED, 1, 2, status=CellStatus.REVIEW), 7, status=CellStatus.FAILED))
    firsts = {"Mara": 2, "Ines": 8}
    looks = [(name, lambda field, one=one: measure(field, happened("cell.approved", one), board)) for name, one in firsts.items()]
    found = nearest(ALL_DONE, looks)
    assert found is not None
    assert (found.name, found.missing, found.first.value) == ("Ines", 1, "5 of 6")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Outcome.MATCHED),
        ({"enabled": False}, Outcome.DISABLED),
        ({"approved": False}, Outcome.WAITS_FOR_APPROVAL),
        ({"where": is_("scene_type", "entrance")}, Outcome.CONDITION_FAILED),
        ({"scope": Scope("another", ("Mara",))}, None),
        ({"scope": Scope(PROJECT, ("Ines",))}, None),
        ({"scope": Scope(PROJECT, ("Ines", "Mara"), ("dance",), ("casual",))}, Outcome.MATCHED),
        ({"scope": Scope(PROJECT, (), ("dance",), ("formal",))}, Outcome.OUT_OF_SCOPE),
        ({"wait_s": 30.0}, Outcome.DEBOUNCED),
        ({"fuel": Fuel(0, 10, 10.0)}, Outcome.OUT_OF_FUEL),
    ],
)
def test_every_rule_that_listens_gets_a_verdict(changes: dict[str, object], expected: Outcome | None) -> None:
    one = rule("tell", "cell.approved", NOTIFY, **changes)
    found = [verdict.outcome for verdict in planned(APPROVED, one).verdicts]
    assert found == ([expected] if expected else [])
    assert why(one, happened("cell.approved"), Board(APPROVED), Past()).outcome is not None


def test_rules_go_by_priority_then_by_age() -> None:
    rules = [rule("young", "cell.approved", NOTIFY, age=9), rule("old", "cell.approved", NOTIFY, age=1)]
    rules.append(rule("urgent", "cell.approved", NOTIFY, age=20, priority=5))
    assert [firing.rule.name for firing in planned(APPROVED, *rules).firings] == ["urgent", "old", "young"]


def test_a_rule_too_deep_in_a_chain_does_not_fire() -> None:
    event = happened("cell.approved", depth=3)
    book = Rulebook([rule("shallow", "cell.approved", NOTIFY, max_depth=3), rule("deep", "cell.approved", NOTIFY)])
    found = plan(event, book, Board(APPROVED), Past(limits=Limits(max_depth=4)))
    assert [(one.outcome, one.reason) for one in found.verdicts] == [
        (Outcome.MATCHED, ""),
        (Outcome.TOO_DEEP, "depth 4, at most 3"),
    ]
    assert [firing.depth for firing in found.firings] == [4]


def test_scenes_of_the_same_character_and_variant_are_submitted_with_what_they_take() -> None:
    auto = rule("auto-scenes", "still.approved", submit(scene_types=Same.ALL), where=is_("kind", "variant"))
    [firing] = planned(production(), auto, event="still.approved", subject=2).firings
    [effect] = firing.effects
    assert effect.names == ("Mara / dance / casual", "Mara / entrance / casual", "Mara / close-up / casual")
    assert effect.stills == (1, 2)
    assert (firing.cost.jobs, firing.cost.gpu_seconds, firing.cost.money) == (15, 92.0, pytest.approx(2.2))


@pytest.mark.parametrize(
    ("mode", "status", "count"),
    [
        (Mode.MISSING, CellStatus.NOT_STARTED, 1),
        (Mode.MISSING, CellStatus.FAILED, 0),
        (Mode.FAILED, CellStatus.FAILED, 1),
        (Mode.FAILED, CellStatus.APPROVED, 0),
        (Mode.ALL, CellStatus.APPROVED, 1),
        (Mode.ALL, CellStatus.GENERATING, 0),
    ],
)
def test_a_submission_takes_up_what_its_mode_says(mode: Mode, status: CellStatus, count: int) -> None:
    snapshot = with_cells(APPROVED, 1, status=status)
    [firing] = planned(snapshot, rule("again", "cell.approved", submit(mode))).firings
    assert (len(firing.effects[0].cells), firing.effects[0].skipped) == (count, 1 - count)


def test_budgets_bind_rules_as_they_bind_people_and_actions_after_a_refusal_are_not_done() -> None:
    snapshot = replace(production(stills=CellStatus.APPROVED), left=Left(gpu_seconds=20.0))
    [firing] = planned(snapshot, rule("auto", "cell.approved", submit(), NOTIFY)).firings
    assert [effect.refusal for effect in firing.effects] == [
        "it needs 30 GPU-seconds and the budget has 20 left",
        "action 1 before it was refused",
    ]
    assert firing.cost.gpu_seconds == 0
    going_on = rule("auto", "cell.approved", do_changes := submit(), NOTIFY)
    going_on = replace(going_on, do=Actions((do_changes, NOTIFY), goes_on=True))
    assert planned(snapshot, going_on).firings[0].effects[1].refusal == ""


def test_two_rules_of_one_event_do_not_submit_the_same_scene_twice_nor_spend_the_same_budget() -> None:
    snapshot = replace(production(stills=CellStatus.APPROVED), left=Left(gpu_seconds=50.0))
    rules = [rule("first", "cell.approved", submit()), rule("second", "cell.approved", submit(scene_types=("dance", "entrance")))]
    first, second = planned(snapshot, *rules).firings
    assert first.effects[0].names == ("Mara / dance / casual",)
    assert second.effects[0].names == ("Mara / entrance / casual",)
    assert second.effects[0].refusal == "it needs 60 GPU-seconds and the budget has 50 left"


def test_a_rule_does_not_set_a_paused_run_going() -> None:
    snapshot = replace(production(stills=CellStatus.APPROVED), status=RunStatus.PAUSED)
    [firing] = planned(snapshot, rule("auto", "cell.approved", submit())).firings
    assert firing.effects[0].refusal == "the run is paused"


def test_fuel_is_counted_for_the_rule_and_for_all_rules_of_a_chain() -> None:
    one = rule("auto", "cell.approved", submit(Mode.ALL), fuel=Fuel(20, 33, 1e6))
    used = Past(Chain({"auto": Spent(3, 30, 90.0)}))
    [verdict] = planned(APPROVED, one, past=used).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.OUT_OF_FUEL, "4 jobs, 3 left")
    others = Past(Chain({"another": Spent(3, 30, 90.0)}), limits=Limits(fuel=Fuel(10, 1000, 100.0)))
    [verdict] = planned(APPROVED, one, past=others).verdicts
    assert verdict.reason == "30 GPU-seconds, 10 left"


def test_a_rule_fires_once_for_a_thing_in_a_chain_and_for_good_where_it_says_so() -> None:
    one = rule("package", "cell.approved", NOTIFY, per=Per.CHARACTER)
    thing = ("character", "Mara")
    assert outcome(APPROVED, one, past=Past(Chain(fired=frozenset({("package", thing)})))) is Outcome.FIRED_IN_CHAIN
    before = Past(once=frozenset({("package", thing)}))
    assert outcome(APPROVED, one, past=before) is Outcome.MATCHED
    assert outcome(APPROVED, replace(one, once=True), past=before) is Outcome.FIRED_ALREADY
    assert outcome(APPROVED, replace(one, once=True), past=before, subject=7) is Outcome.MATCHED


def test_a_branch_needs_its_sample() -> None:
    reliable = Branch(Comparison("character.pass_rate", Operator.ABOVE, 80), 3, Actions((Action(Kind.FLAG),)))
    one = rule("approve", "cell.review", Action(Kind.APPROVE), branch=reliable)
    in_review = with_cells(APPROVED, 1, status=CellStatus.REVIEW)
    few = with_cells(in_review, 1, 2, verdict="pass")
    assert outcome(few, one, event="cell.review") is Outcome.TOO_FEW_MEASURED
    good = with_cells(in_review, 1, 2, 3, verdict="pass")
    bad = with_cells(good, 3, 4, verdict="fail")
    assert [planned(board, one, event="cell.review").firings[0].branch for board in (good, bad)] == ["do", "else"]
    assert planned(good, one, event="cell.review").firings[0].effects[0].names == ("Mara / dance / casual",)


def test_a_branch_on_what_is_simply_known_needs_no_sample() -> None:
    fresh = Branch(at_most("attempts", 1), 1, Actions((Action(Kind.FLAG),)))
    one = rule("fresh", "cell.approved", NOTIFY, branch=fresh)
    boards = (APPROVED, with_cells(APPROVED, 1, attempts=2))
    assert [planned(board, one).firings[0].branch for board in boards] == ["do", "else"]


def test_events_that_were_gathered_make_one_message_and_one_submission_of_all() -> None:
    one = rule("takes", "cell.approved", submit(Mode.ALL, scene_types=("entrance",)), NOTIFY, wait_s=30.0)
    events = [replace(happened("cell.approved", subject), seq=subject, root=subject) for subject in (1, 4, 7)]
    made = plan_gathered(one, events, Board(APPROVED), lambda event: Past())
    [firing] = made.firings
    assert firing.effects[0].names == (
        "Mara / entrance / casual",
        "Mara / entrance / formal",
        "Ines / entrance / casual",
    )
    assert len(firing.effects) == 2
    assert (firing.root, firing.spent.firings) == (1, 1)


def test_matching_costs_grow_with_the_rules_that_can_match() -> None:
    others = [rule(f"other {number}", "cell.failed", NOTIFY) for number in range(500)]
    others += [rule(f"far {number}", "cell.approved", NOTIFY, scope=Scope(PROJECT, ("Yuki",))) for number in range(500)]
    book = Rulebook([*others, rule("near", "cell.approved", NOTIFY)])
    assert [verdict.rule.name for verdict in plan(happened("cell.approved"), book, Board(APPROVED), Past()).verdicts] == ["near"]


def test_while_all_is_halted_nothing_fires_and_the_verdict_says_why() -> None:
    [verdict] = planned(APPROVED, rule("tell", "cell.approved", NOTIFY), past=Past(halted="halted by Tom")).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.HALTED, "halted by Tom")
