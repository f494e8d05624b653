"""Estimates and plans: held against what is stored where there is a database, made from the file alone where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import settings
from pipeline.cli.studios import open_studio
from pipeline.domain import estimates, matrix, planning
from pipeline.domain.estimates import Estimate
from pipeline.domain.planning import Plan
from pipeline.domain.production import Production

if TYPE_CHECKING:
    from pipeline.wiring import LoadedProduction


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


def _has_database() -> bool:
    """Whether there is one to ask; looking makes none."""
    file = settings.load().database_file
    return file is None or file.is_file()
