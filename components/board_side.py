"""The side panel of the board: what to do next, one scene with its why, or many with what can be done with them."""

from __future__ import annotations

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import cell_steps, cell_takes, palette, words
from pipeline.domain.cell_page import CellPage, StillView
from pipeline.domain.fleet.waits import JobWait
from pipeline.domain.records import Still
from pipeline.domain.statuses import CellStatus, StillKind

_MOST_WAITS = 3


def side() -> Component:
    """The panel with its three faces: nothing, one scene, many."""
    from_many = html.Div(
        [
            html.Div(
                [
                    html.B("", id="many-count", className="h1"),
                    html.Span(className="spread"),
                    html.Button(["clear ", html.Kbd("Esc", className="kbd")], id="clear-selection", className="btn ghost sm"),
                ],
                className="bx-side-head",
            ),
            html.Div(id="many-where", className="faint"),
            html.Div(id="many-counts", className="bx-counts"),
            html.Div(
                [
                    html.Span("generation time, each once", className="muted"),
                    html.B(id="many-time", className="num"),
                    html.Span("disk, each once", className="muted"),
                    html.B(id="many-disk", className="num"),
                ],
                className="bx-pairs",
            ),
            html.Div([*_many_buttons(), _priority_menu()], className="bx-many-buttons"),
            html.Div(id="many-why", hidden=True),
        ],
        id="side-many",
    )
    return html.Aside(
        [html.Div(legend(), id="side-none"), html.Div(id="side-one"), from_many],
        id="side",
        className="bx-side",
        tabIndex=0,
        **{"data-shows": "none", "aria-label": "Selection"},
    )


def _many_buttons() -> list[Component]:
    buttons = (
        ("submit", "Submit", "s", {"data-mode": "missing"}),
        ("retry", "Retry", "r", {}),
        ("approve", "Approve", "a", {}),
        ("reject", "Reject", "x", {}),
        ("cancel", "Cancel", "", {}),
    )
    return [
        html.Button(
            [
                html.Span(f"{text} ", id=f"many-{verb}"),
                html.B("", className="num"),
                html.Kbd(key, className="kbd") if key else None,
            ],
            className="btn sm",
            **{"data-verb": verb, **data},
        )
        for verb, text, key, data in buttons
    ]


def _priority_menu() -> Component:
    levels = (("Urgent", 100), ("High", 10), ("Normal", 0), ("Low", -10))
    lines = [
        html.Button(text, className="dropdown-item", **{"data-verb": "priority", "data-priority": str(value)})
        for text, value in levels
    ]
    return dbc.DropdownMenu(lines, label="Priority", toggle_class_name="btn sm bx-menu", color="link", id="priority-menu")


_MEANINGS = (
    ("review", "waits for a person"),
    ("generating", "under way; hatched while nothing of it runs"),
    ("queued", "will run by itself"),
    ("blocked", "asked for; something it needs is missing"),
    ("failed", "tried and could not"),
    ("rejected", "a person said no"),
    ("approved", "done"),
    ("not_started", "nothing asked yet"),
    ("cancelled", "taken out"),
)


def legend() -> list[Component]:
    """What to do when nothing is selected, and what the colours say."""
    rows = [
        html.Div(
            [palette.badge(status), html.B(palette.WORDS[status]), html.Span(text, className="muted")], className="bx-meaning"
        )
        for status, text in _MEANINGS
    ]
    ways = (
        "Click a scene to see why it stands where it does.",
        "Drag a box, click a name, or Ctrl-click for more.",
        "A status above shows only its scenes; Select takes them all.",
        "Double click opens a scene.",
    )
    told = html.Span("made from something that has changed since", className="muted")
    stale = html.Div([html.Span("△", className="bx-stale-mark"), html.B("stale"), told], className="bx-meaning")
    return [
        html.H2("Nothing selected", className="h1"),
        html.Ul([html.Li(way) for way in ways], className="bx-ways muted"),
        html.Div(
            [
                html.H2("What the colours say", className="h2"),
                html.Div([*rows, stale], className="bx-meanings"),
            ],
            id="side-colours",
        ),
    ]


# One scene ------------------------------------------------------------------------------------------------------


def one(view: CellPage) -> list[Component]:
    """A scene: picture, where it stands and why, what it needs, what can be done with it, its story."""
    cell = view.cell
    told = view.told
    return [
        html.Div(
            [
                html.B(cell.plan.key, className="h1 bx-one-name", title=cell.plan.key),
                html.Button(html.Kbd("Esc", className="kbd"), className="btn ghost sm", id="clear-one", title="Select nothing"),
            ],
            className="bx-side-head",
        ),
        _picture(view),
        html.Div(
            [
                palette.badge(view.shown),
                html.B(palette.WORDS[view.shown]),
                html.Span(words.since(cell.status_at, view.now), className="muted") if view.shown != "not_started" else None,
                html.Span(className="spread"),
                html.Span(f"take {told.number}", className="faint") if told else None,
            ],
            className="bx-line",
            id="one-status",
        ),
        html.Div(_reason(view), className="muted bx-reason") if cell.reason else None,
        *(_wait(wait) for wait in view.waits[:_MOST_WAITS]),
        html.Div([html.Span("△", className="bx-stale-mark"), f" stale: {cell.stale}"], className="bx-stale")
        if cell.stale
        else None,
        html.Div(_one_buttons(view), className="bx-many-buttons", id="one-buttons"),
        *_why(view),
        *_measures(view),
        *_takes(view),
        html.Div(cell_steps.story(view), className="bx-story"),
    ]


def _wait(wait: JobWait) -> Component:
    """Why a job that is ready does not start, and what would change that."""
    cure = html.Div(["To change that: ", wait.reason.remedy], className="faint") if wait.reason.remedy else None
    look = "bx-wait stuck" if wait.reason.is_stuck else "bx-wait"
    return html.Div([html.Span(wait.told), cure], className=look)


def _reason(view: CellPage) -> str:
    """Why it failed or was refused, with what the person added."""
    note = view.newest.take.note if view.newest else ""
    return f"{view.cell.reason}: “{note}”" if note else view.cell.reason


def _picture(view: CellPage) -> Component | None:
    pictured = next((take for take in view.takes if take.has_picture), None)
    pictures: list[Component] = []
    if pictured is not None:
        link = f"/media/cells/{view.cell.id}/poster.jpg?h=360&take={pictured.number}"
        pictures.append(html.Img(src=link, alt="", className="bx-poster"))
    if view.cell.status is CellStatus.GENERATING:
        pictures.append(cell_takes.preview(view))
    if not pictures:
        return None
    return dcc.Link(pictures, href=f"/cells/{view.cell.id}", title="Open the scene", className="bx-poster-link")


def _one_buttons(view: CellPage) -> list[Component]:
    status = view.cell.status
    verbs: list[tuple[str, str, str, dict[str, str]]] = []
    if status is CellStatus.REVIEW:
        verbs = [("approve", "✓ Approve", "a", {}), ("reject", "↺ Reject", "x", {})]
    elif status in (CellStatus.NOT_STARTED, CellStatus.CANCELLED):
        verbs = [("submit", "Submit", "s", {"data-mode": "missing"})]
    elif status in (CellStatus.FAILED, CellStatus.REJECTED):
        verbs = [("retry", "Retry", "r", {})]
    elif status in (CellStatus.QUEUED, CellStatus.GENERATING):
        verbs = [("cancel", "Cancel", "", {})]
    elif status is CellStatus.APPROVED:
        verbs = [("reject", "Withdraw approval", "x", {})]
    buttons: list[Component] = [
        html.Button(
            [f"{text} ", html.Kbd(key, className="kbd") if key else None],
            className="btn sm primary" if number == 0 and verb in ("approve", "submit", "retry") else "btn sm",
            **{"data-verb": verb, **data},
        )
        for number, (verb, text, key, data) in enumerate(verbs)
    ]
    return [*buttons, dcc.Link(["Open ", html.Kbd("Enter", className="kbd")], href=f"/cells/{view.cell.id}", className="btn sm")]


def shared_need(view: CellPage) -> list[Component]:
    """Of many scenes that wait for the same decision: the chain of one of them, with the decision to be made right there."""
    return _why(view)


def _why(view: CellPage) -> list[Component]:
    """The chain of needs, with the decision to be made right there."""
    if not view.stills and not view.after:
        return []
    steps = [_still(found, view) for found in view.stills]
    steps += [
        html.Div(
            [
                palette.badge(cell.status.value),
                html.Button(cell.plan.key, className="bx-link", **{"data-cell-link": str(cell.id)}),
                html.Span(palette.WORDS[cell.status.value], className="faint"),
            ],
            className="bx-line",
        )
        for cell in view.after
    ]
    count = len(view.scene.segment_frames)
    made = sum(1 for segment in view.newest.segments if segment.file) if view.newest else 0
    told = f"{made} of {words.counted(count, 'segment')}" if made else words.counted(count, "segment")
    steps.append(
        html.Div([palette.badge(view.shown), html.Span("scene "), html.Span(told, className="faint")], className="bx-line")
    )
    title = "Why blocked" if view.shown == "blocked" else "What it is made from"
    return [html.Div([html.H2(title, className="h2"), html.Div(steps, className="bx-why")], id="why")]


def _still(found: StillView, view: CellPage) -> Component:
    still = found.still
    name = {StillKind.SOURCE: "source images of ", StillKind.VARIANT: "variant image ", StillKind.PLATE: "plate "}[still.kind]
    word = "waits for a person" if still.status is CellStatus.REVIEW else palette.WORDS[still.status.value]
    line = html.Div(
        [
            palette.badge(still.status.value),
            html.Span([name, html.B(still.key)], className="bx-still-name"),
            html.Span([word, ", ", words.since(still.status_at, view.now)], className="faint"),
        ],
        className="bx-line",
    )
    reason = (
        html.Div(still.reason, className="muted bx-reason") if still.reason and still.status is not CellStatus.APPROVED else None
    )
    choice = _candidates(found) if still.kind is StillKind.VARIANT and still.status is CellStatus.REVIEW else None
    again = still.kind is not StillKind.SOURCE and still.status in (CellStatus.REJECTED, CellStatus.FAILED)
    retry = html.Button("Make new ones", className="btn sm", **_decision("retry-still", still)) if again else None
    return html.Div([line, reason, choice, retry], className="bx-step")


def _candidates(found: StillView) -> Component:
    """The candidates side by side; a click on one approves it."""
    still = found.still
    best = (still.verdict or {}).get("best")
    pictures = [
        html.Button(
            [
                html.Img(src=f"/media/stills/{still.id}/{part}.jpg?h=180&take={still.take}", alt=f"Candidate {part}"),
                html.Span("best by its measures" if str(part) == str(best) else f"candidate {part}", className="bx-part"),
            ],
            className="bx-candidate",
            title=f"Approve candidate {part}",
            **_decision("approve-still", still, part),
        )
        for part in found.candidates
    ]
    chosen = int(best) if str(best or "").isdigit() else None
    buttons = [
        html.Button(["✓ Approve the best " if len(pictures) > 1 else "✓ Approve ", html.Kbd("a", className="kbd")],
                    className="btn sm primary", **_decision("approve-still", still, chosen)),
        html.Button(["↺ Reject ", html.Kbd("x", className="kbd")], className="btn sm", **_decision("reject-still", still)),
    ]  # fmt: skip
    return html.Div([html.Div(pictures, className="bx-candidates"), html.Div(buttons, className="bx-many-buttons")])


def _decision(verb: str, still: Still, part: int | None = None) -> dict[str, str]:
    data = {"data-verb": verb, "data-still": still.key, "data-take": str(still.take)}
    return {**data, "data-candidate": str(part)} if part is not None else data


def _measures(view: CellPage) -> list[Component]:
    verdict = view.told.verdict if view.told else None
    if verdict is None:
        return []
    outside = verdict.findings
    told = (
        f"▲ {len(outside)} of {len(verdict.judged)} outside"
        if outside
        else f"passed {len(verdict.judged)} of {len(verdict.judged)}"
    )
    lines = [html.Div(judged.sentence, className="bad-text") for judged in outside[:3]]
    return [html.Div([html.H2(["QA ", html.Span(told, className="faint")], className="h2"), *lines])]


def _takes(view: CellPage) -> list[Component]:
    if len(view.takes) < 2:
        return []
    rows = [
        html.Div(
            [
                palette.badge(take.shown),
                dcc.Link(f"take {take.number}", href=f"/cells/{view.cell.id}?take={take.number}"),
                html.Span(
                    "not in use" if view.is_unused(take) else take.reason or words.ago(take.take.created_at, view.now),
                    className="faint bx-cut",
                ),
            ],
            className="bx-line",
        )
        for take in view.takes[:4]
    ]
    return [html.Div([html.H2("Takes", className="h2"), *rows])]
