"""The backend against what the production gives it to read."""

from __future__ import annotations

from pipeline.domain.names import listed
from pipeline.domain.production import Character
from pipeline.domain.validation.subject import TOP, Subject


def check(subject: Subject) -> None:
    """Whether the backend has what it needs, and whether it can read every character. Graphs are checked in `workflows`."""
    production = subject.production
    if production.backend == "command" and not production.command:
        cure = "Add command: [program, argument, …]."
        subject.report.error((*TOP, "backend"), 'The backend "command" needs a program to run, and none is given.', cure)
    if production.backend != "command" and production.command:
        cure = "Write backend: command, or remove command:."
        subject.report.warning((*TOP, "command"), f'The backend "{production.backend}" does not run a program.', cure)
    for index, character in enumerate(production.characters):
        _readable(subject, index, character)


def _readable(subject: Subject, index: int, character: Character) -> None:
    backend = subject.production.backend
    where = (*TOP, "characters", index)
    if character.source_images:
        if character.model is not None:
            cure = "Nothing to do."
            told = f'The backend "{backend}" does not read {character.model}; it works from the source images.'
            subject.report.info((*where, "model"), told, cure)
        repeated = [path for path in dict.fromkeys(character.source_images) if character.source_images.count(path) > 1]
        if repeated:
            told = f'Character "{character.name}" names the same picture twice: {listed(repeated)}.'
            subject.report.warning((*where, "source_images"), told, "Remove one.")
        return
    name = f'Character "{character.name}"' if character.name else "This character"
    cure = "Add source_images: [a picture of the character]."
    if character.model is not None:
        told = f'{name} has only the model {character.model}, which the backend "{backend}" cannot read.'
        subject.report.error((*where, "model"), told, cure)
    elif not subject.is_told(where) and not subject.is_told((*where, "source_images")):
        subject.report.error(where, f"{name} has no source image.", cure)
