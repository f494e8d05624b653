"""Reads of deliveries: what is missing, what was made, what is in a package."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from data.store import Store, Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.packages import Entry, Gap, Made, Package, Readiness, difference
from pipeline.domain.records import Delivery, Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus, JobStatus

_EXAMPLES = 3
_NAMED = (CellStatus.REVIEW, CellStatus.FAILED, CellStatus.REJECTED, CellStatus.NOT_STARTED)
_UNDER_WAY = (CellStatus.QUEUED, CellStatus.GENERATING)


class Packages:
    """Reads deliveries. `contents` lists the files of a stored package, `name` says what people call it."""

    def __init__(self, stores: Stores, contents: Callable[[str], Sequence[Entry]], name: Callable[[Run, Delivery], str]) -> None:
        self._stores = stores
        self._contents = contents
        self._name = name

    def readiness(self, run_id: int) -> Readiness:
        """What keeps the run from being delivered, counted, with the first ones by name."""
        with self._stores.read() as store:
            counts = store.cells.counts(run_id)
            gaps = [
                Gap(status.value, counts[status], _first(store, run_id, status) if status in _NAMED else ())
                for status in (*_NAMED, *_UNDER_WAY)
                if counts.get(status)
            ]
            stills = [still.key for still in store.stills.of_run(run_id) if still.status is CellStatus.REVIEW]
            exports = store.jobs.unfinished(run_id, Stage.EXPORT)
        failed = sum(job.status is JobStatus.FAILED for job in exports)
        return Readiness(tuple(gaps), tuple(stills), len(exports) - failed, failed)

    def made(self, limit: int) -> list[Made]:
        """The newest deliveries of all runs, the newest first."""
        with self._stores.read() as store:
            found = store.deliveries.newest(limit)
            runs = store.runs.by_ids(list({delivery.run_id for delivery in found}))
            return [_made(store, runs[delivery.run_id], delivery) for delivery in found]

    def look_into(self, delivery_id: int) -> Package:
        """A sealed delivery: its files with their checksums, and what has changed. Raises NotFound when there is none."""
        with self._stores.read() as store:
            delivery = next(iter(store.deliveries.with_ids([delivery_id])), None)
            if delivery is None or delivery.status is not DeliveryStatus.SEALED:
                raise NotFound(f"There is no sealed delivery {delivery_id}.")
            run = store.runs.by_ids([delivery.run_id])[delivery.run_id]
            earlier = [
                other
                for other in store.deliveries.every(run.id)
                if other.status is DeliveryStatus.SEALED
                and other.number < delivery.number
                and other.character == delivery.character
            ]
            before = earlier[-1] if earlier else None
            takes = store.deliveries.plan(delivery.id)["takes"]
            changes = difference(store.deliveries.plan(before.id)["takes"], takes) if before else None
            made = _made(store, run, delivery)
        entries = tuple(self._contents(delivery.package_sha256 or ""))
        return Package(made, self._name(run, delivery), len(takes), entries, before, changes)


def _first(store: Store, run_id: int, status: CellStatus) -> tuple[tuple[int, str], ...]:
    return tuple((cell.id, cell.plan.key) for cell in store.cells.first_with(run_id, status, _EXAMPLES))


def _made(store: Store, run: Run, delivery: Delivery) -> Made:
    story = store.journal.of("delivery", delivery.id)
    return Made(run, delivery, story[0].actor if story else "")
