"""One card at one moment: the numbers it tells, within bounds that anything believable stays in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from pipeline.domain.errors import Invalid

MOST_DEVICES = 64
"""Cards of one worker; one machine holds a quarter of that."""
MOST_AT_ONCE = 2000
"""Readings that are taken in one batch."""
LONGEST_NAME = 100

BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "use": (0.0, 1.0),
        "memory_used_bytes": (0, 2**50),
        "memory_bytes": (1, 2**50),
        "temperature_c": (-50.0, 250.0),
        "power_w": (0.0, 10_000.0),
        "power_limit_w": (1.0, 10_000.0),
        "clock_mhz": (0, 20_000),
    }
)
"""The smallest and largest of each number that is believed; cards and drivers are known to tell nonsense."""

_WHOLE = frozenset({"memory_used_bytes", "memory_bytes", "clock_mhz"})
_CURRENT = timedelta(minutes=2)
_SKEW = timedelta(seconds=5)
_OLDEST = timedelta(hours=1)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True)
class Reading:
    """What one card told at one moment. None where a card does not tell; `use` is a share, 0.0 to 1.0.

    `device` is the card's number on its machine, in the driver's order.
    """

    device: int
    name: str
    at: datetime
    use: float | None = None
    memory_used_bytes: int | None = None
    memory_bytes: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    clock_mhz: int | None = None

    @property
    def memory_share(self) -> float | None:
        """How full its memory is, 0.0 to 1.0."""
        return None if self.memory_used_bytes is None or not self.memory_bytes else self.memory_used_bytes / self.memory_bytes

    @property
    def power_share(self) -> float | None:
        """What it draws of what it may draw; somewhat above 1.0 for moments."""
        return None if self.power_w is None or not self.power_limit_w else self.power_w / self.power_limit_w

    @property
    def is_memory_alone(self) -> bool:
        """Whether it tells nothing but memory, which is all that a server says of its card."""
        return (self.use, self.temperature_c, self.power_w, self.clock_mhz) == (None, None, None, None)

    def is_current(self, now: datetime) -> bool:
        """Whether it still tells how the card is, rather than how it was."""
        return now - self.at <= _CURRENT


def believable(device: object, name: object, at: datetime, numbers: Mapping[str, object]) -> Reading:
    """A reading from numbers nobody has checked, by the names of `BOUNDS`: what cannot be true is None.

    Raises Invalid when it is not one of the cards that a machine can have.
    """
    if isinstance(device, bool) or not isinstance(device, int) or not 0 <= device < MOST_DEVICES:
        raise Invalid(f"The cards of a machine have numbers from 0 to {MOST_DEVICES - 1}.")
    told = {each: _within(each, numbers.get(each)) for each in BOUNDS}
    used, all_of_it = told["memory_used_bytes"], told["memory_bytes"]
    if used is not None and all_of_it is not None and used > all_of_it:
        told["memory_used_bytes"] = None
    found = {each: value if value is None or each not in _WHOLE else int(value) for each, value in told.items()}
    return Reading(device, named(name), at, **found)  # type: ignore[arg-type]


def named(name: object) -> str:
    """The name of a card as one printable line of bounded length; drivers of some age give bytes."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return _UNPRINTABLE.sub(" ", text[: 4 * LONGEST_NAME]).strip()[:LONGEST_NAME]


def _within(name: str, value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high = BOUNDS[name]
    return value if not (isinstance(value, float) and math.isnan(value)) and low <= value <= high else None


def aligned(readings: Sequence[Reading], sent_at: datetime | None, now: datetime) -> list[Reading]:
    """Readings in our time, in order. A sender whose clock is wrong by more than some seconds is put right by `sent_at`.

    Left out is what would lie in the future even so, and what is older than an hour.
    """
    skew = timedelta(0) if sent_at is None else now - sent_at
    shift = skew if abs(skew) > _SKEW else timedelta(0)
    found = [each for each in readings if _OLDEST >= now - each.at - shift >= -_SKEW]
    return sorted((replace(each, at=min(now, each.at + shift)) for each in found), key=lambda each: (each.at, each.device))


def of_cards(readings: Iterable[Reading], gpu: str) -> list[Reading]:
    """The readings of cards that a server, by what it says of its card, may be working on."""
    return [each for each in readings if each.name and each.name.casefold() in gpu.casefold()]
