"""What is under way in a run already when a simulation begins: jobs, whose they are, and what has been delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.domain.rules.assumptions import Link
from pipeline.domain.rules.planning import Chain
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import Stage

Key = tuple[Subject, int]
"""A scene, a picture or a delivery, by its id."""


@dataclass(frozen=True)
class Doing:
    """A job that has not ended. `is_failed`: it has given up, and goes on when what it is of is asked for again."""

    stage: Stage
    subject_id: int
    take: int
    part: int
    is_failed: bool = False


@dataclass(frozen=True)
class Parcel:
    """A delivery of the run or of one character that is packaged or sealed: which take of each scene it holds, by key."""

    id: int
    character: str | None
    takes: Mapping[str, int]
    is_sealed: bool = False


@dataclass(frozen=True)
class Waiting:
    """Packages that a rule has asked for and that wait for exports: of these characters or (None) of the run."""

    characters: tuple[str | None, ...]
    link: Link
    effect: int = 0
    """Its number among the effects of the firing."""


@dataclass(frozen=True)
class UnderWay:
    """The work of a run, in the order in which it was asked for.

    `is_followed`: a simulation goes on with it; else it takes none of it to be done. `links` has the chains that things belong
    to, `chains` what those have used up, by root. Without `is_followed` only `parcels` count.
    """

    is_followed: bool = False
    jobs: tuple[Doing, ...] = ()
    links: Mapping[Key, Link] = field(default_factory=dict)
    chains: Mapping[int, Chain] = field(default_factory=dict)
    packages: tuple[Waiting, ...] = ()
    parcels: tuple[Parcel, ...] = ()


NOTHING_UNDER_WAY = UnderWay()
MARKED = frozenset({Subject.CELL, Subject.STILL, Subject.DELIVERY})
"""What belongs to a chain, once a rule has asked for it."""
_UNTOUCHED = frozenset({"cell.changed", "cell.stale", "cell.fresh", "cell.flagged", "still.flagged"})


def makes_its_own(type: str, by: str) -> bool:
    """Whether what an event is about belongs to the chain of that event from then on: people decide on it, or ask for it anew.

    There are things that people may do to a scene without making its work their own.
    """
    return by == "person" and type not in _UNTOUCHED
