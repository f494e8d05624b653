"""A performer on this machine: stage functions in an executor, spoken to by the three verbs of a backend."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.adapters.backends.updates import update_of
from pipeline.adapters.storage.inputs import check_inputs, explained
from pipeline.adapters.storage.media_store import nothing
from pipeline.adapters.storage.workspace import AttemptWorkspace, Spool
from pipeline.domain.errors import Cancelled, WorkFailed
from pipeline.domain.work import Request, Result, Update, UpdateState
from pipeline.ports import Executor, StageFunction

Locate = Callable[[str], StageFunction]
"""Finds the function of a stage by name. It crosses process borders, so that heavy libraries load in the worker only."""


class LocalBackend:
    """Performs attempts with the functions that `locate` finds, each stage in its executor.

    `wake` is called from any thread whenever an attempt has ended, so that nobody has to poll often.
    """

    def __init__(
        self,
        locate: Locate,
        *,
        executors: Mapping[str, Executor],
        spool_root: Path,
        media_root: Path,
        wake: Callable[[], None] = lambda: None,
        checkpoint: Callable[[str], None] = nothing,
    ) -> None:
        self._locate = locate
        self._wake = wake
        self._executors = executors
        self._spool = Spool(spool_root, media_root, checkpoint)
        self._roots = (spool_root, media_root, None if checkpoint is nothing else checkpoint)
        self._accepted: set[str] = set()
        self._ended: dict[str, Update] = {}

    def submit(self, request: Request) -> None:
        """Begin the attempt; a second submission of the same attempt changes nothing."""
        if request.attempt_id in self._accepted:
            return
        self._accepted.add(request.attempt_id)
        done = partial(self._note, request.attempt_id)
        self._executors[request.stage].start(done, perform, self._locate, request, *self._roots)

    def _note(self, attempt_id: str, result: Result | None, error: BaseException | None) -> None:
        """Called from the executor's threads when an attempt has ended."""
        self._ended[attempt_id] = update_of(attempt_id, result, error)
        self._wake()

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """Where these attempts stand. One that is not known here may have left a result before a restart; else it is lost."""
        return [self._stand(attempt_id) for attempt_id in attempt_ids]

    def _stand(self, attempt_id: str) -> Update:
        if attempt_id in self._ended:
            self._accepted.discard(attempt_id)
            return self._ended.pop(attempt_id)
        if attempt_id in self._accepted:
            return self._underway(attempt_id)
        result = self._spool.result(attempt_id)
        if result is not None:
            return Update(attempt_id, UpdateState.DONE, result=result)
        return Update(attempt_id, UpdateState.LOST, reason="its process ended before it had a result")

    def _underway(self, attempt_id: str) -> Update:
        """What the attempt reported last: a number, and the step in words behind it. Its first report is its beginning."""
        try:
            text = (self._spool.attempt_folder(attempt_id) / "progress").read_text(encoding="utf-8")
        except OSError:
            return Update(attempt_id, UpdateState.RUNNING, has_begun=False)
        number, _, note = text.partition(" ")
        try:
            return Update(attempt_id, UpdateState.RUNNING, progress=float(number or 0), note=note)
        except ValueError:
            return Update(attempt_id, UpdateState.RUNNING)

    def cancel(self, attempt_id: str) -> None:
        """Ask the attempt to stop at its next report."""
        if attempt_id in self._accepted:
            folder = self._spool.attempt_folder(attempt_id)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "cancel").touch()


def perform(
    locate: Locate, request: Request, spool_root: Path, media_root: Path, checkpoint: Callable[[str], None] | None
) -> Result:
    """Perform one attempt in whatever thread or process this is, and leave its result in the spool."""
    spool = Spool(spool_root, media_root, checkpoint or nothing)
    folder = spool.attempt_folder(request.attempt_id)

    def report(fraction: float, note: str = "") -> None:
        if (folder / "cancel").exists():
            raise Cancelled(request.attempt_id)
        (folder / "progress").write_text(f"{fraction:.3f} {note}", encoding="utf-8")

    try:
        spool.begin(request)
        report(0.0)
        check_inputs(request)
        began = time.monotonic()
        result = locate(request.stage)(request, AttemptWorkspace(spool, request, report))
        result = replace(result, seconds=time.monotonic() - began)
        spool.keep_result(request.attempt_id, result)
    except WorkFailed as error:
        raise explained(error, request, spool.media) from error
    except OSError as error:
        raise WorkFailed("disk_full" if error.errno == errno.ENOSPC else "backend_error", f"{error.strerror or error}") from error
    return result
