"""Failures by cause: what a producer reads before looking at each."""

from __future__ import annotations

from dataclasses import dataclass

_WORDS = {
    "bad_input": "Input that cannot be used",
    "lost_input": "Stored file gone or damaged",
    "out_of_memory": "Out of memory",
    "timeout": "Took too long",
    "corrupt_output": "Result is not what was asked for",
    "disk_full": "Disk full",
    "backend_error": "Generator failed",
    "crashed": "Worker crashed",
    "lost": "Lost by its worker",
    "missing_model": "Worker lacks a node or a model",
    "worker_gone": "Worker stopped answering",
    "worker_busy": "Worker busy with somebody else's work",
    "budget": "Ran longer than the budget pays for",
}


@dataclass(frozen=True)
class Cause:
    """Jobs that failed for one reason, over all runs; `example` is what one of them said, `run_id` where it is."""

    failure_class: str
    jobs: int
    runs: int
    example: str
    run_id: int

    @property
    def words(self) -> str:
        """The cause as people read it."""
        return _WORDS.get(self.failure_class, self.failure_class.replace("_", " ").capitalize() or "Unknown")
