"""The graphs of the backend `comfyui`: there where something is generated, and able to take what a production gives."""

from __future__ import annotations

from pipeline.domain.files import Facts
from pipeline.domain.issues import Path
from pipeline.domain.validation.subject import Subject
from pipeline.domain.workflows import bindings
from pipeline.domain.workflows.editing import with_chosen
from pipeline.domain.workflows.findings import Finding, WorkflowInvalid, errors_in
from pipeline.domain.workflows.library import reference_of
from pipeline.domain.workflows.slots import SLOTS, Kind
from pipeline.domain.workflows.uses import Use, uses
from pipeline.domain.workflows.workflow import UNBOUND, Resolved, Workflow, resolve

_NOUNS = {"scene_types": "Scene type", "variants": "Variant", "locations": "Location"}
_DEFAULTS = {"scene_types": "workflow", "variants": "still_workflow", "locations": "still_workflow"}


def check(subject: Subject, facts: Facts) -> None:
    """Every use of a graph: one is given, and it has what its kind needs. Files that cannot be read are told elsewhere."""
    known: dict[str, Resolved] = {}
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
        if fact.workflow is not None:
            _check_registered(subject, where, use, fact.workflow)
        if fact.graph is not None:
            if use.key not in known:  # hundreds of scene types may share one large graph
                known[use.key] = resolve(fact.graph, use.kind, use.bindings, name=use.file)
            _check_use(subject, where, use, known[use.key])


def _check_registered(subject: Subject, where: Path, use: Use, workflow: Workflow) -> None:
    """Registered ones have bindings already; a production may replace some."""
    reference = reference_of(use.file)
    words = reference.words if reference else use.file
    if workflow.kind is not use.kind:
        what = {Kind.SEGMENT: "segments", Kind.STILL: "stills"}
        told = f"Workflow {words} makes {what[workflow.kind]}; here it would have to make {what[use.kind]}."
        subject.report.error(where, told, "Name another one: `./stripboard workflows list` shows what each makes.")
        return
    try:
        chosen = with_chosen(workflow, use.bindings)
    except WorkflowInvalid as error:
        for finding in errors_in(error.findings):
            _tell(subject, where, use, finding)
        return
    silent = {slot for slot, text in use.bindings.items() if text.strip() == UNBOUND}
    for finding in bindings.check(chosen.graph, chosen.bindings, chosen.kind):
        if finding.slot not in silent:
            subject.report.add(finding.severity, where, f"Workflow {words}: {finding.message}", finding.cure)
    _unfed(subject, where, use, chosen)


def _check_use(subject: Subject, where: Path, use: Use, resolved: Resolved) -> None:
    for finding in resolved.findings:
        _tell(subject, where, use, finding)
    if resolved.workflow is not None:
        _unfed(subject, where, use, resolved.workflow)


def _unfed(subject: Subject, where: Path, use: Use, workflow: Workflow) -> None:
    """A picture that is bound and never given would stop every job."""
    for slot in use.unfed_slots:
        if slot in workflow.slots:
            what = {"scene_types": "a scene", "variants": "a variant image", "locations": "a plate"}[use.table]
            told = f"Workflow {use.file}: It takes a {SLOTS[slot].words}, which {what} does not have."
            cure = f"Write {slot}: none under bindings: to keep the picture that the graph names, or use another graph."
            subject.report.error(where, told, cure)


def _tell(subject: Subject, where: Path, use: Use, finding: Finding) -> None:
    path = (*where, "bindings", finding.slot) if finding.slot in use.bindings else where
    subject.report.add(finding.severity, path, f"Workflow {use.file}: {finding.message}", finding.cure)
