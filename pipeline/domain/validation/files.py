"""The files a production names against what was found of them."""

from __future__ import annotations

from pipeline.domain.files import Facts, FileReference, references
from pipeline.domain.issues import Path
from pipeline.domain.validation.subject import TOP, Subject
from pipeline.domain.workflows.library import reference_of

_NOUNS = {
    "image": "The picture",
    "workflow": "The workflow",
    "file": "The file",
    "program": "The program",
    "folder": "The folder",
}


def check(subject: Subject, facts: Facts) -> None:
    """Every file that is missing, unreadable or not what it must be; and paths that only work on one machine."""
    for reference in references(subject.production):
        where = _place(subject, reference)
        fact = facts.get((reference.path, reference.wants))
        if fact is not None and fact.problem:
            told = f"{_NOUNS[reference.wants]} {_called(reference)} {fact.problem}"
            subject.report.error(where, told, fact.cure)
        elif reference.wants in ("image", "workflow", "file") and _is_absolute(reference.path):
            told = f"{reference.path} is an absolute path; the production works on this machine only."
            subject.report.warning(where, told, "Put the file next to the production and write a relative path.")
    script = subject.production.script
    if script is not None and _is_absolute(script):
        told = f"{script} is an absolute path; the production works on this machine only."
        subject.report.warning((*TOP, "script"), told, "Put the file next to the production and write a relative path.")


def _called(reference: FileReference) -> str:
    """The path as written, or the name of a registered workflow."""
    registered = reference_of(reference.path) if reference.wants == "workflow" else None
    return registered.words if registered else reference.path


def _place(subject: Subject, reference: FileReference) -> Path:
    """Where a file is named; a workflow may be named among the defaults or in a template."""
    if reference.wants != "workflow":
        return reference.where
    _, table, index, _ = reference.where
    return subject.workflow_path(str(table), int(index))


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\", "~")) or path[1:3] in (":\\", ":/")
