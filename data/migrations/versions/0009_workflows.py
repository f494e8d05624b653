"""Workflows under names with numbered versions, which runs were made with them, and their test shots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("status in ('queued', 'running')")


def _key() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def _ref(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    """Add four tables; what is stored stays as it is."""
    op.create_table(
        "workflows",
        _key(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("default_number", sa.Integer(), nullable=True),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
        sa.UniqueConstraint("folded", name=op.f("uq_workflows_folded")),
    )
    op.create_table(
        "workflow_versions",
        _key(),
        _ref("workflow_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("node_count", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("judgement", sa.String(length=8), server_default="", nullable=False),
        sa.Column("judged_by", sa.Text(), server_default="", nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("fk_workflow_versions_workflow_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_versions")),
        sa.UniqueConstraint("workflow_id", "number", name=op.f("uq_workflow_versions_workflow_id_number")),
        sa.UniqueConstraint("workflow_id", "sha256", name=op.f("uq_workflow_versions_workflow_id_sha256")),
    )
    op.create_table(
        "workflow_uses",
        _key(),
        _ref("run_id"),
        _ref("version_id"),
        sa.ForeignKeyConstraint(["run_id"], ["production_runs.id"], name=op.f("fk_workflow_uses_run_id")),
        sa.ForeignKeyConstraint(["version_id"], ["workflow_versions.id"], name=op.f("fk_workflow_uses_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_uses")),
        sa.UniqueConstraint("run_id", "version_id", name=op.f("uq_workflow_uses_run_id_version_id")),
    )
    op.create_index("ix_workflow_uses_version", "workflow_uses", ["version_id"])
    _add_test_shots()


def _add_test_shots() -> None:
    op.create_table(
        "test_shots",
        _key(),
        _ref("version_id"),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("attempt_id", sa.String(length=36), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("progress", sa.Float(), server_default="0", nullable=False),
        sa.Column("step", sa.Text(), server_default="", nullable=False),
        sa.Column("failure_class", sa.String(length=24), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("cost", sa.Float(), server_default="0", nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("poster", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("measurements", sa.Text(), server_default="[]", nullable=False),
        sa.Column("attempts", sa.Text(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["workflow_versions.id"], name=op.f("fk_test_shots_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_shots")),
    )
    op.create_index("ix_test_shots_version", "test_shots", ["version_id", "id"])
    op.create_index("ix_test_shots_open", "test_shots", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    """Remove them."""
    for table in ("test_shots", "workflow_uses", "workflow_versions", "workflows"):
        op.drop_table(table)
