"""Estimates and plans: held against what is stored where there is a database, made from the file alone where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import settings
from pipeline.cli.studios import actor, open_studio
from pipeline.domain import estimates, matrix, planning
from pipeline.domain.estimates import Estimate
from pipeline.domain.planning import Plan
from pipeline.domain.validation import budgets

if TYPE_CHECKING:
    from pipeline.wiring import LoadedProduction, Studio


@dataclass(frozen=True)
class Means:
    """What something costs at the cheapest worker, None where nothing has a price; and which limits it exceeds, in words."""

    money: float | None
    over_budget: list[str]


def estimate_of(loaded: LoadedProduction) -> tuple[Estimate, Means]:
    """Time and disk of a whole, valid production, and what that means."""
    production = loaded.require()
    if not _has_database():
        estimate = estimates.estimate(production, matrix.build(production), estimates.NEW)
        return estimate, _means(loaded, estimate)
    with open_studio() as studio:
        estimate = studio.planning.estimate(production, loaded.base_dir)
        return estimate, _means(loaded, estimate, studio)


def plan_of(loaded: LoadedProduction) -> tuple[Plan, Means]:
    """What a new run of a valid production would do, and what that means."""
    production = loaded.require()
    if not _has_database():
        plan = planning.plan(production, {}, None, estimates.NEW)
        return plan, _means(loaded, plan.estimate)
    with open_studio() as studio:
        plan = studio.planning.plan(production, loaded.base_dir)
        return plan, _means(loaded, plan.estimate, studio)


def _means(loaded: LoadedProduction, estimate: Estimate, studio: Studio | None = None) -> Means:
    """By the limits of its file, and by the budgets of its production and user where there is a studio to ask."""
    production = loaded.require()
    over = [told for _, told in budgets.over(production.budget, estimate.generation_seconds, estimate.disk_bytes)]
    if studio is None:
        return Means(None, over)
    beyond = studio.planning.beyond(production, loaded.base_dir, estimate, actor().name)
    return Means(beyond.cost, [*over, *beyond.lacking])


def _has_database() -> bool:
    """Whether there is one to ask; looking makes none."""
    file = settings.load().database_file
    return file is None or file.is_file()
