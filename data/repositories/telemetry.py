"""What cards of workers told, and how each card stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select, update

from data.batch import Batch
from data.telemetry_models import gpu_devices, gpu_readings
from pipeline.domain.telemetry.limits import Finding, Level, Measure, Verdict
from pipeline.domain.telemetry.readings import BOUNDS, Reading

Card = tuple[int, int]
"""The number of a worker, and of one of its cards."""

_NEW = insert(gpu_readings)
_NEW_DEVICE = insert(gpu_devices)
_DEVICE = (
    update(gpu_devices)
    .where(gpu_devices.c.worker_id == bindparam("b_worker_id"), gpu_devices.c.device == bindparam("b_device"))
    .values({name: bindparam(f"b_{name}") for name in ("name", "at", "findings", "told_at")})
)
_NUMBERS = [gpu_readings.c[name] for name in BOUNDS]
_AT_ONCE = 500


class Telemetry:
    """Adds, finds and thins readings."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add(self, worker_id: int, readings: Sequence[Reading]) -> list[Reading]:
        """Store those that are new, and give them back: what is known of a card and a moment already is left out."""
        if not readings:
            return []
        first, last = min(each.at for each in readings), max(each.at for each in readings)
        query = select(gpu_readings.c.device, gpu_readings.c.at).where(
            gpu_readings.c.worker_id == worker_id, gpu_readings.c.at.between(first, last)
        )
        known = {(row.device, row.at) for row in self._connection.execute(query)}
        new = {(each.device, each.at): each for each in readings if (each.device, each.at) not in known}
        for each in new.values():
            numbers = {name: getattr(each, name) for name in BOUNDS}
            self._batch.add(_NEW, {"worker_id": worker_id, "device": each.device, "at": each.at, **numbers})
        return list(new.values())

    def keep_verdicts(self, worker_id: int, verdicts: Iterable[Verdict], known: Collection[int]) -> None:
        """Store how cards stand; `known` are the numbers of those that are stored already."""
        for verdict in verdicts:
            findings = {measure.value: [each.level.value, each.words] for measure, each in verdict.findings.items()}
            row = {
                "worker_id": worker_id,
                "device": verdict.device,
                "name": verdict.name,
                "at": verdict.at,
                "findings": findings,
                "told_at": verdict.told_at,
            }
            is_known = verdict.device in known
            self._batch.add(*((_DEVICE, {f"b_{name}": value for name, value in row.items()}) if is_known else (_NEW_DEVICE, row)))

    def clear_verdicts(self, worker_id: int) -> None:
        """Let nothing be held against the cards of a worker until they tell something again."""
        self._connection.execute(update(gpu_devices).where(gpu_devices.c.worker_id == worker_id).values(findings={}))

    def verdicts(self, worker_id: int) -> dict[int, Verdict]:
        """How the cards of a worker stand, by their numbers."""
        query = select(gpu_devices).where(gpu_devices.c.worker_id == worker_id).order_by(gpu_devices.c.device)
        return {row.device: _verdict(row) for row in self._connection.execute(query)}

    def latest(self) -> Mapping[int, list[tuple[Verdict, Reading]]]:
        """Every card of every worker with its newest reading, by the number of the worker."""
        same = and_(
            gpu_readings.c.worker_id == gpu_devices.c.worker_id,
            gpu_readings.c.device == gpu_devices.c.device,
            gpu_readings.c.at == gpu_devices.c.at,
        )
        query = select(gpu_devices, *_NUMBERS).join(gpu_readings, same)
        found: dict[int, list[tuple[Verdict, Reading]]] = {}
        for row in self._connection.execute(query.order_by(gpu_devices.c.worker_id, gpu_devices.c.device)):
            found.setdefault(row.worker_id, []).append((_verdict(row), _reading(row, row.name)))
        return found

    def between(self, worker_id: int, since: datetime, until: datetime) -> list[Reading]:
        """What the cards of a worker told from one time to another, by card and time."""
        names = {device: each.name for device, each in self.verdicts(worker_id).items()}
        query = (
            select(gpu_readings)
            .where(gpu_readings.c.worker_id == worker_id, gpu_readings.c.at.between(since, until))
            .order_by(gpu_readings.c.device, gpu_readings.c.at)
        )
        return [_reading(row, names.get(row.device, "")) for row in self._connection.execute(query)]

    def cards(self, after: Card, limit: int) -> list[Card]:
        """The next cards after this one, in the order of their numbers."""
        worker_id, device = gpu_devices.c.worker_id, gpu_devices.c.device
        query = select(worker_id, device).where(or_(worker_id > after[0], and_(worker_id == after[0], device > after[1])))
        return [(row.worker_id, row.device) for row in self._connection.execute(query.order_by(worker_id, device).limit(limit))]

    def times(self, card: Card, until: datetime) -> list[tuple[int, datetime]]:
        """The key and the time of a card's readings up to a time, and of its newest, oldest first."""
        ours = (gpu_readings.c.worker_id == card[0], gpu_readings.c.device == card[1])
        columns = gpu_readings.c.id, gpu_readings.c.at
        rows: list[Any] = list(
            self._connection.execute(select(*columns).where(*ours, gpu_readings.c.at <= until).order_by(gpu_readings.c.at))
        )
        newest = self._connection.execute(select(*columns).where(*ours).order_by(gpu_readings.c.at.desc()).limit(1)).first()
        if newest is not None and (not rows or rows[-1].id != newest.id):
            rows.append(newest)
        return [(row.id, row.at) for row in rows]

    def drop(self, keys: Sequence[int]) -> None:
        """Forget these readings."""
        for start in range(0, len(keys), _AT_ONCE):
            self._connection.execute(delete(gpu_readings).where(gpu_readings.c.id.in_(keys[start : start + _AT_ONCE])))


def _verdict(row: Any) -> Verdict:
    """A row as a value; a measure or level that this version does not know any more is left out."""
    findings = {
        Measure(name): Finding(Level(level), words)
        for name, (level, words) in row.findings.items()
        if name in list(Measure) and level in list(Level)
    }
    return Verdict(row.device, row.name, row.at, findings, row.told_at)


def _reading(row: Any, name: str) -> Reading:
    return Reading(row.device, name, row.at, **{each: getattr(row, each) for each in BOUNDS})
