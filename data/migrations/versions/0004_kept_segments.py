"""Takes that begin with segments of an earlier one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; what is stored stays as it is."""
    op.add_column("takes", sa.Column("kept", sa.Text(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("takes", "kept")
