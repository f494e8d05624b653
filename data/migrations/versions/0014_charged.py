"""Every attempt holds what it was charged with: what runs have spent is the sum of their attempts.

Attempts that were cancelled, or given back by an engine that stopped, were charged to their run and had nothing in their own
rows. What is missing is divided among them by how long they ran. What then still differs comes from results that took longer
than a limit had room for: they were charged with less than they took. All attempts of the run are scaled to what it has spent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_RUNS = sa.text(
    "SELECT r.id, r.spent_seconds, r.spent_cost, coalesce(sum(a.seconds), 0) AS seconds, coalesce(sum(a.cost), 0) AS cost "
    "FROM production_runs r LEFT JOIN jobs j ON j.run_id = r.id AND j.lane = 'generation' "
    "LEFT JOIN attempts a ON a.job_id = j.id GROUP BY r.id, r.spent_seconds, r.spent_cost"
)
_UNTOLD = sa.text(
    "SELECT a.id, a.ended_at - a.started_at AS ran, j.price FROM attempts a JOIN jobs j ON j.id = a.job_id "
    "WHERE j.run_id = :run AND j.lane = 'generation' AND a.outcome = 'cancelled' AND a.seconds = 0 AND a.ended_at > a.started_at"
)
_TELL = sa.text("UPDATE attempts SET seconds = :seconds, cost = :cost WHERE id = :id")
_SCALE = {
    column: sa.text(
        f"UPDATE attempts SET {column} = {column} * :factor "
        "WHERE job_id IN (SELECT id FROM jobs WHERE run_id = :run AND lane = 'generation')"
    )
    for column in ("seconds", "cost")
}


def upgrade() -> None:
    """Give the attempts of runs whose sums differ what they were charged with."""
    connection = op.get_bind()
    for run in connection.execute(_RUNS).mappings().all():
        missing = {name: run[f"spent_{name}"] - run[name] for name in ("seconds", "cost")}
        told = {"seconds": run["seconds"], "cost": run["cost"]}
        if missing["seconds"] > 0 and not _same(run["spent_seconds"], run["seconds"]):
            untold = connection.execute(_UNTOLD, {"run": run["id"]}).mappings().all()
            rows = _divided(untold, missing["seconds"], max(0.0, missing["cost"]))
            if rows:
                connection.execute(_TELL, rows)
            told = {name: told[name] + sum(row[name] for row in rows) for name in told}
        for name, statement in _SCALE.items():
            if told[name] > 0 and not _same(run[f"spent_{name}"], told[name]):
                connection.execute(statement, {"run": run["id"], "factor": run[f"spent_{name}"] / told[name]})


def downgrade() -> None:
    """Nothing: what attempts hold is no worse for an older version."""


def _divided(untold: Sequence[Mapping[str, Any]], seconds: float, cost: float) -> list[dict[str, Any]]:
    """The seconds in proportion to how long each ran, the money to what that would cost at its price."""
    ran = sum(row["ran"] for row in untold)
    priced = sum(row["ran"] * row["price"] for row in untold)
    return [
        {
            "id": row["id"],
            "seconds": seconds * row["ran"] / ran,
            "cost": cost * (row["ran"] * row["price"] / priced if priced else row["ran"] / ran),
        }
        for row in untold
    ]


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)
