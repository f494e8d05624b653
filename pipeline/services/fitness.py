"""Which workers have what the graphs of waiting jobs need, by what their servers said of themselves.

Works in the transaction that it is handed. Each graph is held against each catalogue once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping

from data.store import Store
from pipeline.domain.fingerprints import canonical
from pipeline.domain.plans import RunBook
from pipeline.domain.records import FleetWork
from pipeline.domain.workers import Worker
from pipeline.domain.workflows.availability import gaps
from pipeline.domain.workflows.findings import WorkflowInvalid
from pipeline.domain.workflows.workflow import Workflow, from_json

_TOLD = 2


class Fitness:
    """Remembers graphs by name, and what each catalogue lacks for each of them."""

    def __init__(self, book_of: Callable[[Store, int], RunBook]) -> None:
        self._book_of = book_of
        self._names: dict[tuple[int, str, int], str] = {}
        self._graphs: dict[str, Workflow | None] = {}
        self._lacks: dict[tuple[str, str], str] = {}
        self._told: dict[str, tuple[int, Mapping[str, str]]] = {}

    def graph(self, store: Store, work: FleetWork) -> str:
        """The name of the graph that makes this; empty where none does."""
        key = work.run_id, work.scene_type, 0 if work.scene_type else work.subject_id
        if key not in self._names:
            recipes = self._book_of(store, work.run_id).recipes
            if work.scene_type:
                value = recipes.graph_of_scenes(work.scene_type)
            else:
                still = store.stills.by_ids([work.subject_id])[work.subject_id]
                value = recipes.graph_of_still(variant=still.variant, location=still.location)
            self._names[key] = self._name(value)
        return self._names[key]

    def lacks(self, store: Store, worker: Worker) -> Mapping[str, str]:
        """By the name of each known graph what this worker has not installed for it, in words; nothing of a worker unread."""
        if not worker.catalogue_sha256:
            return {}
        compared, told = self._told.get(worker.catalogue_sha256, (0, {}))
        if compared < len(self._graphs):  # graphs are only ever added
            missing = [name for name in self._graphs if (worker.catalogue_sha256, name) not in self._lacks]
            self._compare(store, worker.catalogue_sha256, missing)
            every = {name: self._lacks[worker.catalogue_sha256, name] for name in self._graphs}
            told = {name: words for name, words in every.items() if words}
            self._told[worker.catalogue_sha256] = len(self._graphs), told
        return told

    def _name(self, value: Mapping[str, object]) -> str:
        if not value:
            return ""
        name = hashlib.sha256(canonical(value).encode()).hexdigest()
        if name not in self._graphs:
            try:
                self._graphs[name] = from_json(value)
            except WorkflowInvalid:
                self._graphs[name] = None  # the worker will say what is wrong with it
        return name

    def _compare(self, store: Store, catalogue: str, names: Collection[str]) -> None:
        schemas = store.workers.catalogue(catalogue)
        for name in names:
            workflow = self._graphs[name]
            found = gaps(workflow.graph, schemas, workflow.bindings) if workflow and schemas else ()
            told = list(dict.fromkeys(gap.message for gap in found))
            more = f" And {len(told) - _TOLD} more." if len(told) > _TOLD else ""
            self._lacks[catalogue, name] = " ".join(told[:_TOLD]) + more
