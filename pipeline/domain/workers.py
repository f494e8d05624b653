"""Workers of a fleet: who they are, whether they may take work, and what a look at their server found."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from pipeline.domain.errors import Invalid
from pipeline.domain.fleet.workers import DEFAULT_PLACES, UNSEEN
from pipeline.domain.names import NAME_PATTERN, fold, listed

_TAG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
FLEET_BACKENDS = frozenset({"comfyui"})
"""Backends whose work is done by workers of the fleet, not in a slot of this machine."""
_PLAIN = re.compile(r"[\x21-\x7e]{1,300}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)(0[xX][0-9a-fA-F]*|[0-9]+)\.?$")
"""Other spellings of an address, such as 0x7f.1 or 2130706433, which libraries read in different ways."""
_MOST_TAGS = 20
_DEAREST = 100_000.0
_MOST_TOLD = 20
MOST_PLACES = 8
"""What waits at a server goes to no other one, and is lost with it."""
_KEYS: Mapping[str, object] = {"name": None, "url": None, "tags": [], "cost_per_hour": 0.0, "places": DEFAULT_PLACES}
"""What a file says of a worker, with what holds where it does not."""


class WorkerState(StrEnum):
    """Whether a worker may be given work; a person moves it."""

    ENABLED = "enabled"  # takes work
    PAUSED = "paused"  # takes no new work until it is enabled again; what runs goes on
    DRAINING = "draining"  # takes no new work and will be switched off when what runs has ended


class Health(StrEnum):
    """What the last look at a worker's server found; only the looks move it."""

    UNKNOWN = "unknown"  # not looked at yet
    WELL = "well"  # it answers and works
    AWAY = "away"  # it does not answer
    WEDGED = "wedged"  # it answers, and works on nothing: only a restart of its process helps
    OCCUPIED = "occupied"  # it works for somebody else and does not come to our work
    STRANGE = "strange"  # what it answers is not what such a server answers


@dataclass(frozen=True)
class Worker:
    """One worker, as it is stored. `cost_per_hour` is in the currency of the installation; sizes in bytes.

    `model` is what it has loaded, as far as we know, and `switch_s` how long loading another one takes (0: not measured);
    `catalogue_sha256` names what its server said at `read_at` that it can do. `pause_reason` is there when its cards
    have paused it, and no person. `places` is how many jobs it may have at once: one runs, the others wait at its server.
    `queue` is what its server had to do at the last look, and `others` how much of that was somebody else's.
    """

    id: int
    name: str
    url: str
    tags: tuple[str, ...]
    state: WorkerState
    health: Health
    health_reason: str
    health_at: datetime | None
    looked_at: datetime | None
    version: str
    gpu: str
    memory_bytes: int
    free_bytes: int
    queue: int
    cost_per_hour: float
    model: str
    switch_s: float
    catalogue_sha256: str
    read_at: datetime | None
    created_at: datetime
    pause_reason: str = ""
    places: int = DEFAULT_PLACES
    others: int = 0

    @property
    def may_work(self) -> bool:
        """Whether new work may go there, as far as the worker itself is concerned. One that was not seen yet may be anything."""
        return self.state is WorkerState.ENABLED and self.health is Health.WELL

    def has(self, tags: Iterable[str]) -> bool:
        """Whether it has all of these tags."""
        return frozenset(tags) <= frozenset(self.tags)

    @property
    def was_well(self) -> bool:
        """Whether a look has ever found there what such a server is."""
        return bool(self.version) or self.health is Health.WELL

    @property
    def away(self) -> str:
        """What it is while it takes no new work, such as `paused`; empty when it does."""
        if self.state is WorkerState.PAUSED:
            return f"paused: {self.pause_reason}" if self.pause_reason else "paused"
        if self.state is WorkerState.DRAINING:
            return "draining"
        if self.health is Health.UNKNOWN:
            return UNSEEN
        return "" if self.may_work else f"{self.health.value}: {self.health_reason}"

    @property
    def why_not(self) -> str:
        """Why it takes no new work, in words; empty when it does."""
        return self.away and f"it {'was' if self.away == UNSEEN else 'is'} {self.away}"


@dataclass(frozen=True)
class Sighting:
    """What one look at a server found. `catalogue` is its answer to what nodes it has: class name to schema.

    `shares_output_with` are the servers that write into the same output folder; None when nobody looked for that.
    `jobs` are the ids of what runs and waits there, everybody's, as far as they could be ours.
    """

    health: Health
    reason: str = ""
    version: str = ""
    gpu: str = ""
    memory_bytes: int = 0
    free_bytes: int = 0
    queue: int = 0
    catalogue: Mapping[str, object] = field(default_factory=dict)
    shares_output_with: tuple[str, ...] | None = None
    jobs: frozenset[str] = frozenset()


def health_after(worker: Worker, sighting: Sighting, there: frozenset[str] = frozenset()) -> tuple[Health, str]:
    """The health of a worker after a look, and the reason. What was wedged stays so: that shows by a test, not by a look.

    For a server that works on nothing looks well as soon as nothing waits there, and it may be away for a moment only.
    One that is occupied is so until it has nothing to do, or has done all that was `there` when it was found out.
    """
    if worker.health is Health.WEDGED:
        return Health.WEDGED, worker.health_reason or sighting.reason
    is_through = not sighting.queue or (there and there.isdisjoint(sighting.jobs))
    if worker.health is Health.OCCUPIED and sighting.health is Health.WELL and not is_through:
        return Health.OCCUPIED, worker.health_reason
    return sighting.health, sighting.reason


@dataclass(frozen=True)
class WorkRecord:
    """What a worker has shown with one kind of work, named by the cost key of its jobs.

    `spread` is the standard deviation of the seconds for a frame over `samples`. `failures` counts those in a row, of
    `failure_class`; with `aside_since` the worker gets no such work until a test, not before `test_at`, has succeeded.
    """

    worker_id: int
    work: str
    samples: int = 0
    seconds_per_frame: float = 0.0
    spread: float = 0.0
    failures: int = 0
    failure_class: str = ""
    reason: str = ""
    aside_since: datetime | None = None
    test_at: datetime | None = None


@dataclass(frozen=True)
class NewWorker:
    """A worker to be registered, checked by `checked`. `given` says which choices somebody made; the others are defaults."""

    name: str
    url: str
    tags: tuple[str, ...] = ()
    cost_per_hour: float = 0.0
    places: int = DEFAULT_PLACES
    given: frozenset[str] = frozenset({"tags", "cost_per_hour", "places"})


def checked(
    name: str, url: str, *, tags: Sequence[str] = (), cost_per_hour: float = 0.0, places: float = DEFAULT_PLACES
) -> NewWorker:
    """A worker as it may be stored. Raises Invalid, with the cure, for whatever of it cannot be used."""
    if not re.match(NAME_PATTERN, name):
        raise Invalid(f"{name[:80]!r} cannot name a worker. Use one line of 1 to 80 characters.")
    bad = next((tag for tag in tags if not _TAG.fullmatch(tag)), None)
    if bad is not None or len(tags) > _MOST_TAGS:
        raise Invalid(f"The tags of {name} cannot be used. At most {_MOST_TAGS}; small letters, digits, _ and -, such as 48gb.")
    if not 0.0 <= cost_per_hour <= _DEAREST:
        raise Invalid(f"The price of {name} must lie between 0 and {_DEAREST:,.0f} an hour.")
    if places not in range(1, MOST_PLACES + 1):
        raise Invalid(f"{name} may have 1 to {MOST_PLACES} jobs at once, as a whole number; to give it none, pause it.")
    return NewWorker(name, checked_url(url), tuple(dict.fromkeys(tags)), float(cost_per_hour), int(places))


def of_file(data: object) -> list[NewWorker]:
    """The workers of a file's data: a list of `name`, `url` and, as a choice, `tags`, `cost_per_hour` and `places`; or `workers:`
    with one.

    Raises Invalid that says of every entry what is wrong with it.
    """
    entries = data.get("workers") if isinstance(data, Mapping) and set(data) == {"workers"} else data
    if not isinstance(entries, list) or not entries:
        raise Invalid("There is no list of workers. Write `workers:` and below it `- {name: gpu-1, url: http://host:8188}`.")
    found, problems = [], []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(_of_entry(entry))
        except Invalid as error:
            problems.append(f"Worker {number}: {error}")
    for what, values in (("name", [fold(one.name) for one in found]), ("address", [one.url for one in found])):
        twice = sorted({value for value in values if values.count(value) > 1})
        problems += [f'Two workers have the {what} "{value}".' for value in twice]
    if problems:
        raise Invalid(" ".join(problems[:_MOST_TOLD]))
    return found


def _of_entry(entry: object) -> NewWorker:
    if not isinstance(entry, Mapping):
        raise Invalid("it is no mapping. Write {name: gpu-1, url: http://host:8188}.")
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise Invalid(f"there is no key {listed(unknown[:5])}. Known: {', '.join(_KEYS)}.")
    name, url, tags, price, places = (entry.get(key, default) for key, default in _KEYS.items())
    if not (isinstance(name, str) and isinstance(url, str)):
        raise Invalid("it needs a name and a url, as text.")
    if not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise Invalid("its tags must be a list of words.")
    if isinstance(price, bool) or not isinstance(price, (int, float)):
        raise Invalid("its cost_per_hour must be a number.")
    if isinstance(places, bool) or not isinstance(places, int):
        raise Invalid("its places must be a whole number.")
    return replace(checked(name, url, tags=tags, cost_per_hour=price, places=places), given=frozenset(map(str, entry)))


def outcome(before: Worker | None, after: Worker) -> str:
    """What a file of workers has made of one: "registered" where there was none before, else "changed" or "unchanged"."""
    if before is None:
        return "registered"
    facts = ("name", "url", "tags", "cost_per_hour", "places")
    return "unchanged" if all(getattr(before, name) == getattr(after, name) for name in facts) else "changed"


def is_same_server(url: str, other: str) -> bool:
    """Whether two addresses, as `checked_url` spells them, are one server's: this machine has two names."""
    return _numbered(url) == _numbered(other)


def _numbered(url: str) -> str:
    return url.replace("://localhost:", "://127.0.0.1:", 1)


def checked_url(url: str) -> str:
    """The address of a server in its one spelling, `http://host:port`; a bare `host:port` is plain HTTP.

    Servers of a fleet stand in private networks, so private addresses are fine. Link-local ones are not: on rented
    machines these answer with the secrets of the landlord. Nor are credentials, which would be shown and logged.
    """
    if not _PLAIN.fullmatch(url):
        raise Invalid(f"{url[:80]!r} is not an address. Write it as http://host:8188.")
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or (443 if parts.scheme == "https" else 8188)
    except ValueError:
        raise Invalid(f'"{url[:200]}" is not an address. Write it as http://host:8188.') from None
    if parts.scheme not in ("http", "https") or parts.path.strip("/") or parts.query or parts.fragment:
        raise Invalid(f'"{url[:200]}" is not the address of a server. Write scheme, host and port only: http://host:8188.')
    if parts.username is not None or parts.password is not None:
        raise Invalid(
            "An address must not hold a password. Put a proxy that knows it before the server, or use a private network."
        )
    return f"{parts.scheme}://{_checked_host(parts.hostname or '')}:{port}"


def _checked_host(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host) or _ENDS_IN_A_NUMBER.search(host):
            raise Invalid(f'"{host[:200]}" is neither a host name nor an address.') from None
        return host.lower()
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise Invalid(f"{host} is not the address of one machine. Use its own address.")
    return f"[{address}]" if address.version == 6 else str(address)
