"""How long readings are kept, and how many a chart shows: rules over times alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import fmean

from pipeline.domain.telemetry.readings import Reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIERS = (
    (timedelta(hours=1), timedelta(seconds=1)),
    (timedelta(days=1), timedelta(minutes=1)),
    (timedelta(days=7), timedelta(minutes=10)),
)
"""Up to this age, one reading in each of these steps."""
FULL = _TIERS[0][0]
"""Up to this age nothing is left out that a card told in different seconds."""
MOST_KEPT = 3602 + 1382 + 866 + 1
"""No more readings of one card than this are kept, however often it tells them."""


def to_drop(times: Sequence[datetime], now: datetime) -> list[int]:
    """The positions of those readings of one card, told at these times, that need not be kept any longer.

    Kept are all of the last hour (one a second), one a minute of the last day, one in ten minutes of the last week, and
    always the newest. Steps stand still on the clock, so what is kept does not depend on how often this is asked.
    """
    taken: set[tuple[timedelta, int]] = set()
    dropped: list[int] = []
    order = sorted(range(len(times)), key=times.__getitem__)
    for position in order[:-1]:
        step = _step(now - times[position])
        place = None if step is None else (step, (times[position] - _EPOCH) // step)
        if place is None or place in taken:
            dropped.append(position)
        else:
            taken.add(place)
    return sorted(dropped)


def _step(age: timedelta) -> timedelta | None:
    return next((step for oldest, step in _TIERS if age <= oldest), None)


def sampled(readings: Sequence[Reading], *, since: datetime, until: datetime, points: int) -> list[Reading]:
    """Readings for a chart from `since` to `until`: at most so many of each card, by card and time.

    Where there are more, equal stretches of time are told as one: means, but the highest temperature.
    """
    found: list[Reading] = []
    for device in sorted({each.device for each in readings}):
        ours = sorted((each for each in readings if each.device == device and since <= each.at <= until), key=lambda one: one.at)
        found += ours if len(ours) <= points else _stretches(ours, since=since, step=(until - since) / points, points=points)
    return found


def _stretches(readings: Sequence[Reading], *, since: datetime, step: timedelta, points: int) -> list[Reading]:
    stretches: dict[int, list[Reading]] = {}
    for each in readings:
        stretches.setdefault(min(points - 1, int((each.at - since) / step)) if step else 0, []).append(each)
    return [_as_one(stretch) for stretch in stretches.values()]


def _as_one(readings: Sequence[Reading]) -> Reading:
    used, clock = (
        _told(fmean, (each.memory_used_bytes for each in readings)),
        _told(fmean, (each.clock_mhz for each in readings)),
    )
    return replace(
        readings[-1],
        use=_told(fmean, (each.use for each in readings)),
        memory_used_bytes=None if used is None else round(used),
        temperature_c=_told(max, (each.temperature_c for each in readings)),
        power_w=_told(fmean, (each.power_w for each in readings)),
        clock_mhz=None if clock is None else round(clock),
    )


def _told(how: Callable[[Iterable[float]], float], values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return how(known) if known else None
