"""What is under way in a run, as a simulation goes on with it, read in a caller's transaction."""

from __future__ import annotations

from data.store import Store
from pipeline.domain.records import Job
from pipeline.domain.rules.assumptions import Link
from pipeline.domain.rules.stored import chain_of
from pipeline.domain.rules.under_way import Doing, Key, Parcel, UnderWay, Waiting
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus, JobStatus

_PACKED = (DeliveryStatus.PACKAGING, DeliveryStatus.SEALED)


def under_way(store: Store, run_id: int, *, is_followed: bool) -> UnderWay:
    """The work of a run as it stands; only what is delivered already unless it `is_followed`."""
    parcels = _parcels(store, run_id)
    if not is_followed:
        return UnderWay(parcels=parcels)
    jobs = sorted((job for stage in Stage for job in store.jobs.unfinished(run_id, stage)), key=lambda job: job.id)
    packages = _packages(store, run_id)
    links = _links(store, run_id, jobs)
    roots = sorted({one.root for one in (*links.values(), *(package.link for package in packages))})
    return UnderWay(
        is_followed=True,
        jobs=tuple(Doing(job.stage, job.subject_id, job.take, job.part, job.status is JobStatus.FAILED) for job in jobs),
        links=links,
        chains={root: chain_of(firings) for root, firings in store.firings.of_roots(roots).items()},
        packages=packages,
        parcels=parcels,
    )


def _parcels(store: Store, run_id: int) -> tuple[Parcel, ...]:
    """What is being packaged, and the newest delivery of the whole run that has not failed."""
    found = [one for one in store.deliveries.every(run_id) if one.status in _PACKED]
    newest = max((one.id for one in found if one.character is None), default=0)
    ours = [one for one in found if one.id == newest or one.status is DeliveryStatus.PACKAGING]
    return tuple(
        Parcel(one.id, one.character, store.deliveries.plan(one.id)["takes"], one.status is DeliveryStatus.SEALED) for one in ours
    )


def _packages(store: Store, run_id: int) -> tuple[Waiting, ...]:
    effects = store.firings.waiting_effects()
    firings = store.firings.by_ids([one.firing_id for one in effects])
    return tuple(
        Waiting(tuple(one.result["characters"]), Link(firings[one.firing_id].root, firings[one.firing_id].depth))
        for one in effects
        if firings[one.firing_id].run_id == run_id
    )


def _links(store: Store, run_id: int, jobs: list[Job]) -> dict[Key, Link]:
    """The chains that what is asked for belongs to, by what it is."""
    ids = {subject: {job.subject_id for job in jobs if job.subject == subject} for subject in ("cell", "still", "delivery")}
    ids["cell"].update(cell.id for cell in store.cells.with_status(run_id, CellStatus.QUEUED))
    ids["still"].update(still.id for still in store.stills.of_run(run_id) if still.status is CellStatus.QUEUED)
    found: dict[Key, Link] = {}
    for subject, wanted in ids.items():
        for key, marks in store.firings.marks_of(subject, sorted(wanted), store.journal.last_seq()).items():
            _, mark = marks[-1]
            if mark.depth:
                found[Subject(subject), key] = Link(mark.root, mark.depth)
    return found
