"""Whether there is anything to make, and whether every exclusion leaves something out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from pipeline.domain.matrix import Combination, Exclusions, combinations
from pipeline.domain.production import Exclusion, Matrix
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
    size = size_of(matrix)
    if size > MAX_CELLS:
        told = f"The matrix has {size} cells; at most {MAX_CELLS} are allowed."
        subject.report.error((*TOP, "matrix"), told, "Split the production.")
        return
    _exclusions(subject)
    used = set(matrix.scene_types)
    for index, kind in enumerate(production.scene_types):
        if kind.name in used and not kind.needs_character:
            told = f'"{kind.name}" shows no character, but the matrix makes it once for each character.'
            subject.report.warning(subject.scene_type_path(index), told, "List it under shots instead.")


def size_of(matrix: Matrix | None) -> int:
    """How many cells the axes of a matrix span, whatever is excluded."""
    return len(matrix.characters) * len(matrix.scene_types) * max(1, len(matrix.variants)) if matrix else 0


def _exclusions(subject: Subject) -> None:
    matrix = subject.production.matrix
    if matrix is None:
        return
    cells = tuple(combinations(subject.production))
    met = _Met(cells)
    for index, exclusion in enumerate(matrix.exclude):
        where = (*TOP, "matrix", "exclude", index)
        if exclusion == Exclusion():
            subject.report.error(
                where, "This exclusion names nothing, so it would leave out everything.", "Name what to leave out."
            )
            continue
        if not met.by(exclusion):
            subject.report.warning(where, "This exclusion leaves nothing out.", "Check its names, or remove it.")
    out = Exclusions(matrix.exclude)
    if all(out.leave_out(cell) for cell in cells) and not subject.production.shots:
        empty = next((axis for axis in ("characters", "scene_types") if not getattr(matrix, axis)), None)
        why = f"it has no {empty.replace('_', ' ')}" if empty else "every cell is excluded or does not apply"
        subject.report.error((*TOP, "matrix"), f"The matrix is empty: {why}.", "Declare what is missing, or exclude less.")


class _Met:
    """Which exclusions meet a cell: the cells seen through the fields that an exclusion gives."""

    def __init__(self, cells: Sequence[Combination]) -> None:
        self._cells = cells
        self._seen: dict[tuple[bool, ...], set[tuple[str | None, ...]]] = {}

    def by(self, exclusion: Exclusion) -> bool:
        """Whether it leaves anything out."""
        names = (exclusion.character, exclusion.scene_type, exclusion.variant)
        given = tuple(name is not None for name in names)
        if given not in self._seen:
            self._seen[given] = {tuple(compress(cell, given)) for cell in self._cells}
        return tuple(name for name in names if name is not None) in self._seen[given]
