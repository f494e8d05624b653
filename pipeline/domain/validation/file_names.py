"""Names of delivered files: the grammar of the template, and whether it tells apart what will be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from pipeline.domain import file_names, matrix
from pipeline.domain.names import fold
from pipeline.domain.naming import BadTemplate, parse
from pipeline.domain.validation.cells import MAX_CELLS, size_of
from pipeline.domain.validation.subject import TOP, Subject

E = TypeVar("E")


def check(subject: Subject) -> None:
    """A template that breaks its grammar, that names two files alike, or one not at all."""
    production = subject.production
    where = (*TOP, "naming")
    if production.naming is not None:
        try:
            parse(production.naming)
        except BadTemplate as error:
            subject.report.error(where, error.told, error.cure)
            return
    if size_of(production.matrix) > MAX_CELLS:
        return
    outputs = tuple(_distinct(production.outputs, lambda output: (output.name,)))
    cells = _distinct(matrix.build(production), lambda cell: (cell.character, cell.scene_type, cell.variant, cell.shot))
    found = file_names.clash(replace(production, outputs=outputs), cells)
    if found is not None:
        subject.report.error(where if production.naming is not None else (*TOP, "outputs"), found.told, found.cure)


def _distinct(entries: Sequence[E], parts: Callable[[E], tuple[str | None, ...]]) -> list[E]:
    """Without those that are there only because a name is declared twice, which is an issue of its own."""
    seen: dict[tuple[str, ...], E] = {}
    for entry in entries:
        seen.setdefault(tuple(fold(part or "") for part in parts(entry)), entry)
    return list(seen.values())
