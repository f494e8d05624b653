"""`/budgets`: limits of productions, users and runs, and what happens at their levels."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field, StringConstraints

from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Studio, Who, routes
from pipeline.domain.budget import Action, Budget, Quantity, Scope, Threshold
from pipeline.domain.costs import By, CostLine

router = routes("budgets")

ScopeName = Literal["project", "user", "run"]
QuantityName = Literal["gpu_seconds", "money", "disk_bytes"]
Whose = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Level(given.Given):
    """What happens when so many percent of the limit are spent."""

    at_percent: float
    action: Action


class GivenBudget(given.Given):
    """A limit in seconds, money or bytes, with what is spent and reserved of it.

    `name` says whose it is; `subject` is the number of the production or run, or the name of the user. The first `fired` of
    its levels have been acted on. A run's own limit is there without levels too, and then `id` is 0.
    """

    id: int
    scope: Scope
    subject: str
    name: str
    quantity: Quantity
    limit: float | None
    spent: float
    reserved: float
    thresholds: list[Level]
    fired: int


class Budgets(given.Given):
    """All budgets: of productions, of users, then of runs."""

    items: list[GivenBudget]


class NewLevel(asked.Asked):
    """`notify` tells people, `finish` starts no new generation, `cancel` stops what is being generated too."""

    at_percent: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    action: Literal["notify", "finish", "cancel"] = "notify"


class NewBudget(asked.Asked):
    """A limit to set or change. `of` is a title or number of a production or run, or the name of a user.

    `limit` is in seconds, money or bytes. `thresholds` that are left out stay as they are.
    """

    scope: ScopeName
    of: Whose
    quantity: QuantityName
    limit: Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
    thresholds: Annotated[list[NewLevel], Field(max_length=10)] | None = None


@router.get("/budgets", response_model=Budgets)
def list_budgets(studio: Studio) -> object:
    """Every budget, with what is spent and reserved."""
    return {"items": [flat(budget) for budget in studio.budgets.all()]}


@router.put("/budgets", response_model=GivenBudget)
def set_budget(body: NewBudget, studio: Studio, who: Who, key: Key = None) -> object:
    """Set or change a budget. 403 below what is spent and reserved already."""
    levels = None
    if body.thresholds is not None:
        levels = [Threshold(level.at_percent, Action(level.action)) for level in body.thresholds]
    subject = studio.budgets.subject(Scope(body.scope), body.of)
    return flat(studio.budgets.put(subject, Quantity(body.quantity), who, limit=body.limit, thresholds=levels))


@router.delete("/budgets", status_code=204)
def remove_budget(
    scope: ScopeName, of: Annotated[Whose, Query()], quantity: QuantityName, studio: Studio, who: Who, key: Key = None
) -> None:
    """Forget a budget: nothing bounds this any more."""
    studio.budgets.remove(studio.budgets.find(Scope(scope), of, Quantity(quantity)), who)


def flat(budget: Budget) -> dict[str, object]:
    """A budget as the answer has it."""
    return dict(vars(budget))


class CostReport(given.Given):
    """The costs of a run, the dearest line first."""

    by: By
    lines: list[CostLine]
    total: CostLine


@router.get("/production-runs/{run_id}/costs", response_model=CostReport)
def read_costs(run_id: asked.Id, studio: Studio, by: By = By.SCENE_TYPE) -> object:
    """What a run has cost beside what was expected, by character, scene type, stage or cause."""
    return studio.costs.of_run(run_id, by)
