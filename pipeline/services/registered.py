"""Registered workflows as productions and test shots get them; works in the transaction that it is handed.

What a server lacks for a version is worked out once for each catalogue.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from data.store import Store, Stores
from pipeline.domain.errors import Conflict, Invalid, NotFound, StripboardError
from pipeline.domain.files import FileFact
from pipeline.domain.names import did_you_mean
from pipeline.domain.workflows.availability import Gap, gaps
from pipeline.domain.workflows.editing import with_chosen
from pipeline.domain.workflows.fit import Fit
from pipeline.domain.workflows.library import Reference, RegisteredWorkflow, WorkflowVersion
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.workflow import Workflow, draft, from_json

_KEPT = 512
_ARCHIVED = 'The workflow "{name}" is archived. Take it back, or name another one.'
_MAKES = {Kind.SEGMENT: "segments", Kind.STILL: "stills"}


def named(store: Store, name: str) -> RegisteredWorkflow:
    """The workflow of this name. Raises NotFound with the nearest one."""
    found = store.workflows.named(name)
    if found is None:
        known = [one.name for one in store.workflows.all() if one.archived_at is None]
        cure = did_you_mean(name[:80], known, cure="`./stripboard workflows list` shows them.")
        raise NotFound(f'There is no workflow "{name[:80]}". {cure}')
    return found


def version_of(store: Store, workflow: RegisteredWorkflow, number: int | None = None) -> WorkflowVersion:
    """The version of this number, else the default one. Raises NotFound."""
    versions = store.workflows.versions([workflow.id])
    if number is None:
        return default_among(workflow, versions)
    for version in versions:
        if version.number == number:
            return version
    raise NotFound(f'"{workflow.name}" has no version {number}. It has 1 to {versions[0].number}.')


def default_among(workflow: RegisteredWorkflow, versions: Sequence[WorkflowVersion]) -> WorkflowVersion:
    """The version that is the default: the one that people have chosen, else the newest. `versions` has the newest first."""
    return next((one for one in versions if one.number == workflow.default_number), versions[0])


def workflow_of(store: Store, version: WorkflowVersion) -> Workflow:
    """The workflow of a version. Raises Invalid while its bindings lack something."""
    return from_json(store.workflows.content(version.id), name=version.words)


def draft_of(store: Store, version: WorkflowVersion) -> Workflow:
    """The workflow of a version, whether or not its bindings are finished."""
    return draft(store.workflows.content(version.id), name=version.words)


def for_production(store: Store, reference: Reference, kind: Kind, chosen: Mapping[str, str]) -> tuple[WorkflowVersion, Workflow]:
    """The version that a production names, with the bindings that it wrote itself.

    Raises NotFound, Conflict for one that is archived, and Invalid for one of another kind or that cannot work.
    """
    workflow = named(store, reference.name)
    if workflow.archived_at is not None:
        raise Conflict(_ARCHIVED.format(name=workflow.name))
    version = version_of(store, workflow, reference.number)
    if version.kind is not kind:
        raise Invalid(f"{version.words} makes {_MAKES[version.kind]}; here it would have to make {_MAKES[kind]}.")
    return version, with_chosen(workflow_of(store, version), chosen)


def facts(stores: Stores, references: Collection[Reference]) -> Mapping[Reference, FileFact]:
    """What is known of registered workflows that a production names; reads by itself, and changes nothing."""
    found = {}
    with stores.read() as store:
        for reference in references:
            try:
                workflow = named(store, reference.name)
                if workflow.archived_at is not None:
                    raise Conflict(_ARCHIVED.format(name=workflow.name))
                found[reference] = FileFact(workflow=workflow_of(store, version_of(store, workflow, reference.number)))
            except StripboardError as error:
                found[reference] = FileFact(f"cannot be used: {error}")
    return found


class Fits:
    """Remembers what each catalogue lacks for each version."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[Gap, ...]] = OrderedDict()

    def of(self, store: Store, versions: Sequence[WorkflowVersion]) -> dict[int, tuple[Fit, ...]]:
        """How every worker stands to each of these versions, by the number of the version."""
        workers = store.workers.all()
        catalogues = {worker.catalogue_sha256 for worker in workers if worker.catalogue_sha256}
        for catalogue in sorted(catalogues):
            self._compare(store, catalogue, [one for one in versions if (catalogue, one.sha256) not in self._known])
        return {
            version.id: tuple(
                Fit(worker, bool(worker.catalogue_sha256), self._known.get((worker.catalogue_sha256, version.sha256), ()))
                for worker in workers
            )
            for version in versions
        }

    def _compare(self, store: Store, catalogue: str, versions: Sequence[WorkflowVersion]) -> None:
        schemas = store.workers.catalogue(catalogue) if versions else {}
        for version in versions:
            workflow = draft_of(store, version)
            self._known[catalogue, version.sha256] = gaps(workflow.graph, schemas, workflow.bindings) if schemas else ()
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
