"""How many jobs a worker may have at once. Those that are there keep what all had: one that runs and one that waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column."""
    op.add_column("workers", sa.Column("places", sa.Integer(), nullable=False, server_default="2"))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("workers", "places")
