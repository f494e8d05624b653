"""How things are taken to go in a simulation, and what its events follow from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class People(StrEnum):
    """What people are assumed to do at their gates."""

    STOP = "stop"  # nothing: what waits for a person is where the chain stops
    APPROVE = "approve"  # accept everything, once
    REJECT = "reject"  # refuse everything, once


@dataclass(frozen=True)
class Assumption:
    """How things go. `scenes_fail`: no scene can be made. `verdict`: what QA makes of every take, `pass`, `flag` or `fail`.

    Measures of a new take are taken to be those of the one before it.
    """

    people: People = People.STOP
    scenes_fail: bool = False
    verdict: str = "pass"


ALL_GOES_WELL = Assumption()


@dataclass(frozen=True)
class Link:
    """What something follows from: the chain of a root event, and the number of the firing that asked for it.

    Depth 0 is that of what people do because of it: its events begin chains of their own.
    """

    root: int = 0
    depth: int = 0
    firing: int | None = None
