"""Whether there is anything to make, and whether every exclusion leaves something out."""

from __future__ import annotations

from pipeline.domain.matrix import combinations, matches
from pipeline.domain.production import Exclusion
from pipeline.domain.validation.subject import TOP, Subject

MAX_CELLS = 200_000


def check(subject: Subject) -> None:
    """Empty and endless matrices, exclusions without effect."""
    production = subject.production
    matrix = production.matrix
    if matrix is None:
        if not production.shots:
            cure = "Add matrix: {characters: all, scene_types: all, variants: all}, or shots:."
            subject.report.error(TOP, "The production describes nothing to make: it has no matrix and no shots.", cure)
        return
    size = len(matrix.characters) * len(matrix.scene_types) * max(1, len(matrix.variants))
    if size > MAX_CELLS:
        told = f"The matrix has {size} cells; at most {MAX_CELLS} are allowed."
        subject.report.error((*TOP, "matrix"), told, "Split the production.")
        return
    _exclusions(subject)
    for index, kind in enumerate(production.scene_types):
        if kind.name in matrix.scene_types and not kind.needs_character:
            told = f'"{kind.name}" shows no character, but the matrix makes it once for each character.'
            subject.report.warning(subject.scene_type_path(index), told, "List it under shots instead.")


def _exclusions(subject: Subject) -> None:
    matrix = subject.production.matrix
    if matrix is None:
        return
    cells = set(combinations(subject.production))
    kept = cells
    for index, exclusion in enumerate(matrix.exclude):
        where = (*TOP, "matrix", "exclude", index)
        if exclusion == Exclusion():
            subject.report.error(
                where, "This exclusion names nothing, so it would leave out everything.", "Name what to leave out."
            )
            continue
        out = {cell for cell in cells if matches(exclusion, *cell)}
        if not out:
            subject.report.warning(where, "This exclusion leaves nothing out.", "Check its names, or remove it.")
        kept = kept - out
    if not kept and not subject.production.shots:
        empty = next((axis for axis in ("characters", "scene_types") if not getattr(matrix, axis)), None)
        why = f"it has no {empty.replace('_', ' ')}" if empty else "every cell is excluded or does not apply"
        subject.report.error((*TOP, "matrix"), f"The matrix is empty: {why}.", "Declare what is missing, or exclude less.")
