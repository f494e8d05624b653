"""The tables of registered workflows: names, versions, which runs were made with them, and test shots."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from data.column_types import Json, UtcTime
from data.tables import key, metadata, only, ref

workflows = Table(
    "workflows",
    metadata,
    key(),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False, unique=True),
    Column("default_number", Integer),
    Column("archived_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
)

workflow_versions = Table(
    "workflow_versions",
    metadata,
    key(),
    ref("workflow_id", "workflows"),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("node_count", Integer, nullable=False),
    Column("content", Json, nullable=False),
    Column("origin", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("judgement", String(8), nullable=False, server_default=""),
    Column("judged_by", Text, nullable=False, server_default=""),
    Column("judged_at", UtcTime),
    UniqueConstraint("workflow_id", "number"),
    UniqueConstraint("workflow_id", "sha256"),
)
"""Nothing but the judgement ever changes."""

workflow_uses = Table(
    "workflow_uses",
    metadata,
    key(),
    ref("run_id", "production_runs"),
    ref("version_id", "workflow_versions"),
    UniqueConstraint("run_id", "version_id"),
    Index("ix_workflow_uses_version", "version_id"),
)
"""Which runs were made with which versions; the run keeps a copy of the graph besides."""

test_shots = Table(
    "test_shots",
    metadata,
    key(),
    ref("version_id", "workflow_versions"),
    Column("worker", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("actor", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("source", Json),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("attempt_id", String(36)),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("progress", Float, nullable=False, server_default="0"),
    Column("step", Text, nullable=False, server_default=""),
    Column("failure_class", String(24), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("cost", Float, nullable=False, server_default="0"),
    Column("memory_bytes", BigInteger, nullable=False, server_default="0"),
    Column("result", Json),
    Column("poster", Json),
    Column("facts", Json, nullable=False, server_default="{}"),
    Column("measurements", Json, nullable=False, server_default="[]"),
    Column("attempts", Json, nullable=False, server_default="[]"),
    Index("ix_test_shots_version", "version_id", "id"),
    Index("ix_test_shots_open", "id", **only("status in ('queued', 'running')")),
)
"""`attempts` are the ids of all tries that may have been sent to a worker; `source`, `result` and `poster` are stored files."""
