"""Prompt templates: every placeholder exists and has something to say."""

from __future__ import annotations

from pipeline.domain import prompts
from pipeline.domain.issues import Path
from pipeline.domain.matrix import default_location
from pipeline.domain.names import listed
from pipeline.domain.validation.subject import Subject

PLACES = frozenset({"location", "location.prompt"})


def check(subject: Subject) -> None:
    """The prompts of scene types and shots. A scene type of the document may be made with everybody (None)."""
    for index, kind in enumerate(subject.production.scene_types):
        users = subject.casts.get(kind.name, []) if index >= subject.written.scene_types else None
        where = (*subject.scene_type_path(index), "prompt")
        _template(subject, where, kind.prompt, users)
        if not kind.prompt.strip():
            cure = "Write what happens, for example {character} dances in {location}."
            subject.report.info(where[:-1], f'Scene type "{kind.name}" has no prompt.', cure)
    for index, shot in enumerate(subject.production.shots):
        if shot.prompt is not None:
            users = [shot.character] if shot.character else []
            _template(subject, (*subject.shot_path(index), "prompt"), shot.prompt, users)
    _places(subject)


def _template(subject: Subject, where: Path, text: str, users: list[str] | None) -> None:
    template = prompts.parse(text)
    for problem in template.problems:
        subject.report.error(where, problem.message, problem.suggestion)
    for placeholder in template.placeholders:
        if placeholder.startswith(prompts.METADATA_PREFIX):
            _metadata(subject, where, placeholder, users)


def _metadata(subject: Subject, where: Path, placeholder: str, users: list[str] | None) -> None:
    key = placeholder.removeprefix(prompts.METADATA_PREFIX)
    known = subject.metadata_keys
    if key not in known:
        cure = subject.report.suggest(key, known, cure=f"Add {key}: to metadata of the characters.")
        subject.report.error(where, f'No character has "{key}" in its metadata, but the prompt uses {{{placeholder}}}.', cure)
        return
    without = subject.lacking(key)
    lacking = list(without) if users is None else [name for name in users if name in without]
    if lacking:
        told = f"{{{placeholder}}} is empty for {listed(lacking)}."
        subject.report.warning(where, told, f"Add {key}: to their metadata.")


def _places(subject: Subject) -> None:
    """Matrix cells whose prompt speaks of a location they do not have."""
    matrix = subject.production.matrix
    if matrix is None:
        return
    in_matrix = set(matrix.scene_types)
    for index, kind in enumerate(subject.production.scene_types):
        if kind.name not in in_matrix or default_location(subject.production, kind) is not None:
            continue
        used = PLACES & set(prompts.parse(kind.prompt).placeholders)
        if used:
            count = len(subject.production.locations)
            why = f"there are {count} locations" if count else "there is no location"
            told = f'{{{min(used)}}} is empty in scene type "{kind.name}": it names no location and {why}.'
            subject.report.warning((*subject.scene_type_path(index), "prompt"), told, "Add location: to the scene type.")
