"""`/workers/{worker}/readings`: what the cards of a worker tell."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Studio, routes
from pipeline.domain.errors import Refused
from pipeline.domain.telemetry.limits import Level
from pipeline.domain.telemetry.readings import BOUNDS, LONGEST_NAME, MOST_AT_ONCE, MOST_DEVICES, believable
from pipeline.wiring_fleet import Card

router = routes("workers")

_LATELY = timedelta(hours=1)
_WRITTEN = re.compile(r"20\d\d-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_CURE = "Give server and agent the same STRIPBOARD_AGENT_KEY."


def _number(name: str) -> Any:
    low, high = BOUNDS[name]
    return Field(ge=low, le=high, allow_inf_nan=False)


def _as_written(value: object) -> object:
    """A time is written out with its offset; a bare number is none."""
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):
        raise ValueError("write times of this century as 2030-01-31T12:00:00Z")
    return value


Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_as_written)]
WorkerPath = Annotated[
    str, Path(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f/]+$", description="Its name, else its number.")
]


class NewReading(asked.Asked):
    """What one card told at one moment; what it does not tell is null. `use` is a share, 0.0 to 1.0."""

    device: Annotated[int, Field(ge=0, lt=MOST_DEVICES)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*$")]
    at: Time
    use: Annotated[float, _number("use")] | None = None
    memory_used_bytes: Annotated[int, _number("memory_used_bytes")] | None = None
    memory_bytes: Annotated[int, _number("memory_bytes")] | None = None
    temperature_c: Annotated[float, _number("temperature_c")] | None = None
    power_w: Annotated[float, _number("power_w")] | None = None
    power_limit_w: Annotated[float, _number("power_limit_w")] | None = None
    clock_mhz: Annotated[int, _number("clock_mhz")] | None = None


class NewReadings(asked.Asked):
    """Readings of one worker's cards. `sent_at` is the sender's time of sending, by which a wrong clock is put right."""

    sent_at: Time | None = None
    readings: Annotated[list[NewReading], Field(max_length=MOST_AT_ONCE)]


class Taken(given.Given):
    """How many were stored, and how many left out: known already, older than an hour, or from the future."""

    stored: int
    left_out: int


class Reading(given.Given):
    """What one card told at one moment; null where it does not tell."""

    device: int
    name: str
    at: datetime
    use: float | None
    memory_used_bytes: int | None
    memory_bytes: int | None
    temperature_c: float | None
    power_w: float | None
    power_limit_w: float | None
    clock_mhz: int | None


class CardStanding(given.Given):
    """How a card stands: its newest reading, what that came to, and why in words."""

    reading: Reading
    level: Level
    words: str


class Readings(given.Given):
    """Readings by card and time, and how each card stands."""

    items: list[Reading]
    cards: list[CardStanding]


def _agent(
    studio: Studio,
    shown: Annotated[
        HTTPAuthorizationCredentials | None,
        Security(HTTPBearer(auto_error=False, scheme_name="agent", description="The key of agents: STRIPBOARD_AGENT_KEY.")),
    ],
) -> None:
    """Raises Refused unless the request carries the key of agents."""
    key = studio.settings.agent_key
    if not key:
        raise Refused(f"This server takes no readings: it has no key for agents. {_CURE}")
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), key.encode()):
        raise Refused(f"That is not the key for agents of this server. {_CURE}")


@router.post("/workers/{worker}/readings", response_model=Taken, dependencies=[Depends(_agent)])
def take_readings(worker: WorkerPath, body: NewReadings, studio: Studio, key: Key = None) -> object:
    """Take what the cards of a worker told. Asks for the key of agents as a bearer token.

    A reading that is sent again is stored once. Readings beyond a limit warn of the worker, or pause it.
    """
    found = studio.workers.find(worker)
    readings = [
        believable(each.device, each.name, each.at, {name: getattr(each, name) for name in BOUNDS}) for each in body.readings
    ]
    return studio.telemetry.take(found, readings, body.sent_at)


@router.get("/workers/{worker}/readings", response_model=Readings)
def read_readings(
    worker: WorkerPath,
    studio: Studio,
    since: Annotated[Time | None, Query(description="From this time on; an hour before `until` when left out.")] = None,
    until: Annotated[Time | None, Query(description="Up to this time; now when left out.")] = None,
    points: Annotated[int, Query(ge=1, le=2000, description="At most so many readings of each card.")] = 300,
) -> object:
    """What the cards of a worker told, by card and time. More than `points` are told as means of stretches of time, and the
    highest temperature of each.
    """
    found = studio.workers.find(worker)
    last = until or studio.clock.now()
    items = studio.telemetry.history(found, since=since or last - _LATELY, until=last, points=points)
    return {"items": items, "cards": [_flat(card) for card in studio.telemetry.latest().get(found.id, ())]}


def _flat(card: Card) -> Mapping[str, object]:
    return {"reading": asdict(card.reading), "level": card.verdict.level, "words": card.verdict.words}
