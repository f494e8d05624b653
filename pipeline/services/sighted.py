"""What a look at a worker has found, stored within the transaction that it is handed; and the events of workers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from data.store import Store
from pipeline.domain import workers
from pipeline.domain.fleet import records
from pipeline.domain.names import listed
from pipeline.domain.records import Actor
from pipeline.domain.workers import Health, Sighting, Worker
from pipeline.domain.workflows.schemas import without_our_uploads
from pipeline.services import given_up

LOOKS = Actor("system", "looks")
"""Who is behind what looks and tests find out."""


def ours(store: Store, sightings: Iterable[Sighting], now: datetime) -> frozenset[str]:
    """Of the jobs that were seen at servers, those that are ours: of any engine, test shots too, also those that have ended."""
    seen = frozenset[str]().union(*(sighting.jobs for sighting in sightings))
    if not seen:
        return seen
    known = frozenset(store.jobs.outcomes(seen))
    if len(known) == len(seen):
        return known
    shots = {shot.attempt_id for shot in store.test_shots.open()}
    return known | (seen & shots) | store.test_shots.ended_attempts(seen - known, now - given_up.SHOTS_REMEMBERED)


def keep(store: Store, worker: Worker, sighting: Sighting, *, there: frozenset[str], ours: frozenset[str]) -> None:
    """Store what a look at a worker has found; a change of health is an event. `there`: see `workers.health_after`.

    `ours` are the ids of the jobs seen there that are not somebody else's.
    """
    health, reason = workers.health_after(worker, sighting, there)
    values: dict[str, Any] = {"looked_at": store.journal.now, "health_reason": reason}
    if health is Health.WELL:
        values["health_reason"] = _shared_output(store, worker, sighting)
    if health is not worker.health:
        values |= {"health": health, "health_at": store.journal.now}
        told = {"from": worker.health.value, "reason": reason}
        tell(store, worker, f"worker.{health.value}", LOOKS, **told)
    if sighting.health in (Health.WELL, Health.WEDGED):
        values |= {
            "version": sighting.version,
            "gpu": sighting.gpu,
            "memory_bytes": sighting.memory_bytes,
            "free_bytes": sighting.free_bytes,
            "queue": sighting.queue,
            "others": max(0, sighting.queue - len(sighting.jobs & ours)),
        }
    if sighting.catalogue:
        catalogue = without_our_uploads(sighting.catalogue)
        text = json.dumps(catalogue, sort_keys=True, separators=(",", ":"))
        key = sha256(text.encode()).hexdigest()
        if key != worker.catalogue_sha256:
            store.workers.keep_catalogue(key, catalogue)
            _take_back_installed(store, worker)
        values |= {"catalogue_sha256": key, "read_at": store.journal.now}
    if worker.health is Health.AWAY and sighting.health is Health.WELL:
        values["model"] = ""  # it may have been restarted, and then it has nothing loaded
    store.workers.change(worker.id, **values)
    if values.get("catalogue_sha256", worker.catalogue_sha256) != worker.catalogue_sha256:
        store.workers.drop_catalogues()


def _take_back_installed(store: Store, worker: Worker) -> None:
    """What it can do has changed: what it was set aside for, for want of a node or a model, may be there now."""
    for record in store.workers.records():
        if record.worker_id == worker.id and record.aside_since and records.needs_install(record):
            store.workers.keep_record(records.taken_back(record), is_new=False)
            tell(store, worker, "worker.taken_back", LOOKS, work=record.work)


def _shared_output(store: Store, worker: Worker, sighting: Sighting) -> str:
    """What there is to say of a worker that is well: whom it shares its output folder with. As before, where nobody looked.

    Our own files have the job's id in their names, so this harms only what others make there.
    """
    before = worker.health_reason if worker.health is Health.WELL else ""
    if sighting.shares_output_with is None:
        return before
    names = [other.name for other in store.workers.all() if other.url in sighting.shares_output_with]
    if not names:
        return ""
    words = (
        f"it writes into the same output folder as {listed(names)}, so files of the same name overwrite each other. "
        "Start each with an --output-directory of its own."
    )
    if words != before:
        tell(store, worker, "worker.shares_output", LOOKS, others=names)
    return words


def tell(store: Store, worker: Worker, type: str, actor: Actor, **data: object) -> None:
    """Record an event of a worker, with its name."""
    store.journal.record(type, actor=actor, subject="worker", subject_id=worker.id, data={"name": worker.name, **data})
