"""How fast each worker is with each workflow key, measured from attempts that have ended well."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, median, stdev

NEWEST = 50
"""So many attempts count: a machine changes with its drivers, its neighbours and the season."""
_UNSURE = 0.5
_FEW = 4
"""With fewer samples the spread that is usual in the fleet says more than their own."""
_OUTLIER = 3.5
_MAD_TO_DEVIATION = 1.4826
_LEAST_DEVIATION = 0.02
"""Of the median: values this close are never outliers, however close together the others lie."""


@dataclass(frozen=True)
class Sample:
    """One attempt that ended well: `seconds` for so many units, the loading of models left out."""

    worker: str
    workflow: str
    units: float
    seconds: float


@dataclass(frozen=True)
class Speed:
    """Seconds per unit, the relative deviation of one job, and how many attempts it rests on."""

    seconds_per_unit: float
    spread: float
    samples: int

    @property
    def error(self) -> float:
        """How far the mean itself may be off, relative to it."""
        return self.spread / sqrt(self.samples)


def speeds(samples: Iterable[Sample]) -> dict[tuple[str, str], Speed]:
    """By worker and workflow key, from the newest samples of each; they come oldest first."""
    found: defaultdict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=NEWEST))
    for sample in samples:
        if sample.units > 0 and sample.seconds > 0:
            found[sample.worker, sample.workflow].append(sample.seconds / sample.units)
    each = {key: measured(tuple(values)) for key, values in found.items()}
    known = [speed.spread for speed in each.values() if speed.samples >= _FEW]
    usual = median(known) if known else _UNSURE
    return {key: speed if speed.samples >= _FEW else replace(speed, spread=usual) for key, speed in each.items()}


def measured(values: tuple[float, ...]) -> Speed:
    """The mean without outliers (further than 3.5 robust deviations from the median). Raises ValueError for no values."""
    if not values:
        raise ValueError("nothing was measured")
    middle = median(values)
    deviation = _MAD_TO_DEVIATION * median(abs(value - middle) for value in values)
    reach = _OUTLIER * max(deviation, _LEAST_DEVIATION * middle)
    kept = [value for value in values if abs(value - middle) <= reach]
    mean = fmean(kept)
    return Speed(mean, stdev(kept) / mean if len(kept) > 1 else _UNSURE, len(kept))
