"""Limits of cards, and what readings come to under them: fine, a warning, or no more work for now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pipeline.domain.errors import Invalid
from pipeline.domain.telemetry.readings import Reading


class Measure(StrEnum):
    """What of a card is held against limits."""

    TEMPERATURE = "temperature"  # °C
    MEMORY = "memory"  # share of its memory
    POWER = "power"  # share of its power limit
    IDLE = "idle"  # use, as a share, while its worker has a job: here little is too little


class Level(StrEnum):
    """What a measure comes to, in the order of gravity."""

    FINE = "fine"
    WARN = "warn"
    PAUSE = "pause"


_GRAVITY = {level: number for number, level in enumerate(Level)}
_WIDEST = {Measure.TEMPERATURE: 150.0, Measure.MEMORY: 1.0, Measure.POWER: 2.0, Measure.IDLE: 1.0}
_BACK = {Measure.TEMPERATURE: 5.0, Measure.MEMORY: 0.03, Measure.POWER: 0.05, Measure.IDLE: 0.05}
_LIMIT = re.compile(r"(?P<warn>\d{1,4}(\.\d{1,2})?)?(/(?P<pause>\d{1,4}(\.\d{1,2})?))?")


@dataclass(frozen=True)
class Threshold:
    """Limits of one measure, in its unit: a warning from `warn` on, no more work from `pause` on (below them for IDLE).

    What was once reached holds until the value is back by more than `hysteresis`.
    """

    measure: Measure
    warn: float | None = None
    pause: float | None = None
    hysteresis: float = 0.0


DEFAULTS = (Threshold(Measure.TEMPERATURE, 83.0, 92.0, _BACK[Measure.TEMPERATURE]),)
"""Cards throttle themselves between these two."""


@dataclass(frozen=True)
class Finding:
    """What one measure of a card comes to, in words where it is not fine: `79 °C: warns from 78, pauses at 84`."""

    level: Level
    words: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a card comes to by its readings up to `at`: the gravest of its findings.

    `told_at` is when it told more than its memory last; None where it never did.
    """

    device: int
    name: str
    at: datetime
    findings: Mapping[Measure, Finding] = field(default_factory=dict)
    told_at: datetime | None = None

    @property
    def level(self) -> Level:
        """The gravest."""
        return max((finding.level for finding in self.findings.values()), key=_GRAVITY.__getitem__, default=Level.FINE)

    @property
    def words(self) -> str:
        """All that is not fine, the gravest first; empty when all is."""
        found = sorted(self.findings.values(), key=lambda finding: -_GRAVITY[finding.level])
        return "; ".join(finding.words for finding in found if finding.words)


@dataclass(frozen=True)
class Card:
    """One card of a worker: its newest reading, and what that came to."""

    reading: Reading
    verdict: Verdict


def gravest(cards: Iterable[Card]) -> Card | None:
    """The card that a person should see first: the gravest, of equals the hottest; None without any."""
    return max(cards, key=lambda card: (_GRAVITY[card.verdict.level], card.reading.temperature_c or 0.0), default=None)


def judge(
    readings: Iterable[Reading],
    thresholds: Sequence[Threshold],
    *,
    before: Mapping[int, Verdict] | None = None,
    is_busy: bool = False,
) -> dict[int, Verdict]:
    """The verdict on every card that has readings, by its number; `before` are the last ones, as far as there are any.

    Readings count in the order of their times, and those that are not newer than the verdict before do not count again.
    What a card does not tell stays as it was. `is_busy` says whether the worker has a job, which IDLE is about.
    """
    found = dict(before or {})
    told: set[int] = set()
    for reading in sorted(readings, key=lambda one: one.at):
        known = found.get(reading.device)
        if known is not None and reading.at <= known.at:
            continue
        earlier = known.findings if known else {}
        findings = {each.measure: _finding(reading, each, earlier.get(each.measure), is_busy) for each in thresholds}
        told_at = reading.at if not reading.is_memory_alone else known.told_at if known else None
        found[reading.device] = Verdict(reading.device, reading.name, reading.at, findings, told_at)
        told.add(reading.device)
    return {device: found[device] for device in sorted(told)}


def is_graver(level: Level, than: Level) -> bool:
    """Whether one level is graver than another."""
    return _GRAVITY[level] > _GRAVITY[than]


def thresholds(text: str) -> tuple[Threshold, ...]:
    """The limits of a text such as `temperature=80/90, memory=97, idle=5`: warn/pause, in °C or per cent; the defaults else.

    `temperature=/90` only pauses, `temperature=off` has no limit. Raises Invalid.
    """
    found = {each.measure: each for each in DEFAULTS}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, limit = (one.strip() for one in part.partition("="))
        if name not in list(Measure):
            raise Invalid(f'There is no limit "{name[:40]}". Use {", ".join(Measure)}, such as temperature=83/92.')
        measure = Measure(name)
        found.pop(measure, None)
        if limit != "off":
            found[measure] = _threshold(measure, limit)
    return tuple(found[measure] for measure in Measure if measure in found)


def _threshold(measure: Measure, text: str) -> Threshold:
    match = _LIMIT.fullmatch(text)
    if not text or match is None:
        raise Invalid(f'The limit {measure.value}="{text[:40]}" is neither WARN, WARN/PAUSE, /PAUSE nor off.')
    parts = 1 if measure is Measure.TEMPERATURE else 100
    warn, pause = (None if match[name] is None else float(match[name]) / parts for name in ("warn", "pause"))
    given = [value for value in (warn, pause) if value is not None]
    is_ordered = given == sorted(given, reverse=measure is Measure.IDLE)
    if not is_ordered or not all(0 < value <= _WIDEST[measure] for value in given):
        raise Invalid(f'The limit {measure.value}="{text[:40]}" is beyond reason, or pauses before it warns.')
    return Threshold(measure, warn, pause, _BACK[measure])


def _finding(reading: Reading, threshold: Threshold, before: Finding | None, is_busy: bool) -> Finding:
    if threshold.measure is Measure.IDLE and not is_busy:
        return Finding(Level.FINE)
    value = value_of(reading, threshold.measure)
    if value is None:
        return before or Finding(Level.FINE)
    was = before.level if before else Level.FINE
    level = _level(value, threshold, was)
    return Finding(level, "" if level is Level.FINE else _words(value, threshold, level))


def value_of(reading: Reading, measure: Measure) -> float | None:
    """What a reading tells of a measure, in its unit."""
    return {
        Measure.TEMPERATURE: reading.temperature_c,
        Measure.MEMORY: reading.memory_share,
        Measure.POWER: reading.power_share,
        Measure.IDLE: reading.use,
    }[measure]


def _level(value: float, threshold: Threshold, was: Level) -> Level:
    if _is_reached(value, threshold.pause, threshold, holds=was is Level.PAUSE):
        return Level.PAUSE
    return Level.WARN if _is_reached(value, threshold.warn, threshold, holds=was is not Level.FINE) else Level.FINE


def _is_reached(value: float, limit: float | None, threshold: Threshold, *, holds: bool) -> bool:
    if limit is None:
        return False
    if threshold.measure is Measure.IDLE:
        return value < limit + (threshold.hysteresis if holds else 0.0)
    return value >= limit or (holds and value > limit - threshold.hysteresis)


def _words(value: float, threshold: Threshold, level: Level) -> str:
    limit = threshold.pause if level is Level.PAUSE else threshold.warn
    told = _TOLD[threshold.measure].format(_shown(value, threshold.measure))
    if limit is not None and not _is_reached(value, limit, threshold, holds=False):
        side, sign = ("above", 1) if threshold.measure is Measure.IDLE else ("below", -1)
        until = _shown(limit + sign * threshold.hysteresis, threshold.measure)
        return f"{told}: {'pauses' if level is Level.PAUSE else 'warns'} until it is {side} {until}"
    first, second = ("below", "below") if threshold.measure is Measure.IDLE else ("from", "at")
    parts = [f"warns {first} {_shown(threshold.warn, threshold.measure)}"] if threshold.warn is not None else []
    parts += [f"pauses {second} {_shown(threshold.pause, threshold.measure)}"] if threshold.pause is not None else []
    return f"{told}: {', '.join(parts)}"


_TOLD = {
    Measure.TEMPERATURE: "{} °C",
    Measure.MEMORY: "{} % of its memory",
    Measure.POWER: "{} % of its power limit",
    Measure.IDLE: "{} % use with a job in hand",
}


def _shown(value: float, measure: Measure) -> str:
    return f"{value:.4g}" if measure is Measure.TEMPERATURE else f"{100 * value:.3g}"
