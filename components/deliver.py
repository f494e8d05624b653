"""Delivering: the button of a board and of the deliveries page, what is missing, and how far the packaging is."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from components import words
from components.icons import icon
from pipeline.domain.delivery import STEPS, DeliveryProgress
from pipeline.domain.overview import RunOverview
from pipeline.domain.records import Run
from pipeline.domain.statuses import DeliveryStatus, JobStatus, RunStatus

SLOT = "deliver-slot"
BUTTON = "deliver"
AGAIN = "deliver-again"
CANCEL = "deliver-cancel"
FOLLOW = "deliver-progress"
WATCH = "deliver-watch"
CLOCK = "deliver-clock"
FULL, BRIEF = "full", "brief"


def slot(run_id: int, *, look: str = BRIEF) -> Component:
    """Where the button of a run is; callbacks of the frame fill it and keep it true. One a page."""
    return html.Div(
        id=SLOT, className=f"deliver deliver-{look}", **{"data-run": str(run_id), "data-look": look, "data-state": ""}
    )


def package_address(delivery_id: int) -> str:
    """Where the package of a sealed delivery is downloaded."""
    return f"/api/v1/deliveries/{delivery_id}/package"


def state(run: Run, overview: RunOverview, progress: DeliveryProgress | None) -> str:
    """What the slot shows, as a word and its number: as long as it is the same, nothing is drawn again."""
    number = progress.delivery.id if progress else 0
    if progress and progress.delivery.status is DeliveryStatus.PACKAGING:
        return f"packaging {number}"
    if overview.missing or not overview.approved:
        return f"missing {overview.missing} {number}"
    if progress and progress.delivery.status is DeliveryStatus.SEALED and run.status is RunStatus.COMPLETED:
        return f"sealed {number}"
    return f"ready {number} {progress.delivery.status.value if progress else ''}"


def content(run: Run, overview: RunOverview, progress: DeliveryProgress | None, look: str) -> list[Component]:
    """The slot's content for its state."""
    word = state(run, overview, progress).split()[0]
    if word == "packaging" and progress is not None:
        return packaging(progress, look)
    if word == "sealed" and progress is not None:
        return _sealed(progress, is_primary=True)
    earlier = _sealed(progress, is_primary=False) if progress and progress.delivery.status is DeliveryStatus.SEALED else []
    if word == "missing":
        return [*earlier, *_missing(run, overview)]
    return [*_failed(progress), *earlier, _button(is_ready=True)]


def packaging(progress: DeliveryProgress, look: str, *, watch: dict[str, Any] | None = None) -> list[Component]:
    """The packaging under way. `watch` makes this tab follow it by a background callback; a clock asks until that has begun."""
    cancel = html.Button(
        "Cancel",
        id=CANCEL,
        className="btn sm",
        title="Stop packaging. Nothing approved is lost.",
        **{"data-command": "Cancel the packaging"},
    )
    note = html.Span("goes on if you close this page", className="muted deliver-note") if look == FULL else None
    return [
        html.Div(following(progress, look), id=FOLLOW, className="deliver-follow"),
        html.Div([note, cancel], className="deliver-foot"),
        dcc.Interval(id=CLOCK, interval=1_000),
        dcc.Store(id=WATCH, data=watch) if watch else None,
    ]


def following(progress: DeliveryProgress, look: str) -> list[Component]:
    """How far a delivery is: a bar with its step, or every step."""
    share = round(100 * progress.fraction)
    name = f"D{progress.delivery.number}"
    bar = html.Div(
        html.I(style={"width": f"{share}%"}),
        className="bar deliver-bar",
        role="progressbar",
        **{"aria-valuenow": str(share), "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": f"Packaging {name}"},
    )
    if progress.delivery.status is not DeliveryStatus.PACKAGING:
        return [html.Div([html.B(name), html.Span(_ended(progress), className="muted")], className="deliver-line")]
    if look == BRIEF:
        line = [html.B(f"Packaging {name}"), html.Span(progress.step, className="muted cut", title=progress.step)]
        return [html.Div([*line, html.Span(f"{share} %", className="num end")], className="deliver-line"), bar]
    return [_step(number, step, progress, bar) for number, step in enumerate(STEPS, 1)]


_STEP_WORDS = {
    "validate": "Check every file",
    "sign": "Sign with content credentials",
    "timelines": "Write timelines for editors",
    "contact sheet": "Draw the contact sheet",
    "manifest": "Write the manifest",
    "media hash list": "ASC media hash list",
    "checksums": "Checksums, SHA-256",
    "zip": "Pack",
    "verify": "Read back and verify",
}


def _step(number: int, step: str, progress: DeliveryProgress, bar: Component) -> Component:
    at = next((place for place, name in enumerate(STEPS, 1) if progress.step.startswith(name)), 0)
    is_running = progress.job_status is JobStatus.RUNNING
    standing = "done" if number < at else "now" if number == at and is_running else "todo"
    detail = progress.step.removeprefix(step).strip(" ()") if standing == "now" else ""
    body: list[Component | str] = [html.Div(_STEP_WORDS[step], className="pack-name")]
    if standing == "now":
        body += [bar, html.Div(f"{round(100 * progress.fraction)} % of all" + (f" · {detail}" if detail else ""),
                               className="faint num")]  # fmt: skip
    elif number == 1 and not at:
        body.append(html.Div(progress.step, className="faint"))
    mark = {"done": "✓", "now": "▸"}.get(standing, str(number))
    return html.Div(
        [html.Span(mark, className="pack-mark", **{"aria-hidden": "true"}), html.Div(body)], className=f"pack-step {standing}"
    )


def _ended(progress: DeliveryProgress) -> str:
    if progress.delivery.status is DeliveryStatus.SEALED:
        return f"is sealed: {words.size(progress.delivery.size_bytes)}"
    return f"was not made: {progress.reason}"


def _sealed(progress: DeliveryProgress, *, is_primary: bool) -> list[Component]:
    delivery = progress.delivery
    text = f"Download D{delivery.number}" + (f", {words.size(delivery.size_bytes)}" if is_primary else "")
    return [
        html.A(
            [icon("download"), text],
            href=package_address(delivery.id),
            id="deliver-download" if is_primary else "deliver-download-last",
            className="btn primary" if is_primary else "btn",
            download="",
            title=f"The sealed package of delivery {delivery.number}",
            **{"data-command": f"Download delivery {delivery.number}"},
        )
    ]


def _failed(progress: DeliveryProgress | None) -> list[Component]:
    if progress is None or progress.delivery.status is not DeliveryStatus.FAILED:
        return []
    text = f"D{progress.delivery.number} was not made: {progress.reason}"
    return [html.Span(text, className="deliver-why cut", title=text)]


def _missing(run: Run, overview: RunOverview) -> list[Component]:
    count = overview.missing
    text = f"{count:,} to go" if count else "Nothing is approved yet"
    return [
        dcc.Link(text, href=f"/deliveries?run={run.id}", id="deliver-missing", className="deliver-missing",
                 title="What keeps this run from being delivered"),
        _button(is_ready=False, why=f"{text}: everything that is not cancelled must be approved first."),
    ]  # fmt: skip


def _button(*, is_ready: bool, why: str = "") -> Component:
    return html.Button(
        "Deliver",
        id=BUTTON,
        className="btn primary",
        disabled=not is_ready,
        title=why or "Package everything approved, verify the package and seal it",
        **{"data-command": "Deliver"},
    )
