"""The library of workflows as elements: the list, one version with its parts, and what there is to see without any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import frame, palette, words, workflow_bindings, workflow_parts, workflow_shots
from pipeline.domain.workflows.difference import Difference
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.views import WORDS, State, VersionPage, VersionView, WorkflowView

BODY, LIST = "flow-body", "flow-list"
UPLOAD, NAME = "flow-upload", "flow-name"
VERSION, AGAINST = "flow-version", "flow-against"
PRESS = "flow-press"
STATE, WORKERS = "flow-state", "flow-workers"
CHOSEN = "flow-chosen"
CLOCK = "flow-clock"
MOST_BYTES = 11 * 2**20
"""What a browser may send at once, less what its encoding adds."""

STATUSES = {
    State.UNFINISHED: "blocked",
    State.NOWHERE: "failed",
    State.BAD: "rejected",
    State.GOOD: "approved",
    State.TRIED: "review",
    State.UNTRIED: "not_started",
}
_MAKES = {Kind.SEGMENT: "segments", Kind.STILL: "stills"}
_CLOCK_MS = 1_500


@dataclass(frozen=True)
class View:
    """What the page shows: the workflows, the version that is open, and what differs from version `against`.

    `archived` is how many are out of sight.
    """

    workflows: Sequence[WorkflowView]
    open: VersionPage | None
    against: int | None
    difference: Difference | None
    now: datetime
    note: str = ""
    archived: int = 0


def page(view: View) -> Component:
    """The whole page."""
    return html.Div(
        [
            html.Div(body(view), id=BODY, className="wf-body"),
            dcc.Store(id=PRESS),
            dcc.Interval(id=CLOCK, interval=_CLOCK_MS, disabled=not is_busy(view)),
            frame.keys_of(("Tab", "go through bindings and buttons"), ("Enter", "open what is under the ring")),
        ],
        className="page flows",
    )


def is_busy(view: View) -> bool:
    """Whether a test shot of the open version is under way."""
    return view.open is not None and any(shot.is_open for shot in view.open.shots)


def body(view: View) -> list[Component]:
    """Everything but what keeps the page alive."""
    opened = view.open
    chosen = {"workflow": opened.view.workflow.id, "version": opened.shown.version.number} if opened else None
    head = html.Div(
        [html.H1("Workflows", className="h1"), html.Div(_facts(view), className="wf-facts"), html.Span(className="spread"),
         _upload() if view.workflows else None],
        className="page-head wf-head",
    )  # fmt: skip
    store = dcc.Store(id=CHOSEN, data=chosen)
    if not view.workflows:
        return [store, head, *items(view), _nothing()]
    note = html.P(view.note, className="wf-note", role="alert") if view.note else None
    parts = [html.Nav(items(view), id=LIST, className="card wf-list", **{"aria-label": "Workflows"})]
    if opened is not None:
        parts.append(html.Div(_opened(view, opened), className="wf-open"))
    return [store, head, note, html.Div(parts, className="wf-columns")]


def _facts(view: View) -> list[Component]:
    if not view.workflows:
        return []
    states = [one.default.state for one in view.workflows]
    facts = [html.Span([html.B(f"{len(states):,}", className="num"), f" {'workflow' if len(states) == 1 else 'workflows'}"])]
    for state in (State.UNFINISHED, State.NOWHERE, State.TRIED, State.UNTRIED):
        count = states.count(state)
        if count:
            facts.append(html.Span([html.B(f"{count:,}", className="num"), f" {WORDS[state]}"]))
    return facts


def _upload(*, is_large: bool = False) -> Component:
    """Where files are dropped."""
    told = "Drop a file of ComfyUI here, or choose one" if is_large else "Import: drop a file, or choose one"
    drop = dcc.Upload(
        html.Span([frame.icon("plus"), html.Span(told)], className="wf-drop-words"),
        id=UPLOAD, className="wf-drop large" if is_large else "wf-drop", className_active="wf-drop over", max_size=MOST_BYTES,
        accept=".json,.png,.webp,.mp4,.webm", style={}, style_active={},
    )  # fmt: skip
    name = html.Label(
        [html.Span("Keep it as"), dbc.Input(id=NAME, type="text", placeholder="the name of the file", maxLength=80,
                                            autocomplete="off")],
        className="wf-keep-as",
    )  # fmt: skip
    return html.Div([name, drop], className="wf-import large" if is_large else "wf-import")


# The list ---------------------------------------------------------------------------------------------------------


def items(view: View) -> list[Component]:
    """A line for each workflow."""
    chosen = view.open.view.workflow.id if view.open else 0
    more = [dcc.Link(f"{view.archived:,} archived", href="/workflows?archived=yes", className="wf-more")] if view.archived else []
    return [*(_item(one, is_open=one.workflow.id == chosen) for one in view.workflows), *more]


def _item(view: WorkflowView, *, is_open: bool) -> Component:
    default = view.default
    where = workflow_parts.able(default.fits) if default.fits else "no worker yet"
    versions = words.counted(len(view.versions), "version")
    archived = " · archived" if view.workflow.archived_at else ""
    return dcc.Link(
        [
            html.Div(
                [_badge(default.state), html.B(view.workflow.name, className="cut", title=view.workflow.name)],
                className="wf-item-title",
            ),
            html.Div(f"{_MAKES[default.version.kind]} · {versions} · {WORDS[default.state]}{archived}", className="muted small"),
            html.Div(f"runs on {where}", className="faint small"),
        ],
        href=address(view.workflow.id),
        className="wf-item on" if is_open else "wf-item",
        title=f"{view.workflow.name} (open)" if is_open else view.workflow.name,
    )


def address(workflow_id: int, version: int | None = None, against: int | None = None) -> str:
    """The address of the page with this open."""
    more = (f"&version={version}" if version else "") + (f"&against={against}" if against else "")
    return f"/workflows?workflow={workflow_id}{more}"


def _badge(state: State) -> Component:
    return palette.badge(STATUSES[state], WORDS[state])


# One version ------------------------------------------------------------------------------------------------------


def _opened(view: View, opened: VersionPage) -> list[Component]:
    others = [one for one in opened.view.versions if one.version.id != opened.shown.version.id]
    return [
        _title(opened, view.now),
        html.Div(
            [
                html.Div(
                    [
                        workflow_bindings.card(opened),
                        workflow_parts.difference_card(opened, others, view.against, view.difference, select_id=AGAINST),
                    ],
                    className="wf-column",
                ),
                html.Div(
                    [workflow_shots.card(opened, view.now), workflow_parts.workers_card(opened.shown.fits, WORKERS)],
                    className="wf-column",
                ),
            ],
            className="wf-parts",
        ),
    ]


def _title(opened: VersionPage, now: datetime) -> Component:
    version, workflow = opened.shown.version, opened.view.workflow
    facts = [f"makes {_MAKES[version.kind]}", words.counted(version.node_count, "node"), f"from {version.origin}", version.actor]
    choice = html.Label(
        [
            html.Span("Version", className="visually-hidden"),
            dbc.Select(
                id=VERSION, value=str(version.number), options=[_option(one) for one in opened.view.versions],
                className="form-select wf-select",
            ),
        ]
    )  # fmt: skip
    used = opened.shown.used_by
    used_told = f"{words.counted(len(used), 'run')} made with it: {', '.join(used[:4])}" if used else "no run made with it yet"
    return html.Section(
        [
            html.Div(
                [
                    html.H2(workflow.name, className="wf-name cut", title=workflow.name),
                    choice,
                    html.Span(state(opened), id=STATE, className="wf-state muted"),
                    html.Span(className="spread"),
                    *_verbs(opened),
                ],
                className="wf-title",
            ),
            html.Div([" · ".join(facts), " · ", words.since(version.created_at, now)], className="muted wf-wrap"),
            html.Div(version.note, className="wf-wrap") if version.note else None,
            html.Div(used_told, className="faint wf-wrap"),
        ],
        className="card wf-part",
    )


def state(opened: VersionPage) -> list[Component | str]:
    """How the version stands, as its badge and in words."""
    return [_badge(opened.shown.state), WORDS[opened.shown.state]]


def _option(view: VersionView) -> dict[str, str]:
    told = " · default" if view.is_default else ""
    return {"label": f"version {view.version.number}{told}", "value": str(view.version.number)}


def _verbs(opened: VersionPage) -> list[Component]:
    workflow = opened.view.workflow
    archive = ("restore", "Take back", "Productions may name it again") if workflow.archived_at else (
        "archive", "Archive", "Out of sight; runs that were made with it go on")  # fmt: skip
    is_used = any(one.used_by for one in opened.view.versions)
    why = "Runs were made with it: archive it instead" if is_used else "Forget it with all its versions and test shots"
    return [
        _button(*archive),
        html.Button("Remove", className="btn sm danger", title=why, disabled=is_used, **{"data-flow": "remove"}),
    ]


def _button(verb: str, text: str, why: str) -> Component:
    return html.Button(text, className="btn sm", title=why, **{"data-flow": verb})


def _nothing() -> Component:
    return html.Div(
        [
            html.H2("No workflow yet", className="big"),
            html.P(
                "A workflow is a graph of ComfyUI that makes segments or stills. Keep it under a name: you see where prompt, "
                "seed, size and start image go in, correct that, see which workers can run it, and try it small and short "
                "before a whole column of scenes is made with it."
            ),
            _upload(is_large=True),
            html.P(
                "In ComfyUI choose Workflow > Export (API) and drop that file, or a PNG, WebP, MP4 or WebM that ComfyUI saved: "
                "the graph is in it.",
                className="faint",
            ),
        ],
        className="pulse-empty wf-empty",
    )
