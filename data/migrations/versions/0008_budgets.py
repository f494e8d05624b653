"""Budgets of productions and users, and their levels; whose run it is; when work may start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WHO = (
    "UPDATE production_runs SET created_by = coalesce((SELECT max(actor) FROM events "
    "WHERE events.subject = 'run' AND events.subject_id = production_runs.id AND events.type = 'run.created'), '')"
)


def upgrade() -> None:
    """Add a table and columns; whose run it is was told by its first event."""
    op.add_column("projects", sa.Column("schedule", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("production_runs", sa.Column("created_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("production_runs", sa.Column("start_after", sa.BigInteger()))
    op.execute(_WHO)
    op.create_table(
        "budgets",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("project_id", sa.BigInteger()),
        sa.Column("run_id", sa.BigInteger()),
        sa.Column("quantity", sa.String(16), nullable=False),
        sa.Column("limit_amount", sa.Float()),
        sa.Column("spent", sa.Float(), nullable=False, server_default="0"),
        sa.Column("reserved", sa.Float(), nullable=False, server_default="0"),
        sa.Column("thresholds", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("fired", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_budgets_project_id"),
        sa.ForeignKeyConstraint(["run_id"], ["production_runs.id"], name="fk_budgets_run_id"),
        sa.UniqueConstraint("scope", "subject", "quantity", name="uq_budgets_scope_subject_quantity"),
    )
    op.create_index("ix_budgets_run", "budgets", ["run_id"])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("budgets")
    op.drop_column("production_runs", "start_after")
    op.drop_column("production_runs", "created_by")
    op.drop_column("projects", "schedule")
