"""Workers, what their servers can do, what they have shown; what their time costs; takes with words of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COSTS = ("spent_cost", "reserved_cost")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add tables and columns; what is stored stays as it is."""
    op.add_column("attempts", sa.Column("cost", sa.Float(), nullable=False, server_default="0"))
    op.add_column("takes", sa.Column("prompt", sa.Text(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("price", sa.Float(), nullable=False, server_default="0"))
    op.add_column("production_runs", sa.Column("limit_cost", sa.Float()))
    for name in _COSTS:
        op.add_column("production_runs", sa.Column(name, sa.Float(), nullable=False, server_default="0"))
    op.create_table(
        "workers",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("health", sa.String(16), nullable=False),
        sa.Column("health_reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("health_at", sa.BigInteger()),
        sa.Column("looked_at", sa.BigInteger()),
        sa.Column("version", sa.Text(), nullable=False, server_default=""),
        sa.Column("gpu", sa.Text(), nullable=False, server_default=""),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("free_bytes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("queue", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("cost_per_hour", sa.Float(), nullable=False, server_default="0"),
        sa.Column("model", sa.Text(), nullable=False, server_default=""),
        sa.Column("switch_s", sa.Float(), nullable=False, server_default="0"),
        sa.Column("catalogue_sha256", sa.String(64), nullable=False, server_default=""),
        sa.Column("read_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
        sa.UniqueConstraint("name", name="uq_workers_name"),
        sa.UniqueConstraint("url", name="uq_workers_url"),
    )
    op.create_table(
        "catalogues",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_catalogues"),
    )
    op.create_table(
        "worker_records",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("seconds_per_frame", sa.Float(), nullable=False, server_default="0"),
        sa.Column("spread", sa.Float(), nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failure_class", sa.String(24), nullable=False, server_default=""),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("aside_since", sa.BigInteger()),
        sa.Column("test_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_worker_records"),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name="fk_worker_records_worker_id"),
        sa.UniqueConstraint("worker_id", "work", name="uq_worker_records_worker_id_work"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("worker_records")
    op.drop_table("catalogues")
    op.drop_table("workers")
    for name in ("limit_cost", *_COSTS):
        op.drop_column("production_runs", name)
    op.drop_column("jobs", "price")
    op.drop_column("takes", "prompt")
    op.drop_column("attempts", "cost")
