"""The value of a field for one event: what is stored of what the event is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.records import Event
from pipeline.domain.rules.snapshot import Board, CellFacts, DeliveryFacts, StillFacts
from pipeline.domain.rules.tallies import Tally
from pipeline.domain.rules.vocabulary import EVENTS, METADATA, Subject


@dataclass(frozen=True)
class Occurrence:
    """An event as rules take it in. `root` is the number of the event that began its chain, `depth` counts the firings since.

    An event that no firing led to is its own root and has depth 0. `by` is `person`, `rule` or `system`.
    """

    seq: int
    type: str
    subject: Subject
    subject_id: int
    by: str = "system"
    root: int = 0
    depth: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


def occurrence(event: Event, *, root: int, depth: int) -> Occurrence | None:
    """A stored event with its place in its chain; None for one that no rule can listen to."""
    if event.type not in EVENTS:
        return None
    by = {"rule": "rule", "system": "system"}.get(event.actor.partition(":")[0], "person") if ":" in event.actor else "person"
    return Occurrence(event.seq, event.type, Subject(event.subject), event.subject_id, by, root, depth, event.data)


@dataclass(frozen=True)
class Measured:
    """The value of a field. None is not known; an absent name is "". `sample` counts what it was measured on.

    `told` is the value in words, where those say more: `15 of 16`.
    """

    value: str | float | bool | None
    told: str = ""
    sample: int = 0

    @property
    def words(self) -> str:
        """The value as people read it."""
        if self.told:
            return self.told
        if self.value is None:
            return "not known"
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        return f"{self.value:g}" if isinstance(self.value, (int, float)) else self.value or "none"


UNKNOWN = Measured(None)


@dataclass(frozen=True)
class Place:
    """Where an event belongs on the board; None where it has no such name."""

    character: str | None = None
    scene_type: str | None = None
    variant: str | None = None


NOWHERE = Place()


def place_of(event: Occurrence, board: Board) -> Place:
    """The names of what the event is about."""
    about = fact_of(event, board)
    if isinstance(about, CellFacts):
        return Place(about.character, about.scene_type, about.variant)
    if isinstance(about, StillFacts):
        return Place(about.character, None, about.variant)
    return Place(about.character) if about else NOWHERE


def subject_of(event: Occurrence, board: Board) -> CellFacts | StillFacts | None:
    """The cell or still that the event is about; None for other events, and for what the snapshot does not have."""
    if event.subject is Subject.CELL:
        return board.cells.get(event.subject_id)
    return board.stills.get(event.subject_id) if event.subject is Subject.STILL else None


def fact_of(event: Occurrence, board: Board) -> CellFacts | StillFacts | DeliveryFacts | None:
    """What the event is about, deliveries included."""
    return board.deliveries.get(event.subject_id) if event.subject is Subject.DELIVERY else subject_of(event, board)


def measure(name: str, event: Occurrence, board: Board) -> Measured:
    """The value of the field of this name; UNKNOWN where nothing is stored, or where such an event has no such field."""
    if name == "by":
        return Measured(event.by)
    if name == "depth":
        return Measured(event.depth)
    if name == "failure_class":
        found = event.data.get("class")
        return Measured(str(found)) if found else UNKNOWN
    group, dot, count = name.partition(".")
    if group == "budget":
        return _of_budget(count, event)
    if group == "run" and dot:
        return _count(count, board.tally("run", None))
    about = fact_of(event, board)
    if about is None:
        return UNKNOWN
    if name.startswith(METADATA):
        return Measured(board.snapshot.metadata.get(about.character or "", {}).get(name[len(METADATA) :]))
    if isinstance(about, DeliveryFacts):
        return _of_character(group, count, about, board)
    if group == "qa":
        return Measured(about.verdict or None) if count == "verdict" else Measured(about.qa.get(count))
    if dot:
        key = getattr(about, group, None)
        return _count(count, board.tally(group, key)) if key is not None else UNKNOWN
    return _own(name, about, board)


def _of_budget(name: str, event: Occurrence) -> Measured:
    """What the event of a budget tells of it."""
    found = event.data.get({"of": "scope"}.get(name, name))
    return UNKNOWN if found is None else Measured(found)


def _of_character(group: str, count: str, about: DeliveryFacts, board: Board) -> Measured:
    """What is known of a delivery: its character, and the counts of that character."""
    if group != "character":
        return UNKNOWN
    if not count:
        return Measured(about.character or "")
    return _count(count, board.tally("character", about.character)) if about.character else UNKNOWN


def _own(name: str, about: CellFacts | StillFacts, board: Board) -> Measured:
    """A field of the cell or still itself."""
    if isinstance(about, CellFacts):
        if name in ("tier", "segments", "duration_s"):
            return Measured(getattr(board.scene_type(about.scene_type), name))
        if name == "stale":
            return Measured(about.is_stale)
    if name in ("character", "variant", "location", "scene_type"):
        return Measured(getattr(about, name, None) or "")
    found = getattr(about, name, None)
    return Measured(str(found) if name in ("status", "kind") else found)


def _count(name: str, tally: Tally) -> Measured:
    if name == "all_approved":
        return Measured(0 < tally.scenes == tally.approved, f"{tally.approved} of {tally.scenes}", tally.scenes)
    if name == "pass_rate":
        if not tally.measured:
            return UNKNOWN
        rate = 100 * tally.passed / tally.measured
        return Measured(rate, f"{rate:.0f} %, {tally.measured} measured", tally.measured)
    if name == "mean_attempts":
        return Measured(tally.attempts / tally.tried, "", tally.tried) if tally.tried else UNKNOWN
    return Measured(getattr(tally, name), "", tally.scenes)
