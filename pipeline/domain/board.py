"""The board as rows, grouped columns and cells: where each cell is drawn, and how the document about it is kept small."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.domain.statuses import CellStatus

CODES: Mapping[CellStatus, str] = {
    CellStatus.NOT_STARTED: "n",
    CellStatus.QUEUED: "q",
    CellStatus.GENERATING: "g",
    CellStatus.REVIEW: "r",
    CellStatus.APPROVED: "a",
    CellStatus.REJECTED: "j",
    CellStatus.FAILED: "f",
    CellStatus.CANCELLED: "c",
}
"""One letter a status, so that the statuses of a hundred thousand cells are one short text."""

LAYERS = ("qa", "duration", "cost", "attempts", "segments")
"""The columns of numbers that can be asked for beside the statuses; waiting times follow from `since`."""


class Place(NamedTuple):
    """What of a cell decides where it is drawn."""

    key: str
    scene_type: str
    character: str | None = None
    variant: str | None = None
    location: str | None = None
    scene_number: int | None = None
    shot: str | None = None


@dataclass(frozen=True)
class Row:
    """One line: a character, or the location of cells without one."""

    name: str
    kind: str  # `character` or `location`


@dataclass(frozen=True)
class Column:
    """One column: a variant (or nothing, where there is none) within the group with this index."""

    group: int
    name: str


@dataclass(frozen=True)
class Layout:
    """Rows, groups of columns, columns, and for each cell its row and column. No two cells share a place.

    `names` holds, by cell, each key that is not simply its row, group and column joined by slashes.
    """

    rows: tuple[Row, ...] = ()
    groups: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    at_row: list[int] = field(default_factory=list)
    at_column: list[int] = field(default_factory=list)
    names: Mapping[int, str] = field(default_factory=dict)


_Group = tuple[int, str]
"""Scene number (-1 in the matrix) and scene type."""


def layout(places: Iterable[Place]) -> Layout:
    """Where each cell is drawn, from the cells in the order of the run.

    A row is a character, in the order of first use, or the location of cells without one. Columns come in groups: a group is a
    scene type of the matrix, or a scene number with its template of the shot list. Within a group a column is a variant; shots
    that would share a place get a column more.
    """
    rows: dict[tuple[str, str], int] = {}
    groups: dict[_Group, int] = {}
    looks: dict[str, int] = {}
    kinds: dict[tuple[int, int], int] = {}
    taken: dict[tuple[int, int], int] = {}
    at_row: list[int] = []
    spots: list[tuple[int, int]] = []
    keys: list[str] = []
    for key, scene_type, character, variant, location, number, _ in places:
        name = ("character", character) if character is not None else ("location", location or "no character")
        row = rows.setdefault(name, len(rows))
        group = groups.setdefault((-1 if number is None else number, scene_type), len(groups))
        look = looks.setdefault(variant or "", len(looks))
        kind = kinds.setdefault((group, look), len(kinds))
        nth = taken[row, kind] = taken.get((row, kind), 0) + 1
        at_row.append(row)
        spots.append((kind, nth))
        keys.append(key)
    names, group_of = list(looks), {kind: spot for spot, kind in kinds.items()}
    ordered = sorted({(*group_of[kind], nth): (kind, nth) for kind, nth in dict.fromkeys(spots)}.items())
    column_at = {spot: number for number, (_, spot) in enumerate(ordered)}
    columns = tuple(
        Column(group, names[look] if nth == 1 else f"{names[look]} ({nth})".strip()) for (group, look, nth), _ in ordered
    )
    titles = tuple(_group_name(group) for group in groups)
    lines = tuple(Row(name, kind) for kind, name in rows)
    at_column = [column_at[spot] for spot in spots]
    tails = [plain_key("", titles[column.group], column.name) for column in columns]
    plain = (lines[row].name + tails[column] for row, column in zip(at_row, at_column, strict=True))
    odd = {number: key for number, (key, expected) in enumerate(zip(keys, plain, strict=True)) if key != expected}
    return Layout(lines, titles, columns, at_row, at_column, odd)


def plain_key(row: str, group: str, column: str) -> str:
    """The key of a matrix cell as it follows from its place."""
    return f"{row} / {group} / {column}" if column else f"{row} / {group}"


def _group_name(group: _Group) -> str:
    number, scene_type = group
    return scene_type if number < 0 else f"{number:03d} {scene_type}"


def runs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending whole numbers as (first, how many): rows stored together make one pair."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found


def shared(sets: Iterable[tuple[int, ...]]) -> tuple[list[tuple[int, ...]], list[int]]:
    """Each distinct tuple once, and for each entry the index of its own: all cells of a look need the same pictures."""
    known: dict[tuple[int, ...], int] = {}
    index = [known.setdefault(entry, len(known)) for entry in sets]
    return list(known), index


def margin(values: Iterable[tuple[float, float, str]]) -> float | None:
    """How far the worst of (value, limit, `min` or `max`) is inside its limit, as a share of it: 1 well inside, below 0 outside.

    None when nothing was judged.
    """
    margins = [found for value in values if (found := _margin(*value)) is not None]
    return round(min(margins), 3) if margins else None


def _margin(value: float, limit: float, kind: str) -> float | None:
    """None for what is exactly right where nothing but that is allowed: there is no inside to be deep in."""
    if value != value:
        return -1.0
    if value == limit == 0:
        return None
    inside = value - limit if kind == "min" else limit - value
    return max(-1.0, min(1.0, inside / max(abs(limit), 1e-3)))
