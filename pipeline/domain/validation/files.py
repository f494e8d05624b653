"""The files a production names against what was found of them."""

from __future__ import annotations

from pipeline.domain.files import Facts, references
from pipeline.domain.validation.subject import TOP, Subject

_NOUNS = {"image": "The picture", "json": "The workflow", "file": "The file", "program": "The program", "folder": "The folder"}


def check(subject: Subject, facts: Facts) -> None:
    """Every file that is missing, unreadable or not what it must be; and paths that only work on one machine."""
    for reference in references(subject.production, scene_types=subject.written.scene_types):
        fact = facts.get((reference.path, reference.wants))
        if fact is not None and fact.problem:
            told = f"{_NOUNS[reference.wants]} {reference.path} {fact.problem}"
            subject.report.error(reference.where, told, fact.cure)
        elif reference.wants in ("image", "json", "file") and _is_absolute(reference.path):
            told = f"{reference.path} is an absolute path; the production works on this machine only."
            subject.report.warning(reference.where, told, "Put the file next to the production and write a relative path.")
    script = subject.production.script
    if script is not None and _is_absolute(script):
        told = f"{script} is an absolute path; the production works on this machine only."
        subject.report.warning((*TOP, "script"), told, "Put the file next to the production and write a relative path.")


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\", "~")) or path[1:3] in (":\\", ":/")
