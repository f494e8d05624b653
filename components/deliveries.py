"""The deliveries page as elements: what keeps a run from being delivered, how packaging goes, what was sealed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import deliver, frame, package, palette, words
from components.pulse import ending, strip
from pipeline.domain.overview import RunOverview
from pipeline.domain.packages import Made, Package, Readiness
from pipeline.domain.progress import Outlook
from pipeline.domain.records import Run
from pipeline.domain.statuses import DeliveryStatus, RunStatus

CHOSEN = "deliveries-chosen"
READY = "deliveries-ready"
HISTORY = "deliveries-history"
PACKAGE = "deliveries-package"
HEAD = "deliveries-head"
_MOST_RUNS = 20
_STATUS_SHOWN = {DeliveryStatus.PACKAGING: "generating", DeliveryStatus.FAILED: "failed"}


@dataclass(frozen=True)
class View:
    """Everything the page shows."""

    runs: Sequence[Run]
    run: Run
    overview: RunOverview
    readiness: Readiness
    made: Sequence[Made]


def page(view: View, shown: Package | None, now: datetime, *, note: str = "") -> Component:
    """The page with one package looked into. `note` says what is wrong with the address."""
    chosen = {"run": view.run.id, "delivery": shown.made.delivery.id if shown else None}
    return html.Div(
        [
            dcc.Store(id=CHOSEN, data=chosen),
            html.Div(
                [
                    html.H1("Deliveries", className="h1"),
                    html.Span(summary(view.made), id=HEAD, className="muted"),
                    html.Span(note, className="deliveries-note", role="alert") if note else None,
                    html.Span(className="spread"),
                    _runs(view),
                ],
                className="page-head",
            ),
            html.Div(
                [
                    html.Section(ready(view, now), id=READY, className="card", **{"aria-label": "Getting ready"}),
                    html.Div(
                        [
                            html.Section(
                                [_card_head("Package", view.run.name), deliver.slot(view.run.id, look=deliver.FULL)],
                                className="card",
                                **{"aria-label": "Package"},
                            ),
                            html.Section(
                                history(view.made, chosen["delivery"], now),
                                id=HISTORY,
                                className="card deliveries-rest",
                                **{"aria-label": "History"},
                            ),
                        ],
                        className="deliveries-column",
                    ),
                    html.Section(package.card(shown, now), id=PACKAGE, className="card", **{"aria-label": "Sealed package"}),
                ],
                className="deliveries-cols",
            ),
            frame.keys_of(),
        ],
        className="page deliveries",
    )


def empty() -> Component:
    """The page before there is any run."""
    text = (
        "A delivery is a sealed package of approved takes, with manifest, checksums and credentials. It is made from a run, and "
        "there is none yet. `./stripboard demo` runs a sample production, the whole way to a delivery."
    )
    return html.Div(
        frame.empty("Nothing to deliver yet", text, action=[dcc.Link("Go to Pulse", href="/", className="btn")]), className="page"
    )


def summary(made: Iterable[Made]) -> str:
    """`1 packaging · 11 sealed`."""
    found = [one.delivery.status for one in made]
    parts = [(found.count(status), status.value) for status in (DeliveryStatus.PACKAGING, DeliveryStatus.SEALED)]
    return " · ".join(f"{count} {word}" for count, word in parts if count) or "none sealed yet"


def _runs(view: View) -> Component | None:
    if len(view.runs) < 2:
        return None
    lines = [dbc.DropdownMenuItem(f"{run.title}, Run {run.number}", href=f"/deliveries?run={run.id}") for run in view.runs]
    name = f"{view.run.title}, Run {view.run.number}"
    return html.Div(dbc.DropdownMenu(lines[:_MOST_RUNS], label=name, className="menu", align_end=True), title=name)


def _card_head(title: str, detail: str, end: Component | None = None) -> Component:
    return html.Div(
        [html.H2(title, className="card-title"), html.Span(detail, className="muted cut"), end], className="card-head"
    )


def ready(view: View, now: datetime) -> list[Component]:
    """The readiness list of the chosen run."""
    overview, readiness, run = view.overview, view.readiness, view.run
    done = html.Span([html.B(f"{overview.approved:,}", className="num"), f" of {overview.total:,}"], className="muted end")
    parts: list[Component] = [
        html.Div(
            [
                html.Div(_stage(view), className="faint num"),
                html.Div(
                    [
                        dcc.Link(
                            html.H2(run.title, className="card-title cut", title=run.title),
                            href=f"/runs/{run.id}",
                            className="cut",
                        ),
                        html.Span(f"Run {run.number}", className="muted"),
                        done,
                    ],
                    className="line",
                ),
                strip(overview.counts),
                html.Div(ending(run, overview, now), className="muted"),
            ],
            className="ready-head",
        )
    ]
    needs, goes = _needs(run, overview, readiness), _goes(run, overview, readiness)
    for title, lines in (("Needs someone", needs), ("Goes by itself", goes), ("Ready", _done(overview))):
        if lines:
            parts += [html.H3(title, className="card-sub"), *lines]
    return parts


def _stage(view: View) -> str:
    """Where the run's next or newest delivery stands."""
    mine = [one.delivery for one in view.made if one.run.id == view.run.id]
    of_all = [delivery for delivery in mine if delivery.character is None]
    newest = max(of_all, key=lambda delivery: delivery.number, default=None)
    if newest and newest.status is DeliveryStatus.PACKAGING:
        return f"Being packed as D{newest.number}"
    if newest and newest.status is DeliveryStatus.SEALED and view.run.status is RunStatus.COMPLETED:
        return f"Delivered as D{newest.number}"
    return f"Getting ready, will be D{1 + max((delivery.number for delivery in mine), default=0)}"


def _line(status: str, text: str, detail: object, link: str, href: str, *, leads: str = "") -> Component:
    return html.Div(
        [
            palette.badge(status),
            html.Div([html.Div(text), html.Div(detail, className="faint cut")], className="cut"),
            dcc.Link(link, href=href, className=f"more-link {leads}".strip()),
        ],
        className="ready-line",
    )


def _needs(run: Run, overview: RunOverview, readiness: Readiness) -> list[Component]:
    board = f"/runs/{run.id}"
    named = {gap.status: gap for gap in readiness.gaps}
    lines: list[Component] = []
    blocked = overview.counts.get("blocked", 0)
    if readiness.stills:
        count = len(readiness.stills)
        text = f"{words.counted(count, 'variant image waits', 'variant images wait')} for a decision"
        shown = ", ".join(readiness.stills[:3]) + ("" if count <= 3 else f" and {count - 3} more")
        holds = f" · {words.counted(blocked, 'scene waits', 'scenes wait')} behind" if blocked else ""
        lines.append(_line("review", text, shown + holds, f"Review {count}", board, leads="review-link"))
    for status, one, many, link in (
        ("review", "scene waits for review", "scenes wait for review", "Review"),
        ("failed", "scene failed", "scenes failed", "See"),
        ("rejected", "scene is rejected, no new take asked for", "scenes are rejected, no new take asked for", "See"),
        ("not_started", "scene was never submitted", "scenes were never submitted", "Submit"),
    ):
        gap = named.get(status)
        if gap:
            text = words.counted(gap.count, one, many)
            lines.append(
                _line(status, text, _examples(gap.examples, gap.count), f"{link} {gap.count:,}", f"{board}?status={status}")
            )
    if readiness.failed_exports:
        text = f"{words.counted(readiness.failed_exports, 'export')} failed"
        lines.append(_line("failed", text, "retry the scenes they belong to", "Board", board))
    return lines


def _examples(examples: Sequence[tuple[int, str]], count: int) -> list[object]:
    parts: list[object] = []
    for cell_id, key in examples:
        parts += [", " if parts else "", dcc.Link(key, href=f"/cells/{cell_id}", className="plain-link")]
    return [*parts, f" and {count - len(examples):,} more"] if count > len(examples) else parts


def _goes(run: Run, overview: RunOverview, readiness: Readiness) -> list[Component]:
    counts, board = overview.counts, f"/runs/{run.id}"
    lines: list[Component] = []
    running, queued, blocked = (counts.get(status, 0) for status in ("generating", "queued", "blocked"))
    if running or queued:
        text = (
            f"{running:,} run and {queued:,} are queued"
            if running
            else words.counted(queued, "scene is queued", "scenes are queued")
        )
        detail = (
            f"likely through by {words.clock(overview.rests_at, overview.rests_at)}" if overview.rests_at else "as slots get free"
        )
        if overview.outlook in (Outlook.PAUSED, Outlook.REACHED):
            detail = "when the run goes on"
        elif overview.held:
            detail = overview.held[0].words
        shown = "generating" if running else "queued"
        lines.append(_line(shown, text, detail, "Board", f"{board}?status=generating,queued"))
    if blocked and not readiness.stills:
        text = words.counted(blocked, "scene waits for something else", "scenes wait for something else")
        lines.append(_line("blocked", text, "and starts when that is there", "See why", f"{board}?status=blocked"))
    if readiness.exports:
        lines.append(
            _line("generating", f"{words.counted(readiness.exports, 'export')} under way", "of approved scenes", "Board", board)
        )
    return lines


def _done(overview: RunOverview) -> list[Component]:
    lines = []
    if overview.approved:
        lines.append(
            (f"{words.counted(overview.approved, 'approved scene')} on disk", f"{words.size(overview.spent_bytes)} made")
        )
    lines.append((f"{words.size(overview.free_disk_bytes)} free", "packing takes about twice the media"))
    return [
        html.Div(
            [
                html.Span("✓", className="ready-mark", **{"aria-hidden": "true"}),
                html.Div([html.Div(text), html.Div(detail, className="faint cut")], className="cut"),
            ],
            className="ready-line",
        )
        for text, detail in lines
    ]


def history(made: Sequence[Made], chosen: int | None, now: datetime) -> list[Component]:
    """All deliveries, the newest first."""
    head = _card_head("History", "", html.Span(f"{len(made)} shown" if made else "", className="faint end"))
    if not made:
        return [
            head,
            html.P("Sealed deliveries are kept here, with their checksums. Each stays as it is.", className="card-note"),
        ]
    return [head, *(_made(one, one.delivery.id == chosen, now) for one in made)]


def _made(one: Made, is_chosen: bool, now: datetime) -> Component:
    delivery = one.delivery
    at = delivery.sealed_at or delivery.created_at
    sealed = delivery.status is DeliveryStatus.SEALED
    whose = f", {delivery.character}" if delivery.character else ""
    by = one.by.rpartition(":")[2]
    word = f"sealed by {by}" if sealed else f"not made: {delivery.reason}" if delivery.reason else delivery.status.value
    body = [
        html.B(f"D{delivery.number}", className="num"),
        html.Div(
            [
                html.Div(f"{one.run.title}, Run {one.run.number}{whose}", className="cut"),
                html.Div([f"{word} · ", words.since(at, now)], className="faint cut", title=word),
            ],
            className="cut",
        ),
        html.Span(words.size(delivery.size_bytes), className="muted num")
        if sealed
        else palette.badge("cancelled" if "cancelled" in word else _STATUS_SHOWN[delivery.status], word),
    ]
    name = "delivery-made on" if is_chosen else "delivery-made"
    if not sealed:
        return html.Div(body, className=name)
    href = f"/deliveries?run={one.run.id}&delivery={delivery.id}"
    return dcc.Link(body, href=href, className=name)
