"""The graphs of the backend `comfyui`: there where something is generated, and able to take what a production gives."""

from __future__ import annotations

from pipeline.domain.estimates import segment_frames, still_size
from pipeline.domain.files import Facts
from pipeline.domain.issues import Path, Severity
from pipeline.domain.validation.subject import Subject
from pipeline.domain.workflows import bindings
from pipeline.domain.workflows.editing import with_chosen
from pipeline.domain.workflows.findings import Finding, WorkflowInvalid, errors_in
from pipeline.domain.workflows.following import Asked, shortfalls
from pipeline.domain.workflows.library import reference_of
from pipeline.domain.workflows.made import MEASURED
from pipeline.domain.workflows.slots import SLOTS, Kind
from pipeline.domain.workflows.uses import Use, uses
from pipeline.domain.workflows.workflow import UNBOUND, Resolved, Workflow, resolve

_NOUNS = {"scene_types": "Scene type", "variants": "Variant", "locations": "Location"}
_DEFAULTS = {"scene_types": "workflow", "variants": "still_workflow", "locations": "still_workflow"}


def check(subject: Subject, facts: Facts) -> None:
    """Every use of a graph: one is given, and it has what its kind needs. Files that cannot be read are told elsewhere."""
    known: dict[str, Resolved] = {}
    unlike: dict[tuple[str, Asked], tuple[Finding, ...]] = {}
    for use in uses(subject.production):
        if use.file is None:
            default = _DEFAULTS[use.table]
            told = f'{_NOUNS[use.table]} "{use.name}" has no workflow, which "comfyui" needs.'
            cure = f"Add workflow: with a graph in ComfyUI's API format, or {default}: under defaults."
            subject.report.error(subject.path_of(use.table, use.index), told, cure)
            continue
        fact = facts.get((use.file, "workflow"))
        if fact is None or fact.problem:
            continue
        where = subject.workflow_path(use.table, use.index)
        for finding in fact.findings:
            _tell(subject, where, use, finding)
        workflow = None
        if fact.workflow is not None:
            workflow = _check_registered(subject, where, use, fact.workflow)
        if fact.graph is not None:
            if use.key not in known:  # hundreds of scene types may share one large graph
                known[use.key] = resolve(fact.graph, use.kind, use.bindings, name=use.file)
            workflow = _check_use(subject, where, use, known[use.key])
        if workflow is not None:
            _unfed(subject, where, use, workflow)
            _unlike(subject, where, use, workflow, known=unlike)


def _check_registered(subject: Subject, where: Path, use: Use, workflow: Workflow) -> Workflow | None:
    """Registered ones have bindings already; a production may replace some. The workflow as it is used, if it can be."""
    words = _called(use)
    if workflow.kind is not use.kind:
        what = {Kind.SEGMENT: "segments", Kind.STILL: "stills"}
        told = f"Workflow {words} makes {what[workflow.kind]}; here it would have to make {what[use.kind]}."
        subject.report.error(where, told, "Name another one: `./stripboard workflows list` shows what each makes.")
        return None
    try:
        chosen = with_chosen(workflow, use.bindings)
    except WorkflowInvalid as error:
        for finding in errors_in(error.findings):
            _tell(subject, where, use, finding)
        return None
    silent = {slot for slot, text in use.bindings.items() if text.strip() == UNBOUND}
    for finding in bindings.check(chosen.graph, chosen.bindings, chosen.kind):
        if finding.slot not in silent and not _is_measured(finding):
            subject.report.add(finding.severity, where, f"Workflow {words}: {finding.message}", finding.cure)
    return chosen


def _check_use(subject: Subject, where: Path, use: Use, resolved: Resolved) -> Workflow | None:
    for finding in resolved.findings:
        if not _is_measured(finding):
            _tell(subject, where, use, finding)
    return resolved.workflow


def _unfed(subject: Subject, where: Path, use: Use, workflow: Workflow) -> None:
    """A picture that is bound and never given would stop every job."""
    for slot in use.unfed_slots:
        if slot in workflow.slots:
            what = {"scene_types": "a scene", "variants": "a variant image", "locations": "a plate"}[use.table]
            told = f"Workflow {_called(use)}: It takes {SLOTS[slot].with_article}, which {what} does not have."
            cure = f"Write {slot}: none under bindings: to keep the picture that the graph names, or use another graph."
            subject.report.error(where, told, cure)


def _is_measured(finding: Finding) -> bool:
    """Whether it says that size, length or rate are not bound: what comes of that, `_unlike` says for each use."""
    return finding.severity is not Severity.ERROR and not finding.node and finding.slot in MEASURED


def _unlike(
    subject: Subject, where: Path, use: Use, workflow: Workflow, *, known: dict[tuple[str, Asked], tuple[Finding, ...]]
) -> None:
    """A result of another size, length or rate would be refused, every time, after it was made."""
    for asked in _asked(subject, use):
        if (use.key, asked) not in known:
            known[use.key, asked] = tuple(shortfalls(workflow, asked))
        for finding in known[use.key, asked]:
            subject.report.add(finding.severity, where, f"Workflow {_called(use)}: {finding.message}", finding.cure)


def _called(use: Use) -> str:
    """The path as written, or the name of a registered workflow."""
    reference = reference_of(use.file)
    return reference.words if reference else str(use.file)


def _asked(subject: Subject, use: Use) -> list[Asked]:
    """What requests of this use ask for: segments may be of two lengths."""
    if use.kind is Kind.STILL:
        return [Asked(*still_size(subject.production))]
    scene = subject.production.scene_types[use.index]
    return [Asked(scene.width, scene.height, frames, scene.fps) for frames in sorted(set(segment_frames(scene)))]


def _tell(subject: Subject, where: Path, use: Use, finding: Finding) -> None:
    path = (*where, "bindings", finding.slot) if finding.slot in use.bindings else where
    subject.report.add(finding.severity, path, f"Workflow {use.file}: {finding.message}", finding.cure)
