"""Counts where the jobs of a run stand without looking at those of other runs."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index; what is stored stays as it is."""
    op.create_index("ix_jobs_counted", "jobs", ["run_id", "stage", "status"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_jobs_counted", "jobs")
