"""Deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from data.batch import Batch
from data.models import deliveries
from data.tables import fixed
from pipeline.domain.records import Delivery
from pipeline.domain.statuses import DeliveryStatus

_COLUMNS = [column for column in deliveries.c if column.name != "plan"]


class Deliveries:
    """Adds, finds and ends deliveries."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add(self, run_id: int, plan: Mapping[str, Any], now: datetime, *, character: str | None = None) -> Delivery:
        """Store a new delivery, of a run or of one character of it, with the next number of the run."""
        number = 1 + (
            self._connection.execute(select(func.max(deliveries.c.number)).where(deliveries.c.run_id == run_id)).scalar() or 0
        )
        row = {
            "run_id": run_id,
            "number": number,
            "status": DeliveryStatus.PACKAGING.value,
            "created_at": now,
            "plan": dict(plan),
            "character": character,
        }
        key = self._connection.execute(insert(deliveries).returning(deliveries.c.id), row).scalar_one()
        return self.by_id(key)

    def by_id(self, delivery_id: int) -> Delivery:
        """One delivery."""
        return self._all(select(*_COLUMNS).where(deliveries.c.id == delivery_id))[0]

    def with_ids(self, ids: Sequence[int]) -> list[Delivery]:
        """Those of these deliveries that there are."""
        return self._all(select(*_COLUMNS).where(deliveries.c.id.in_(ids)))

    def newest(self, limit: int) -> list[Delivery]:
        """The newest deliveries of all runs, the newest first."""
        return self._all(select(*_COLUMNS).order_by(deliveries.c.id.desc()).limit(limit))

    def plan(self, delivery_id: int) -> Mapping[str, Any]:
        """What goes into the package: the parameters of its job."""
        return self._connection.execute(select(deliveries.c.plan).where(deliveries.c.id == delivery_id)).scalar_one()

    def every(self, run_id: int) -> list[Delivery]:
        """The deliveries of a run and those of single characters of it, oldest first."""
        return self._all(select(*_COLUMNS).where(deliveries.c.run_id == run_id).order_by(deliveries.c.number))

    def of_run(self, run_id: int) -> list[Delivery]:
        """The deliveries of a run, oldest first; those of single characters are left out."""
        return [delivery for delivery in self.every(run_id) if delivery.character is None]

    def seal(self, delivery: Delivery, *, package_sha256: str, size_bytes: int, now: datetime) -> None:
        """The package is stored and verified."""
        self._set(
            delivery, status=DeliveryStatus.SEALED.value, package_sha256=package_sha256, size_bytes=size_bytes, sealed_at=now
        )

    def reopen(self, delivery: Delivery) -> None:
        """A delivery that failed is packaged after all."""
        failed = deliveries.c.status == DeliveryStatus.FAILED.value
        values = {"status": DeliveryStatus.PACKAGING.value, "reason": ""}
        self._connection.execute(update(deliveries).where(deliveries.c.id == delivery.id, failed).values(**values))

    def fail(self, delivery: Delivery, reason: str) -> None:
        """Packaging gave up."""
        self._set(delivery, status=DeliveryStatus.FAILED.value, reason=reason)

    def unplaced(self) -> list[Delivery]:
        """Sealed deliveries that nobody has copied to where people look for them, oldest first."""
        [sealed] = fixed(DeliveryStatus.SEALED.value)
        ours = (deliveries.c.status == sealed, deliveries.c.placed_at.is_(None))
        return self._all(select(*_COLUMNS).where(*ours).order_by(deliveries.c.id))

    def placed(self, delivery: Delivery, now: datetime) -> None:
        """It lies where people look for it."""
        self._connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(placed_at=now))

    def _set(self, delivery: Delivery, **values: Any) -> None:
        packaging = deliveries.c.status == DeliveryStatus.PACKAGING.value
        self._connection.execute(update(deliveries).where(deliveries.c.id == delivery.id, packaging).values(**values))

    def _all(self, query: Select[Any]) -> list[Delivery]:
        return [Delivery(**{**row._mapping, "status": DeliveryStatus(row.status)}) for row in self._connection.execute(query)]
