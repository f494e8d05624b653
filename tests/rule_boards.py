"""Small productions and rules for tests of triggers, and chance that makes many of both."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

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


# Chance ---------------------------------------------------------------------------------------------------------

CELL_EVENTS = (
    "cell.queued", "cell.generating", "cell.review", "cell.approved", "cell.rejected", "cell.failed", "scene_qa.completed",
    "assembly.completed", "export.completed", "scene_generation.completed", "scene_generation.failed",
)  # fmt: skip
STILL_EVENTS = ("still.queued", "still.review", "still.approved", "still.rejected", "variant_qa.completed", "source_qa.completed")
OTHER_EVENTS = (
    "run.submitted", "run.running", "run.paused", "run.completed", "delivery.packaging", "delivery.completed", "delivery.sealed",
)  # fmt: skip
_EVENTS = {Subject.CELL: CELL_EVENTS, Subject.STILL: STILL_EVENTS, Subject.RUN: OTHER_EVENTS}
_KINDS = {
    Subject.CELL: [*[Kind.SUBMIT] * 5, *Kind],
    Subject.STILL: [*[Kind.SUBMIT] * 5, Kind.APPROVE, Kind.NOTIFY, Kind.PACKAGE],
    Subject.RUN: [Kind.SUBMIT, Kind.SUBMIT, Kind.PACKAGE, Kind.NOTIFY, Kind.PAUSE],
}


class Chance:
    """Makes rules, productions and events by chance; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def rules(self, most: int = 16) -> tuple[Rule, ...]:
        """Some rules that may wake each other."""
        return tuple(self.rule(number) for number in range(self.random.randint(2, most)))

    def rule(self, number: int) -> Rule:
        """Any rule that makes sense."""
        pick = self.random.choice
        subject = pick([Subject.CELL, Subject.CELL, Subject.CELL, Subject.STILL, Subject.STILL, Subject.RUN])
        known = _EVENTS[subject]
        branch = None
        if self.rarely():
            branch = Branch(self.comparison(subject), pick([1, 1, 2]), self.actions(subject))
        return Rule(
            id=str(number),
            name=f"rule {number}",
            events=tuple(self.random.sample(known, self.random.randint(1, 3))),
            do=self.actions(subject),
            scope=self.scope(subject),
            where=self.condition(subject, 2) if self.random.random() < 0.35 else AllOf(),
            branch=branch,
            per=pick([Per.SUBJECT, Per.SUBJECT, Per.CHARACTER, Per.RUN]),
            once=self.rarely(),
            wait_s=5.0 if self.rarely() else 0.0,
            priority=pick([0, 1, 2]),
            age=number,
            max_depth=pick([1, 3, 10, 10]),
            fuel=pick([Fuel(2, 20, 200.0), Fuel(20, 500, 14_400.0), Fuel(20, 500, 14_400.0)]),
            enabled=not self.rarely(),
        )

    def rarely(self) -> bool:
        """Once in eight times."""
        return self.random.random() < 0.125

    def scope(self, subject: Subject) -> Scope:
        """A scope that events about such a thing can be in."""
        project = self.random.choice([None, PROJECT, PROJECT, PROJECT, "another"])
        if subject is Subject.RUN:
            return Scope(project)
        characters = self.random.choice([(), (), (), ("Mara",), ("Mara", "Ines")])
        types = self.random.choice([(), (), (), ("dance",), ("entrance", "close-up")]) if subject is Subject.CELL else ()
        return Scope(project, characters, types, self.random.choice([(), (), (), ("casual",)]))

    def actions(self, subject: Subject) -> Actions:
        """One to three things to do for events about such a thing."""
        steps = tuple(self.action(subject) for _ in range(self.random.choice([1, 1, 2, 3])))
        return Actions(steps, at_once=self.rarely(), goes_on=self.rarely())

    def action(self, subject: Subject) -> Action:
        """One thing to do."""
        kind = self.random.choice(_KINDS[subject])
        of = "run"
        if subject is Subject.CELL and kind in (Kind.PAUSE, Kind.PACKAGE):
            of = "scene_type" if kind is Kind.PAUSE else "character"
        if self.rarely():
            of = "run"
        selection = Selection(self.names(PEOPLE), self.names(TYPES), self.names(LOOKS))
        mode = self.random.choice([*Mode, Mode.ALL, Mode.ALL])
        to = "producers" if kind is Kind.NOTIFY else ""
        url = "https://a.example/hook" if kind is Kind.WEBHOOK else ""
        return Action(kind, selection, mode, of, to, url)

    def names(self, known: tuple[str, ...]) -> Any:
        """What a selection may say of these names."""
        some = tuple(self.random.sample(known, self.random.randint(1, 2)))
        return self.random.choice([Same.SAME, Same.SAME, Same.ALL, some])

    def condition(self, subject: Subject, deep: int) -> Condition:
        """A tree over comparisons of such events."""
        shape = self.random.choice(["one", "all", "any", "not"]) if deep else "one"
        if shape == "one":
            return self.comparison(subject)
        if shape == "not":
            return NotOf(self.condition(subject, deep - 1))
        least = 0 if shape == "all" else 1
        parts = tuple(self.condition(subject, deep - 1) for _ in range(self.random.randint(least, 3)))
        return AllOf(parts) if shape == "all" else AnyOf(parts)

    def comparison(self, subject: Subject) -> Comparison:
        """A comparison of a field that such events have."""
        pick = self.random.choice
        known: dict[str, tuple[str, ...]] = {"character": PEOPLE, "variant": LOOKS}
        if subject is Subject.CELL:
            known["scene_type"] = TYPES
        if subject is Subject.RUN or self.random.random() < 0.4:
            fields = ["run.approved", "run.open"] if subject is Subject.RUN else ["attempts", "take", "run.open", "depth"]
            order = [Operator.AT_MOST, Operator.AT_LEAST, Operator.BELOW, Operator.ABOVE]
            return Comparison(pick(fields), pick(order), pick([0, 1, 2, 3]))
        if self.rarely():
            return is_("kind", "variant") if subject is Subject.STILL else Comparison("qa.sharpness", Operator.AT_LEAST, 60)
        field, names = pick(list(known.items()))
        if self.random.random() < 0.5:
            return Comparison(field, pick([Operator.IS, Operator.IS_NOT]), pick(names))
        some = tuple(self.random.sample(names, self.random.randint(1, 2)))
        return Comparison(field, pick([Operator.IN, Operator.NOT_IN]), some)

    def board(self) -> Snapshot:
        """A small production in any state."""
        pick, several = self.random.choice, self.random.randint
        whole = production(PEOPLE[: several(1, 3)], TYPES[: several(1, 3)], LOOKS[: several(1, 2)])
        likely = pick(list(CellStatus))
        cells = [
            replace(
                one,
                status=pick([likely, *CellStatus]),
                attempts=several(0, 3),
                verdict=pick(["", "pass", "fail"]),
                qa=pick([{}, {"sharpness": 50.0}, {"sharpness": 70.0}]),
            )
            for one in whole.cells
        ]
        if self.rarely() and len(cells) > 1:
            cells[-1] = replace(cells[-1], after=(cells[0].id,))
        done = [CellStatus.APPROVED] * pick([1, 4, 50, 200])
        stills = [replace(one, status=pick([*CellStatus, *done])) for one in whole.stills]
        if self.random.random() < 0.3:
            plate = StillFacts(len(stills) + 1, "Warehouse", StillKind.PLATE, location="Warehouse", status=pick(list(CellStatus)))
            stills.append(plate)
            cells = [replace(one, location="Warehouse", stills=(*one.stills, plate.id)) for one in cells]
        own = {"Mara": pick(["human", "auto"])} if self.rarely() else {}
        gates = Gates(pick(["human", "auto"]), pick(["human", "auto"]), own, own, self.rarely())
        status = pick([*[RunStatus.RUNNING] * 6, RunStatus.DRAFT, RunStatus.PAUSED, RunStatus.COMPLETED])
        return replace(
            whole, cells=tuple(cells), stills=tuple(stills), gates=gates, status=status, outputs=several(0, 2),
            delivers_by_itself=not self.rarely(),
        )  # fmt: skip

    def assumption(self) -> Assumption:
        """How things go."""
        return Assumption(self.random.choice(list(People)), self.rarely(), self.random.choice(["pass", "pass", "flag", "fail"]))

    def beginnings(self, rules: tuple[Rule, ...], snapshot: Snapshot) -> list[Occurrence]:
        """Some events that begin chains, mostly such as rules listen to."""
        heard = [event for rule in rules for event in rule.events]
        made = []
        for number in range(1, self.random.randint(2, 8) + 1):
            type = self.random.choice([*heard, self.random.choice(CELL_EVENTS)])
            subject = EVENTS[type].subject
            ids = {Subject.CELL: len(snapshot.cells), Subject.STILL: len(snapshot.stills)}.get(subject, 1)
            made.append(Occurrence(number, type, subject, self.random.randint(1, ids), "person", number, 0))
        return made
