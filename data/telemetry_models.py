"""The tables of telemetry: what cards of workers told, and how each card stands."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, Table, Text, UniqueConstraint

from data.column_types import Json, UtcTime
from data.tables import key, metadata, ref

gpu_readings = Table(
    "gpu_readings",
    metadata,
    key(),
    ref("worker_id", "workers"),
    Column("device", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("use", Float),
    Column("memory_used_bytes", BigInteger),
    Column("memory_bytes", BigInteger),
    Column("temperature_c", Float),
    Column("power_w", Float),
    Column("power_limit_w", Float),
    Column("clock_mhz", Integer),
    UniqueConstraint("worker_id", "device", "at"),
)
"""One row a reading, thinned with age. The same reading sent twice is one row."""

gpu_devices = Table(
    "gpu_devices",
    metadata,
    key(),
    ref("worker_id", "workers"),
    Column("device", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("findings", Json, nullable=False),
    Column("told_at", UtcTime),
    UniqueConstraint("worker_id", "device"),
)
"""Each card of a worker as its newest reading, told at `at`, left it: what each measure came to, and in which words; and when it
told more than its memory last."""
