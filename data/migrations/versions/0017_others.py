"""How many jobs of somebody else the last look found at a worker. Nobody knows it of those that are there until the next look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column."""
    op.add_column("workers", sa.Column("others", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("workers", "others")
