"""Estimates and plans: held against what is stored where there is a database, made from the file alone where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import settings
from pipeline.cli.studios import actor, open_studio
from pipeline.domain import estimates, matrix, planning
from pipeline.domain.estimates import Estimate
from pipeline.domain.planning import Plan
from pipeline.domain.production import Production
from pipeline.domain.validation import budgets

if TYPE_CHECKING:
    from pipeline.wiring import LoadedProduction


@dataclass(frozen=True)
class Means:
    """What something costs at the cheapest worker, None where nothing has a price; and which limits it exceeds, in words."""

    money: float | None
    over_budget: list[str]


def estimate_of(production: Production) -> Estimate:
    """Time and disk of a whole production."""
    if not _has_database():
        return estimates.estimate(production, matrix.build(production), {})
    with open_studio() as studio:
        return studio.planning.estimate(production)


def plan_of(loaded: LoadedProduction) -> Plan:
    """What a new run of a valid production would do."""
    if not _has_database():
        return planning.plan(loaded.require(), {}, None, {})
    with open_studio() as studio:
        return studio.planning.plan(loaded.require(), loaded.base_dir)


def means(production: Production, estimate: Estimate) -> Means:
    """What an estimate costs, and which limits it exceeds: those of its file, and of the budgets of its production and user."""
    over = [told for _, told in budgets.over(production.budget, estimate.generation_seconds, estimate.disk_bytes)]
    if not _has_database():
        return Means(None, over)
    with open_studio() as studio:
        beyond = studio.planning.beyond(production, estimate, actor().name)
    return Means(beyond.cost, [*over, *beyond.lacking])


def _has_database() -> bool:
    """Whether there is one to ask; looking makes none."""
    file = settings.load().database_file
    return file is None or file.is_file()
