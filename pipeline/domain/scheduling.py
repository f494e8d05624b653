"""How many jobs an engine keeps leased, and how it paces its turns: no slot waits for the database, no turn is for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

_WEIGHT = 0.2
_MOST = 256
_BURST = 8
_CROWD = 16
_LONGEST_REST_S = 0.1


@dataclass
class Pace:
    """How long turns take and how fast jobs end, as moving averages."""

    turn_s: float = 0.0
    settled: float = 0.0

    def note_turn(self, seconds: float, *, settled: int) -> None:
        """One turn took this long and took in so many results. A burst counts at once: so much is not chance."""
        self.turn_s += _WEIGHT * (seconds - self.turn_s)
        weight = 1.0 if settled > max(_BURST, self.settled) else _WEIGHT
        self.settled += weight * (settled - self.settled)


def wanted(slots: int, pace: Pace) -> int:
    """How many jobs to hold for `slots` slots.

    One more than the slots hides the turn between two jobs. When a turn ends more jobs than there are slots, the jobs are
    shorter than the turn, and twice what a turn ends keeps the slots fed during the next one. Otherwise the number stands
    still: were it to shrink after a few jobs have ended together, what follows the next job that ends would find no room.
    """
    steady = slots + max(1, slots // 2)
    return min(_MOST, max(steady, ceil(2 * pace.settled))) if pace.settled > slots else steady


def rest_s(turn_s: float, remote: int) -> float:
    """How long to rest after a turn of so many seconds while so many attempts run at workers of the fleet, in seconds.

    A turn costs as much as the fleet is large, however little has ended. Where a crowd runs, the engine rests twice as long
    as it worked, so that more ends meanwhile: no worker stands still for that, since each has a job in waiting. Where few
    run, every end is taken in at once.
    """
    return min(_LONGEST_REST_S, 2 * turn_s) if remote >= _CROWD else 0.0
