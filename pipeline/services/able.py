"""What the workers of the fleet that may work can do, as far as single jobs ask for it: memory and tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pipeline.domain.retries import FailureClass
from pipeline.domain.workers import Worker, WorkRecord


@dataclass(frozen=True)
class Able:
    """The memory of each worker that may work, how much each kind of work needs at least, in bytes, and the tags of each.

    `prices` are there because another price may let a worker do what was too dear.
    """

    memory: Mapping[str, int]
    needs: Mapping[str, int]
    prices: Mapping[str, float]
    tags: Mapping[str, frozenset[str]]

    def having(self, tags: frozenset[str]) -> Able:
        """The same of those that have these tags."""
        own = {name: found for name, found in self.tags.items() if tags <= found}
        memory, prices = {name: self.memory[name] for name in own}, {name: self.prices[name] for name in own}
        return Able(memory, self.needs, prices, own)

    def more_than(self, names: Iterable[str]) -> int:
        """What is more than the memory of these workers; 0 when nobody has more."""
        most = max((self.memory.get(name, 0) for name in names), default=-1)
        return most + 1 if 0 <= most < max(self.memory.values(), default=0) else 0


def able(workers: Collection[Worker], shown: Iterable[WorkRecord]) -> Able:
    """What these can do; work for which a worker was set aside for want of memory needs more than that worker has."""
    working = [worker for worker in workers if worker.may_work]
    memory = {worker.id: worker.memory_bytes for worker in workers}
    largest = max((worker.memory_bytes for worker in working), default=0)
    needs: dict[str, int] = {}
    for record in shown:
        has = memory.get(record.worker_id, 0)
        if record.aside_since and record.failure_class == FailureClass.OUT_OF_MEMORY and has < largest:
            needs[record.work] = max(needs.get(record.work, 0), has + 1)
    return Able(
        {worker.name: worker.memory_bytes for worker in working},
        needs,
        {worker.name: worker.cost_per_hour for worker in working},
        {worker.name: frozenset(worker.tags) for worker in working},
    )
