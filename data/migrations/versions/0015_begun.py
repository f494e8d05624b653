"""When the generation of an attempt began at its worker. What runs already counts from its start, as it did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column."""
    op.add_column("attempts", sa.Column("begun_at", sa.BigInteger()))
    op.execute("UPDATE attempts SET begun_at = started_at WHERE outcome = 'running'")


def downgrade() -> None:
    """Remove it."""
    op.drop_column("attempts", "begun_at")
