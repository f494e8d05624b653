"""Which limits of a run its production file may change: those that nobody has set on the run since the file gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.domain.budget import Quantity, Threshold, parse_level
from pipeline.domain.production import Budget
from pipeline.domain.records import Event

SET, REMOVED, CHANGED = "budget.set", "budget.removed", "run.changed"
TYPES = (SET, REMOVED, CHANGED)
"""The events that tell of limits of a run."""

_TOLD_AS = {
    Quantity.GPU_SECONDS: "limit_seconds",
    Quantity.DISK_BYTES: "limit_bytes",
    Quantity.MONEY: "limit_cost",
}
_HOUR_S = 3600
_GIGABYTE = 10**9


@dataclass(frozen=True)
class Given:
    """The budget that a run was given by its file last, and what people have set or removed on the run since then."""

    budget: Budget
    by_people: frozenset[Quantity] = frozenset()


@dataclass(frozen=True)
class Taking:
    """What a run takes over from the budget of its file, and the limits that it keeps because people have set them otherwise."""

    taken: frozenset[Quantity]
    kept: Mapping[Quantity, float | None]


def limits_of(budget: Budget) -> dict[Quantity, float | None]:
    """The limits of a file in the units in which they are counted."""
    hours, gigabytes = budget.gpu_hours, budget.disk_gb
    return {
        Quantity.GPU_SECONDS: None if hours is None else hours * _HOUR_S,
        Quantity.DISK_BYTES: None if gigabytes is None else int(gigabytes * _GIGABYTE),
        Quantity.MONEY: budget.money,
    }


def given(first: Budget, story: Iterable[Event]) -> Given:
    """From the budget that a run was made with, and what happened to its limits since, in order."""
    budget, by_people = first, set[Quantity]()
    for event in story:
        if event.type in (SET, REMOVED):
            by_people.add(Quantity(event.data["quantity"]))
        else:
            by_people -= {quantity for quantity, column in _TOLD_AS.items() if column in event.data}
            budget = _told(event.data, budget)
    return Given(budget, frozenset(by_people))


def taking(before: Given, file: Budget, now: Mapping[Quantity, float | None]) -> Taking:
    """What to do with the budget that the file has now, for a run whose limits are `now`.

    A limit is taken when the file has changed it, or its levels, since it gave it last: never over one that people have set.
    """
    wanted, last = limits_of(file), limits_of(before.budget)
    has_other_levels = bool(file.thresholds) and file.thresholds != before.budget.thresholds
    changed = {one for one in Quantity if wanted[one] != last[one] or (has_other_levels and wanted[one] is not None)}
    kept = {one: now[one] for one in Quantity if one in before.by_people and wanted[one] != now[one]}
    return Taking(frozenset(changed - before.by_people), kept)


def to_event(file: Budget, taken: Iterable[Quantity]) -> dict[str, Any]:
    """What the event tells of limits that were taken from a file, so that `given` can read it."""
    wanted = limits_of(file)
    levels = [f"{level.at_percent!r}:{level.action.value}" for level in file.thresholds]
    whole = {"gpu_hours": file.gpu_hours, "disk_gb": file.disk_gb, "money": file.money, "thresholds": levels}
    return {**{_TOLD_AS[quantity]: wanted[quantity] for quantity in taken}, "budget": whole}


def _told(data: Mapping[str, Any], before: Budget) -> Budget:
    """The budget of the file that an event tells of; events of older versions told only the limits."""
    whole = data.get("budget")
    if whole is not None:
        levels: tuple[Threshold, ...] = tuple(parse_level(level) for level in whole["thresholds"])
        return Budget(whole["gpu_hours"], whole["disk_gb"], whole["money"], levels)
    if not set(_TOLD_AS.values()) <= set(data):
        return before
    seconds, size = data["limit_seconds"], data["limit_bytes"]
    return Budget(
        None if seconds is None else seconds / _HOUR_S,
        None if size is None else size / _GIGABYTE,
        data["limit_cost"],
        before.thresholds,
    )
