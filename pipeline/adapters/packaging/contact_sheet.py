"""The contact sheet: every clip at a glance, character by scene type, as a page that needs nothing but the package."""

from __future__ import annotations

import html
import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Any
from urllib.parse import quote

NOBODY = "No character"
NO_TYPE = "Shots"
# In this order a browser is given a clip; ProRes plays in none, so it is offered as a file.
_PLAYABLE = ("video/mp4", "video/webm", "image/gif")


@dataclass(frozen=True)
class Card:
    """One cell on the sheet. `poster` is a package path or empty; `clips` are the manifest facts of its files."""

    cell: str
    title: str
    caption: str
    poster: str
    clips: tuple[Mapping[str, Any], ...]

    @property
    def playable(self) -> Mapping[str, Any] | None:
        """The clip that a browser can show, or None."""
        ranked = [clip for kind in _PLAYABLE for clip in self.clips if clip.get("media_type") == kind]
        return ranked[0] if ranked else None


@dataclass(frozen=True)
class Sheet:
    """All cards: `cards[character, scene type]`, with rows and columns in the order of the timeline."""

    title: str
    subtitle: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cards: Mapping[tuple[str, str], tuple[Card, ...]]


def lay_out(*, title: str, subtitle: str, files: Sequence[Mapping[str, Any]], posters: Mapping[str, str]) -> Sheet:
    """Arrange manifest file facts (in timeline order) into a Sheet. `posters`: cell → package path of its poster."""
    cells: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        cells.setdefault(str(file.get("cell") or file["name"]), []).append(file)
    cards: dict[tuple[str, str], list[Card]] = {}
    for cell, clips in cells.items():
        first = clips[0]
        place = (str(first.get("character") or NOBODY), str(first.get("scene_type") or NO_TYPE))
        cards.setdefault(place, []).append(_card(cell, clips, posters.get(cell, "")))
    rows = list(dict.fromkeys(row for row, _ in cards))
    columns = list(dict.fromkeys(column for _, column in cards))
    rows.sort(key=lambda row: row == NOBODY)
    frozen = {place: tuple(members) for place, members in cards.items()}
    return Sheet(title=title, subtitle=subtitle, rows=tuple(rows), columns=tuple(columns), cards=frozen)


def render_page(sheet: Sheet, *, documents: Sequence[str]) -> str:
    """The sheet as one HTML page. All text is escaped; nothing is loaded from outside the package.

    `documents` are package paths to link at the foot (manifest, checksums, timelines).
    """
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in sheet.columns)
    body = "".join(_row(sheet, row) for row in sheet.rows)
    links = "".join(f'<a href="{quote(name)}">{html.escape(name)}</a>' for name in documents)
    template = Template(resources.files(__package__).joinpath("contact_sheet.template.html").read_text("utf-8"))
    return template.substitute(
        title=html.escape(sheet.title), subtitle=html.escape(sheet.subtitle), head=head, body=body, links=links
    )


def tint(text: str) -> int:
    """A hue, 0 to 359, that is always the same for the same text: the colour of a variant's strip."""
    value = 7
    for char in text:
        value = (value * 31 + ord(char)) % 100_003
    return value * 137 % 360


def _card(cell: str, clips: Sequence[Mapping[str, Any]], poster: str) -> Card:
    first = clips[0]
    number = f"{first['scene_number']:03} " if isinstance(first.get("scene_number"), int) else ""
    title = number + str(first.get("variant") or first.get("location") or first.get("scene_type") or cell)
    take = f"take {first['take']}" if first.get("take") is not None else ""
    length = f"{float(first.get('duration_s') or 0):.1f} s"
    caption = " · ".join(part for part in (take, length) if part)
    return Card(cell=cell, title=title, caption=caption, poster=poster, clips=tuple(clips))


def _row(sheet: Sheet, row: str) -> str:
    cells = "".join(
        f"<td>{''.join(_card_html(card) for card in sheet.cards.get((row, column), ()))}</td>" for column in sheet.columns
    )
    count = sum(len(sheet.cards.get((row, column), ())) for column in sheet.columns)
    noun = "scene" if count == 1 else "scenes"
    return f'<tr><th scope="row">{html.escape(row)}<small>{count} {noun}</small></th>{cells}</tr>'


def _card_html(card: Card) -> str:
    playable = card.playable
    target = playable or card.clips[0]
    picture = (
        f'<img src="{quote(card.poster)}" alt="" loading="lazy" decoding="async">'
        if card.poster
        else '<span class="blank">no poster</span>'
    )
    details = {
        "cell": card.cell,
        "play": quote(str(playable["name"])) if playable else "",
        "kind": str(playable["media_type"]) if playable else "",
        "poster": quote(card.poster),
        "files": [[quote(str(clip["name"])), posixpath.basename(str(clip["name"])), _facts(clip)] for clip in card.clips],
    }
    return (
        f'<a class="card" style="--hue:{tint(card.title)}" href="{quote(str(target["name"]))}" '
        f'title="{html.escape(card.cell)}" data-card="{html.escape(json.dumps(details, ensure_ascii=False))}">'
        f'{picture}<span class="line"><b>{html.escape(card.title)}</b><i>{html.escape(card.caption)}</i></span></a>'
    )


def _facts(clip: Mapping[str, Any]) -> str:
    size = f"{clip['width']}×{clip['height']}" if clip.get("width") else ""
    fps = f"{float(clip['fps']):g} fps" if clip.get("fps") else ""
    frames = f"{clip['frames']} frames" if clip.get("frames") else ""
    return " · ".join(part for part in (str(clip.get("format") or ""), size, fps, frames) if part)
