"""What a server answers over HTTP, as small values. Raises Garbled for what no ComfyUI server would say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pipeline.adapters.backends.comfyui.numbers import finite, row, table, text
from pipeline.domain.errors import Unavailable

FILES_LIMIT = 20_000
"""So many files of one job are looked at."""
_NAME_LIMIT = 1_000


class Garbled(Unavailable):
    """The answer has not the shape that it must have."""


@dataclass(frozen=True)
class Queue:
    """The jobs of a server that have not ended, everybody's."""

    running: frozenset[str]
    pending: frozenset[str]

    def __contains__(self, job: object) -> bool:
        return job in self.running or job in self.pending


@dataclass(frozen=True)
class MadeFile:
    """A file that a job has left on its server. The names are the server's: never a path on this machine."""

    node: str
    filename: str
    subfolder: str
    kind: str

    @property
    def query(self) -> dict[str, str]:
        """How it is asked for."""
        return {"filename": self.filename, "subfolder": self.subfolder, "type": self.kind}

    @property
    def suffix(self) -> str:
        """The ending of its name, in small letters: `.png`."""
        stem, dot, ending = self.filename.rpartition(".")
        return f".{ending.lower()}" if dot and stem else ""


@dataclass(frozen=True)
class Ended:
    """How a job has ended, by the server's history. `error` is what the failing node said, unfiltered."""

    is_success: bool
    is_interrupted: bool = False
    error: dict[str, Any] | None = None
    files: tuple[MadeFile, ...] = ()
    seconds: float = 0.0


def parse_queue(data: Any) -> Queue:
    """The answer of `/queue`."""
    whole = _whole(data, "its queue")
    if not isinstance(whole.get("queue_running"), list) or not isinstance(whole.get("queue_pending"), list):
        raise Garbled("Its queue cannot be read.")
    return Queue(running=_jobs(whole["queue_running"]), pending=_jobs(whole["queue_pending"]))


def _jobs(entries: list[Any]) -> frozenset[str]:
    return frozenset(entry[1] for entry in map(row, entries) if len(entry) > 1 and isinstance(entry[1], str))


def parse_history(data: Any, job: str) -> Ended | None:
    """The answer of `/history/{job}`; None while the job is unknown, waits, runs or is lost: the server tells them not apart."""
    whole = _whole(data, "its history")
    if job not in whole:
        if whole:
            raise Garbled("Its history speaks of another job than the one asked for.")
        return None
    entry = _whole(whole[job], "its history")
    status = table(entry.get("status"))
    files = files_of(table(entry.get("outputs")))
    said = [(pair[0], table(pair[1])) for pair in map(row, row(status.get("messages"))) if len(pair) == 2]
    by_kind = {kind: data for kind, data in said if isinstance(kind, str)}
    seconds = _seconds(by_kind)
    if "execution_interrupted" in by_kind:
        return Ended(is_success=False, is_interrupted=True, files=files, seconds=seconds)
    if "execution_error" in by_kind or text(status.get("status_str")) == "error":
        return Ended(is_success=False, error=by_kind.get("execution_error", {}), files=files, seconds=seconds)
    if status and text(status.get("status_str")) != "success":
        raise Garbled("Its history says neither success nor error.")
    return Ended(is_success=True, files=files, seconds=seconds)


def files_of(outputs: dict[str, Any]) -> tuple[MadeFile, ...]:
    """Every file of every node, under whatever key: videos too come under `images`; at most `FILES_LIMIT`."""
    return tuple(islice(_files(outputs), FILES_LIMIT))


def _files(outputs: dict[str, Any]) -> Iterator[MadeFile]:
    for node, output in outputs.items():
        for entry in (entry for entries in table(output).values() for entry in row(entries)):
            facts = table(entry)
            filename = text(facts.get("filename"), _NAME_LIMIT)
            if filename and "\0" not in filename:
                subfolder, kind = text(facts.get("subfolder"), _NAME_LIMIT), text(facts.get("type"), 20) or "output"
                yield MadeFile(node, filename, subfolder, kind)


def _seconds(by_kind: dict[str, dict[str, Any]]) -> float:
    """From the first to the last time stamp (milliseconds)."""
    stamps = [finite(data.get("timestamp")) for data in by_kind.values()]
    known = [stamp for stamp in stamps if stamp > 0]
    return (max(known) - min(known)) / 1000 if len(known) > 1 else 0.0


def _whole(data: Any, what: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Garbled(f"Its answer about {what} is no JSON object.")
    return data
