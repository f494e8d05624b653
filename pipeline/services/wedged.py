"""Keeps work from a worker that runs nothing of it, within the transaction that takes in what an attempt there has found."""

from __future__ import annotations

from collections.abc import Iterable

from data.store import Store
from pipeline.domain.records import ENGINE
from pipeline.domain.work import Update, Wedged
from pipeline.domain.workers import Health


def set_aside(store: Store, updates: Iterable[Update]) -> bool:
    """The workers that these attempts have found to run nothing get no work until a test has come through, and those that are
    at somebody else's work until they are through with it; each is told once. The answer is whether any have found one."""
    found = {update.wedged.worker: update.wedged for update in updates if update.wedged}
    if not found:
        return False
    for worker in store.workers.all():
        wedged = found.get(worker.name)
        if wedged is None or worker.health in (Health.WEDGED, Health.OCCUPIED) or _is_at_our_work(store, wedged):
            continue
        health = Health.OCCUPIED if wedged.others else Health.WEDGED
        store.workers.change(worker.id, health=health, health_reason=wedged.reason, health_at=store.journal.now)
        told = {"name": worker.name, "from": worker.health.value, "reason": wedged.reason}
        store.journal.record(f"worker.{health.value}", actor=ENGINE, subject="worker", subject_id=worker.id, data=told)
    return True


def _is_at_our_work(store: Store, wedged: Wedged) -> bool:
    """Whether what it runs instead is ours all the same: of another engine, or a test shot."""
    ours = store.jobs.outcomes(wedged.others).keys() | {shot.attempt_id for shot in store.test_shots.open()}
    return bool(wedged.others) and wedged.others <= ours
