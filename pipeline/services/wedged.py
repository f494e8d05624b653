"""Keeps work from a worker that runs nothing, within the transaction that takes in what an attempt there has found."""

from __future__ import annotations

from collections.abc import Iterable

from data.store import Store
from pipeline.domain.records import ENGINE
from pipeline.domain.work import Update
from pipeline.domain.workers import Health


def set_aside(store: Store, updates: Iterable[Update]) -> None:
    """The workers that these attempts have found to run nothing get no work until a test has come through; each is told once."""
    found = {update.wedged.worker: update.wedged.reason for update in updates if update.wedged}
    if not found:
        return
    for worker in store.workers.all():
        reason = found.get(worker.name)
        if reason is None or worker.health is Health.WEDGED:
            continue
        store.workers.change(worker.id, health=Health.WEDGED, health_reason=reason, health_at=store.journal.now)
        told = {"name": worker.name, "from": worker.health.value, "reason": reason}
        store.journal.record("worker.wedged", actor=ENGINE, subject="worker", subject_id=worker.id, data=told)
