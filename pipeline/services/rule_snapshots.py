"""A run as rules see it, read in a caller's transaction with one statement a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from data.store import Store
from pipeline.domain import estimates
from pipeline.domain.plans import RunBook
from pipeline.domain.production import Production, SceneType
from pipeline.domain.records import Run, Still
from pipeline.domain.rules.snapshot import (
    CellFacts,
    Cost,
    DeliveryFacts,
    Gates,
    Left,
    SceneTypeFacts,
    Snapshot,
    StillFacts,
    queued_of,
)
from pipeline.domain.rules.tallies import Queued
from pipeline.domain.statuses import StillKind
from pipeline.services.accounts import cost_of, payable_bytes, payable_seconds, price_of
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
    production = book.recipes.production
    price = price_of(store, run, book)
    cells = _cells(store, run)
    scene_types = scene_types_of(production, book.history, price)
    return Snapshot(
        run_id=run.id,
        project=run.title,
        status=run.status,
        cells=cells,
        stills=_stills(store, run, still_costs(book, price)),
        deliveries=deliveries_of(store, run),
        scene_types=scene_types,
        metadata={character.name: dict(character.metadata) for character in production.characters},
        gates=gates_of(production, run),
        left=left_of(store, run, book, scene_types, queued_of(cells)),
        outputs=len(production.outputs),
        delivers_by_itself=run.auto_deliver,
        paused_scene_types=paused_of(store, run),
    )


def gates_of(production: Production, run: Run) -> Gates:
    """Who decides in a run."""
    approvals = production.approvals
    names = [character.name for character in production.characters]
    return Gates(
        approvals.variants,
        approvals.scenes,
        {name: approvals.variants_of(name) for name in names},
        {name: approvals.scenes_of(name) for name in names},
        run.accept_flags,
    )


def paused_of(store: Store, run: Run) -> frozenset[str]:
    """The scene types of which the schedule lets none start."""
    schedule = store.schedules.all().get(run.project_id)
    return frozenset(name for name, most in schedule.scene_types.items() if most == 0) if schedule else frozenset()


def deliveries_of(store: Store, run: Run) -> tuple[DeliveryFacts, ...]:
    """The deliveries of a run and of single characters of it."""
    return tuple(DeliveryFacts(one.id, one.character) for one in store.deliveries.every(run.id))


def measured_of_cell(verdict: Mapping[str, Any] | None) -> tuple[str, dict[str, float]]:
    """(what QA made of a take of a scene, the worst value of each measure)."""
    return _word(verdict), _worst(verdict)


def measured_of_still(still: Still) -> tuple[str, dict[str, float]]:
    """The same of a picture, of its best candidate."""
    return measured_of_cell(_best(still.verdict))


def _cells(store: Store, run: Run) -> tuple[CellFacts, ...]:
    needs = store.cells.needs(run.id, "cell")
    verdicts = store.takes.verdicts_of_run(run.id)
    asked = store.journal.asked(run.id, "cell")
    found = []
    for cell in store.cells.of_run(run.id):
        plan = cell.plan
        verdict, qa = measured_of_cell(verdicts.get((cell.id, cell.take)))
        needed = needs.get(cell.id, ())
        found.append(
            CellFacts(
                cell.id, plan.key, plan.scene_type, plan.character, plan.variant, plan.location, plan.scene_number, cell.status,
                cell.take, asked.get(cell.id, 0), bool(cell.stale), verdict, qa,
                tuple(key for kind, key in needed if kind == "still"), tuple(key for kind, key in needed if kind == "cell"),
                cell.priority,
            )
        )  # fmt: skip
    return tuple(found)


def still_costs(book: RunBook, price: float) -> Callable[[Still | StillFacts], Cost]:
    """What a picture takes, with all its candidates and their check."""

    @cache
    def cost(made: int, variant: str | None, location: str | None) -> Cost:
        seconds, size = _still(book, variant, location)
        return Cost(made + 1, seconds * made, size * made, cost_of(seconds * made, price))

    def cost_of_still(still: Still | StillFacts) -> Cost:
        made = 0 if still.kind is StillKind.SOURCE else still.candidates
        return cost(made, still.variant, still.location)

    return cost_of_still


def _stills(store: Store, run: Run, cost: Callable[[Still | StillFacts], Cost]) -> tuple[StillFacts, ...]:
    needs = store.cells.needs(run.id, "still")
    asked = store.journal.asked(run.id, "still")
    found = []
    for still in store.stills.of_run(run.id):
        needed = tuple(key for kind, key in needs.get(still.id, ()) if kind == "still")
        verdict, qa = measured_of_still(still)
        found.append(
            StillFacts(
                still.id, still.key, still.kind, still.character, still.variant, still.location, still.candidates, still.status,
                still.take, asked.get(still.id, 0), verdict, qa, needed, cost(still),
            )
        )  # fmt: skip
    return tuple(found)


def scene_types_of(production: Production, history: estimates.History, price: float) -> dict[str, SceneTypeFacts]:
    """What one scene of each type takes, by name."""
    return {scene.name: _scene_type(production, scene, history, price) for scene in production.scene_types}


def _scene_type(production: Production, scene: SceneType, history: estimates.History, price: float) -> SceneTypeFacts:
    seconds, size = estimates.scene_cost(production, scene, history)
    cost = Cost(scene.segments + 2, seconds, size, cost_of(seconds, price))
    return SceneTypeFacts(scene.name, scene.height, scene.segments, scene.duration_s, cost)


def left_of(store: Store, run: Run, book: RunBook, scene_types: Mapping[str, SceneTypeFacts], queued: Queued) -> Left:
    """What budgets cover beside what is queued already."""
    if not is_bounded(store, run):
        return Left()
    held_seconds = sum(scene_types[name].cost.gpu_seconds * count for name, count in sorted(queued.scenes.items()))
    held_bytes = sum(scene_types[name].cost.disk_bytes * count for name, count in queued.scenes.items())
    candidates = {variant.name: variant.candidates for variant in book.recipes.production.variants}
    for (is_image, name), count in sorted(Counter((bool(character), name or "") for character, name in queued.needed).items()):
        variant, location = (name, None) if is_image else (None, name)
        still_seconds, still_bytes = _still(book, variant, location)
        made = count * (candidates.get(name, 1) if is_image else 1)
        held_seconds += still_seconds * made
        held_bytes += still_bytes * made
    seconds, size = payable_seconds(store, run), payable_bytes(store, run)
    return Left(
        None if math.isinf(seconds) else seconds - held_seconds,
        None if math.isinf(size) else size - held_bytes,
    )


def _still(book: RunBook, variant: str | None, location: str | None) -> tuple[float, int]:
    """(seconds, bytes) of one candidate of a variant image, or of a plate."""
    measured = book.history.of_still(variant, location)
    return estimates.still_cost(book.recipes.production.backend, book.recipes.still_size, measured)


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
