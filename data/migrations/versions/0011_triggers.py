"""Rules: their versions, verdicts, firings and effects, halts, chains of events; messages that leave the house."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add tables. Rules see what happens from now on."""
    _rules()
    _verdicts()
    _firings()
    _state()
    _chains()
    _rest()
    op.add_column("deliveries", sa.Column("character", sa.Text()))
    op.execute("INSERT INTO trigger_state (id, cursor, edition, halted) SELECT 1, coalesce(max(event_seq), 0), 0, '' FROM heads")


def _rules() -> None:
    op.create_table(
        "triggers",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_triggers"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_triggers_project_id"),
    )
    op.create_index("ix_triggers_project", "triggers", ["project_id", "name"])
    op.create_table(
        "trigger_versions",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("trigger_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.BigInteger()),
        sa.Column("approved_by", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_versions"),
        sa.ForeignKeyConstraint(["trigger_id"], ["triggers.id"], name="fk_trigger_versions_trigger_id"),
        sa.UniqueConstraint("trigger_id", "version", name="uq_trigger_versions_trigger_id_version"),
    )


def _verdicts() -> None:
    op.create_table(
        "trigger_verdicts",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("trigger_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger()),
        sa.Column("subject", sa.String(8), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("deciding", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_verdicts"),
    )
    op.create_index("ix_trigger_verdicts_event", "trigger_verdicts", ["event_seq"])
    op.create_index("ix_trigger_verdicts_trigger", "trigger_verdicts", ["trigger_id", "id"])
    op.create_index("ix_trigger_verdicts_subject", "trigger_verdicts", ["subject", "subject_id", "id"])
    op.create_table(
        "trigger_waits",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("trigger_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger()),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_waits"),
        sa.ForeignKeyConstraint(["trigger_id"], ["triggers.id"], name="fk_trigger_waits_trigger_id"),
    )
    op.create_index("ix_trigger_waits_due", "trigger_waits", ["due_at"])


def _firings() -> None:
    op.create_table(
        "trigger_firings",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("trigger_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger()),
        sa.Column("root", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("branch", sa.String(8), nullable=False),
        sa.Column("things", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column("gpu_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_firings"),
        sa.ForeignKeyConstraint(["trigger_id"], ["triggers.id"], name="fk_trigger_firings_trigger_id"),
        sa.UniqueConstraint("event_seq", "trigger_id", "version", name="uq_trigger_firings_event_seq_trigger_id_version"),
    )
    op.create_index("ix_trigger_firings_root", "trigger_firings", ["root"])
    op.create_index("ix_trigger_firings_trigger", "trigger_firings", ["trigger_id", "id"])
    op.create_table(
        "trigger_effects",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("firing_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_effects"),
        sa.ForeignKeyConstraint(["firing_id"], ["trigger_firings.id"], name="fk_trigger_effects_firing_id"),
        sa.UniqueConstraint("firing_id", "number", name="uq_trigger_effects_firing_id_number"),
    )
    op.create_index(
        "ix_trigger_effects_waiting",
        "trigger_effects",
        ["id"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _state() -> None:
    op.create_table(
        "trigger_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("halted", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_state"),
    )
    op.create_table(
        "trigger_halts",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("resumed_at", sa.BigInteger()),
        sa.Column("resumed_by", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_halts"),
    )


def _chains() -> None:
    op.create_table(
        "chain_marks",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(8), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("firing_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_chain_marks"),
    )
    op.create_index("ix_chain_marks_subject", "chain_marks", ["subject", "subject_id", "from_seq"])
    op.create_table(
        "event_chains",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("firing_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("seq", name="pk_event_chains"),
    )
    op.create_index("ix_event_chains_firing", "event_chains", ["firing_id"])


def _rest() -> None:
    op.create_table(
        "messages",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("firing_id", sa.BigInteger()),
        sa.Column("effect_number", sa.Integer()),
        sa.Column("run_id", sa.BigInteger()),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("last_error", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("firing_id", "effect_number", name="uq_messages_firing_id_effect_number"),
    )
    op.create_index(
        "ix_messages_due",
        "messages",
        ["due_at"],
        sqlite_where=sa.text("state in ('waiting', 'failed')"),
        postgresql_where=sa.text("state in ('waiting', 'failed')"),
    )


def downgrade() -> None:
    """Remove them."""
    for name in (
        "messages",
        "event_chains",
        "chain_marks",
        "trigger_halts",
        "trigger_state",
        "trigger_effects",
        "trigger_firings",
        "trigger_waits",
        "trigger_verdicts",
        "trigger_versions",
        "triggers",
    ):
        op.drop_table(name)
