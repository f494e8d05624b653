"""Finds what ended lately, and what failed, without reading everything that ever happened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FAILED = sa.text("outcome = 'failed'")


def upgrade() -> None:
    """Add two indices; what is stored stays as it is."""
    op.create_index("ix_attempts_ended", "attempts", ["ended_at"])
    op.create_index("ix_attempts_failed", "attempts", ["ended_at"], sqlite_where=_FAILED, postgresql_where=_FAILED)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_attempts_failed", "attempts")
    op.drop_index("ix_attempts_ended", "attempts")
