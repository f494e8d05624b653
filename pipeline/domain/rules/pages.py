"""What people see of rules: what each has done today, and the log of events with what every rule made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.domain.records import Event
from pipeline.domain.rules.effects import NO_COST
from pipeline.domain.rules.model import Kind
from pipeline.domain.rules.planning import Outcome
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.stored import StoredEffect, StoredFiring, StoredVerdict

_HOURS = 12
_REFUSED = (Outcome.TOO_DEEP, Outcome.OUT_OF_FUEL)
_MESSAGES = (Kind.NOTIFY, Kind.WEBHOOK)


@dataclass(frozen=True)
class Today:
    """What a rule has done: firings of the last twelve hours, the newest last, and of today with what they caused."""

    last: datetime | None = None
    hours: tuple[int, ...] = ()
    fired: int = 0
    refused: int = 0
    caused: Cost = NO_COST
    messages: int = 0
    refusal: str = ""
    nearest: str = ""


@dataclass(frozen=True)
class Line:
    """What one rule made of one event: its verdict with the reason, and what was done, as words, with what came of it.

    `results` are (`done`, `refused`, `failed` or `waiting`, in words). `gathered` counts the events that it fired for at once, 0
    where it was one; `told_at` is the first of them, where that is another one: there stands what was done.
    """

    rule_id: str
    rule: str
    version: int
    outcome: Outcome
    reason: str = ""
    actions: Sequence[str] = ()
    results: Sequence[tuple[str, str]] = ()
    gathered: int = 0
    told_at: int | None = None


@dataclass(frozen=True)
class Entry:
    """One event: its number, name and depth in its chain, what it is about, who caused it, and the verdicts on it."""

    seq: int
    event: str
    at: datetime
    about: str
    by: str = ""
    depth: int = 0
    lines: Sequence[Line] = ()


def of_today(
    firings: Iterable[StoredFiring],
    verdicts: Iterable[StoredVerdict],
    last: Mapping[int, datetime],
    *,
    midnight: datetime,
    now: datetime,
) -> dict[str, Today]:
    """What rules did, by id. `firings` and `verdicts` go back to midnight and twelve hours at least; `last` is of all time."""
    found: dict[int, Today] = {key: Today(last=at) for key, at in last.items()}
    hours: dict[int, list[int]] = defaultdict(lambda: [0] * _HOURS)
    for firing in firings:
        age_h = int((now - firing.at) / timedelta(hours=1))
        if 0 <= age_h < _HOURS:
            hours[firing.trigger_id][_HOURS - 1 - age_h] += 1
        if firing.at >= midnight:
            one = found.get(firing.trigger_id, Today())
            cost = one.caused + Cost(firing.jobs, firing.gpu_seconds)
            told = sum(effect.kind in _MESSAGES and effect.state == "done" for effect in firing.effects)
            found[firing.trigger_id] = replace(one, fired=one.fired + 1, caused=cost, messages=one.messages + told)
    for verdict in verdicts:
        if verdict.outcome in _REFUSED and verdict.at >= midnight:
            one = found.get(verdict.trigger_id, Today())
            told_why = one.refusal or f"refused: {verdict.reason}"
            found[verdict.trigger_id] = replace(one, refused=one.refused + 1, refusal=told_why)
    return {str(key): replace(one, hours=tuple(hours[key])) for key, one in found.items()}


def entries(
    events: Mapping[int, Event], verdicts: Sequence[StoredVerdict], firings: Sequence[StoredFiring], names: Mapping[int, str],
    *, about: Mapping[tuple[str, int], str],
) -> list[Entry]:  # fmt: skip
    """The log, the newest event first. `names` are those of rules, `about` has what each thing is called."""
    did = {(firing.event_seq, firing.trigger_id): firing for firing in firings}
    gathering = {(seq, firing.trigger_id): firing for firing in firings for seq in firing.events if firing.gathered}
    depths = {firing.event_seq: firing.depth - 1 for firing in firings}
    lines: dict[int, list[Line]] = defaultdict(list)
    for verdict in sorted(verdicts, key=lambda one: one.id):
        firing = did.get((verdict.event_seq, verdict.trigger_id))
        effects = firing.effects if firing else ()
        of_several = gathering.get((verdict.event_seq, verdict.trigger_id)) if verdict.outcome == Outcome.MATCHED else None
        elsewhere = of_several.event_seq if of_several and of_several.event_seq != verdict.event_seq else None
        name = names.get(verdict.trigger_id, "a rule that was removed")
        results = tuple((effect.state, _result(effect)) for effect in effects)
        lines[verdict.event_seq].append(
            Line(
                str(verdict.trigger_id), name, verdict.version, Outcome(verdict.outcome), verdict.deciding or verdict.reason,
                tuple(dict.fromkeys(effect.kind for effect in effects)), results, of_several.gathered if of_several else 0,
                elsewhere,
            )
        )  # fmt: skip
    found = []
    for seq in sorted(lines, reverse=True):
        event = events.get(seq)
        if event is not None:
            thing = about.get((event.subject, event.subject_id), "")
            by = event.actor.partition(":")[2] if event.actor.startswith("user:") else ""
            found.append(Entry(seq, event.type, event.at, thing, by, max(0, depths.get(seq, 0)), tuple(lines[seq])))
    return found


def _result(effect: StoredEffect) -> str:
    if effect.reason:
        return effect.reason
    count = len(effect.names)
    if count > 2:
        return f"{effect.state}: {count} of them"
    return ", ".join(effect.names) or effect.state
