"""Every error Stripboard raises on purpose: five kinds, each with a message that names the thing, the reason and the cure."""

from __future__ import annotations

from typing import Any


class StripboardError(Exception):
    """Base of all deliberate errors. `str(error)` is a whole sentence or two for a person."""

    kind = "error"


class NotFound(StripboardError):
    """The thing asked for does not exist."""

    kind = "not_found"


class FileLost(NotFound):
    """A file of the media store is gone, or has another content than it had."""


class Invalid(StripboardError):
    """What was given cannot be understood or breaks a rule of its format."""

    kind = "invalid"


class Conflict(StripboardError):
    """The thing exists but is in a state that does not allow this."""

    kind = "conflict"


class Refused(StripboardError):
    """Allowed by form, forbidden by budget, permission or safety."""

    kind = "refused"


class Unavailable(StripboardError):
    """A machine, disk, service or worker that is needed is away or full."""

    kind = "unavailable"


class WorkFailed(StripboardError):
    """One attempt of a job failed; `failure_class` (see `retries.FailureClass`) decides what happens next."""

    kind = "work_failed"

    def __init__(self, failure_class: str, message: str) -> None:
        super().__init__(message)
        self.failure_class = failure_class

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        """Keep both fields when the error crosses a process border."""
        return (type(self), (self.failure_class, str(self)))


class WorkerWedged(WorkFailed):
    """The attempt failed because the server of `worker` takes jobs and runs none of them: the worker is to be set aside.

    `others` are the jobs that it runs instead.
    """

    def __init__(self, worker: str, failure_class: str, message: str, others: frozenset[str] = frozenset()) -> None:
        super().__init__(failure_class, message)
        self.worker = worker
        self.others = others

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        """Keep all four fields when the error crosses a process border."""
        return (type(self), (self.worker, self.failure_class, str(self), self.others))


class Cancelled(Exception):
    """Raised inside an attempt that was asked to stop; not a failure, so not a StripboardError."""
