"""What productions are held to while a fleet works for them: when something new may start, how much at once, whose turn it is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from pipeline.domain.fleet.jobs import Kind
from pipeline.domain.schedule import QuietHours

_DAYS = 90
"""So many quiet windows are foreseen; what lasts longer than that is not told to the hour."""


@dataclass(frozen=True)
class Hours:
    """When something new may start: `changes` are the seconds, in order, at which that turns from what it `is_open` now."""

    is_open: bool = True
    changes: tuple[float, ...] = ()

    def opens_s(self, at_s: float) -> float:
        """The first moment from this one on at which something may start."""
        place = bisect_right(self.changes, at_s)
        return at_s if self._is_open(place) or place == len(self.changes) else self.changes[place]

    def closes_s(self, at_s: float) -> float:
        """Until when that stays so, for a moment at which something may start; without end where it always may."""
        place = bisect_right(self.changes, at_s)
        return self.changes[place] if place < len(self.changes) else inf

    def after(self, at_s: float, seconds: float) -> float:
        """The moment at which so many open seconds have passed since this one."""
        while seconds > 0:
            at_s = self.opens_s(at_s)
            closes_s = self.closes_s(at_s)
            if at_s + seconds <= closes_s:
                return at_s + seconds
            seconds -= closes_s - at_s
            at_s = closes_s
        return at_s

    def between(self, at_s: float, until_s: float) -> float:
        """How many open seconds lie between two moments."""
        seconds = 0.0
        while (at_s := self.opens_s(at_s)) < until_s:
            closes_s = min(self.closes_s(at_s), until_s)
            seconds += closes_s - at_s
            at_s = closes_s
        return seconds

    def _is_open(self, place: int) -> bool:
        return self.is_open == (place % 2 == 0)


ALWAYS = Hours()


@dataclass(frozen=True)
class Terms:
    """What holds for projects and runs. `shares` weigh projects; `project_caps` and `scene_caps` bound how many jobs of a
    project, and of a scene type of one, are done at once; `hours` say by run when something new of it may start."""

    shares: Mapping[str, float] = field(default_factory=dict)
    project_caps: Mapping[str, int] = field(default_factory=dict)
    scene_caps: Mapping[tuple[str, str], int] = field(default_factory=dict)
    hours: Mapping[str, Hours] = field(default_factory=dict)

    def bound(self, kind: Kind) -> bool:
        """Whether there are times or numbers that keep jobs of this kind from starting."""
        return kind.run in self.hours or kind.project in self.project_caps or (kind.project, kind.group) in self.scene_caps

    def is_paused(self, kind: Kind) -> bool:
        """Whether nothing of this kind starts until somebody lets it."""
        return self.scene_caps.get((kind.project, kind.group)) == 0


def hours_of(quiet: QuietHours | None, start_after: datetime | None, now: datetime) -> Hours:
    """The hours of a run with these quiet hours, whose generation starts after this moment."""
    opens = max(now, start_after or now)
    opens = (quiet.ends(opens) if quiet else None) or opens
    changes = [opens] if opens > now else []
    if quiet is not None:
        at = opens
        for _ in range(_DAYS):
            begin = quiet.begins(at)
            end = quiet.ends(begin)
            if end is not None:  # on the day on which clocks go forward a window may not be there at all
                changes += [begin, end]
            at = end or begin + timedelta(hours=1)
    return Hours(opens <= now, tuple(change.timestamp() for change in changes))
