"""Each card of a worker knows when it told more than its memory last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from data.column_types import UtcTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cards of before have it from their next reading on."""
    op.add_column("gpu_devices", sa.Column("told_at", UtcTime))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("gpu_devices") as table:
        table.drop_column("told_at")
