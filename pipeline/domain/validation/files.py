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
    _check_sources(subject, facts)
    script = subject.production.script
    if script is not None and _is_absolute(script):
        told = f"{script} is an absolute path; the production works on this machine only."
        subject.report.warning((*TOP, "script"), told, "Put the file next to the production and write a relative path.")


def _check_sources(subject: Subject, facts: Facts) -> None:
    """Pictures of characters that quality checks would refuse, and those that two characters share."""
    least = next((rule.limit for rule in subject.presets.qa.get("source", ()) if rule.measure == "min_side_px"), 0.0)
    seen: dict[str, str] = {}
    for index, character in enumerate(subject.production.characters):
        for number, image in enumerate(character.source_images):
            where, fact = (*TOP, "characters", index, "source_images", number), facts.get((image, "image"))
            if fact is None or fact.problem:
                continue
            if 0 < min(fact.width, fact.height) < least:
                told = f"The picture {image} is only {fact.width}x{fact.height} pixels; each side must have {least:g} at least."
                subject.report.error(where, told, "Replace it with a larger picture.")
            other = seen.setdefault(fact.digest or image, character.name)
            if other != character.name:
                told = f'The picture {image} of "{character.name}" is a picture of "{other}", too.'
                subject.report.warning(where, told, "Give each character pictures of its own.")


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
