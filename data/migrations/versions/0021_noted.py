"""Finds the events that notices are made of, however much else has happened since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_NOTED = sa.text(
    "type in ('cell.failed', 'still.failed', 'delivery.failed', 'delivery.sealed', 'delivery.cancelled', 'budget.reached')"
)


def upgrade() -> None:
    """Add an index; what is stored stays as it is."""
    op.create_index("ix_events_noted", "events", ["type", "seq"], sqlite_where=_NOTED, postgresql_where=_NOTED)


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_events_noted", "events")
