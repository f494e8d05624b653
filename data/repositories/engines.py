"""Engines: which processes have held leases, so that a dead one can be told from a slow one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from data.models import engines


@dataclass(frozen=True)
class EngineRow:
    """One engine process; `run_id` is the run that it works on, None for all."""

    id: str
    host: str
    pid: int
    started_at: datetime
    ended_at: datetime | None
    run_id: int | None


class Engines:
    """Adds, ends and finds engines."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, engine_id: str, *, host: str, pid: int, now: datetime, run_id: int | None = None) -> None:
        """Note that an engine has started, for one run or for all."""
        values = {"id": engine_id, "host": host, "pid": pid, "started_at": now, "run_id": run_id}
        self._connection.execute(insert(engines), values)

    def end(self, engine_ids: Sequence[str], now: datetime) -> None:
        """Note that these engines have ended, by themselves or found dead."""
        ended = update(engines).where(engines.c.id.in_(engine_ids), engines.c.ended_at.is_(None)).values(ended_at=now)
        self._connection.execute(ended)

    def alive(self) -> list[EngineRow]:
        """Engines that nobody has seen end."""
        query = select(engines).where(engines.c.ended_at.is_(None))
        return [EngineRow(**row._mapping) for row in self._connection.execute(query)]
