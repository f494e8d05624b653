"""Small productions and rules for tests of triggers, and strategies that make many of both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from pipeline.domain.choices import Mode
from pipeline.domain.rules.assumptions import Assumption, People
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.model import (
    Action,
    Actions,
    AllOf,
    AnyOf,
    Branch,
    Comparison,
    Condition,
    Fuel,
    Kind,
    NotOf,
    Per,
    Rule,
    Same,
    Scope,
    Selection,
)
from pipeline.domain.rules.snapshot import CellFacts, Cost, Gates, SceneTypeFacts, Snapshot, StillFacts
from pipeline.domain.rules.vocabulary import EVENTS, Operator, Subject
from pipeline.domain.statuses import CellStatus, RunStatus, StillKind

PEOPLE = ("Mara", "Ines", "Yuki")
LOOKS = ("casual", "formal")
TYPES = ("dance", "entrance", "close-up")
PROJECT = "Harbor Nights"


def production(
    people: tuple[str, ...] = PEOPLE,
    types: tuple[str, ...] = TYPES,
    looks: tuple[str, ...] = LOOKS,
    *,
    cells: CellStatus = CellStatus.NOT_STARTED,
    stills: CellStatus = CellStatus.NOT_STARTED,
    **changes: Any,
) -> Snapshot:
    """A matrix of people × looks × types, every scene and every picture in one status. Ids count from 1 in that order."""
    made_stills: list[StillFacts] = []
    made_cells: list[CellFacts] = []
    tries = int(cells not in (CellStatus.NOT_STARTED, CellStatus.CANCELLED))
    for person in people:
        source = StillFacts(len(made_stills) + 1, person, StillKind.SOURCE, person, status=stills)
        made_stills.append(source)
        for look in looks:
            image = StillFacts(
                len(made_stills) + 1, f"{person} / {look}", StillKind.VARIANT, person, look, candidates=2, status=stills,
                needs=(source.id,), cost=Cost(3, 2.0, 1000, 0.1),
            )  # fmt: skip
            made_stills.append(image)
            for kind in types:
                key = f"{person} / {kind} / {look}"
                made_cells.append(
                    CellFacts(len(made_cells) + 1, key, kind, person, look, status=cells, take=tries, attempts=tries,
                              stills=(image.id,))
                )  # fmt: skip
    facts = {name: SceneTypeFacts(name, 1080, 2, 6.0, Cost(4, 30.0, 5000, 0.7)) for name in types}
    whole = Snapshot(1, PROJECT, RunStatus.RUNNING, tuple(made_cells), tuple(made_stills), facts)
    return replace(whole, **changes)


def with_cells(snapshot: Snapshot, *ids: int, **changes: Any) -> Snapshot:
    """The production with some of its scenes changed."""
    return replace(snapshot, cells=tuple(replace(one, **changes) if one.id in ids else one for one in snapshot.cells))


def happened(type: str, subject_id: int = 1, **changes: Any) -> Occurrence:
    """An event that a person has caused."""
    return Occurrence(1, type, EVENTS[type].subject, subject_id, **{"by": "person", "root": 1, **changes})


def rule(name: str, events: str | tuple[str, ...], *steps: Action, **changes: Any) -> Rule:
    """A rule that does these things one after the other."""
    names = (events,) if isinstance(events, str) else events
    return Rule(name, name, names, Actions(steps), **changes)


def submit(mode: Mode = Mode.MISSING, **selection: Any) -> Action:
    """Ask for scenes; by default for those of the event."""
    return Action(Kind.SUBMIT, Selection(**selection), mode)


NOTIFY = Action(Kind.NOTIFY, to="producers", text="look")


def is_(field: str, value: Any) -> Comparison:
    """A field that is a value."""
    return Comparison(field, Operator.IS, value)


def at_most(field: str, value: float) -> Comparison:
    """A field that is at most a value."""
    return Comparison(field, Operator.AT_MOST, value)


# Strategies -----------------------------------------------------------------------------------------------------

CELL_EVENTS = (
    "cell.queued", "cell.generating", "cell.review", "cell.approved", "cell.rejected", "cell.failed", "scene_qa.completed",
    "assembly.completed", "export.completed", "scene_generation.completed", "scene_generation.failed",
)  # fmt: skip
STILL_EVENTS = ("still.queued", "still.review", "still.approved", "still.rejected", "variant_qa.completed", "source_qa.completed")
OTHER_EVENTS = (
    "run.submitted", "run.running", "run.paused", "run.completed", "delivery.packaging", "delivery.completed", "delivery.sealed",
)  # fmt: skip


def names_of(known: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """What a selection may say of these names."""
    some = st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True).map(tuple)
    return st.one_of(st.sampled_from([Same.SAME, Same.ALL]), some)


selections = st.builds(Selection, names_of(PEOPLE), names_of(TYPES), names_of(LOOKS))
_steps = {
    Subject.CELL: [Kind.SUBMIT] * 4 + [Kind.QA, Kind.ASSEMBLE, Kind.PACKAGE, Kind.APPROVE, Kind.NOTIFY, Kind.FLAG, Kind.PAUSE],
    Subject.STILL: [Kind.SUBMIT] * 4 + [Kind.APPROVE, Kind.NOTIFY, Kind.PACKAGE],
    Subject.RUN: [Kind.SUBMIT, Kind.SUBMIT, Kind.PACKAGE, Kind.NOTIFY, Kind.PAUSE],
}


def actions_for(subject: Subject) -> st.SearchStrategy[Actions]:
    """One to three things to do for events about such a thing."""
    step = st.builds(
        Action,
        kind=st.sampled_from(_steps[subject]),
        selection=selections,
        mode=st.sampled_from(Mode),
        of=st.sampled_from(["run", "run", "scene_type"]) if subject is Subject.CELL else st.just("run"),
        to=st.just("producers"),
    ).map(lambda one: replace(one, of="run") if one.kind is Kind.PACKAGE else one)
    steps = st.lists(step, min_size=1, max_size=3).map(tuple)
    return st.builds(Actions, steps, at_once=st.booleans(), goes_on=st.booleans())


def comparisons(subject: Subject) -> st.SearchStrategy[Comparison]:
    """A comparison of a field that such events have."""
    number = st.builds(
        Comparison,
        st.sampled_from(["run.approved", "run.open"] if subject is Subject.RUN else ["attempts", "take", "run.open", "depth"]),
        st.sampled_from([Operator.AT_MOST, Operator.AT_LEAST, Operator.BELOW, Operator.ABOVE]),
        st.integers(0, 4),
    )
    if subject is Subject.RUN:
        return number
    known = [("character", PEOPLE), ("variant", LOOKS)] + ([("scene_type", TYPES)] if subject is Subject.CELL else [])
    single = st.sampled_from(known).flatmap(
        lambda one: st.builds(
            Comparison, st.just(one[0]), st.sampled_from([Operator.IS, Operator.IS_NOT]), st.sampled_from(one[1])
        )
    )
    several = st.sampled_from(known).flatmap(
        lambda one: st.builds(
            Comparison,
            st.just(one[0]),
            st.sampled_from([Operator.IN, Operator.NOT_IN]),
            st.lists(st.sampled_from(one[1]), min_size=1, max_size=2).map(tuple),
        )
    )
    extra = st.just(is_("kind", "variant")) if subject is Subject.STILL else st.just(is_("stale", False))
    return st.one_of(number, single, single, several, extra)


def conditions(subject: Subject) -> st.SearchStrategy[Condition]:
    """A tree over comparisons of such events."""
    return st.recursive(
        comparisons(subject),
        lambda part: st.one_of(
            st.builds(AllOf, st.lists(part, max_size=3).map(tuple)),
            st.builds(AnyOf, st.lists(part, min_size=1, max_size=3).map(tuple)),
            st.builds(NotOf, part),
        ),
        max_leaves=4,
    )


scopes = st.builds(
    Scope,
    project=st.sampled_from([None, PROJECT, PROJECT, "another"]),
    characters=st.sampled_from([(), (), ("Mara",), ("Mara", "Ines")]),
    scene_types=st.sampled_from([(), (), ("dance",), ("entrance", "close-up")]),
    variants=st.sampled_from([(), (), ("casual",)]),
)


@st.composite
def some_rule(draw: st.DrawFn, number: int) -> Rule:
    """Any rule that makes sense."""
    subject = draw(st.sampled_from([Subject.CELL, Subject.CELL, Subject.CELL, Subject.STILL, Subject.RUN]))
    known = {Subject.CELL: CELL_EVENTS, Subject.STILL: STILL_EVENTS}.get(subject, OTHER_EVENTS)
    scope = draw(scopes)
    if subject is Subject.STILL:
        scope = replace(scope, scene_types=())
    if subject is Subject.RUN:
        scope = Scope(scope.project)
    branch = st.builds(Branch, comparisons(subject), st.integers(0, 2), actions_for(subject))
    return Rule(
        id=str(number),
        name=f"rule {number}",
        events=tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))),
        do=draw(actions_for(subject)),
        scope=scope,
        where=draw(st.one_of(st.just(AllOf()), conditions(subject))),
        branch=draw(st.one_of(st.none(), st.none(), branch)),
        per=draw(st.sampled_from([Per.SUBJECT, Per.SUBJECT, Per.CHARACTER, Per.RUN])),
        once=draw(st.sampled_from([False, False, False, True])),
        wait_s=draw(st.sampled_from([0.0, 0.0, 0.0, 5.0])),
        priority=draw(st.integers(0, 2)),
        age=number,
        max_depth=draw(st.sampled_from([1, 3, 10])),
        fuel=draw(st.sampled_from([Fuel(2, 20, 200.0), Fuel(20, 500, 14_400.0)])),
        enabled=draw(st.sampled_from([True, True, True, True, False])),
    )


@st.composite
def rule_sets(draw: st.DrawFn, most: int = 8) -> tuple[Rule, ...]:
    """Some rules that may wake each other."""
    return tuple(draw(some_rule(number)) for number in range(draw(st.integers(1, most))))


@st.composite
def boards(draw: st.DrawFn) -> Snapshot:
    """A small production in any state."""
    whole = production(PEOPLE[: draw(st.integers(1, 2))], TYPES[: draw(st.integers(1, 3))], LOOKS[: draw(st.integers(1, 2))])
    statuses = st.sampled_from(CellStatus)
    cells = [
        replace(one, status=draw(statuses), attempts=draw(st.integers(0, 3)), verdict=draw(st.sampled_from(["", "pass", "fail"])))
        for one in whole.cells
    ]
    if draw(st.booleans()) and len(cells) > 1:
        cells[-1] = replace(cells[-1], after=(cells[0].id,))
    stills = [replace(one, status=draw(st.sampled_from([*CellStatus, *[CellStatus.APPROVED] * 6]))) for one in whole.stills]
    gate = st.sampled_from(["human", "auto"])
    own = st.dictionaries(st.sampled_from(PEOPLE), gate, max_size=1)
    gates = Gates(draw(gate), draw(gate), draw(own), draw(own), draw(st.booleans()))
    return replace(
        whole,
        cells=tuple(cells),
        stills=tuple(stills),
        gates=gates,
        status=draw(st.sampled_from([RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.DRAFT, RunStatus.PAUSED])),
        outputs=draw(st.integers(0, 2)),
        delivers_by_itself=draw(st.booleans()),
    )


assumptions = st.builds(
    Assumption, st.sampled_from(People), st.sampled_from([False, False, True]), st.sampled_from(["pass", "pass", "flag", "fail"])
)


@st.composite
def beginnings(draw: st.DrawFn, snapshot: Snapshot) -> list[Occurrence]:
    """One to three events that begin chains."""
    made = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        type = draw(st.sampled_from([*CELL_EVENTS, *STILL_EVENTS, *OTHER_EVENTS]))
        subject = EVENTS[type].subject
        ids = {Subject.CELL: len(snapshot.cells), Subject.STILL: len(snapshot.stills)}.get(subject, 1)
        made.append(Occurrence(number, type, subject, draw(st.integers(1, ids)), "person", number, 0))
    return made
