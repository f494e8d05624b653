"""The graphs that make a production, with their bindings: out of files, and out of what is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data.store import Store, Stores
from pipeline.domain.errors import Invalid
from pipeline.domain.names import listed
from pipeline.domain.production import Production
from pipeline.domain.workers import FLEET_BACKENDS, Worker
from pipeline.domain.workflows.availability import Gap, gaps
from pipeline.domain.workflows.graphs import Graph
from pipeline.domain.workflows.library import reference_of
from pipeline.domain.workflows.uses import Use, uses
from pipeline.domain.workflows.workflow import draft, require
from pipeline.services.registered import for_production

_MOST_TOLD = 3
LoadGraph = Callable[[Path, str], Graph]
"""Reads the graph of a file that is called so in messages; raises Invalid, or NotFound, where there is none."""


def graphs_of(
    stores: Stores, production: Production, path_of: Callable[[str], Path], load: LoadGraph
) -> tuple[dict[str, Mapping[str, Any]], frozenset[int]]:
    """The graphs with their bindings as they are now, as in `RunConfig`, and the versions (by id) of the registered ones.

    `path_of` tells where a file of the production lies. A later version of this program may detect other bindings. Raises
    Invalid or NotFound for a graph that is missing or cannot work.
    """
    found: dict[str, Mapping[str, Any]] = {}
    versions: set[int] = set()
    for use in uses(production):
        if use.file is None:
            raise Invalid(f'"{use.name}" has no workflow, which "comfyui" needs. Add workflow: to it.')
        reference = reference_of(use.file)
        if use.key in found:
            continue
        if reference is None:
            found[use.key] = require(load(path_of(use.file), use.file), use.kind, use.bindings, name=use.file).to_json()
        else:
            with stores.read() as store:
                version, workflow = for_production(store, reference, use.kind, use.bindings)
            versions.add(version.id)
            found[use.key] = workflow.to_json()
    return found, frozenset(versions)


def unserved(store: Store, production: Production, graphs: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Tags that no worker has, and for each of these graphs that no worker can run what the workers lack, in words.

    Workers that were not read yet may have every node and model, but they have no other tags.
    """
    workers = store.workers.all()
    told = _untagged(production, workers)
    if not workers or not all(worker.catalogue_sha256 for worker in workers):
        return told
    catalogues = {sha256: store.workers.catalogue(sha256) for sha256 in {worker.catalogue_sha256 for worker in workers}}
    for key, made in _by_graph(production, graphs).items():
        workflow = draft(graphs[key])
        lacks = {sha256: gaps(workflow.graph, schemas, workflow.bindings) for sha256, schemas in catalogues.items()}
        if all(lacks.values()):
            reasons = listed((f"{one.name}: {_first(lacks[one.catalogue_sha256])}" for one in workers), limit=_MOST_TOLD)
            names = listed(use.name for use in made)
            told = (*told, f"No worker can run {made[0].file}, which makes {names}. {reasons}")
    return told


def _untagged(production: Production, workers: Sequence[Worker]) -> tuple[str, ...]:
    """What is asked of workers by tags that none has, in words; nothing where there is no worker at all."""
    if not workers or production.backend not in FLEET_BACKENDS:
        return ()
    wanted: dict[frozenset[str], list[str]] = {}
    for kind in production.scene_types:
        wanted.setdefault(frozenset({*production.worker_tags, *kind.worker_tags}), []).append(kind.name)
    lacking = [(sorted(tags), names) for tags, names in wanted.items() if not any(worker.has(tags) for worker in workers)]
    return tuple(
        f"No worker has {'the tag' if len(tags) == 1 else 'all of the tags'} {listed(tags)}, which "
        f"{listed(names)} {'asks' if len(names) == 1 else 'ask'} for. Add {'it' if len(tags) == 1 else 'them'} to one: "
        "`./stripboard workers edit`."
        for tags, names in lacking
    )


def _by_graph(production: Production, graphs: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for use in uses(production):
        if use.key in graphs:
            found.setdefault(use.key, []).append(use)
    return found


def _first(gaps_found: Sequence[Gap]) -> str:
    """`The server has no node class "X". Install …`: the first thing, and how many more there are."""
    more = f" And {len(gaps_found) - 1} more." if len(gaps_found) > 1 else ""
    return f"{gaps_found[0].message} {gaps_found[0].cure}{more}"
