"""The tables of the fleet: workers, what their servers can do, and what they have shown."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, Text, UniqueConstraint

from data.column_types import Json, UtcTime
from data.tables import key, metadata, ref

workers = Table(
    "workers",
    metadata,
    key(),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False, unique=True),
    Column("tags", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("pause_reason", Text, nullable=False, server_default=""),
    Column("health", String(16), nullable=False),
    Column("health_reason", Text, nullable=False, server_default=""),
    Column("health_at", UtcTime),
    Column("looked_at", UtcTime),
    Column("version", Text, nullable=False, server_default=""),
    Column("gpu", Text, nullable=False, server_default=""),
    Column("memory_bytes", BigInteger, nullable=False, server_default="0"),
    Column("free_bytes", BigInteger, nullable=False, server_default="0"),
    Column("queue", Integer, nullable=False, server_default="0"),
    Column("cost_per_hour", Float, nullable=False, server_default="0"),
    Column("model", Text, nullable=False, server_default=""),
    Column("switch_s", Float, nullable=False, server_default="0"),
    Column("catalogue_sha256", String(64), nullable=False, server_default=""),
    Column("read_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("places", Integer, nullable=False, server_default="2"),
    Column("others", Integer, nullable=False, server_default="0"),
)

catalogues = Table(
    "catalogues",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", Json, nullable=False),
)
"""What servers say that they can do, by the hash of it: equal machines share one."""

worker_records = Table(
    "worker_records",
    metadata,
    key(),
    ref("worker_id", "workers"),
    Column("work", Text, nullable=False),
    Column("samples", Integer, nullable=False, server_default="0"),
    Column("seconds_per_frame", Float, nullable=False, server_default="0"),
    Column("spread", Float, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failure_class", String(24), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("aside_since", UtcTime),
    Column("test_at", UtcTime),
    UniqueConstraint("worker_id", "work"),
)
"""What a worker has shown with one kind of work (a job's cost key): how quick it is, and whether it is set aside for it."""
