"""The Protocols the core needs from outside: small, and the only way services and engine see an adapter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pipeline.domain.messages import Answer, Message
from pipeline.domain.records import StoredFile
from pipeline.domain.telemetry.readings import Reading
from pipeline.domain.work import OutputFile, Request, Result, Update
from pipeline.domain.workers import Sighting


class Clock(Protocol):
    """Tells the time. Tests hand in their own."""

    def now(self) -> datetime:
        """Aware UTC time."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations."""
        ...


class Media(Protocol):
    """The content-addressed store of files."""

    def path_of(self, sha256: str) -> Path:
        """Where a stored file lies (whether or not it is there)."""
        ...

    def name_of(self, sha256: str) -> str:
        """The same as text."""
        ...

    def adopt(self, path: Path, media_type: str) -> StoredFile:
        """Copy a person's file in, durably; the answer names it by its content."""
        ...

    def holds(self, target: Path, sha256: str) -> bool:
        """Whether a file elsewhere has the content of this stored one; it is read only when its length is the same."""
        ...

    def keeps(self, sha256: str, size_bytes: int) -> bool:
        """Whether a stored file is there with this length: one look, its content is not read."""
        ...

    def check(self, sha256: str, size_bytes: int) -> str:
        """What is wrong with a stored file, in words; empty when its length and hash are right."""
        ...

    def orphans(self, wanted: Container[str], older_than: datetime) -> list[Path]:
        """The stored files that nobody points to and that are older."""
        ...

    def remove_orphans(self, wanted: Container[str], older_than: datetime) -> int:
        """Remove stored files that nobody points to and that are older; the answer is how many."""
        ...


class Folders(Protocol):
    """The working folders of attempts and jobs."""

    def ledger(self) -> Iterator[dict[str, str]]:
        """Every start of work ever made, kept apart from the database: attempt, job, stage, fingerprint."""
        ...

    def attempts(self) -> list[str]:
        """The attempts that have a folder."""
        ...

    def jobs(self) -> list[str]:
        """The keys of the jobs that have a folder."""
        ...

    def forget(self, attempt_id: str) -> None:
        """Remove an attempt's folder."""
        ...

    def forget_job(self, job_key: str) -> None:
        """Remove a job's folder."""
        ...


class Workspace(Protocol):
    """What a stage function may touch while it performs one attempt."""

    @property
    def scratch(self) -> Path:
        """A folder of this attempt alone; removed afterwards."""
        ...

    @property
    def kept(self) -> Path:
        """A folder of this job: it survives failed attempts, so long work can resume; removed when the job is done."""
        ...

    def publish(
        self, path: Path, *, role: str, media_type: str, label: str = "", facts: dict[str, Any] | None = None
    ) -> OutputFile:
        """Move a finished file into the content-addressed store, durably (hash, fsync, rename, fsync of the folder).

        Raises WorkFailed("disk_full", …) when there is no room.
        """
        ...

    def publish_content(self, content: bytes, *, role: str, media_type: str, facts: dict[str, Any] | None = None) -> OutputFile:
        """The same for a small file that is in memory."""
        ...

    def stored(self, sha256: str) -> Path:
        """Where a stored file lies; raises NotFound when it is not there."""
        ...

    def report(self, fraction: float, note: str = "") -> None:
        """Tell progress, 0.0 to 1.0. Cheap; call it as often as is natural. Raises Cancelled when the attempt was cancelled."""
        ...


StageFunction = Callable[[Request, Workspace], Result]
"""Performs one attempt. Must be a top-level function (it crosses process borders). Raises WorkFailed on failure."""


class GeneratorBackend(Protocol):
    """Whatever performs attempts: embedded, a program, or a fleet. Three verbs, no more."""

    def submit(self, request: Request) -> None:
        """Accept the attempt. Sending the same attempt_id twice is performed once.

        One that `is_again`, as only a fleet is given, is never begun: it is found where it runs, or lost.
        """
        ...

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """One Update per id, at once. After a restart it still knows what finished; an id it does not know is LOST."""
        ...

    def cancel(self, attempt_id: str) -> None:
        """Ask the attempt to stop. No promise when; unknown ids are ignored."""
        ...


class Servers(Protocol):
    """The servers behind the workers of a fleet, apart from the work that they do."""

    def look(self, urls: Sequence[str], catalogue_of: Collection[str] = ()) -> Mapping[str, Sighting]:
        """What each of these servers says of itself, all asked at once; one that does not answer is AWAY, with the reason.

        Of those in `catalogue_of` also what they can do, which is a large answer.
        """
        ...

    def test(self, url: str) -> str:
        """Let a server do something tiny from end to end; what went wrong, in words, or nothing when it works."""
        ...

    def test_idle(self, urls: Collection[str]) -> Mapping[str, str]:
        """As `test`, for all of these at once. One that has jobs, or does not answer, is left out of the answer."""
        ...

    def free(self, url: str) -> None:
        """Ask a server to forget its models; no promise when."""
        ...

    def stop(self, jobs: Mapping[str, Collection[str]]) -> None:
        """Ask servers to stop these jobs, by address, and no others; no promise that they do, and nothing is raised."""
        ...


class GpuProbe(Protocol):
    """The cards of this machine, as their driver sees them."""

    @property
    def why_none(self) -> str:
        """Why the last reading found no card, in words; empty when it found one."""
        ...

    def read(self, now: datetime) -> list[Reading]:
        """What every card tells just now, by its number. A card that does not answer is left out; nothing is raised."""
        ...


class ReadingsSink(Protocol):
    """Whoever takes the readings of this machine's cards."""

    def send(self, readings: Sequence[Reading], now: datetime) -> None:
        """Hand them over, all or none. Raises Unavailable when that may work later, another error when it will not."""
        ...


class MessageSender(Protocol):
    """Whoever brings messages to people and programs outside."""

    def send(self, message: Message, now: datetime) -> Answer:
        """One try, within bounded time. Nothing is raised; the same message may be sent again and has the same key."""
        ...


class Executor(Protocol):
    """Where CPU work runs: a bounded number of slots."""

    @property
    def slots(self) -> int:
        """How many attempts run at the same time."""
        ...

    def start(self, done: Callable[[Any, BaseException | None], None], function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function(*arguments)` in a slot, after what was started before when all are busy.

        `done(value, error)` is called once it has ended, from whatever thread; an error of the slot itself counts.
        """
        ...

    def close(self) -> None:
        """Stop taking work and give the slots back."""
        ...
