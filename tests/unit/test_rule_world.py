"""How a simulation follows work: what waits for what, what is done anew, and what belongs to which chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.domain.choices import Mode
from pipeline.domain.rules.assumptions import Link
from pipeline.domain.rules.chains import Course, simulate
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.model import Action, Actions, Kind, Per, Rule, Same
from pipeline.domain.rules.planning import NOTHING_BEFORE, Outcome, Past
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Gates, Snapshot
from pipeline.domain.rules.under_way import NOTHING_UNDER_WAY, Doing, Parcel, UnderWay, Waiting
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus
from tests.rule_boards import NOTIFY, happened, is_, production, rule, submit, with_cells

AUTO = Gates("auto", "auto")
FINAL = production(
    ("Mara",), ("dance", "entrance"), ("casual",), cells=CellStatus.APPROVED, stills=CellStatus.APPROVED, gates=AUTO
)
"""Two scenes, 1 and 2, of two segments each, that are approved. The run delivers by itself."""
QUIET = replace(FINAL, delivers_by_itself=False)
PACKAGE = Action(Kind.PACKAGE)
QA = Action(Kind.QA)
STAGES = ("cell.generating", "scene_generation.completed", "scene_qa.completed", "cell.review", "export.completed")


def course(
    snapshot: Snapshot, *rules: Rule, events: Sequence[Occurrence], under_way: UnderWay = NOTHING_UNDER_WAY,
    past: Past = NOTHING_BEFORE,
) -> Course:  # fmt: skip
    return simulate(events, Rulebook(rules), snapshot, under_way=under_way, past=past)


def listener(*events: str, **changes: object) -> Rule:
    """A rule that only hears, so that a course tells of these events."""
    return rule("listen", events, NOTIFY, enabled=False, **changes)


def told(found: Course) -> list[tuple[str, int]]:
    return [(made.event.type, made.event.subject_id) for made in found.plans]


def done(found: Course) -> list[tuple[str, list[bool]]]:
    """The firings with what of each was done."""
    return [
        (one.rule.name, [not each.refusal and (number, each.number) not in found.undone for each in one.effects])
        for number, one in enumerate(found.firings)
    ]


STALE = happened("cell.stale", 1)


def test_work_that_is_under_way_goes_on_and_wakes_rules_where_that_is_asked_for() -> None:
    snapshot = with_cells(QUIET, 1, status=CellStatus.GENERATING, take=2)
    jobs = (Doing(Stage.SCENE_GENERATION, 1, 2, 2),)
    ready = rule("ready", "cell.approved", NOTIFY)
    assert course(snapshot, ready, events=[STALE], under_way=UnderWay(jobs=jobs)).firings == ()
    [fired] = course(snapshot, ready, events=[STALE], under_way=UnderWay(is_followed=True, jobs=jobs)).firings
    assert (fired.depth, fired.root) == (1, fired.events[0].seq)


def test_work_that_a_rule_asked_for_before_goes_on_in_its_chain_until_a_person_decides() -> None:
    snapshot = with_cells(QUIET, 1, status=CellStatus.GENERATING, take=2)
    jobs, links = (Doing(Stage.SCENE_GENERATION, 1, 2, 2),), {(Subject.CELL, 1): Link(7, 3)}
    work = UnderWay(is_followed=True, jobs=jobs, links=links)
    ready = rule("ready", "cell.approved", NOTIFY)
    [fired] = course(snapshot, ready, events=[STALE], under_way=work).firings
    assert (fired.root, fired.depth) == (7, 4)
    [fired] = course(snapshot, ready, events=[happened("cell.rejected", 1)], under_way=work).firings
    assert (fired.root, fired.depth) == (fired.events[0].seq, 1)


def test_scenes_that_are_queued_already_begin_when_their_pictures_are_approved() -> None:
    snapshot = production(("Mara",), ("dance",), ("casual",), gates=AUTO, stills=CellStatus.APPROVED)
    snapshot = replace(snapshot, delivers_by_itself=False, stills=(snapshot.stills[0], replace(
        snapshot.stills[1], status=CellStatus.GENERATING, take=1)))  # fmt: skip
    snapshot = with_cells(snapshot, 1, status=CellStatus.QUEUED, take=1)
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.VARIANT_QA, 2, 1, 1),))
    found = course(snapshot, listener("still.approved", *STAGES), events=[STALE], under_way=work)
    assert told(found) == [
        ("still.approved", 2), ("cell.generating", 1), ("scene_generation.completed", 1), ("scene_generation.completed", 1),
        ("scene_qa.completed", 1), ("cell.review", 1), ("export.completed", 1),
    ]  # fmt: skip


def test_measuring_a_scene_again_makes_what_follows_in_it_part_of_the_chain() -> None:
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.EXPORT, 1, 1, 1),))
    measure = rule("measure", "cell.stale", QA)
    after = rule("after", "export.completed", NOTIFY)
    found = course(QUIET, measure, after, events=[STALE], under_way=work)
    assert [(one.rule.name, one.depth, one.root) for one in found.firings] == [("measure", 1, 1), ("after", 2, 1)]


def test_a_package_waits_for_the_exports_of_what_it_holds() -> None:
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.EXPORT, 1, 1, 1), Doing(Stage.EXPORT, 2, 1, 1)))
    parcel = rule("parcel", "cell.stale", PACKAGE)
    heard = listener("export.completed", "delivery.packaging", "delivery.sealed")
    found = course(QUIET, parcel, heard, events=[STALE], under_way=work)
    assert [type for type, _ in told(found)][1:] == [*["export.completed"] * 2, "delivery.packaging", "delivery.sealed"]


def test_a_package_that_was_waiting_when_it_began_is_made_and_belongs_to_its_chain() -> None:
    waiting = Waiting((None,), Link(9, 2))
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.EXPORT, 1, 1, 1),), packages=(waiting,))
    [fired] = course(QUIET, rule("sealed", "delivery.sealed", NOTIFY), events=[STALE], under_way=work).firings
    assert (fired.root, fired.depth) == (9, 3)


def test_what_is_packaged_already_is_not_packaged_beside_it_and_the_rest_of_the_rule_is_left_out() -> None:
    twice = rule("twice", "cell.stale", PACKAGE, PACKAGE, NOTIFY)
    assert done(course(QUIET, twice, events=[STALE])) == [("twice", [True, False, False])]
    going_on = replace(twice, do=replace(twice.do, goes_on=True))
    assert done(course(QUIET, going_on, events=[STALE])) == [("twice", [True, False, True])]


def test_a_package_that_has_waited_in_vain_is_not_done() -> None:
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.EXPORT, 1, 1, 1),))
    rules = (rule("parcel", "cell.stale", PACKAGE), rule("halt", "export.completed", Action(Kind.PAUSE)))
    found = course(QUIET, *rules, events=[STALE], under_way=work)
    assert done(found) == [("parcel", [False]), ("halt", [True])]


def test_a_run_that_has_delivered_what_is_approved_does_not_deliver_it_again() -> None:
    takes = {cell.key: cell.take for cell in FINAL.cells}
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.EXPORT, 1, 1, 1),), parcels=(Parcel(3, None, takes, is_sealed=True),))
    heard = listener("delivery.packaging")
    assert told(course(FINAL, heard, events=[STALE], under_way=work)) == []
    assert len(told(course(FINAL, heard, events=[STALE], under_way=replace(work, parcels=())))) == 1
    completed = listener("run.completed")
    assert [type for type, _ in told(course(FINAL, completed, events=[STALE], under_way=work))] == ["run.completed"]


def test_a_delivery_is_not_sealed_when_what_it_holds_is_made_anew_meanwhile() -> None:
    heard = listener("delivery.completed", "delivery.sealed", "delivery.packaging")
    everything = submit(Mode.ALL, scene_types=Same.ALL, variants=Same.ALL)
    rules = (rule("parcel", "cell.stale", PACKAGE), rule("anew", "delivery.packaging", everything, per=Per.RUN, once=True))
    types = [type for type, _ in told(course(FINAL, *rules, heard, events=[STALE]))]
    ends = [type for type in types if type in ("delivery.completed", "delivery.sealed")]
    assert ends == ["delivery.completed", "delivery.completed", "delivery.sealed"]


def test_a_paused_scene_type_is_still_checked_and_exported() -> None:
    snapshot = with_cells(replace(QUIET, paused_scene_types=frozenset({"dance"})), 1, status=CellStatus.GENERATING)
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.SCENE_QA, 1, 1, 1), Doing(Stage.SCENE_GENERATION, 2, 1, 1)))
    found = course(snapshot, listener("cell.review", "export.completed"), events=[STALE], under_way=work)
    assert ("export.completed", 1) in told(found)


def test_a_failed_take_goes_on_where_it_stopped_and_before_takes_that_are_made_anew() -> None:
    snapshot = with_cells(QUIET, 2, status=CellStatus.FAILED)
    work = UnderWay(is_followed=True, jobs=(Doing(Stage.SCENE_GENERATION, 2, 1, 2, is_failed=True),))
    again = rule("again", "cell.stale", submit(Mode.ALL, scene_types=Same.ALL), once=True)
    found = course(snapshot, again, listener("cell.queued", "scene_generation.completed"), events=[STALE], under_way=work)
    assert told(found)[1:] == [
        ("cell.queued", 2), ("cell.queued", 1), ("scene_generation.completed", 2), ("scene_generation.completed", 1),
        ("scene_generation.completed", 1),
    ]  # fmt: skip


def test_all_candidates_of_a_picture_are_asked_for_at_once() -> None:
    snapshot = production(("Mara", "Ines"), ("dance",), ("casual",), gates=AUTO)
    sources = [replace(one, status=CellStatus.APPROVED) if one.candidates == 1 else one for one in snapshot.stills]
    start = rule("start", "run.created", submit(characters=Same.ALL, scene_types=Same.ALL, variants=Same.ALL))
    found = course(
        replace(snapshot, stills=tuple(sources)),
        start,
        listener("variant_generation.completed"),
        events=[happened("run.created")],
    )
    assert told(found)[1:] == [("variant_generation.completed", key) for key in (2, 2, 4, 4)]


def test_nothing_is_measured_of_a_new_take_until_it_is_checked() -> None:
    snapshot = with_cells(QUIET, 1, 2, verdict="pass", qa={"sharpness": 70.0})
    again = rule("again", "cell.stale", submit(Mode.ALL))
    look = rule("look", ("cell.queued", "scene_qa.completed"), NOTIFY, where=is_("qa.verdict", "pass"))
    found = course(snapshot, again, look, events=[STALE])
    outcomes = [(made.event.type, verdict.outcome) for made in found.plans for verdict in made.verdicts if verdict.rule is look]
    assert outcomes == [("cell.queued", Outcome.CONDITION_FAILED), ("scene_qa.completed", Outcome.MATCHED)]


def test_rules_that_wait_fire_by_the_length_of_their_wait_and_each_event_counts_in_its_own_chain() -> None:
    slow, quick = rule("slow", "cell.stale", NOTIFY, wait_s=60.0), rule("quick", "cell.stale", NOTIFY, wait_s=5.0)
    found = course(QUIET, slow, quick, events=[STALE, replace(happened("cell.stale", 2), seq=2, root=2)])
    assert [(one.rule.name, len(one.events)) for one in found.firings] == [("quick", 2), ("slow", 2)]
    for_the_run = rule("run", ("cell.stale", "cell.queued"), NOTIFY, wait_s=5.0, per=Per.RUN)
    again = rule("again", "run.submitted", submit(Mode.ALL, characters=Same.ALL, scene_types=Same.ALL, variants=Same.ALL))
    events = [STALE, replace(happened("run.submitted"), seq=2, root=2)]
    fired = [one for one in course(QUIET, for_the_run, again, events=events).firings if one.rule is for_the_run]
    assert [(one.root, len(one.events)) for one in fired] == [(1, 3)]


def test_what_a_rule_that_fires_once_has_fired_for_is_known() -> None:
    once = rule("once", "cell.stale", NOTIFY, once=True)
    found = course(QUIET, once, events=[STALE], past=Past(once=frozenset({("once", ("cell", "1"))})))
    assert found.firings == ()


def test_a_rule_does_not_undo_a_pause_that_came_just_before() -> None:
    halt = rule("halt", "cell.stale", Action(Kind.PAUSE), priority=9)
    more = Rule("more", "more", ("cell.stale",), Actions((submit(Mode.ALL), PACKAGE, Action(Kind.PAUSE)), goes_on=True))
    found = course(QUIET, halt, more, events=[STALE])
    assert [effect.refusal for effect in found.firings[1].effects] == ["the run is paused"] * 3
    assert found.ended == "paused"


def test_a_scene_that_is_asked_for_anew_just_before_is_not_approved() -> None:
    snapshot = with_cells(QUIET, 1, status=CellStatus.REVIEW)
    both = rule("both", "cell.stale", submit(Mode.ALL), Action(Kind.APPROVE), NOTIFY)
    [fired] = course(snapshot, both, events=[STALE]).firings
    assert [bool(effect.refusal) for effect in fired.effects] == [False, True, True]
