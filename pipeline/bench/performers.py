"""Performers that make nothing: one ends at once, one holds its slots for a stated time and notes when."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.work import OutputFile, Request, Result, Update, UpdateState

_MADE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "variant_generation": (("still", "image/png"),),
    "scene_generation": (("segment", "video/mp4"), ("last_frame", "image/png")),
    "assembly": (("scene", "video/mp4"),),
    "export": (("export", "video/mp4"),),
    "delivery": (("package", "application/zip"),),
}
_SECONDS = 0.001


def made_up(request: Request) -> Result:
    """A result with the rows of a real one; hashes come from the fingerprint, so different work has different files."""
    outputs = tuple(
        OutputFile(role, f"{number:02x}{request.fingerprint[2:]}", 1000, media_type)
        for number, (role, media_type) in enumerate(_MADE.get(request.stage, ()))
    )
    return Result(outputs, seconds=_SECONDS)


def stand_in(path: Path, size_bytes: int) -> None:
    """A file of this size where a stored one would lie: what is missing is not reused, and what is made of it neither."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size_bytes)


class InstantPerformer:
    """Every attempt has ended before `submit` returns. After a restart it knows nothing, like memory.

    With `place`, which says where a file of a hash is stored, files of nothing lie where its results would.
    """

    def __init__(
        self, note: Callable[[Request], None] = lambda request: None, place: Callable[[str], Path] | None = None
    ) -> None:
        self._note = note
        self._place = place
        self._ended: dict[str, Update] = {}

    def submit(self, request: Request) -> None:
        """Perform it now."""
        self._note(request)
        result = made_up(request)
        if self._place is not None:
            for file in result.outputs:
                stand_in(self._place(file.sha256), file.size_bytes)
        self._ended[request.attempt_id] = Update(request.attempt_id, UpdateState.DONE, result=result)

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """All of them have ended, or are not known here."""
        return [self._ended.pop(key, None) or Update(key, UpdateState.LOST, reason="not known here") for key in attempt_ids]

    def cancel(self, attempt_id: str) -> None:
        """Too late: it has ended."""


@dataclass
class Stay:
    """One attempt in a slot. Times in seconds of the monotonic clock; `needs` and `makes` are hashes of files.

    A first segment needs nothing here: what it waited for was approved long before. `is_last` marks a scene's last segment.
    """

    stage: str
    needs: frozenset[str]
    makes: frozenset[str]
    is_last: bool
    handed_over: float
    begun: float = 0.0
    ended: float = 0.0


class SlottedPerformer:
    """Threads as slots; each attempt holds one for `seconds`. `stays` tells what happened when, `ended` how much."""

    def __init__(self, slots: int, seconds: float, wake: Callable[[], None]) -> None:
        self._seconds = seconds
        self._wake = wake
        self._changed = threading.Condition()
        self._waiting: deque[Request] = deque()
        self._accepted: set[str] = set()
        self._ended: dict[str, Update] = {}
        self._is_open = True
        self.ended: Counter[str] = Counter()
        self.stays: dict[str, Stay] = {}
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(slots)]
        for thread in self._threads:
            thread.start()

    def submit(self, request: Request) -> None:
        """Put it behind those that wait for a slot."""
        stay = Stay(
            request.stage,
            needs=frozenset(file.sha256 for file in request.inputs if file.role in ("start", "segment")),
            makes=frozenset(file.sha256 for file in made_up(request).outputs),
            is_last=request.parameters.get("segment", 0) == request.parameters.get("segments"),
            handed_over=time.monotonic(),
        )
        with self._changed:
            self.stays[request.attempt_id] = stay
            self._accepted.add(request.attempt_id)
            self._waiting.append(request)
            self._changed.notify()

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """Where these stand."""
        return [self._stand(key) for key in attempt_ids]

    def _stand(self, attempt_id: str) -> Update:
        if attempt_id in self._ended:
            return self._ended.pop(attempt_id)
        state = UpdateState.RUNNING if attempt_id in self._accepted else UpdateState.LOST
        return Update(attempt_id, state)

    def cancel(self, attempt_id: str) -> None:
        """It ends soon enough."""

    def close(self) -> None:
        """Let the slots go."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or not self._is_open)
                if not self._waiting:
                    return
                request = self._waiting.popleft()
            stay = self.stays[request.attempt_id]
            stay.begun = time.monotonic()
            time.sleep(self._seconds)
            stay.ended = time.monotonic()
            self._ended[request.attempt_id] = Update(request.attempt_id, UpdateState.DONE, result=made_up(request))
            with self._changed:
                self.ended[request.stage] += 1
            self._wake()
