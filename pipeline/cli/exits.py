"""Exit codes, and which of them an error leads to."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ends."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3  # the production has errors
    WAITS = 4  # people have to decide
    REFUSED = 5  # budget, permission, safety
    INTERRUPTED = 130


BY_KIND = {
    "not_found": Exit.USAGE,
    "invalid": Exit.USAGE,
    "conflict": Exit.FAILED,
    "refused": Exit.REFUSED,
    "unavailable": Exit.FAILED,
    "work_failed": Exit.FAILED,
    "error": Exit.FAILED,
}
"""Error kind -> exit code. Commands that read a production answer 3 for what is wrong with it (see `reading`)."""


class Ended(Exception):
    """A command ends early with this code; what there is to say has been said."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code)
        self.code = code
