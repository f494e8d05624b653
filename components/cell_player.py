"""The player: pictures of one take or two, and the time line under them. `assets/cell_player.js` makes them move."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from components import palette
from pipeline.domain.cell_page import CellPage, TakeView
from pipeline.domain.quality import Judged

JUMP = "boundary_jump"


def stage() -> Component:
    """The pictures: B lies over A, and is cut at the wipe."""
    return html.Div(
        id="player",
        className="player",
        **{"data-mode": "single"},
        children=[
            html.Div(
                [_video("a"), _video("b"), _wipe(), _label("a"), _label("b")],
                id="player-frame",
                className="player-frame",
            )
        ],
    )


def _video(side: str) -> Component:
    return html.Div(
        html.Video(
            id=f"video-{side}", className="player-video", preload="auto", muted=True, **{"aria-label": f"Take {side.upper()}"}
        ),
        className=f"player-side player-{side}",
    )


def _wipe() -> Component:
    return html.Div(
        html.Span("‹ ›", className="wipe-grip", **{"aria-hidden": "true"}),
        id="wipe",
        className="wipe",
        role="slider",
        tabIndex=0,
        **{"aria-label": "Where the wipe is", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "50"},
    )


def _label(side: str) -> Component:
    return html.Div(id=f"label-{side}", className=f"player-label label-{side}")


def modes() -> Component:
    """How takes are compared."""
    words = (("single", "Single", ""), ("side", "Side by side", "s"), ("wipe", "Wipe", "w"))
    return html.Div(
        [
            html.Button(
                [word, html.Span(key, className="kbd")] if key else word,
                id=f"mode-{mode}",
                **{"data-mode": mode, "aria-pressed": "true" if mode == "single" else "false"},
            )
            for mode, word, key in words
        ],
        id="cell-modes",
        className="seg",
        role="group",
        **{"aria-label": "How takes are compared"},
    )


def controls() -> Component:
    """Buttons, time, and the line with segments, boundaries and the measured jumps."""
    return html.Div(
        id="player-controls",
        className="player-controls",
        children=[
            html.Div(
                [
                    _button("player-back", ["‹", html.Span(",", className="kbd")], "One frame back"),
                    html.Button(
                        "▶", id="player-play", className="btn sm", title="Play or stop (Space)", **{"aria-label": "Play"}
                    ),
                    _button("player-on", [html.Span(".", className="kbd"), "›"], "One frame on"),
                    html.Span(
                        [html.B("0.00", id="player-time"), html.Span(" of 0.00 s", id="player-length")], className="num muted"
                    ),
                ],
                className="player-keys",
            ),
            html.Div(
                [
                    html.Div(id="lane-jumps", className="lane-jumps"),
                    html.Div(id="lane-segments", className="lane-segments"),
                    html.Div(id="lane-head", className="lane-head"),
                ],
                id="lane",
                className="lane",
                role="slider",
                tabIndex=0,
                **{"aria-label": "Frame", "aria-valuemin": "0", "aria-valuemax": "0", "aria-valuenow": "0"},
            ),
            html.Div(
                [
                    html.Span("frame 0", id="player-number", className="num faint"),
                    _button("player-speed", "1×", "Speed"),
                    html.Button(
                        "⟳",
                        id="player-loop",
                        className="btn ghost sm",
                        title="Again and again",
                        **{"aria-label": "Loop", "aria-pressed": "true"},
                    ),
                ],
                className="player-keys",
            ),
        ],
    )


def _button(name: str, children: Any, title: str) -> Component:
    return html.Button(children, id=name, className="btn ghost sm", title=title, **{"aria-label": title})


def clip(view: CellPage, take: TakeView) -> dict[str, Any]:
    """One take as the player knows it."""
    return {
        "take": take.number,
        "shown": take.shown,
        "glyph": palette.GLYPHS[take.shown],
        "word": palette.WORDS[take.shown],
        "src": f"/media/files/{take.scene.sha256}" if take.scene else None,
        "poster": f"/media/cells/{view.cell.id}/poster.jpg?take={take.number}&h=720" if take.has_picture else None,
        "segments": [
            {"number": one.number, "first": one.first_frame, "frames": one.frames, "shown": one.shown} for one in take.segments
        ],
        "boundaries": [_boundary(judged, take) for judged in _jumps(take)],
    }


def _jumps(take: TakeView) -> list[Judged]:
    return [judged for judged in take.verdict.judged if judged.measurement.name == JUMP] if take.verdict else []


def _boundary(judged: Judged, take: TakeView) -> dict[str, Any]:
    """`boundary 1-2` lies where segment 2 begins."""
    _, _, second = judged.measurement.subject.rpartition("-")
    number = int(second) if second.isdigit() else 1
    at = next((segment.first_frame for segment in take.segments if segment.number == number), 0)
    value = judged.measurement.value
    return {
        "at": at,
        "name": f"{number - 1}▸{number}",
        "value": value if value == value else None,
        "limit": judged.limit,
        "isOutside": judged.verdict != "pass",
    }
