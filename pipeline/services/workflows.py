"""Registered workflows: imported, corrected, compared, judged, archived, removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data.store import Store, Stores
from pipeline.domain.errors import Conflict, NotFound
from pipeline.domain.issues import Severity
from pipeline.domain.records import Actor
from pipeline.domain.workflows.bindings import check, result_nodes
from pipeline.domain.workflows.detection import Proposal, detect, kind_of, sure
from pipeline.domain.workflows.difference import Difference, difference
from pipeline.domain.workflows.editing import Place, corrected
from pipeline.domain.workflows.findings import Finding, WorkflowInvalid, errors_in
from pipeline.domain.workflows.fit import Fit
from pipeline.domain.workflows.graphs import Graph
from pipeline.domain.workflows.library import (
    Judgement,
    RegisteredWorkflow,
    TestShot,
    WorkflowVersion,
    checked_name,
    checked_note,
    clean_origin,
)
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.views import VersionPage, VersionView, WorkflowView
from pipeline.domain.workflows.workflow import Workflow
from pipeline.ports import Clock
from pipeline.services import registered


@dataclass(frozen=True)
class Imported:
    """What an import came to: the version, whether it is new, what was found on it, and the bindings that seemed right."""

    version: WorkflowVersion
    is_new: bool
    findings: tuple[Finding, ...]
    proposals: tuple[Proposal, ...]

    @property
    def is_usable(self) -> bool:
        """Whether its bindings lack nothing."""
        return not errors_in(self.findings)


class Workflows:
    """Every verb on registered workflows. `load` reads the graph of a file that is called so in messages."""

    def __init__(self, stores: Stores, clock: Clock, load: Callable[[Path, str], Graph]) -> None:
        self._stores = stores
        self._clock = clock
        self._load = load
        self._fits = registered.Fits()

    # Reading ----------------------------------------------------------------------------------------------------

    def all(self, *, with_archived: bool = False) -> list[WorkflowView]:
        """Every workflow with its versions, by name; of each default version also which workers can run it."""
        with self._stores.read() as store:
            found = [one for one in store.workflows.all() if with_archived or one.archived_at is None]
            return self._views(store, found)

    def find(self, name: str) -> RegisteredWorkflow:
        """The workflow of this name, else of this number. Raises NotFound with the nearest one."""
        with self._stores.read() as store:
            by_number = store.workflows.by_id(int(name)) if name.isascii() and name.isdigit() and len(name) < 19 else None
            if by_number is not None and store.workflows.named(name) is None:
                return by_number
            return registered.named(store, name)

    def by_id(self, workflow_id: int) -> RegisteredWorkflow:
        """One by its number. Raises NotFound."""
        with self._stores.read() as store:
            return _still_there(store, workflow_id)

    def version(self, workflow: RegisteredWorkflow, number: int | None = None) -> WorkflowVersion:
        """The version of this number, else the default one. Raises NotFound."""
        with self._stores.read() as store:
            return registered.version_of(store, _still_there(store, workflow.id), number)

    def page(self, workflow: RegisteredWorkflow, number: int | None = None) -> VersionPage:
        """Everything about one version, else about the default one. Raises NotFound."""
        with self._stores.read() as store:
            current = _still_there(store, workflow.id)
            version = registered.version_of(store, current, number)
            [view] = self._views(store, [current], [version])
            shots = tuple(store.test_shots.of([version.id]))
            content = registered.draft_of(store, version)
        shown = next(one for one in view.versions if one.version.id == version.id)
        return VersionPage(view, shown, content, _findings(content), shots)

    def shots(self, workflow: RegisteredWorkflow) -> list[TestShot]:
        """The test shots of all versions of a name, the newest first."""
        with self._stores.read() as store:
            return store.test_shots.of([version.id for version in store.workflows.versions([workflow.id])])

    def compare(self, old: WorkflowVersion, new: WorkflowVersion) -> Difference:
        """What has changed from one version to another."""
        with self._stores.read() as store:
            return difference(registered.draft_of(store, old), registered.draft_of(store, new))

    def fits(self, version: WorkflowVersion) -> tuple[Fit, ...]:
        """How every worker stands to a version: what each lacks, and what to install there."""
        with self._stores.read() as store:
            return self._fits.of(store, [version])[version.id]

    # Changing ---------------------------------------------------------------------------------------------------

    def import_file(
        self, name: str, path: Path, actor: Actor, *, origin: str = "", kind: Kind | None = None, note: str = ""
    ) -> Imported:
        """The next version of a name from a file that ComfyUI wrote; what does the same as a version before is none.

        `origin` is what the file is called, if not as `path`. Bindings are those that detection is sure of: where something
        is lacking the version is kept all the same, to be corrected. Raises Invalid for a file without a usable graph.
        """
        name, note = checked_name(name), checked_note(note)
        origin = clean_origin(origin) or path.name
        graph = self._load(path, origin)
        wanted = kind or kind_of(graph)
        proposals = detect(graph, wanted)
        workflow = Workflow(name, graph, sure(proposals), result_nodes(graph, wanted), wanted)
        with self._stores.begin(self._clock.now()) as store:
            known = store.workflows.named(name)
            version, is_new = self._keep(store, known, name, workflow, actor=actor, origin=origin, note=note)
        return Imported(version, is_new, _findings(workflow), proposals)

    def correct(
        self, version: WorkflowVersion, places: Sequence[Place], actor: Actor, *, outputs: Sequence[str] | None = None,
        kind: Kind | None = None, note: str = "",
    ) -> Imported:  # fmt: skip
        """The next version: the same graph with exactly these bindings. Raises WorkflowInvalid where that cannot work."""
        note = checked_note(note)
        with self._stores.begin(self._clock.now()) as store:
            known = _still_there(store, version.workflow_id)
            before = registered.draft_of(store, version)
            resolved = corrected(before if kind is None else replace(before, kind=kind), places, outputs)
            if resolved.workflow is None:
                raise WorkflowInvalid(version.words, resolved.findings)
            origin = f"version {version.number}, corrected"
            kept, is_new = self._keep(store, known, known.name, resolved.workflow, actor=actor, origin=origin, note=note)
        return Imported(kept, is_new, resolved.findings, ())

    def examine(
        self, version: WorkflowVersion, places: Sequence[Place], *, outputs: Sequence[str] | None = None, kind: Kind | None = None
    ) -> tuple[Finding, ...]:
        """What would be wrong with a version that had these bindings; changes nothing."""
        with self._stores.read() as store:
            before = registered.draft_of(store, version)
        return corrected(before if kind is None else replace(before, kind=kind), places, outputs).findings

    def judge(self, version: WorkflowVersion, judgement: Judgement, actor: Actor) -> None:
        """Say what came of trying a version. A good one becomes the default of its name; a bad one is it no longer.

        Raises Conflict for one that no test shot has succeeded with.
        """
        with self._stores.begin(self._clock.now()) as store:
            known = _still_there(store, version.workflow_id)
            if judgement is not Judgement.NONE and not store.test_shots.tried().get(version.id):
                raise Conflict(f"No test shot of {version.words} has succeeded yet. Make one, look at it, then say so.")
            store.workflows.judge(version.id, judgement, actor=str(actor), now=store.journal.now)
            default = known.default_number
            if judgement is Judgement.GOOD:
                default = version.number
            elif default == version.number:
                default = None
            store.workflows.change(known.id, default_number=default)
            _record(store, known, "workflow.judged", actor, version=version.number, judgement=judgement.value)

    def archive(self, workflow: RegisteredWorkflow, actor: Actor, *, is_archived: bool = True) -> None:
        """Take a workflow out of sight, for productions too; runs that were made with it go on. Or take it back."""
        with self._stores.begin(self._clock.now()) as store:
            known = _still_there(store, workflow.id)
            if (known.archived_at is not None) != is_archived:
                store.workflows.change(known.id, archived_at=store.journal.now if is_archived else None)
                _record(store, known, "workflow.archived" if is_archived else "workflow.restored", actor)

    def remove(self, workflow: RegisteredWorkflow, actor: Actor) -> None:
        """Forget a workflow with all its versions and test shots.

        Raises Conflict when a run was made with it, or while a test shot of it is under way.
        """
        with self._stores.begin(self._clock.now()) as store:
            known = _still_there(store, workflow.id)
            used = [run for runs in store.workflows.uses(known.id).values() for run in runs]
            if used:
                told = f"{used[0]} was made with it" + (f", and {len(used) - 1} more" if len(used) > 1 else "")
                raise Conflict(f'"{known.name}" cannot be removed: {told}. Archive it instead.')
            ours = {version.id for version in store.workflows.versions([known.id])}
            if any(shot.version_id in ours for shot in store.test_shots.open()):
                raise Conflict(f'"{known.name}" has a test shot under way. Cancel it first, or wait for it.')
            store.test_shots.remove_of(known.id)
            store.workflows.remove(known.id)
            _record(store, known, "workflow.removed", actor, name=known.name)

    # Parts ------------------------------------------------------------------------------------------------------

    @staticmethod
    def _keep(
        store: Store, known: RegisteredWorkflow | None, name: str, workflow: Workflow, *, actor: Actor, origin: str, note: str
    ) -> tuple[WorkflowVersion, bool]:
        if known is not None:
            same = store.workflows.same(known.id, workflow.sha256)
            if same is not None:
                return same, False
        owner = known or store.workflows.add(name, store.journal.now)
        version = store.workflows.add_version(
            owner, workflow.to_json(), sha256=workflow.sha256, origin=origin, note=note, actor=str(actor), now=store.journal.now
        )
        if owner.archived_at is not None:
            store.workflows.change(owner.id, archived_at=None)
        _record(store, owner, "workflow.imported", actor, version=version.number, origin=origin)
        return version, True

    def _views(
        self, store: Store, found: Sequence[RegisteredWorkflow], with_fits: Sequence[WorkflowVersion] = ()
    ) -> list[WorkflowView]:
        """The names with their versions; fits for the default versions and for those that are asked for besides."""
        tried, uses = store.test_shots.tried(), store.workflows.uses()
        by_name: dict[int, list[WorkflowVersion]] = {one.id: [] for one in found}
        for version in store.workflows.versions(list(by_name)):
            by_name[version.workflow_id].append(version)
        defaults = {one.id: registered.default_among(one, by_name[one.id]) for one in found}
        shown = {version.id: version for version in (*defaults.values(), *with_fits)}
        fits = self._fits.of(store, list(shown.values()))
        finished = {key: not errors_in(_findings(registered.draft_of(store, version))) for key, version in shown.items()}
        return [
            WorkflowView(
                one,
                tuple(
                    VersionView(
                        version,
                        is_default=version.id == defaults[one.id].id,
                        is_finished=finished.get(version.id, True),
                        tried=tried.get(version.id, 0),
                        used_by=tuple(uses.get(version.id, ())),
                        fits=fits.get(version.id, ()),
                    )
                    for version in by_name[one.id]
                ),
            )
            for one in found
        ]


def _findings(workflow: Workflow) -> tuple[Finding, ...]:
    """What is wrong with the bindings, errors first."""
    found = check(workflow.graph, workflow.bindings, workflow.kind)
    return tuple(sorted(found, key=lambda one: list(Severity).index(one.severity)))


def _still_there(store: Store, workflow_id: int) -> RegisteredWorkflow:
    found = store.workflows.by_id(workflow_id)
    if found is None:
        raise NotFound(f"There is no workflow {workflow_id}.")
    return found


def _record(store: Store, workflow: RegisteredWorkflow, event: str, actor: Actor, **data: object) -> None:
    store.journal.record(event, actor=actor, subject="workflow", subject_id=workflow.id, data=data or None)
