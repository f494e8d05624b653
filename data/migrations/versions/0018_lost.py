"""Finds what workers have lost as fast as what failed there: both are faults."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_BEFORE, _NOW = sa.text("outcome = 'failed'"), sa.text("outcome IN ('failed', 'lost')")


def upgrade() -> None:
    """Widen an index; what is stored stays as it is."""
    _made_for(_NOW)


def downgrade() -> None:
    """Make it what it was."""
    _made_for(_BEFORE)


def _made_for(condition: sa.TextClause) -> None:
    op.drop_index("ix_attempts_failed", "attempts")
    op.create_index("ix_attempts_failed", "attempts", ["ended_at"], sqlite_where=condition, postgresql_where=condition)
