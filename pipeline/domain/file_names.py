"""What the exports of a production are called: in a package, and in the folder of their output."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.domain import naming
from pipeline.domain.cells import CellPlan
from pipeline.domain.naming import BadName, BadTemplate, NameCollision, Naming, Template
from pipeline.domain.production import Production

AS_THEY_ARE = "scenes"
"""The format of what is delivered by a production that asks for none: its scenes as they were assembled."""

MOST_NAMES = 50_000
"""So many names are made at once to find two that are equal before anything is made."""

_BY_ORDER = "{format}/{character}/{ordinal:04}_{scene_type}_{variant}_t{take:02}"
_LAST_RESORT = "{format}/{ordinal:04}_t{take:02}_{format}"


@dataclass(frozen=True)
class FileName:
    """The paths of one file: among the media of a package, and in the folder of its output."""

    packaged: str
    placed: str


def templates(production: Production) -> tuple[Template, ...]:
    """The templates in the order in which they are tried: the production's own, else the default, then what stands in for it.

    The last one names by format and place in the matrix alone, so that no long names, nor any that are alike, can spoil it.
    """
    tried = (production.naming,) if production.naming is not None else (naming.DEFAULT_TEMPLATE, _BY_ORDER)
    return tuple(naming.parse(source) for source in (*tried, _LAST_RESORT))


def format_of(production: Production, part: int) -> str:
    """The `{format}` of an export: the name of its output, `part` being the number of that, from 1."""
    return production.outputs[part - 1].name if production.outputs else AS_THEY_ARE


def naming_of(production: Production, cell: CellPlan, *, part: int, take: int | None, label: str, suffix: str) -> Naming:
    """An export of a cell as it is to be named; `part` is the number of its output."""
    values = naming.NameValues(
        project=production.title,
        character=cell.character,
        scene_type=cell.scene_type,
        variant=cell.variant,
        location=cell.location,
        shot=cell.shot,
        format=format_of(production, part),
        scene=cell.scene_number,
        take=take,
        ordinal=cell.ordinal + 1,
    )
    told = f"{cell.key} as {values.format}" if len(production.outputs) > 1 else cell.key
    return Naming(label=label, cell=told, values=values, suffix=suffix)


def name_all(production: Production, namings: Sequence[Naming]) -> dict[str, FileName]:
    """The names of all files of a delivery by their labels, all by one template: the first that tells them apart.

    Validation has seen that the production's own does, as far as that could be told before takes had their numbers.
    """
    *others, last = templates(production)
    for template in others:
        with suppress(NameCollision, BadName):
            return _named(template, namings)
    return _named(last, namings)


def every_name(production: Production, one: Naming) -> list[FileName]:
    """The names that `name_all` may have given this file, whatever files were beside it."""
    found = []
    for template in templates(production):
        with suppress(NameCollision, BadName):  # no file has ever had a name that cannot be
            found.append(_named(template, [one])[one.label])
    return found


def clash(production: Production, cells: Sequence[CellPlan]) -> NameCollision | BadName | None:
    """The first two exports of these cells that would get one name, or the first that would get none; None when all is well.

    Every take counts as the first one. A template that is given has to do; where none is, something stands in for the default.
    Of more than `MOST_NAMES`, so many outputs are looked at as fit in.
    """
    parts = min(max(1, len(production.outputs)), max(1, MOST_NAMES // max(1, len(cells))))
    expected = [_expected(production, cell, part) for part in range(1, parts + 1) for cell in cells]
    chosen = templates(production)
    found: NameCollision | BadName | None = None
    for template in chosen[:1] if production.naming is not None else chosen:
        try:
            naming.name_all(template, expected)
        except (NameCollision, BadName) as error:
            found = error
        else:
            return None
    return found


def may_share_folders(production: Production) -> bool:
    """Whether names tell outputs apart within one folder, too: by `{format}` elsewhere than in a leading folder of its own.

    A template that cannot be read does not keep them from it.
    """
    try:
        template = templates(production)[0]
    except BadTemplate:
        return True
    return "format" in template.tokens and naming.without_format_folder(template) == template


def _named(template: Template, namings: Sequence[Naming]) -> dict[str, FileName]:
    inner = naming.without_format_folder(template)
    packaged = naming.name_all(template, namings)
    if inner == template:
        return {label: FileName(name, name) for label, name in packaged.items()}
    placed = {one.label: naming.render(inner, one.values, suffix=one.suffix) for one in namings}
    return {label: FileName(name, placed[label]) for label, name in packaged.items()}


def _expected(production: Production, cell: CellPlan, part: int) -> Naming:
    outputs = production.outputs
    container = str(outputs[part - 1].settings.get("container", "mp4")) if outputs else "mp4"
    label = f"{cell.ordinal}-{part}"
    return naming_of(production, cell, part=part, take=1, label=label, suffix=f".{container}")
