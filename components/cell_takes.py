"""The takes of a cell as cards, and what is shown while there is nothing to play."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from components import palette
from pipeline.domain.cell_page import CellPage, StillView, TakeView
from pipeline.domain.resolver import Unmet
from pipeline.domain.statuses import CellStatus, StillKind


def cards(view: CellPage, main: TakeView | None, other: TakeView | None) -> list[Component]:
    """One card a take, newest first."""
    return [_card(view, take, main, other) for take in view.takes]


def _card(view: CellPage, take: TakeView, main: TakeView | None, other: TakeView | None) -> Component:
    is_main, is_other = take is main, take is other
    shown = view.shown if take.shown == "queued" and take.number == view.cell.take else take.shown
    letter = ("B" if is_main else "A" if is_other else "") if other is not None else ""
    return html.Button(
        id=f"take-{take.number}",
        className="take",
        **{"data-take": str(take.number), "aria-pressed": "true" if is_main else "false"},
        children=[
            html.Span(
                [_picture(view, take), html.Span(letter, className="take-letter") if letter else None], className="take-picture"
            ),
            html.Span(
                [
                    html.Span([html.B(f"Take {take.number}"), html.Span(className="spread"), palette.badge(shown)]),
                    html.Span(_note(view, take), className="muted take-note", title=_note(view, take)),
                ],
                className="take-facts",
            ),
        ],
    )


def _picture(view: CellPage, take: TakeView) -> Component:
    if take.has_picture:
        return html.Img(src=_poster(view, take, 180), alt="")
    return html.Span(palette.GLYPHS[take.shown], className="take-blank", **{"aria-hidden": "true"})


def _poster(view: CellPage, take: TakeView, height: int) -> str:
    made = sum(1 for segment in take.segments if segment.file)
    return f"/media/cells/{view.cell.id}/poster.jpg?take={take.number}&h={height}&n={made}{'s' if take.scene else ''}"


def _note(view: CellPage, take: TakeView) -> str:
    """The one thing to know of it: who refused it and why, what failed, that another is used, what was measured; and its cost."""
    cost = f"{take.generation_s:.0f} s GPU" if take.generation_s >= 10 else f"{take.generation_s:.1f} s GPU"
    if take.shown == "failed":
        failed = next((segment.number for segment in take.segments if segment.shown == "failed"), None)
        return f"failed at segment {failed}" if failed else "failed"
    if take.shown == "rejected" and take.reason:
        return f"{take.reason}, {cost}"
    if view.is_unused(take):
        return f"not in use, {cost}"
    if take.verdict is not None:
        found = len(take.verdict.findings)
        return f"QA passed, {cost}" if not found else f"▲ {found} outside, {cost}"
    made = sum(1 for segment in take.segments if segment.file)
    return f"{made} of {len(take.segments)} segments"


def absent(view: CellPage, main: TakeView | None) -> Component | None:
    """Over the stage while there is nothing to play: what is missing, and what to do."""
    if main is not None and main.scene is not None:
        return None
    waits = [still for still in view.stills if still.still.status is not CellStatus.APPROVED]
    review = next((one for one in waits if one.still.status is CellStatus.REVIEW and one.still.kind is StillKind.VARIANT), None)
    if view.blocked_by and review is not None:
        return _candidates(review)
    if main is not None and main.take.number and main.shown != "queued":
        return _under_way(view, main)
    return _nothing_yet(view)


def _nothing_yet(view: CellPage) -> Component:
    title, text = {
        "not_started": ("Nothing made yet", "Nobody has asked for this scene. Submit it, and its first take is made by itself."),
        "blocked": ("Waits for what it needs", "It starts by itself as soon as these are approved:"),
        "queued": ("In line", "Everything it needs is there. It starts as soon as a slot is free."),
        "cancelled": ("Taken out", "A person cancelled this scene. Submit it to bring it back."),
    }.get(view.shown, ("Nothing to see yet", "The first picture appears as soon as the first segment is made."))
    lines = [_unmet(view, unmet) for unmet in view.blocked_by]
    return html.Div([html.H2(title), html.P(text), html.Ul(lines) if lines else None], className="absent")


def _unmet(view: CellPage, unmet: Unmet) -> Component:
    """What it waits for, and the way on: another scene is a link, a still that failed or was refused can be asked for again."""
    other = next((cell for cell in view.after if unmet.need.kind == "cell" and cell.plan.key == unmet.need.key), None)
    if other is not None:
        return html.Li(dcc.Link(str(unmet), href=f"/cells/{other.id}"))
    if unmet.status not in (CellStatus.FAILED, CellStatus.REJECTED):
        return html.Li(str(unmet))
    wish = {"data-verb": "retry-still", "data-still": unmet.need.key, "data-part": "0", "data-still-take": "0"}
    return html.Li([html.Span(str(unmet)), html.Button("Make it again", className="btn sm", **wish)], className="unmet")


def _under_way(view: CellPage, take: TakeView) -> Component:
    """The last frame so far, dimmed by nothing, with the segments as a bar."""
    made = sum(1 for segment in take.segments if segment.file)
    bar = html.Div(
        [
            html.I(
                className=f"st-{segment.shown}",
                style={"flex": segment.frames},
                title=f"segment {segment.number}: {segment.shown}",
            )
            for segment in take.segments
        ],
        className="strip",
    )
    word = {"failed": "failed", "cancelled": "was cancelled"}.get(take.shown, "is being made")
    if take.has_picture:
        picture = html.Img(src=_poster(view, take, 720), alt=f"Last frame of take {take.number}")
    else:
        picture = _origin(view)
    told = [html.B(f"Take {take.number} {word}"), html.Span(f"{made} of {len(take.segments)} segments are there.")]
    if take.reason:
        told.append(html.Span(take.reason, className="muted"))
    unfinished = [preview(view)] if word == "is being made" else []
    return html.Div(
        [picture, *unfinished, html.Div([html.Div(told, className="under-way-words"), bar], className="under-way")],
        className="absent absent-picture",
    )


def preview(view: CellPage) -> Component:
    """Room for the newest unfinished picture: assets/previews.js fills it while there is one, in place of what stands before."""
    mark = {"data-preview": str(view.cell.id)}
    return html.Img(alt="Newest unfinished picture", className="preview", hidden=True, **mark)


def _origin(view: CellPage) -> Component | None:
    """The picture that a take is made from, while there is none of its own."""
    made_from = next((one for one in reversed(view.stills) if one.still.kind is not StillKind.PLATE and one.candidates), None)
    if made_from is None:
        return None
    still = made_from.still
    source = f"/media/stills/{still.id}/0.jpg?h=720&take={still.take}"
    return html.Img(src=source, alt=f"What it is made from: {still.key}", className="origin-picture")


def _candidates(found: StillView) -> Component:
    """The variant image that everything waits for, to be chosen here and now."""
    still, key = found.still, found.still.key
    best = str((still.verdict or {}).get("best", ""))
    return html.Div(
        [
            html.H2(f"Which picture of {key}?"),
            html.P("This scene is made from it, and starts as soon as you have chosen one."),
            html.Div([_candidate(found, part, str(part) == best) for part in found.candidates], className="candidates"),
        ],
        className="absent",
        id="candidates",
    )


def _candidate(found: StillView, part: int, is_best: bool) -> Component:
    key = found.still.id
    return html.Button(
        [
            html.Img(src=f"/media/stills/{key}/{part}.jpg?h=360&take={found.still.take}", alt=f"Candidate {part}"),
            html.Span(
                [f"Approve candidate {part}", html.Span("best by its measures", className="muted") if is_best else None],
                className="candidate-word",
            ),
        ],
        id=f"candidate-{part}",
        className="candidate",
        **{
            "data-verb": "variant",
            "data-part": str(part),
            "data-still": found.still.key,
            "data-still-take": str(found.still.take),
        },
    )


def links(cells: Sequence[tuple[int, str]]) -> list[Component]:
    """Cells as links, apart by commas."""
    parts: list[Component] = []
    for number, (cell_id, name) in enumerate(cells):
        parts += [html.Span(", ")] if number else []
        parts.append(dcc.Link(name, href=f"/cells/{cell_id}"))
    return parts
