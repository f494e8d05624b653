"""The tables. Status columns hold the enum values of `pipeline.domain.statuses`; times are UTC; JSON is canonical text."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from data.column_types import Json, UtcTime
from data.tables import key, metadata, only, ref
from pipeline.domain.activity import NOTED

heads = Table(
    "heads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_seq", BigInteger, nullable=False),
    Column("audit_hash", String(64), nullable=False),
)
"""One row. Every writing transaction locks it first: that makes one writer at a time on any database, and it numbers
events and chains the audit log without gaps or races."""

projects = Table(
    "projects",
    metadata,
    key(),
    Column("title", Text, nullable=False, unique=True),
    Column("created_at", UtcTime),
    Column("schedule", Json, nullable=False, server_default="{}"),
)


def _library(name: str) -> Table:
    return Table(
        name,
        metadata,
        key(),
        ref("project_id", "projects"),
        Column("name", Text, nullable=False),
        Column("spec", Json, nullable=False),
        UniqueConstraint("project_id", "name"),
    )


characters = _library("characters")
variants = _library("variants")
scene_types = _library("scene_types")
locations = _library("locations")

production_runs = Table(
    "production_runs",
    metadata,
    key(),
    ref("project_id", "projects"),
    Column("title", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("backend", String(32), nullable=False),
    Column("base_dir", Text, nullable=False),
    Column("until", String(16), nullable=False),
    Column("accept_flags", Boolean, nullable=False),
    Column("auto_deliver", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("limit_seconds", Float),
    Column("limit_bytes", BigInteger),
    Column("limit_cost", Float),
    Column("spent_seconds", Float, nullable=False, server_default="0"),
    Column("reserved_seconds", Float, nullable=False, server_default="0"),
    Column("spent_bytes", BigInteger, nullable=False, server_default="0"),
    Column("reserved_bytes", BigInteger, nullable=False, server_default="0"),
    Column("spent_cost", Float, nullable=False, server_default="0"),
    Column("reserved_cost", Float, nullable=False, server_default="0"),
    Column("created_by", Text, nullable=False, server_default=""),
    Column("start_after", UtcTime),
    Column("deadline", UtcTime),
    Column("matrix_config", Json, nullable=False),
    UniqueConstraint("project_id", "number"),
)

production_run_cells = Table(
    "production_run_cells",
    metadata,
    key(),
    ref("run_id", "production_runs"),
    Column("ordinal", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("scene_type", Text, nullable=False),
    Column("character", Text),
    Column("variant", Text),
    Column("location", Text),
    Column("scene_number", Integer),
    Column("shot", Text),
    Column("after", Json, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_at", UtcTime, nullable=False),
    Column("take", Integer, nullable=False, server_default="0"),
    Column("approved_take", Integer),
    Column("reason", Text, nullable=False, server_default=""),
    Column("stale", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("priority", Integer, nullable=False, server_default="0"),
    UniqueConstraint("run_id", "key"),
    Index("ix_cells_run_status", "run_id", "status"),
)

stills = Table(
    "stills",
    metadata,
    key(),
    ref("run_id", "production_runs"),
    Column("kind", String(16), nullable=False),
    Column("key", Text, nullable=False),
    Column("character", Text),
    Column("variant", Text),
    Column("location", Text),
    Column("candidates", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_at", UtcTime, nullable=False),
    Column("take", Integer, nullable=False, server_default="0"),
    Column("hero", BigInteger),
    Column("reason", Text, nullable=False, server_default=""),
    Column("verdict", Json),
    UniqueConstraint("run_id", "kind", "key"),
)

dependencies = Table(
    "dependencies",
    metadata,
    key(),
    ref("run_id", "production_runs"),
    Column("subject", String(8), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("needs", String(8), nullable=False),
    Column("needs_id", BigInteger, nullable=False),
    Index("ix_dependencies_needs", "needs", "needs_id"),
    Index("ix_dependencies_subject", "subject", "subject_id"),
)

jobs = Table(
    "jobs",
    metadata,
    key(),
    ref("run_id", "production_runs"),
    Column("stage", String(24), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("lane", String(16), nullable=False),
    Column("subject", String(8), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("take", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("inputs", Json, nullable=False),
    Column("options", Json, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("cost_key", Text, nullable=False, server_default=""),
    Column("frames", Integer, nullable=False, server_default="0"),
    Column("estimated_seconds", Float, nullable=False),
    Column("estimated_bytes", BigInteger, nullable=False),
    Column("reserved_seconds", Float, nullable=False, server_default="0"),
    Column("price", Float, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    Column("not_before", UtcTime),
    Column("owner", String(36)),
    Column("attempt_id", String(36)),
    Column("lease_until", UtcTime),
    Column("finished_at", UtcTime),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    UniqueConstraint("subject", "subject_id", "stage", "take", "part"),
    Index("ix_jobs_ready", "run_id", "lane", "urgency", "id", **only("status = 'ready'")),
    Index("ix_jobs_running", "owner", **only("status = 'running'")),
    Index("ix_jobs_unfinished", "run_id", "stage", **only("status in ('ready', 'running', 'failed')")),
    Index("ix_jobs_fingerprint", "fingerprint", **only("status in ('done', 'running')")),
    Index("ix_jobs_counted", "run_id", "stage", "status"),
    Index("ix_jobs_cost", "cost_key", "id", **only("status = 'done' and seconds > 0")),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(36), primary_key=True),
    ref("job_id", "jobs"),
    Column("number", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("owner", String(36), nullable=False),
    Column("worker", Text, nullable=False),
    Column("cost", Float, nullable=False, server_default="0"),
    Column("started_at", UtcTime, nullable=False),
    Column("begun_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("outcome", String(16), nullable=False),
    Column("failure_class", String(24), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("progress", Float, nullable=False, server_default="0"),
    Column("step", Text, nullable=False, server_default=""),
    UniqueConstraint("job_id", "epoch"),
    Index("ix_attempts_ended", "ended_at"),
    Index("ix_attempts_failed", "ended_at", **only("outcome IN ('failed', 'lost')")),
)

outputs = Table(
    "outputs",
    metadata,
    key(),
    ref("job_id", "jobs"),
    Column("stage", String(24), nullable=False),
    Column("subject", String(8), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("take", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("role", String(24), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("label", Text, nullable=False, server_default=""),
    Column("facts", Json, nullable=False),
    Index("ix_outputs_subject", "subject", "subject_id", "take"),
    Index("ix_outputs_job", "job_id"),
    Index("ix_outputs_sha256", "sha256"),
)

imports = Table(
    "imports",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
"""Files that people brought in (source images, plates): stored like outputs, made by no job."""

takes = Table(
    "takes",
    metadata,
    key(),
    ref("cell_id", "production_run_cells"),
    Column("number", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("completed_at", UtcTime),
    Column("decision", String(16), nullable=False, server_default=""),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    Column("reason", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("verdict", Json),
    Column("scene_sha256", String(64)),
    Column("kept", Json, nullable=False, server_default="[]"),
    Column("prompt", Text, nullable=False, server_default=""),
    UniqueConstraint("cell_id", "number"),
    Index("ix_takes_scene", "scene_sha256", **only("decision = 'approved'")),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("type", String(48), nullable=False),
    Column("run_id", BigInteger),
    Column("subject", String(8), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("cause", BigInteger),
    Column("depth", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Index("ix_events_subject", "subject", "subject_id", "seq"),
    Index("ix_events_run", "run_id", "seq"),
    Index("ix_events_cells_asked", "run_id", "subject_id", **only("type = 'cell.queued'")),
    Index("ix_events_stills_asked", "run_id", "subject_id", **only("type = 'still.queued'")),
    Index("ix_events_noted", "type", "seq", **only(f"type in ({', '.join(map(repr, NOTED))})")),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
)
"""One row an event. hash = SHA-256(previous hash + the event's canonical text): editing history breaks the chain."""

deliveries = Table(
    "deliveries",
    metadata,
    key(),
    ref("run_id", "production_runs"),
    Column("number", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("sealed_at", UtcTime),
    Column("package_sha256", String(64)),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("plan", Json, nullable=False),
    Column("character", Text),
    Column("placed_at", UtcTime),
    UniqueConstraint("run_id", "number"),
    Index("ix_deliveries_unplaced", "id", **only("status = 'sealed' and placed_at is null")),
)

engines = Table(
    "engines",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("run_id", Integer),
)

saved_views = Table(
    "saved_views",
    metadata,
    key(),
    ref("project_id", "projects"),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("project_id", "name"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    key(),
    Column("actor", Text, nullable=False),
    Column("key", String(255), nullable=False),
    Column("route", Text, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("claim", String(36), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("claimed_at", UtcTime, nullable=False),
    Column("effect_at", UtcTime),
    Column("status", Integer),
    Column("headers", Json),
    Column("body", Text),
    UniqueConstraint("actor", "key"),
)
"""Requests that may be sent again. `claim` is who carries one out; the transaction of its effect sets `effect_at`, so that
nobody does it twice; `status`, `headers` and `body` are the answer, once there is one."""
