"""Stand-ins: a clock that tests move, tiny stage functions that write real files, and performers that can be scripted."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.domain.delivery import split_volatile
from pipeline.domain.work import Measurement, OutputFile, Request, Result, Update, UpdateState
from pipeline.ports import GeneratorBackend, StageFunction, Workspace

ROLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "source_qa": (),
    "variant_generation": (("still", "image/png"),),
    "variant_qa": (),
    "scene_generation": (("segment", "video/mp4"), ("last_frame", "image/png")),
    "scene_qa": (),
    "assembly": (("scene", "video/mp4"), ("poster", "image/jpeg")),
    "export": (("export", "video/mp4"),),
    "delivery": (("package", "application/zip"),),
}
"""What each stage makes: (role, media type)."""

_ZIP_TIME = (2000, 1, 1, 0, 0, 0)


class FakeClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self._now = datetime(2030, 1, 1, tzinfo=UTC)
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds


class Stagehands:
    """Every stage as a function that writes small files: their content depends on the fingerprint and on nothing else.

    `troubles` is asked before each request is performed and may raise; `measures` are what a checking stage reports;
    `make_file` makes each file.
    """

    def __init__(self) -> None:
        self.performed: list[Request] = []
        self.troubles: Callable[[Request], None] = lambda request: None
        self.measures: dict[str, tuple[Measurement, ...]] = {}
        self.make_file: Callable[[Request, Workspace, str], Path] = make_small_file

    def locate(self, stage: str) -> StageFunction:
        """The function of a stage."""
        return self._perform

    def _perform(self, request: Request, workspace: Workspace) -> Result:
        self.troubles(request)
        self.performed.append(request)
        workspace.report(0.5)
        make = make_package if request.stage == "delivery" else self.make_file
        outputs = tuple(
            workspace.publish(make(request, workspace, role), role=role, media_type=media_type)
            for role, media_type in ROLES[request.stage]
        )
        return Result(outputs, self.measures.get(request.stage, ()))

    def count(self, stage: str) -> int:
        """How many requests of a stage were performed."""
        return sum(request.stage == stage for request in self.performed)


def make_small_file(request: Request, workspace: Workspace, role: str) -> Path:
    """A few bytes that only this request has in this role."""
    path = workspace.scratch / role
    path.write_bytes(small_bytes(request.fingerprint, role))
    return path


def small_bytes(fingerprint: str, role: str) -> bytes:
    """The content of one output of one piece of work."""
    return f"{role} of {fingerprint}".encode()


def make_package(request: Request, workspace: Workspace, role: str) -> Path:
    """A ZIP of the inputs with a manifest of everything repeatable: equal inputs give equal bytes."""
    path = workspace.scratch / "package.zip"
    names = {entry["label"]: entry["name"] for entry in request.parameters["files"]}
    with zipfile.ZipFile(path, "w") as package:
        for file in request.inputs:
            add(package, names.get(file.label, file.label), workspace.stored(file.sha256).read_bytes())
        files = [{**entry, "recipe": split_volatile(entry["recipe"])[0]} for entry in request.parameters["files"]]
        add(package, "manifest.json", json.dumps(files, sort_keys=True).encode())
    return path


def add(package: zipfile.ZipFile, name: str, content: bytes) -> None:
    """One member with a fixed date."""
    package.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content)


class MemoryBackend:
    """Performs at once and writes nothing. `failures` are taken one a request, before anything succeeds."""

    def __init__(self, seconds: float = 0.001) -> None:
        self.seconds = seconds
        self.failures: list[Update] = []
        self.submitted: list[Request] = []
        self._ended: dict[str, Update] = {}

    def submit(self, request: Request) -> None:
        if any(request.attempt_id == known.attempt_id for known in self.submitted):
            return
        self.submitted.append(request)
        self._ended[request.attempt_id] = self._failure(request) or self._success(request)

    def _failure(self, request: Request) -> Update | None:
        if not self.failures:
            return None
        failure = self.failures.pop(0)
        return Update(request.attempt_id, failure.state, failure_class=failure.failure_class, reason=failure.reason)

    def _success(self, request: Request) -> Update:
        result = Result(outputs_of(request.stage, request.fingerprint), seconds=self.seconds)
        return Update(request.attempt_id, UpdateState.DONE, result=result)

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        return [self._ended.get(key, Update(key, UpdateState.LOST, reason="not known here")) for key in attempt_ids]

    def cancel(self, attempt_id: str) -> None:
        self._ended.pop(attempt_id, None)


def outputs_of(stage: str, fingerprint: str) -> tuple[OutputFile, ...]:
    """The outputs of one piece of work, by name and hash alone."""
    found = []
    for role, media_type in ROLES[stage]:
        content = small_bytes(fingerprint, role)
        found.append(OutputFile(role, hashlib.sha256(content).hexdigest(), len(content), media_type))
    return tuple(found)


class HoldingBackend:
    """Another performer behind a gate: what `holds` names is accepted and stays running until `release`."""

    def __init__(self, inner: GeneratorBackend) -> None:
        self.inner = inner
        self.holds: Callable[[Request], bool] = lambda request: False
        self.held: dict[str, Request] = {}
        self.asked_to_stop: list[str] = []

    def submit(self, request: Request) -> None:
        if self.holds(request):
            self.held[request.attempt_id] = request
        else:
            self.inner.submit(request)

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        running = [Update(key, UpdateState.RUNNING) for key in attempt_ids if key in self.held]
        return running + self.inner.poll([key for key in attempt_ids if key not in self.held])

    def cancel(self, attempt_id: str) -> None:
        self.asked_to_stop.append(attempt_id)
        self.held.pop(attempt_id, None)
        self.inner.cancel(attempt_id)

    def release(self) -> None:
        """Perform everything that is held, and hold nothing from now on."""
        held, self.held = self.held, {}
        self.holds = lambda request: False
        for request in held.values():
            self.inner.submit(request)


class Crashed(BaseException):
    """The process has died here; nothing may catch it."""


class Checkpoints:
    """A checkpoint function: remembers the names it is called by, and dies at the call with the number `crash_at`."""

    def __init__(self, crash_at: int | None = None) -> None:
        self.names: list[str] = []
        self._crash_at = crash_at

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if self._crash_at is not None and len(self.names) >= self._crash_at:
            raise Crashed(f"{name}, the {self._crash_at}th point")


class WatchedBackend:
    """Another performer with checkpoints around each verb: between the steps of an engine."""

    def __init__(self, inner: GeneratorBackend, checkpoint: Callable[[str], None]) -> None:
        self._inner = inner
        self._checkpoint = checkpoint

    def submit(self, request: Request) -> None:
        self._checkpoint("engine.submit")
        self._inner.submit(request)
        self._checkpoint("engine.submitted")

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        updates = self._inner.poll(attempt_ids)
        if attempt_ids:
            self._checkpoint("engine.polled")
        return updates

    def cancel(self, attempt_id: str) -> None:
        self._inner.cancel(attempt_id)


def failing(stage: str, error: Callable[[], BaseException], times: int = 1, **parameters: Any) -> Callable[[Request], None]:
    """A trouble: the first `times` requests of a stage (with these parameters) raise."""
    left = [times]

    def trouble(request: Request) -> None:
        matches = all(request.parameters.get(name) == value for name, value in parameters.items())
        if request.stage == stage and matches and left[0] > 0:
            left[0] -= 1
            raise error()

    return trouble
