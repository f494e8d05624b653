"""What generation costs at the workers of the fleet: by their prices, and by how long they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean

from pipeline.domain.workers import Worker, WorkRecord

_SURE = 5


class Prices:
    """The workers that take work, with what was measured there. A job of which nothing was measured takes what is estimated."""

    def __init__(self, workers: Iterable[Worker], shown: Iterable[WorkRecord]) -> None:
        self._workers = [worker for worker in workers if worker.may_work]
        shown = [record for record in shown if record.samples]
        self._rates = {(record.worker_id, record.work): record.seconds_per_frame for record in shown}
        self._sure = {(record.worker_id, record.work) for record in shown if record.samples >= _SURE}

    def measured_s(self, worker: Worker, work: str, frames: float) -> float | None:
        """What so many frames take at this worker, a model loaded; None where that was never measured there."""
        rate = self._rates.get((worker.id, work))
        return rate * frames if rate else None

    def is_sure(self, worker: Worker, work: str) -> bool:
        """Whether that was measured several times there."""
        return (worker.id, work) in self._sure

    def dear(self, money: float, work: str, frames: float, estimated_s: float) -> frozenset[str]:
        """The workers at which this costs more, as long as there are others: what all are too dear for waits for money."""
        found = frozenset(
            worker.name
            for worker in self._workers
            if worker.cost_per_hour * self._seconds(worker, work, frames, estimated_s) / 3600 > money
        )
        return found if len(found) < len(self._workers) else frozenset()

    def least(self, tags: Iterable[str], work: str, frames: float, estimated_s: float) -> float:
        """The price of an hour at which its estimated time costs what it does where that is least, of workers with these tags."""
        return (
            min(
                (
                    worker.cost_per_hour * self._seconds(worker, work, frames, estimated_s) / estimated_s
                    for worker in self._workers
                    if worker.has(tags)
                ),
                default=0.0,
            )
            if estimated_s
            else 0.0
        )

    def least_of(self, tags: Iterable[str], frame_seconds: Mapping[str, float]) -> float:
        """The same for works of which a frame takes so many seconds in the mean of all workers; of equal weight."""
        return min((self._price_of(worker, frame_seconds) for worker in self._workers if worker.has(tags)), default=0.0)

    def _price_of(self, worker: Worker, frame_seconds: Mapping[str, float]) -> float:
        slowness = [self._rates.get((worker.id, work), seconds) / seconds for work, seconds in frame_seconds.items() if seconds]
        return worker.cost_per_hour * (fmean(slowness) if slowness else 1.0)

    def _seconds(self, worker: Worker, work: str, frames: float, estimated_s: float) -> float:
        measured = self.measured_s(worker, work, frames)
        return estimated_s if measured is None else measured
