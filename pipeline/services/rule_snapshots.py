"""A run as rules see it, read in a caller's transaction with one statement a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from data.store import Store
from pipeline.domain import estimates
from pipeline.domain.records import Cell, Run, Still
from pipeline.domain.requests import Recipes
from pipeline.domain.rules.snapshot import CellFacts, Cost, Gates, Left, SceneTypeFacts, Snapshot, StillFacts
from pipeline.domain.statuses import CellStatus, StillKind
from pipeline.services.accounts import cheapest, cost_of, payable_bytes, payable_seconds
from pipeline.services.asking import estimate
from pipeline.services.runbooks import RunBooks
from pipeline.services.uncovered import is_bounded

NO_RUN = Snapshot(project="")
"""For events that belong to no run: only rules that are everywhere hear them."""


def snapshot(store: Store, books: RunBooks, run_id: int | None) -> Snapshot:
    """The run as it stands in this transaction."""
    run = store.runs.by_ids([run_id]).get(run_id) if run_id is not None else None
    if run is None:
        return NO_RUN
    book = books.get(store, run.id)
    recipes, price = book.recipes, cheapest(store, run)
    production = recipes.production
    approvals = production.approvals
    cells, stills = store.cells.of_run(run.id), store.stills.of_run(run.id)
    costs = {scene.name: _scene_type(recipes, scene.name, book.rates, price) for scene in production.scene_types}
    own = {character.name: character for character in production.characters}
    return Snapshot(
        run_id=run.id,
        project=run.title,
        status=run.status,
        cells=_cells(store, run, cells),
        stills=_stills(store, run, recipes, stills, price),
        scene_types=costs,
        metadata={name: dict(character.metadata) for name, character in own.items()},
        gates=Gates(
            approvals.variants,
            approvals.scenes,
            {name: approvals.variants_of(name) for name in own},
            {name: approvals.scenes_of(name) for name in own},
            run.accept_flags,
        ),
        left=_left(store, books, run, price),
        outputs=len(production.outputs),
        delivers_by_itself=run.auto_deliver,
        paused_scene_types=_paused(store, run),
    )


def _paused(store: Store, run: Run) -> frozenset[str]:
    """The scene types of which the schedule lets none start."""
    schedule = store.schedules.all().get(run.project_id)
    return frozenset(name for name, most in schedule.scene_types.items() if most == 0) if schedule else frozenset()


def _cells(store: Store, run: Run, cells: list[Cell]) -> tuple[CellFacts, ...]:
    needs = store.cells.needs(run.id, "cell")
    verdicts = store.takes.verdicts_of_run(run.id)
    asked = store.journal.asked(run.id, "cell")
    found = []
    for cell in cells:
        plan = cell.plan
        measured = verdicts.get((cell.id, cell.take))
        needed = needs.get(cell.id, ())
        found.append(
            CellFacts(
                cell.id, plan.key, plan.scene_type, plan.character, plan.variant, plan.location, plan.scene_number, cell.status,
                cell.take, asked.get(cell.id, 0), bool(cell.stale), _word(measured), _worst(measured),
                tuple(key for kind, key in needed if kind == "still"), tuple(key for kind, key in needed if kind == "cell"),
            )
        )  # fmt: skip
    return tuple(found)


def _stills(store: Store, run: Run, recipes: Recipes, stills: list[Still], price: float) -> tuple[StillFacts, ...]:
    needs = store.cells.needs(run.id, "still")
    asked = store.journal.asked(run.id, "still")
    seconds, size = estimates.still_cost(run.backend, *estimates.still_size(recipes.production))
    found = []
    for still in stills:
        made = 0 if still.kind is StillKind.SOURCE else still.candidates
        cost = Cost(made + 1, seconds * made, size * made, cost_of(seconds * made, price))
        needed = tuple(key for kind, key in needs.get(still.id, ()) if kind == "still")
        measured = _best(still.verdict)
        found.append(
            StillFacts(
                still.id, still.key, still.kind, still.character, still.variant, still.location, still.candidates, still.status,
                still.take, asked.get(still.id, 0), _word(measured), _worst(measured), needed, cost,
            )
        )  # fmt: skip
    return tuple(found)


def _scene_type(recipes: Recipes, name: str, rates: Mapping[str, estimates.Rate], price: float) -> SceneTypeFacts:
    scene = next(one for one in recipes.production.scene_types if one.name == name)
    seconds, size = estimates.scene_cost(recipes.production, scene, rates)
    cost = Cost(scene.segments + 2, seconds, size, cost_of(seconds, price))
    return SceneTypeFacts(name, scene.height, scene.segments, scene.duration_s, cost)


def _left(store: Store, books: RunBooks, run: Run, price: float) -> Left:
    """What budgets cover beside what is queued already."""
    if not is_bounded(store, run):
        return Left()
    queued = estimate(store, books, run, store.cells.with_status(run.id, CellStatus.QUEUED))
    seconds, size = payable_seconds(store, run), payable_bytes(store, run)
    return Left(
        None if math.isinf(seconds) else seconds - queued.generation_seconds,
        None if math.isinf(size) else size - queued.disk_bytes,
    )


def _best(verdict: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The report of the best candidate; pictures without candidates have one report."""
    if verdict is None or "candidates" not in verdict:
        return verdict
    candidates: Mapping[str, Any] = verdict["candidates"]
    return candidates.get(str(verdict.get("best", "1")))


def _word(verdict: Mapping[str, Any] | None) -> str:
    return str(verdict.get("verdict", "")) if verdict else ""


def _worst(verdict: Mapping[str, Any] | None) -> dict[str, float]:
    """The worst value of each measure: the one that is furthest beyond its limit comes first in the report."""
    found: dict[str, float] = {}
    for judged in (verdict or {}).get("judged", ()):
        if judged["value"] is not None:
            found.setdefault(judged["measure"], judged["value"])
    return found
