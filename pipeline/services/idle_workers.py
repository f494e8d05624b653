"""Workers that have had nothing to do for a while give the memory of their cards back: others may need it."""

from __future__ import annotations

from datetime import datetime, timedelta

from data.store import Stores
from pipeline.domain.errors import Unavailable
from pipeline.domain.records import Actor
from pipeline.domain.workers import Health, Worker
from pipeline.ports import Clock, Servers

_ACTOR = Actor("system", "looks")
IDLE = timedelta(minutes=10)
"""A model is kept for so long after its worker's last work: to load it again takes a minute or more."""


class IdleWorkers:
    """Remembers since when each worker has had nothing to do, and asks its server once to forget its models."""

    def __init__(self, stores: Stores, clock: Clock, servers: Servers) -> None:
        self._stores = stores
        self._clock = clock
        self._servers = servers
        self._since: dict[int, datetime] = {}

    def free(self) -> int:
        """Free whoever is well, holds nothing of anybody's and has done so long enough; the answer is how many.

        It counts from the first time that this is asked, and anew for a server that does not listen.
        """
        now = self._clock.now()
        with self._stores.read() as store:
            busy = store.workers.busy()
            idle = [worker for worker in store.workers.all() if _holds_a_model(worker) and not busy.get(worker.name)]
        self._since = {worker.id: self._since.get(worker.id, now) for worker in idle}
        freed = [worker for worker in idle if now - self._since[worker.id] >= IDLE and self._is_freed(worker)]
        if freed:
            with self._stores.begin(now) as store:
                for worker in freed:
                    store.workers.change(worker.id, model="")
                    store.journal.record(
                        "worker.freed", actor=_ACTOR, subject="worker", subject_id=worker.id,
                        data={"name": worker.name, "model": worker.model},
                    )  # fmt: skip
        return len(freed)

    def _is_freed(self, worker: Worker) -> bool:
        try:
            self._servers.free(worker.url)
        except Unavailable:
            del self._since[worker.id]
            return False
        return True


def _holds_a_model(worker: Worker) -> bool:
    return bool(worker.model) and worker.health is Health.WELL and not worker.queue
