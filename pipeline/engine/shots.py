"""Carries test shots through: hands their requests to the performer of the fleet, watches them, takes the results in.

It works in one process at a time: the one that holds the lock of the safety net.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.domain.errors import WorkFailed
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import Measurement, Update, UpdateState
from pipeline.domain.workflows.library import TestShot
from pipeline.ports import GeneratorBackend
from pipeline.services.test_shots import TestShots

log = logging.getLogger(__name__)

_FINAL = (UpdateState.DONE, UpdateState.FAILED, UpdateState.LOST)


class ShotDriver:
    """One turn after the other; every turn is safe to repeat.

    `measure` tells the quality of a result, raising WorkFailed for one that is damaged; `forget` removes the folder of an
    ended attempt; `close` is called at the end.
    """

    def __init__(
        self,
        shots: TestShots,
        backend: GeneratorBackend,
        *,
        measure: Callable[[TestShot, Update], Sequence[Measurement]],
        forget: Callable[[str, str], None],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._shots = shots
        self._backend = backend
        self._measure = measure
        self._forget = forget
        self._close = close
        self._watched: set[str] = set()
        self._turning = threading.Lock()

    def turn(self) -> bool:
        """Take in what has ended, give up what was cancelled, start what waits; True while there is something to do."""
        with self._turning:
            running = self._shots.running()
            self._drop({shot.attempt_id for shot in running})
            by_attempt = {shot.attempt_id: shot for shot in running if shot.attempt_id}
            self._take_over([shot for attempt_id, shot in by_attempt.items() if attempt_id not in self._watched])
            news = {}
            for update in self._backend.poll(list(by_attempt)) if by_attempt else ():
                shot = by_attempt[update.attempt_id]
                self._watched.add(update.attempt_id)
                if update.state in _FINAL:
                    self._settle(shot, update)
                elif self._shots.is_late(shot):
                    self._backend.cancel(update.attempt_id)
                    self._settle(shot, _given_up(update))
                elif (update.progress, update.note) != (shot.progress, shot.step):
                    news[shot.id] = (update.progress, update.note)
            if news:
                self._shots.note(news)
            for request in self._shots.begin():
                self._watched.add(request.attempt_id)
                self._backend.submit(request)
            return bool(self._watched) or self._shots.has_open()

    def close(self) -> None:
        """Leave: what runs at a worker goes on, and is found again by the next one."""
        self._close()

    def _take_over(self, unknown: Sequence[TestShot]) -> None:
        """Those that ran when the program ended are looked for where they run."""
        for request in self._shots.again(unknown) if unknown else ():
            self._backend.submit(request)

    def _drop(self, running: set[str | None]) -> None:
        """Those that were cancelled meanwhile are asked to stop."""
        for attempt_id in self._watched - running:
            self._backend.cancel(attempt_id)
            self._watched.discard(attempt_id)

    def _settle(self, shot: TestShot, update: Update) -> None:
        measured: Sequence[Measurement] = ()
        if update.result is not None:
            try:
                measured = self._measure(shot, update)
            except WorkFailed as error:
                reason = f"the result is damaged: {error}"
                update = replace(
                    update, state=UpdateState.FAILED, result=None, failure_class=FailureClass.CORRUPT_OUTPUT, reason=reason
                )
        self._shots.settle(shot, update, measured)
        self._watched.discard(update.attempt_id)
        self._forget(update.attempt_id, f"shot-{shot.id}")


def _given_up(update: Update) -> Update:
    reason = "it did not end within an hour and was stopped"
    return replace(update, state=UpdateState.FAILED, failure_class=FailureClass.TIMEOUT, reason=reason)
