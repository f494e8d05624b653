"""Whether a sealed delivery has been copied to where people look for it. Those that are sealed by now are not missed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column, and a small index of what is still to be copied."""
    op.add_column("deliveries", sa.Column("placed_at", sa.BigInteger()))
    op.execute("UPDATE deliveries SET placed_at = sealed_at WHERE status = 'sealed'")
    only = sa.text("status = 'sealed' and placed_at is null")
    op.create_index("ix_deliveries_unplaced", "deliveries", ["id"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_deliveries_unplaced", "deliveries")
    op.drop_column("deliveries", "placed_at")
