"""The agent on a machine with cards: reads them, tells a server, keeps what it could not tell for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from pipeline.domain.errors import StripboardError, Unavailable
from pipeline.domain.telemetry.readings import MOST_AT_ONCE, Reading
from pipeline.ports import Clock, GpuProbe, ReadingsSink

KEPT = timedelta(minutes=10)
"""How long readings wait for a server that is away."""
_LONGEST_WAIT_S = 60.0


class Agent:
    """One machine's cards, told every `every_s` seconds. `devices` are the numbers of those to tell of; all when empty.

    `jitter` gives a number from 0.0 to 1.0, so that many agents do not come back to a server in one moment; `tell` takes
    lines for the person who watches.
    """

    def __init__(
        self,
        probe: GpuProbe,
        sink: ReadingsSink,
        clock: Clock,
        *,
        every_s: float,
        devices: Collection[int] = (),
        jitter: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._probe = probe
        self._sink = sink
        self._clock = clock
        self._every_s = every_s
        self._devices = frozenset(devices)
        self._jitter = jitter
        self._tell = tell
        self._waiting: list[Reading] = []
        self._failures = 0
        self._try_at = 0.0
        self._has_told = False
        self._is_blind = False

    def cards(self) -> list[Reading]:
        """The cards that it tells of, as they are now. Raises Unavailable when there is none."""
        found = self._read(self._clock.now())
        if found:
            return found
        reason = self._probe.why_none or f"none of its cards has one of the numbers {sorted(self._devices)}"
        raise Unavailable(f"This machine has no card to tell of: {reason}.")

    def run(self, over: threading.Event) -> None:
        """Read and tell until `over` is set. Raises what the server says when it does not take the very first readings."""
        while True:
            self.step()
            if over.wait(self._every_s):
                return

    def step(self) -> None:
        """One reading, and the telling of all that waits unless the server is to be left alone for now."""
        now = self._clock.now()
        found = self._read(now)
        self._mind_blindness(found)
        self._waiting += found
        self._waiting = [each for each in self._waiting if now - each.at <= KEPT]
        if self._waiting and self._clock.monotonic() >= self._try_at:
            self._send()

    @property
    def waiting(self) -> int:
        """How many readings could not be told yet."""
        return len(self._waiting)

    def _read(self, now: datetime) -> list[Reading]:
        found = self._probe.read(now)
        return [each for each in found if not self._devices or each.device in self._devices]

    def _mind_blindness(self, found: list[Reading]) -> None:
        if bool(found) == self._is_blind:
            self._is_blind = not found
            self._tell("The cards answer again." if found else f"The cards do not answer: {self._probe.why_none or 'no reason'}.")

    def _send(self) -> None:
        late = len(self._waiting)
        try:
            while self._waiting:
                self._sink.send(self._waiting[:MOST_AT_ONCE], self._clock.now())
                del self._waiting[:MOST_AT_ONCE]
        except StripboardError as error:
            if not self._has_told and not isinstance(error, Unavailable):
                raise
            self._after_failure(error)
            return
        if self._failures:
            self._tell(f"The server takes readings again; {late} had waited.")
        self._has_told, self._failures, self._try_at = True, 0, 0.0

    def _after_failure(self, error: StripboardError) -> None:
        if not self._failures:
            self._tell(f"{error} Readings are kept for {KEPT.seconds // 60} minutes, and tried again.")
        self._failures += 1
        longest = min(_LONGEST_WAIT_S, self._every_s * 2.0 ** min(self._failures, 10))
        self._try_at = self._clock.monotonic() + longest * (0.5 + self._jitter() / 2)
