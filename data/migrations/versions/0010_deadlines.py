"""When a run is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; no run that is stored is due at any time."""
    op.add_column("production_runs", sa.Column("deadline", sa.BigInteger()))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("production_runs", "deadline")
