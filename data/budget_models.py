"""The table of budgets that bound more than one run, and of the levels of all."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from data.column_types import Json, UtcTime
from data.tables import key, metadata, ref

budgets = Table(
    "budgets",
    metadata,
    key(),
    Column("scope", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    ref("project_id", "projects", nullable=True),
    ref("run_id", "production_runs", nullable=True),
    Column("quantity", String(16), nullable=False),
    Column("limit_amount", Float),
    Column("spent", Float, nullable=False, server_default="0"),
    Column("reserved", Float, nullable=False, server_default="0"),
    Column("thresholds", Json, nullable=False, server_default="[]"),
    Column("fired", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("scope", "subject", "quantity"),
    Index("ix_budgets_run", "run_id"),
)
"""`spent` and `reserved` are the sums of those of the runs concerned, kept with every change of theirs. Of a run only the
levels are here: its limits, and what it has spent, are columns of the run."""
