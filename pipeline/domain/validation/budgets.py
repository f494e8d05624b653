"""The budget against an estimate."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.production import Budget
from pipeline.domain.validation.subject import TOP, Subject

CURE = "Raise the budget, or make fewer, shorter or smaller scenes."
_HOUR_S, _GIGABYTE = 3600.0, 1e9
_TIMES = ((_HOUR_S, "hours"), (1.0, "seconds"))
_SIZES = ((_GIGABYTE, "GB"), (1e6, "MB"), (1e3, "kB"))
_LEAST = 0.1
"""Less than this of a unit is told in the next smaller one."""
_DIGITS = range(2, 7)


def check(subject: Subject, generation_seconds: float, disk_bytes: int) -> None:
    """An estimate from stated defaults over a limit is a warning that names both numbers: what was measured, and what need not
    be made again, decides when scenes are submitted."""
    for field, told in over(subject.production.budget, generation_seconds, disk_bytes):
        message = f"The estimate from stated defaults is {told}."
        subject.report.warning((*TOP, "budget", field), message, f"{CURE} `./stripboard plan` knows what was measured.")


def over(budget: Budget, generation_seconds: float, disk_bytes: int) -> list[tuple[str, str]]:
    """The limits that an estimate exceeds: the field of the budget, and both numbers in words."""
    found = []
    if budget.gpu_hours is not None and generation_seconds > budget.gpu_hours * _HOUR_S:
        wanted, allowed = _figures(generation_seconds, budget.gpu_hours * _HOUR_S, _TIMES)
        found.append(("gpu_hours", f"{wanted} of generation; the budget allows {allowed}"))
    if budget.disk_gb is not None and disk_bytes > budget.disk_gb * _GIGABYTE:
        wanted, allowed = _figures(disk_bytes, budget.disk_gb * _GIGABYTE, _SIZES)
        found.append(("disk_gb", f"{wanted} of disk; the budget allows {allowed}"))
    return found


def _figures(value: float, limit: float, units: Sequence[tuple[float, str]]) -> tuple[str, str]:
    """Both in the unit of the value, `2.50 hours`, with as many digits as it takes to tell them apart."""
    size, unit = next((one for one in units if value >= _LEAST * one[0]), units[-1])
    pairs = [(f"{value / size:.{digits}f}", f"{limit / size:.{digits}f}") for digits in _DIGITS]
    wanted, allowed = next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])
    return f"{wanted} {unit}", f"{allowed} {unit}"
