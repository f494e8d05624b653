"""Each engine says which run it works on, if it is one alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Engines of before count for all runs."""
    op.add_column("engines", sa.Column("run_id", sa.Integer))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("engines") as table:
        table.drop_column("run_id")
