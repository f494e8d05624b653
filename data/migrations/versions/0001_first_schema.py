"""The first schema: projects and their libraries, runs with cells and stills, jobs, outputs, the journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table, and the one row of the journal's head."""
    _journal()
    _library()
    _runs()
    _work()
    op.execute("INSERT INTO heads (id, event_seq, audit_hash) VALUES (1, 0, '')")


def downgrade() -> None:
    """Remove every table."""
    for table in (
        "outputs",
        "attempts",
        "jobs",
        "deliveries",
        "takes",
        "dependencies",
        "stills",
        "production_run_cells",
        "production_runs",
        "imports",
        "locations",
        "scene_types",
        "variants",
        "characters",
        "projects",
        "engines",
        "heads",
        "events",
        "audit_log",
    ):
        op.drop_table(table)


def _journal() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=48), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("cause", sa.BigInteger(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
    )
    op.create_index("ix_events_run", "events", ["run_id", "seq"], unique=False)
    op.create_index("ix_events_subject", "events", ["subject", "subject_id", "seq"], unique=False)
    op.create_table(
        "heads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("audit_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heads")),
    )
    op.create_table(
        "engines",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engines")),
    )


def _library() -> None:
    op.create_table(
        "projects",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("title", name=op.f("uq_projects_title")),
    )
    op.create_table(
        "characters",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_characters_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_characters")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_characters_project_id_name")),
    )
    op.create_table(
        "variants",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_variants_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variants")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_variants_project_id_name")),
    )
    op.create_table(
        "scene_types",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_scene_types_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scene_types")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_scene_types_project_id_name")),
    )
    op.create_table(
        "locations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_locations_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_locations_project_id_name")),
    )
    op.create_table(
        "imports",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_imports")),
    )


def _runs() -> None:
    op.create_table(
        "production_runs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("backend", sa.String(length=32), nullable=False),
        sa.Column("base_dir", sa.Text(), nullable=False),
        sa.Column("until", sa.String(length=16), nullable=False),
        sa.Column("accept_flags", sa.Boolean(), nullable=False),
        sa.Column("auto_deliver", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("limit_seconds", sa.Float(), nullable=True),
        sa.Column("limit_bytes", sa.BigInteger(), nullable=True),
        sa.Column("spent_seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("reserved_seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("spent_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("matrix_config", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_production_runs_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_runs")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_production_runs_project_id_number")),
    )
    op.create_table(
        "production_run_cells",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("scene_type", sa.Text(), nullable=False),
        sa.Column("character", sa.Text(), nullable=True),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("scene_number", sa.Integer(), nullable=True),
        sa.Column("shot", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_at", sa.BigInteger(), nullable=False),
        sa.Column("take", sa.Integer(), server_default="0", nullable=False),
        sa.Column("approved_take", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("stale", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["production_runs.id"], name=op.f("fk_production_run_cells_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_run_cells")),
        sa.UniqueConstraint("run_id", "key", name=op.f("uq_production_run_cells_run_id_key")),
    )
    op.create_index("ix_cells_run_status", "production_run_cells", ["run_id", "status"], unique=False)
    op.create_table(
        "stills",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("character", sa.Text(), nullable=True),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_at", sa.BigInteger(), nullable=False),
        sa.Column("take", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hero", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["production_runs.id"], name=op.f("fk_stills_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stills")),
        sa.UniqueConstraint("run_id", "kind", "key", name=op.f("uq_stills_run_id_kind_key")),
    )
    op.create_table(
        "dependencies",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("needs", sa.String(length=8), nullable=False),
        sa.Column("needs_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["production_runs.id"], name=op.f("fk_dependencies_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dependencies")),
    )
    op.create_index("ix_dependencies_needs", "dependencies", ["needs", "needs_id"], unique=False)
    op.create_index("ix_dependencies_subject", "dependencies", ["subject", "subject_id"], unique=False)
    op.create_table(
        "takes",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("cell_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.String(length=16), server_default="", nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("scene_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["cell_id"], ["production_run_cells.id"], name=op.f("fk_takes_cell_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takes")),
        sa.UniqueConstraint("cell_id", "number", name=op.f("uq_takes_cell_id_number")),
    )
    op.create_index(
        "ix_takes_scene",
        "takes",
        ["scene_sha256"],
        unique=False,
        sqlite_where=sa.text("decision = 'approved'"),
        postgresql_where=sa.text("decision = 'approved'"),
    )
    # ### end Alembic commands ###
    op.create_table(
        "deliveries",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=True),
        sa.Column("package_sha256", sa.String(length=64), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["production_runs.id"], name=op.f("fk_deliveries_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_deliveries_run_id_number")),
    )


def _work() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(length=24), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("take", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("cost_key", sa.Text(), server_default="", nullable=False),
        sa.Column("frames", sa.Integer(), server_default="0", nullable=False),
        sa.Column("estimated_seconds", sa.Float(), nullable=False),
        sa.Column("estimated_bytes", sa.BigInteger(), nullable=False),
        sa.Column("reserved_seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(length=36), nullable=True),
        sa.Column("attempt_id", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["production_runs.id"], name=op.f("fk_jobs_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint(
            "subject", "subject_id", "stage", "take", "part", name=op.f("uq_jobs_subject_subject_id_stage_take_part")
        ),
    )
    op.create_index(
        "ix_jobs_cost",
        "jobs",
        ["cost_key", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'done' and seconds > 0"),
        postgresql_where=sa.text("status = 'done' and seconds > 0"),
    )
    op.create_index(
        "ix_jobs_fingerprint",
        "jobs",
        ["fingerprint"],
        unique=False,
        sqlite_where=sa.text("status in ('done', 'running')"),
        postgresql_where=sa.text("status in ('done', 'running')"),
    )
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["run_id", "lane", "urgency", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'ready'"),
        postgresql_where=sa.text("status = 'ready'"),
    )
    op.create_index(
        "ix_jobs_running",
        "jobs",
        ["owner"],
        unique=False,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(
        "ix_jobs_unfinished",
        "jobs",
        ["run_id", "stage"],
        unique=False,
        sqlite_where=sa.text("status in ('ready', 'running', 'failed')"),
        postgresql_where=sa.text("status in ('ready', 'running', 'failed')"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("failure_class", sa.String(length=24), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_attempts_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("job_id", "epoch", name=op.f("uq_attempts_job_id_epoch")),
    )
    op.create_table(
        "outputs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("take", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_outputs_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outputs")),
    )
    op.create_index("ix_outputs_job", "outputs", ["job_id"], unique=False)
    op.create_index("ix_outputs_subject", "outputs", ["subject", "subject_id", "take"], unique=False)
