"""What would follow to the end, and loops: which are refused, which are allowed and why."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.rules.assumptions import Assumption, People
from pipeline.domain.rules.chains import Course, simulate
from pipeline.domain.rules.loops import analyse
from pipeline.domain.rules.model import Action, AllOf, Comparison, Fuel, Kind, Per, Rule, Same, Scope
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Gates, Snapshot, StillFacts
from pipeline.domain.rules.vocabulary import Operator
from pipeline.domain.statuses import CellStatus, StillKind
from tests.rule_boards import NOTIFY, at_most, happened, is_, production, rule, submit

APPROVE_ALL = Assumption(People.APPROVE)
AUTO = Gates("auto", "auto")
HUMAN = Gates()
READY = production(stills=CellStatus.APPROVED)
AUTO_SCENES = rule("auto-scenes", "still.approved", submit(scene_types=Same.ALL), where=is_("kind", "variant"))
PACKAGE = rule(
    "package", "cell.approved", Action(Kind.PACKAGE, of="character"), where=is_("character.all_approved", True), per=Per.CHARACTER
)
RETRY = rule("retry", "cell.failed", submit(Mode.FAILED))


def course(snapshot: Snapshot, *rules: Rule, event: str, subject: int = 1, **how: Assumption) -> Course:
    return simulate([happened(event, subject)], Rulebook(rules), snapshot, **how)  # type: ignore[arg-type]


def types(found: Course) -> list[str]:
    return [made.event.type for made in found.plans]


def test_a_chain_stops_where_a_person_decides_and_says_what_waits() -> None:
    found = course(READY, AUTO_SCENES, event="still.approved", subject=2)
    assert found.ended == "quiet"
    assert [stop.key for stop in found.stops] == ["Mara / dance / casual", "Mara / entrance / casual", "Mara / close-up / casual"]
    assert (found.depth, len(found.cells), found.cost.jobs, found.cost.gpu_seconds) == (1, 3, 12, 90.0)


def test_work_that_needs_a_picture_stops_at_the_picture() -> None:
    everyone = rule("all", "run.created", submit(characters=Same.ALL, variants=Same.ALL, scene_types=("dance",)))
    found = course(production(), everyone, event="run.created")
    assert {stop.gate for stop in found.stops} == {"variant"}
    assert len(found.blocked) == len(found.stops) == 6


def test_with_people_who_approve_it_goes_on_and_their_decisions_begin_chains() -> None:
    rules = (AUTO_SCENES, PACKAGE)
    snapshot = production(("Mara",), looks=("casual",), stills=CellStatus.APPROVED)
    found = course(snapshot, *rules, event="still.approved", subject=2, assumption=APPROVE_ALL)
    assert [(firing.rule.name, firing.depth) for firing in found.firings] == [("auto-scenes", 1), ("package", 1)]
    assert found.firings[1].root != found.firings[0].root
    assert found.what_woke(1) == {0}
    assert found.stops == ()


def test_with_automatic_gates_all_is_one_chain() -> None:
    snapshot = production(("Mara",), looks=("casual",), stills=CellStatus.APPROVED, gates=AUTO)
    found = course(snapshot, AUTO_SCENES, PACKAGE, event="still.approved", subject=2)
    assert [(firing.rule.name, firing.depth, firing.root) for firing in found.firings] == [
        ("auto-scenes", 1, 1),
        ("package", 2, 1),
    ]


def test_the_pipeline_tells_its_events_in_its_own_order() -> None:
    stages = ("run.submitted", "cell.queued", "still.queued", "still.generating", "source_qa.completed", "still.review",
              "still.approved", "variant_generation.completed", "variant_qa.completed", "cell.generating",
              "scene_generation.completed", "scene_qa.completed", "assembly.completed", "cell.review", "cell.approved",
              "export.completed", "delivery.packaging", "delivery.completed", "delivery.sealed", "run.completed")  # fmt: skip
    snapshot = production(("Mara",), ("dance",), ("casual",), gates=AUTO)
    start = rule("start", "run.created", submit(characters=Same.ALL, scene_types=Same.ALL, variants=Same.ALL), age=0)
    listener = rule("listen", stages, NOTIFY, enabled=False)
    found = types(course(snapshot, start, listener, event="run.created"))
    still = ["still.generating", "source_qa.completed", "still.review", "still.approved"]
    image = ["still.generating", *["variant_generation.completed"] * 2, "variant_qa.completed", "still.review", "still.approved"]
    scene = ["cell.generating", *["scene_generation.completed"] * 2, "scene_qa.completed", "assembly.completed", "cell.review"]
    end = ["cell.approved", "export.completed", "delivery.packaging", "delivery.completed", "delivery.sealed", "run.completed"]
    asked = ["run.created", "run.submitted", "cell.queued", "still.queued", "still.queued"]
    assert found == [*asked, *still, *image, *scene, *end]


def test_a_loop_that_only_fuel_bounds_ends_with_its_fuel() -> None:
    again = replace(RETRY, per=Per.SUBJECT, fuel=Fuel(5, 1000, 1e6))
    snapshot = production(cells=CellStatus.FAILED, stills=CellStatus.APPROVED)
    found = course(snapshot, again, event="cell.failed", assumption=Assumption(scenes_fail=True))
    assert found.ended == "quiet"
    assert len(found.firings) == 1  # the second time it has fired for this scene in this chain already


def test_a_paused_scene_type_is_not_gone_on_with() -> None:
    many_failed = Comparison("scene_type.failed", Operator.AT_LEAST, 3)
    column = rule("column", "cell.failed", Action(Kind.PAUSE, of="scene_type"), where=many_failed, priority=9)
    snapshot = production(cells=CellStatus.FAILED, stills=CellStatus.APPROVED)
    found = course(snapshot, column, RETRY, event="cell.failed")
    assert [firing.rule.name for firing in found.firings] == ["column", "retry"]
    assert found.blocked == ("Mara / dance / casual",)


def test_a_simulation_over_ten_thousand_scenes_is_quick() -> None:
    people, kinds = tuple(f"person {n}" for n in range(100)), tuple(f"type {n}" for n in range(50))
    snapshot = production(people, kinds, stills=CellStatus.APPROVED, gates=AUTO)
    began = time.process_time()
    found = course(snapshot, replace(AUTO_SCENES, fuel=Fuel(9, 999, 1e9)), PACKAGE, event="still.approved", subject=2)
    assert len(snapshot.cells) == 10_000
    assert len(found.cells) == 50
    assert time.process_time() - began < 5


def test_a_simulation_that_takes_in_too_much_is_cut_short_and_says_so() -> None:
    found = simulate([happened("still.approved", 2)], Rulebook([AUTO_SCENES]), READY, most_events=5)
    assert (found.ended, found.events) == ("cut short", 5)


# Loops ----------------------------------------------------------------------------------------------------------


def test_a_rule_that_asks_for_the_scene_again_when_it_fails_is_refused_with_a_cure() -> None:
    [loop] = analyse([RETRY], HUMAN).loops
    assert (loop.words, loop.is_refused) == ("retry → retry", True)
    assert loop.cure == 'Add "attempts ≤ 2" to the conditions of retry.'


@pytest.mark.parametrize(
    ("changes", "bound"),
    [
        ({"where": at_most("attempts", 2)}, "the attempts that retry allows are used up"),
        ({"where": AllOf((is_("stale", False), at_most("attempts", 2)))}, "the attempts that retry allows are used up"),
        ({"once": True}, "retry fires once for each scene or picture"),
        ({"do": replace(RETRY.do, steps=(submit(),))}, "retry submits only scenes that were never made"),
    ],
)
def test_a_loop_that_state_bounds_is_allowed_with_the_reason(changes: dict[str, object], bound: str) -> None:
    [loop] = analyse([replace(RETRY, **changes)], HUMAN).loops  # type: ignore[arg-type]
    assert loop.bounds == (bound,)
    assert not loop.is_refused


def test_what_listens_to_close_ups_and_makes_others_cannot_wake_itself() -> None:
    final = rule(
        "final-takes", "cell.approved", submit(Mode.ALL, scene_types=("entrance", "dance")), where=is_("scene_type", "close-up")
    )
    found = analyse([final], AUTO)
    assert found.loops == ()
    assert not found.may_wake("final-takes", "final-takes")
    wider = replace(final, where=Comparison("scene_type", Operator.IS_NOT, "finale"))
    assert analyse([wider], AUTO).refused


def test_a_gate_of_people_bounds_a_loop_and_an_automatic_one_does_not() -> None:
    again = rule("again", "cell.approved", submit(Mode.ALL))
    [loop] = analyse([again], HUMAN).loops
    assert loop.bounds == ("a person decides at scene approval",)
    assert analyse([again], AUTO).refused
    assert analyse([again], Gates(scenes_of={"Mara": "auto"})).refused
    only_ines = replace(again, scope=Scope(characters=("Ines",)))
    assert not analyse([only_ines], Gates(scenes_of={"Mara": "auto"})).refused


def test_a_loop_over_two_rules_is_told_once_as_a_circle() -> None:
    there = rule("A", "cell.failed", submit(Mode.ALL, scene_types=("dance",)), where=is_("scene_type", "entrance"))
    back = rule("B", "cell.failed", submit(Mode.ALL, scene_types=("entrance",)), where=is_("scene_type", "dance"))
    assert [loop.words for loop in analyse([there, back], HUMAN).refused] == ["A → B → A"]
    apart = [replace(there, scope=Scope("one")), replace(back, scope=Scope("two"))]
    assert analyse(apart, HUMAN).loops == ()


@pytest.mark.parametrize("kind", ["source", "plate"])
def test_pictures_that_scenes_need_wake_rules_without_a_person(kind: str) -> None:
    start = rule("start", "run.created", submit(characters=Same.ALL, scene_types=Same.ALL, variants=Same.ALL))
    checked = rule("checked", "still.approved", NOTIFY, where=is_("kind", kind))
    assert analyse([start, checked], HUMAN).may_wake("start", "checked")
    snapshot = production(("Mara",), ("dance",), ("casual",))
    plate = StillFacts(3, "Warehouse", StillKind.PLATE, location="Warehouse", candidates=0)
    cells = tuple(replace(one, stills=(2, 3), location="Warehouse") for one in snapshot.cells)
    found = course(replace(snapshot, cells=cells, stills=(*snapshot.stills, plate)), start, checked, event="run.created")
    assert [firing.rule.name for firing in found.firings] == ["start", "checked"]
    edges = [edge for edge in analyse([start, checked], HUMAN).edges if edge.target == "checked"]
    assert [way.gate for edge in edges for way in edge.ways] == [""]


def test_attempts_do_not_bound_what_needs_no_attempt() -> None:
    measure = rule("measure", "scene_qa.completed", Action(Kind.QA), where=at_most("attempts", 2))
    [loop] = analyse([measure], HUMAN).loops
    assert loop.cure == "Let measure fire only once for each scene or picture."


def test_an_approval_that_leads_to_an_approval_needs_something_new_in_review() -> None:
    rules = [rule("accept", ("cell.review", "cell.approved"), Action(Kind.APPROVE))]
    [loop] = analyse(rules, HUMAN).loops
    assert loop.bounds == ("each approval needs something new in review",)


def test_deliveries_come_anew_so_that_once_for_each_does_not_bound_them() -> None:
    parcel = rule("parcel", "delivery.sealed", Action(Kind.PACKAGE), once=True)
    [loop] = analyse([parcel], HUMAN).loops
    assert loop.cure == "Let parcel fire only once for the run."
    assert not analyse([replace(parcel, per=Per.RUN)], HUMAN).refused
