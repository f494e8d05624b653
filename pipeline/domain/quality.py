"""Measurements against rules: what passes, what is flagged for a person, what fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.domain.rulesets import Rule
from pipeline.domain.work import Measurement

Word = Literal["pass", "flag", "fail"]
_RANK: dict[Word, int] = {"fail": 0, "flag": 1, "pass": 2}
_SHOWN = 3  # how many findings a summary names


@dataclass(frozen=True)
class Judged:
    """One measurement beside the limit it was held against. `kind` is `min` or `max`."""

    measurement: Measurement
    limit: float
    kind: str
    verdict: Word

    @property
    def excess(self) -> float:
        """How far beyond the limit, as a share of it; negative when within. Not-a-number counts as infinitely far."""
        value = self.measurement.value
        if value != value:
            return float("inf")
        beyond = self.limit - value if self.kind == "min" else value - self.limit
        return beyond / max(abs(self.limit), 1e-3)

    @property
    def sentence(self) -> str:
        """`sharpness of segment 2 is 3.1, at least 8 is asked`."""
        subject = f" of {self.measurement.subject}" if self.measurement.subject else ""
        bound = "at least" if self.kind == "min" else "at most"
        name = self.measurement.name.replace("_", " ")
        return f"{name}{subject} is {_short(self.measurement.value)}, {bound} {_short(self.limit)} is asked"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check: the worst of what was judged. `judged` has everything that a rule looked at, worst first."""

    verdict: Word
    judged: tuple[Judged, ...] = ()

    @property
    def findings(self) -> tuple[Judged, ...]:
        """Only what is beyond its limit, worst first."""
        return tuple(judged for judged in self.judged if judged.verdict != "pass")

    @property
    def summary(self) -> str:
        """One sentence for a person: the worst findings with value and limit."""
        found = self.findings
        if not found:
            return "all measures are within their limits"
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return "; ".join(judged.sentence for judged in found[:_SHOWN]) + more


def judge(measurements: Iterable[Measurement], rules: Iterable[Rule]) -> Verdict:
    """Hold every measurement against every rule for its name.

    What no rule names is not judged; a rule without a measurement says nothing (a plate has no likeness).
    """
    by_name: dict[str, list[Rule]] = {}
    for rule in rules:
        by_name.setdefault(rule.measure, []).append(rule)
    judged = [_judged(measured, rule) for measured in measurements for rule in by_name.get(measured.name, ())]
    judged.sort(key=lambda one: (_RANK[one.verdict], -one.excess, one.measurement.name, one.measurement.subject))
    return Verdict(verdict=judged[0].verdict if judged else "pass", judged=tuple(judged))


def to_dict(verdict: Verdict) -> dict[str, Any]:
    """Plain JSON values for storage and for the screen."""
    return {
        "verdict": verdict.verdict,
        "judged": [
            {
                "measure": one.measurement.name,
                "subject": one.measurement.subject,
                # JSON has no not-a-number.
                "value": one.measurement.value if one.measurement.value == one.measurement.value else None,
                "limit": one.limit,
                "kind": one.kind,
                "verdict": one.verdict,
            }
            for one in verdict.judged
        ],
    }


def from_dict(stored: Mapping[str, Any]) -> Verdict:
    """The inverse of `to_dict`."""
    return Verdict(
        verdict=stored["verdict"],
        judged=tuple(
            Judged(
                measurement=Measurement(
                    name=one["measure"],
                    value=float("nan") if one["value"] is None else float(one["value"]),
                    subject=one["subject"],
                ),
                limit=float(one["limit"]),
                kind=one["kind"],
                verdict=one["verdict"],
            )
            for one in stored["judged"]
        ),
    )


def _judged(measured: Measurement, rule: Rule) -> Judged:
    within = measured.value >= rule.limit if rule.kind == "min" else measured.value <= rule.limit
    severity: Word = "fail" if rule.severity == "fail" else "flag"
    return Judged(measurement=measured, limit=rule.limit, kind=rule.kind, verdict="pass" if within else severity)


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
