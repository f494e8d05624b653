"""How an attempt ended, in the words of a backend: from a result or an error to the update that the engine takes in."""

from __future__ import annotations

import errno
import logging
from concurrent.futures import BrokenExecutor, CancelledError

from pipeline.domain.errors import Cancelled, WorkerWedged, WorkFailed
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import Result, Update, UpdateState, Wedged

log = logging.getLogger(__name__)


def update_of(attempt_id: str, result: Result | None, error: BaseException | None) -> Update:
    """The final update of an attempt: its result when there was no error, else the failure class and reason of the error."""
    if error is None:
        return Update(attempt_id, UpdateState.DONE, result=result)
    if isinstance(error, WorkFailed):
        state = UpdateState.LOST if error.failure_class == FailureClass.LOST else UpdateState.FAILED
        wedged = Wedged(error.worker, str(error), error.others) if isinstance(error, WorkerWedged) else None
        return Update(attempt_id, state, failure_class=error.failure_class, reason=str(error), wedged=wedged)
    if isinstance(error, (Cancelled, CancelledError)):
        return Update(attempt_id, UpdateState.LOST, reason="it was asked to stop")
    if isinstance(error, BrokenExecutor):
        return Update(
            attempt_id, UpdateState.FAILED, failure_class="crashed", reason="the worker process died while performing it"
        )
    if isinstance(error, MemoryError):
        return Update(attempt_id, UpdateState.FAILED, failure_class="out_of_memory", reason="this machine ran out of memory")
    if isinstance(error, OSError):
        failure_class = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "backend_error"
        return Update(attempt_id, UpdateState.FAILED, failure_class=failure_class, reason=f"{error.strerror or error}")
    log.error("attempt %s failed unexpectedly", attempt_id, exc_info=error)
    return Update(attempt_id, UpdateState.FAILED, failure_class="backend_error", reason=f"{type(error).__name__}: {error}")
