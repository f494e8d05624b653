"""The queue and the history, in memory alone: a heap of jobs ordered by number, what runs, and what ended."""

from __future__ import annotations

import heapq
import json
import threading
from collections.abc import Callable
from typing import Any

LONGEST_HISTORY = 10_000
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")
"""Keys of extra_data that no history shows; newer releases hide them in the queue as well."""
Entry = tuple[Any, ...]
"""(number, prompt_id, graph, extra_data, output_ids, secrets): compared as a tuple, so a tie of the first two compares graphs."""


class JobQueue:
    """Pending, running and ended jobs of one life of a server. `on_change` is called whenever the count may have changed.

    A tie of number and id raises TypeError out of the heap, in whoever pushes or pops: the real server has this trap.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.changed = threading.Condition()
        self.pending: list[Entry] = []
        self.running: dict[int, Entry] = {}
        self.history: dict[str, dict[str, Any]] = {}
        self.counter = 0
        self._on_change = on_change
        self._flags: dict[str, Any] = {}
        self._taken = 0
        self._is_over = False

    def next_number(self, front: bool) -> float:
        """The number of a job that brought none: a counter, or minus the counter to go before everything."""
        number = -self.counter if front else self.counter
        self.counter += 1
        return number

    def put(self, entry: Entry) -> None:
        """Queue a job. On a tie it is queued all the same, nobody is told, and TypeError is raised."""
        with self.changed:
            heapq.heappush(self.pending, entry)
            self._on_change()
            self.changed.notify_all()

    def take(self) -> tuple[Entry, int] | None:
        """The next job and its ticket; waits for one. None when there is a flag to act on first, or when the life is over."""
        with self.changed:
            self.changed.wait_for(lambda: self.pending or self._flags or self._is_over)
            if self._is_over or not self.pending:
                return None
            entry = heapq.heappop(self.pending)
            self._taken += 1
            self.running[self._taken] = (*entry[:2], *json.loads(json.dumps(entry[2:4])), *entry[4:])
            self._on_change()
            return entry, self._taken

    def done(self, ticket: int, *, result: dict[str, Any], status: dict[str, Any], is_kept: bool = True) -> None:
        """Move a running job to the history. Not `is_kept` loses it."""
        with self.changed:
            entry = self.running.pop(ticket)
            if len(self.history) > LONGEST_HISTORY:
                self.history.pop(next(iter(self.history)))
            if is_kept:
                prompt = [*entry[:3], {key: value for key, value in entry[3].items() if key not in SECRETS}, entry[4]]
                self.history[entry[1]] = {"prompt": prompt, "outputs": {}, "status": status, **result}
            self._on_change()

    def remaining(self) -> int:
        """Running and pending jobs."""
        return len(self.pending) + len(self.running)

    def current(self) -> tuple[list[list[Any]], list[list[Any]]]:
        """Running and pending jobs as lists of five, pending in the order of the heap."""
        with self.changed:
            return [list(entry[:5]) for entry in self.running.values()], [list(entry[:5]) for entry in self.pending]

    def is_running(self, prompt_id: Any) -> bool:
        """Whether this very job runs now."""
        with self.changed:
            return any(entry[1] == prompt_id for entry in self.running.values())

    def clear(self) -> None:
        """Drop everything pending."""
        with self.changed:
            self.pending = []
            self._on_change()

    def delete(self, prompt_id: Any) -> bool:
        """Drop one pending job of this id; whether there was one."""
        with self.changed:
            for index, entry in enumerate(self.pending):
                if entry[1] == prompt_id:
                    self.pending.pop(index)
                    heapq.heapify(self.pending)
                    self._on_change()
                    return True
            return False

    def past(self, *, most: int | None, offset: int) -> dict[str, Any]:
        """The history from `offset` on, at most `most` jobs; a negative offset means the newest `most`."""
        with self.changed:
            keys = list(self.history)
            first = len(keys) - most if offset < 0 and most is not None else offset
            chosen = keys[max(0, first) :]
            return {key: self.history[key] for key in (chosen if most is None else chosen[: max(1, most)])}

    def one_past(self, prompt_id: str) -> dict[str, Any]:
        """One ended job under its id, or nothing."""
        with self.changed:
            return {prompt_id: self.history[prompt_id]} if prompt_id in self.history else {}

    def forget(self, prompt_id: Any) -> None:
        """Remove one ended job."""
        with self.changed:
            self.history.pop(prompt_id, None)

    def forget_all(self) -> None:
        """Remove the whole history."""
        with self.changed:
            self.history = {}

    def raise_flag(self, name: str, value: Any) -> None:
        """Ask the worker for something between two jobs."""
        with self.changed:
            self._flags[name] = value
            self.changed.notify_all()

    def lower_flags(self) -> dict[str, Any]:
        """What was asked for since the last call."""
        with self.changed:
            flags, self._flags = self._flags, {}
            return flags

    def has_no_flags(self) -> bool:
        """Whether everything asked for has been acted on."""
        return not self._flags

    def end(self) -> None:
        """The life is over: whoever waits stops waiting."""
        with self.changed:
            self._is_over = True
            self.changed.notify_all()
