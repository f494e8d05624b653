"""Names: each declared once, and every reference leads somewhere."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.domain.issues import Path
from pipeline.domain.names import fold, listed
from pipeline.domain.production import Shot
from pipeline.domain.validation.subject import TOP, Subject, shot_words


def check(subject: Subject) -> None:
    """Duplicates, unknown references, and what nothing refers to."""
    production = subject.production
    _unique(subject, "Character", "characters", [entry.name for entry in production.characters])
    _unique(subject, "Variant", "variants", [entry.name for entry in production.variants])
    _unique(subject, "Location", "locations", [entry.name for entry in production.locations])
    _unique(subject, "Scene type", "scene_types", [entry.name for entry in production.scene_types[: subject.written.scene_types]])
    _unique(subject, "Shot", "shots", [entry.name for entry in production.shots[: subject.written.shots]])
    _unique(subject, "Shot template", "shot_templates", _template_names(subject))
    _unique(subject, "Output", "outputs", [entry.name for entry in production.outputs])
    _wardrobe(subject)
    _approvals(subject)
    _scene_types(subject)
    for name in production.schedule.schedule.scene_types:
        _known(subject, (*TOP, "schedule", "scene_types", name), "scene type", name, subject.scene_types)
    _matrix(subject)
    for index, shot in enumerate(production.shots):
        _shot(subject, index, shot)
    _unused(subject)


def _unique(subject: Subject, what: str, key: str, names: list[str]) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if not name:
            continue
        first = seen.setdefault(fold(name), index)
        if first == index:
            continue
        here, there = (*TOP, key, index, "name"), (*TOP, key, first, "name")
        places = f"{subject.report.where(there)} and {subject.report.where(here)}".strip()
        alike = "" if names[first] == name else f' (as "{names[first]}"; case does not tell names apart)'
        subject.report.error(here, f'{what} "{name}" is declared twice{alike}: {places}.', "Rename or remove one of them.")


def _template_names(subject: Subject) -> list[str]:
    named = subject.written.shot_templates
    return [named.get(index, "") for index in range(max(named, default=-1) + 1)]


def _wardrobe(subject: Subject) -> None:
    for index, character in enumerate(subject.production.characters):
        for worn in character.wardrobe:
            if worn.variant and worn.variant not in subject.variants:
                where = (*TOP, "characters", index, "wardrobe")
                subject.report.unknown(where, "variant", worn.variant, subject.variants, cure="Declare it under variants.")


def _approvals(subject: Subject) -> None:
    for index, own in enumerate(subject.production.approvals.except_for):
        _known(subject, (*TOP, "approvals", "except_for", index, "character"), "character", own.character, subject.characters)


def _scene_types(subject: Subject) -> None:
    for index, kind in enumerate(subject.production.scene_types):
        where = subject.scene_type_path(index)
        _known(subject, (*where, "location"), "location", kind.location, subject.locations)
        for number, variant in enumerate(kind.variants or ()):
            _known(subject, (*where, "variants", number), "variant", variant, subject.variants)
        if kind.variants == ():
            subject.report.warning(
                (*where, "variants"), f'Scene type "{kind.name}" applies to no variant.', "List variants, or write all."
            )
        if kind.camera.move not in subject.presets.cameras:
            cure = subject.report.suggest(kind.camera.move, subject.presets.cameras)
            subject.report.error((*where, "camera"), f'There is no camera move "{kind.camera.move}".', cure)


def _matrix(subject: Subject) -> None:
    matrix = subject.production.matrix
    if matrix is None:
        return
    where = (*TOP, "matrix")
    axes = (
        ("characters", "character", matrix.characters, subject.characters, tuple(subject.characters)),
        ("scene_types", "scene type", matrix.scene_types, subject.scene_types, subject.templates),
        ("variants", "variant", matrix.variants, subject.variants, tuple(subject.variants)),
    )
    for key, what, names, known, offered in axes:
        for name in names:
            if name not in known:
                subject.report.unknown((*where, key), what, name, offered, cure=f"Declare it under {key}.")
    for index, exclusion in enumerate(matrix.exclude):
        here = (*where, "exclude", index)
        _known(subject, (*here, "character"), "character", exclusion.character, subject.characters)
        _known(subject, (*here, "scene_type"), "scene type", exclusion.scene_type, subject.scene_types)
        _known(subject, (*here, "variant"), "variant", exclusion.variant, subject.variants)


def _shot(subject: Subject, index: int, shot: Shot) -> None:
    where = subject.shot_path(index)
    kind = subject.scene_types.get(shot.template)
    if kind is None and shot.template:
        cure = subject.report.suggest(shot.template, subject.templates)
        subject.report.error((*where, "template"), f'{shot_words(shot)} uses "{shot.template}", which does not exist.', cure)
    _known(subject, (*where, "character"), "character", shot.character, subject.characters)
    _known(subject, (*where, "location"), "location", shot.location, subject.locations)
    if shot.character is not None:
        _known(subject, (*where, "variant"), "variant", shot.variant, subject.variants)
    if kind is None:
        return
    if kind.needs_character and shot.character is None:
        cure = "Add character:, or use a template such as establishing_wide."
        subject.report.error(where, f'{shot_words(shot)} names no character, but "{kind.name}" shows one.', cure)
    if shot.character is None and shot.variant is not None:
        subject.report.warning((*where, "variant"), f"{shot_words(shot)} has a variant but no character.", "Add character:.")
    if shot.character is None and shot.location is None and len(subject.locations) != 1 and not kind.needs_character:
        subject.report.error(where, f"{shot_words(shot)} shows nobody and names no location.", "Add location:.")
    if shot.variant is not None and kind.variants is not None and shot.variant not in kind.variants:
        subject.report.error(
            (*where, "variant"),
            f'{shot_words(shot)} wears "{shot.variant}", but "{kind.name}" is only for {listed(kind.variants) or "none"}.',
            "Choose another variant or template, or widen variants: of the scene type.",
        )


def _known(subject: Subject, where: Path, what: str, name: str | None, known: Collection[str]) -> None:
    if name and name not in known:
        subject.report.unknown(where, what, name, known, cure=f"Declare it under {what.replace(' ', '_')}s.")


def _unused(subject: Subject) -> None:
    """What is declared and never used; a matrix of all uses everything it counts."""
    production = subject.production
    matrix = production.matrix
    if matrix is None and not production.shots:
        return  # one error says so already
    variants = {shot.variant for shot in production.shots} | set(matrix.variants if matrix else ())
    characters = {shot.character for shot in production.shots} | set(matrix.characters if matrix else ())
    kinds = {shot.template for shot in production.shots} | set(matrix.scene_types if matrix else ())
    places = {shot.location for shot in production.shots} | {kind.location for kind in production.scene_types}
    if len(production.locations) == 1:
        places.add(production.locations[0].name)
    groups = (
        ("variants", "Variant", [entry.name for entry in production.variants], variants),
        ("characters", "Character", [entry.name for entry in production.characters], characters),
        ("scene_types", "Scene type", [entry.name for entry in production.scene_types], kinds),
        ("locations", "Location", [entry.name for entry in production.locations], places),
    )
    for key, what, names, used in groups:
        for index, name in enumerate(names):
            if name and name not in used:
                cure = "Use it, or remove it."
                subject.report.info((*TOP, key, index, "name"), f'{what} "{name}" is not used by any cell.', cure)
