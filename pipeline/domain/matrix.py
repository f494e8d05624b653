"""A production to its cells, and selections of cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, product
from typing import Protocol, TypeVar

from pipeline.domain import prompts
from pipeline.domain.cells import CellPlan
from pipeline.domain.errors import NotFound
from pipeline.domain.names import did_you_mean
from pipeline.domain.production import Character, Exclusion, Location, Production, SceneType, Shot, Variant


@dataclass(frozen=True)
class Selection:
    """Which cells are meant: every group that is not empty must match."""

    characters: tuple[str, ...] = ()
    scene_types: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class SelectionMissed(NotFound):
    """A selection names something the run does not have."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        cure = did_you_mean(name, known, cure="`./stripboard status` shows what there is.")
        super().__init__(f'The run has no {what} "{name}". {cure}')


def build(production: Production) -> tuple[CellPlan, ...]:
    """Every cell: the matrix (characters × scene types × variants, less the exclusions), then the shots by scene number."""
    return _Builder(production).cells()


class Named(Protocol):
    """Whatever has the names of a cell."""

    @property
    def key(self) -> str:
        """Its name in the run."""
        ...

    @property
    def scene_type(self) -> str:
        """The name of its scene type."""
        ...

    @property
    def character(self) -> str | None:
        """The name of its character."""
        ...

    @property
    def variant(self) -> str | None:
        """The name of its variant."""
        ...


N = TypeVar("N", bound=Named)


def select(cells: Sequence[N], selection: Selection) -> tuple[N, ...]:
    """The cells of a selection, in their order. Raises SelectionMissed for a name that no cell has."""
    columns: tuple[tuple[str, tuple[str, ...], list[str | None]], ...] = (
        ("character", selection.characters, [cell.character for cell in cells]),
        ("scene type", selection.scene_types, [cell.scene_type for cell in cells]),
        ("variant", selection.variants, [cell.variant for cell in cells]),
        ("cell", selection.keys, [cell.key for cell in cells]),
    )
    chosen = [True] * len(cells)
    for what, names, column in columns:
        if not names:
            continue
        known = {name for name in column if name is not None}
        for name in names:
            if name not in known:
                raise SelectionMissed(what, name, sorted(known))
        wanted = set(names)
        chosen = [kept and name in wanted for kept, name in zip(chosen, column, strict=True)]
    return tuple(cell for cell, kept in zip(cells, chosen, strict=True) if kept)


Combination = tuple[str, str, str | None]
"""Character, scene type and variant of a matrix cell."""


class Exclusions:
    """Exclusions sorted by which fields they give, so that a cell is held against any number of them in a few steps."""

    def __init__(self, exclusions: Iterable[Exclusion]) -> None:
        self._by_fields: dict[tuple[bool, ...], set[tuple[str | None, ...]]] = {}
        for exclusion in exclusions:
            names = (exclusion.character, exclusion.scene_type, exclusion.variant)
            given = tuple(name is not None for name in names)
            self._by_fields.setdefault(given, set()).add(tuple(name for name in names if name is not None))

    def leave_out(self, cell: Combination) -> bool:
        """Whether any of them matches the cell: every field it gives is the same."""
        return any(tuple(compress(cell, given)) in names for given, names in self._by_fields.items())


def combinations(production: Production) -> Iterable[Combination]:
    """Character, scene type and variant of each matrix cell before the exclusions.

    A production without variants has one look: that of the source images.
    """
    matrix = production.matrix
    if matrix is None:
        return
    applies = {kind.name: kind.variants for kind in production.scene_types}
    variants: tuple[str | None, ...] = matrix.variants if production.variants else (None,)
    for character, kind, variant in product(matrix.characters, matrix.scene_types, variants):
        limited = applies.get(kind)
        if limited is None or variant in limited:
            yield character, kind, variant


def default_location(production: Production, kind: SceneType | None) -> str | None:
    """Where a cell happens that names no location: that of its scene type, else the only one there is."""
    if kind is not None and kind.location is not None:
        return kind.location
    return production.locations[0].name if len(production.locations) == 1 else None


class _Builder:
    def __init__(self, production: Production) -> None:
        self.production = production
        self.characters: Mapping[str, Character] = {entry.name: entry for entry in production.characters}
        self.variants: Mapping[str, Variant] = {entry.name: entry for entry in production.variants}
        self.locations: Mapping[str, Location] = {entry.name: entry for entry in production.locations}
        self.kinds: Mapping[str, SceneType] = {entry.name: entry for entry in production.scene_types}
        self.keys: dict[str, int] = {}
        style = production.style
        self.style_values = {
            "style.preset": style.preset or "",
            "style.prompt": style.prompt,
            "style.era": style.era,
            "style.mood": style.mood,
        }

    def cells(self) -> tuple[CellPlan, ...]:
        cells: list[CellPlan] = []
        exclusions = Exclusions(self.production.matrix.exclude if self.production.matrix else ())
        for character, kind, variant in combinations(self.production):
            if not exclusions.leave_out((character, kind, variant)):
                cells.append(self._matrix_cell(len(cells), character, kind, variant))
        return (*cells, *self._shot_cells(len(cells)))

    def _matrix_cell(self, ordinal: int, character: str, kind: str, variant: str | None) -> CellPlan:
        scene_type = self.kinds.get(kind)
        location = default_location(self.production, scene_type)
        return CellPlan(
            ordinal=ordinal,
            key=self._key(character, kind, variant),
            scene_type=kind,
            character=character,
            variant=variant,
            location=location,
            prompt=self._prompt(scene_type.prompt if scene_type else "", character, kind, variant, location, ""),
        )

    def _shot_cells(self, first: int) -> list[CellPlan]:
        shots = sorted(self.production.shots, key=lambda shot: shot.scene)
        keys = {shot.name: self._key(_label(shot), shot.character, shot.variant) for shot in shots}
        return [self._shot_cell(first + index, shot, keys) for index, shot in enumerate(shots)]

    def _shot_cell(self, ordinal: int, shot: Shot, keys: Mapping[str, str]) -> CellPlan:
        kind = self.kinds.get(shot.template)
        location = shot.location or default_location(self.production, kind)
        template = shot.prompt if shot.prompt is not None else kind.prompt if kind else ""
        return CellPlan(
            ordinal=ordinal,
            key=keys[shot.name],
            scene_type=shot.template,
            character=shot.character,
            variant=shot.variant,
            location=location,
            scene_number=shot.scene,
            shot=shot.name,
            after=tuple(keys[name] for name in shot.after if name in keys),
            prompt=self._prompt(template, shot.character, shot.template, shot.variant, location, str(shot.scene)),
        )

    def _key(self, *parts: str | None) -> str:
        """A readable key; names that hold the separator could make two equal ones, so those are numbered."""
        key = " / ".join(part for part in parts if part is not None)
        while key in self.keys:
            self.keys[key] += 1
            key = f"{key} ({self.keys[key]})"
        self.keys[key] = 1
        return key

    def _prompt(
        self, template: str, character: str | None, kind: str, variant: str | None, location: str | None, scene: str
    ) -> str:
        look = self.variants.get(variant or "")
        place = self.locations.get(location or "")
        person = self.characters.get(character or "")
        values = {
            **self.style_values,
            "character": character or "",
            "variant": variant or "",
            "variant.prompt": look.prompt if look else "",
            "scene_type": kind,
            "scene": scene,
            "location": location or "",
            "location.prompt": place.prompt if place else "",
        }
        if person is not None:
            values.update((f"{prompts.METADATA_PREFIX}{key}", _text(value)) for key, value in person.metadata.items())
        return prompts.resolve(template, values)


def _label(shot: Shot) -> str:
    """`s001 hero_cu` for the shot that is named `s001_hero_cu`."""
    number = f"s{shot.scene:03d}"
    return f"{number} {shot.name.removeprefix(number + '_')}"


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
