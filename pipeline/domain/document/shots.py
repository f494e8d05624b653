"""The shot list: its entries, the variant each wears, and the names of those without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.domain.names import fold, slug
from pipeline.domain.production import Character, SceneType, Shot, Variant


def listed(entries: Iterable[Mapping[str, Any]]) -> tuple[Shot, ...]:
    """The shots as written; those without a name have an empty one."""
    return tuple(
        Shot(
            name=entry.get("name", ""),
            template=entry.get("template", ""),
            scene=entry.get("scene", 1),
            character=entry.get("character"),
            variant=entry.get("variant"),
            location=entry.get("location"),
            after=tuple(entry.get("after", ())),
            prompt=entry.get("prompt"),
        )
        for entry in entries
    )


def dress(shots: Sequence[Shot], characters: Sequence[Character], variants: Sequence[Variant]) -> tuple[Shot, ...]:
    """Choose the variant of each shot that names none: by wardrobe, else the only variant there is."""
    cast = {character.name: character for character in characters}
    only = variants[0].name if len(variants) == 1 else None
    dressed = []
    for shot in shots:
        variant = shot.variant or _worn(cast.get(shot.character or ""), shot.scene, only)
        dressed.append(shot if variant == shot.variant else replace(shot, variant=variant))
    return tuple(dressed)


def placed(shots: Sequence[Shot], types: Sequence[SceneType], scenes: Mapping[int, str]) -> tuple[Shot, ...]:
    """Give each shot that names no location that of its template, else that of its scene in the screenplay."""
    places = {kind.name: kind.location for kind in types}
    return tuple(
        shot if location == shot.location else replace(shot, location=location)
        for shot in shots
        for location in (shot.location or places.get(shot.template) or scenes.get(shot.scene),)
    )


def _worn(character: Character | None, scene: int, only: str | None) -> str | None:
    if character is None:
        return None
    for worn in character.wardrobe:
        if worn.first <= scene <= worn.last:
            return worn.variant
    return only


def named(shots: Sequence[Shot]) -> tuple[Shot, ...]:
    """Name the shots without a name: `s001_hero_cu`, with the character and then a number where that is taken."""
    taken = {fold(shot.name) for shot in shots if shot.name}
    plain: dict[str, int] = {}
    for shot in shots:
        if not shot.name:
            base = _base_name(shot)
            plain[base] = plain.get(base, 0) + 1
    numbers: dict[str, int] = {}
    result = []
    for shot in shots:
        if shot.name:
            result.append(shot)
            continue
        base = _base_name(shot)
        who = slug(shot.character or "")
        if who and (plain[base] > 1 or base in taken):
            base = f"{base}_{who}"
        name = _free(base, taken, numbers)
        taken.add(fold(name))
        result.append(replace(shot, name=name))
    return tuple(result)


def _base_name(shot: Shot) -> str:
    return f"s{shot.scene:03d}_{slug(shot.template)[:24] or 'shot'}"


def _free(base: str, taken: set[str], numbers: dict[str, int]) -> str:
    base = base[:70]
    name = base
    while fold(name) in taken:
        numbers[base] = numbers.get(base, 1) + 1
        name = f"{base}_{numbers[base]}"
    return name
