"""What a production would cost and do, held against what is stored: measured rates, and an earlier run of its title."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.store import Store, Stores
from pipeline.domain import estimates, matrix, planning
from pipeline.domain.cost_keys import cost_keys
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.estimates import Estimate
from pipeline.domain.planning import Before, Plan
from pipeline.domain.production import Production
from pipeline.domain.records import RunConfig
from pipeline.domain.statuses import CellStatus, StillKind
from pipeline.domain.workflows.uses import workflow_files
from pipeline.services.accounts import cheapest, cost_of
from pipeline.services.graphs import LoadGraph, graphs_of, unserved
from pipeline.services.pictures import as_they_count
from pipeline.services.rule_keeping import vanished
from pipeline.services.runbooks import history_of
from pipeline.services.uncovered import shortfalls


@dataclass(frozen=True)
class Beyond:
    """What something costs at the cheapest worker, None where nothing has a price; and what budgets lack for it, in words."""

    cost: float | None = None
    lacking: tuple[str, ...] = ()


class Planning:
    """Reads, decides, and changes nothing. `hash_file` names a file by its content."""

    def __init__(self, stores: Stores, hash_file: Callable[[Path], str], load_workflow: LoadGraph) -> None:
        self._stores = stores
        self._hash_file = hash_file
        self._load_workflow = load_workflow

    def estimate(self, production: Production, base_dir: Path) -> Estimate:
        """Time and disk of the whole production, whose files lie below `base_dir`."""
        keys = cost_keys(production, self._graphs(production, base_dir))
        with self._stores.read() as store:
            history = history_of(store, keys)
        return estimates.estimate(production, matrix.build(production), history)

    def plan(self, production: Production, base_dir: Path, *, against: int | None = None) -> Plan:
        """What a new run would do for each cell, compared with the run `against`.

        Without one it is the newest run that has approved cells; where none has, the newest.
        """
        graphs = self._graphs(production, base_dir)
        with self._stores.read() as store:
            history = history_of(store, cost_keys(production, graphs))
            lacking = unserved(store, production, graphs)
            before = before_of(store, production.title, against=against)
            gone = [rule.name for rule in vanished(store.triggers.live(), production.title, production.triggers)]
        made = planning.plan(production, self._hashes(production, base_dir), before, history)
        return replace(made, rules_off=tuple(gone), unserved=lacking)

    def beyond(self, production: Production, base_dir: Path, estimate: Estimate, user: str) -> Beyond:
        """What this would cost a user, and what that user's, its production's and its file's budgets lack for it."""
        keys = cost_keys(production, self._graphs(production, base_dir))
        with self._stores.read() as store:
            price = cheapest(store, production.backend, production.worker_tags, keys.frame_seconds(history_of(store, keys)))
            cost = cost_of(estimate.generation_seconds, price) if price else None
            return Beyond(cost, tuple(shortfalls(store, production, user, estimate, price)))

    def has_changed(self, production: Production, base_dir: Path, config: RunConfig) -> bool:
        """Whether the production or one of its pictures differs from what a run was made from, its gates apart."""
        return planning.differs(production, self._hashes(production, base_dir), config)

    def _graphs(self, production: Production, base_dir: Path) -> Mapping[str, Mapping[str, Any]]:
        """The graphs of the production; none where one is missing or cannot work, of which validation tells."""
        try:
            return graphs_of(self._stores, production, base_dir.joinpath, self._load_workflow)[0]
        except (Invalid, NotFound):
            return {}

    def _hashes(self, production: Production, base_dir: Path) -> dict[str, str]:
        paths = [path for character in production.characters for path in character.source_images]
        paths += [location.plate for location in production.locations if location.plate]
        paths += workflow_files(production)
        return {path: self._hash_file(base_dir / path) for path in dict.fromkeys(paths)}


def before_of(store: Store, title: str, *, against: int | None = None, without: int | None = None) -> Before | None:
    """What a new run of this title is compared with: the run `against`, else the newest that has approved cells, else the newest.

    None where there is none; the run `without` does not count.
    """
    project_id = store.runs.find_project(title)
    runs = store.runs.of_project(project_id) if project_id is not None else []
    runs = [run for run in runs if run.id != without]
    if against is not None:
        runs = [run for run in runs if run.id == against]
    if not runs:
        return None
    run = next((run for run in runs if store.cells.any_with(run.id, [CellStatus.APPROVED])), runs[0])
    cells = {cell.plan.key: cell for cell in store.cells.of_run(run.id)}
    stills = store.stills.of_run(run.id)
    images = [still.key for still in stills if still.kind is StillKind.VARIANT and still.status is CellStatus.APPROVED]
    return Before(run.name, as_they_count(store, run.id, store.runs.config(run.id)), cells, images)
