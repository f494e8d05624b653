"""Keeps work from a worker that runs nothing of it, within the transaction that takes in what an attempt there has found."""

from __future__ import annotations

from collections.abc import Iterable

from data.store import Store
from pipeline.domain.records import ENGINE
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import Update
from pipeline.domain.workers import Health


def set_aside(store: Store, updates: Iterable[Update]) -> bool:
    """The workers that these attempts have found to run nothing get no work until a test has come through, and those that are
    at somebody else's work until they are through with it; each is told once. The answer is whether any have found one."""
    found = {update.wedged.worker: update for update in updates if update.wedged}
    if not found:
        return False
    for worker in store.workers.all():
        update = found.get(worker.name)
        if update is None or worker.health in (Health.WEDGED, Health.OCCUPIED):
            continue
        health = Health.OCCUPIED if update.failure_class == FailureClass.WORKER_BUSY else Health.WEDGED
        store.workers.change(worker.id, health=health, health_reason=update.reason, health_at=store.journal.now)
        told = {"name": worker.name, "from": worker.health.value, "reason": update.reason}
        store.journal.record(f"worker.{health.value}", actor=ENGINE, subject="worker", subject_id=worker.id, data=told)
    return True
