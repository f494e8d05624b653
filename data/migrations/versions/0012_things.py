"""What rules have fired for, and how often scenes and pictures were asked for, found without reading what happened besides."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 1_000


def upgrade() -> None:
    """Add a table, with the things of every firing that is stored, and two indices."""
    things = op.create_table(
        "trigger_things",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("trigger_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("firing_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_things"),
    )
    op.create_index("ix_trigger_things_thing", "trigger_things", ["trigger_id", "kind", "name"])
    for what, type in (("cells", "cell.queued"), ("stills", "still.queued")):
        only = sa.text(f"type = '{type}'")
        name, columns = f"ix_events_{what}_asked", ["run_id", "subject_id"]
        op.create_index(name, "events", columns, sqlite_where=only, postgresql_where=only)
    connection = op.get_bind()
    firings = connection.execute(sa.text("SELECT id, trigger_id, things FROM trigger_firings ORDER BY id")).all()
    rows = [
        {"trigger_id": trigger_id, "kind": kind, "name": name, "firing_id": firing_id}
        for firing_id, trigger_id, listed in firings
        for kind, name in json.loads(listed)
    ]
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(things.insert(), rows[start : start + _AT_ONCE])


def downgrade() -> None:
    """Remove them."""
    for what in ("cells", "stills"):
        op.drop_index(f"ix_events_{what}_asked", "events")
    op.drop_table("trigger_things")
