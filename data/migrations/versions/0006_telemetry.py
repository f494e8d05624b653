"""What the cards of workers tell, how they stand, and why a worker was paused by them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add tables and a column; what is stored stays as it is."""
    op.add_column("workers", sa.Column("pause_reason", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "gpu_readings",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("use", sa.Float()),
        sa.Column("memory_used_bytes", sa.BigInteger()),
        sa.Column("memory_bytes", sa.BigInteger()),
        sa.Column("temperature_c", sa.Float()),
        sa.Column("power_w", sa.Float()),
        sa.Column("power_limit_w", sa.Float()),
        sa.Column("clock_mhz", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_gpu_readings"),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name="fk_gpu_readings_worker_id"),
        sa.UniqueConstraint("worker_id", "device", "at", name="uq_gpu_readings_worker_id_device_at"),
    )
    op.create_table(
        "gpu_devices",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gpu_devices"),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name="fk_gpu_devices_worker_id"),
        sa.UniqueConstraint("worker_id", "device", name="uq_gpu_devices_worker_id_device"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("gpu_devices")
    op.drop_table("gpu_readings")
    op.drop_column("workers", "pause_reason")
