"""The dialog that asks what other workers would change, and the answer: done when, at what cost, against now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components import fleet_runs, words
from pipeline.domain.fleet.what_if import Change, Ending
from pipeline.domain.fleet_forecast import Comparison
from pipeline.domain.workers import Worker

DIALOG, BODY = "fleet-what-if", "fleet-what-if-body"
MORE, LIKE, PRICE, WITHOUT = "fleet-what-if-more", "fleet-what-if-like", "fleet-what-if-price", "fleet-what-if-without"
DO, TOLD = "fleet-what-if-do", "fleet-what-if-told"
FIELDS = (MORE, LIKE, PRICE, WITHOUT)
_NOBODY = "-"
"""An empty value would be shown as nothing chosen."""
_SURELY_S = 60.0
_LEAST_MONEY = 0.0001


def dialog() -> Component:
    """The dialog, closed. Its fields are there from the start."""
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("What if…", id="fleet-what-if-title")),
            dbc.ModalBody([html.Div(form(()), id=BODY), html.Div(id=TOLD, role="status", className="fl-told-if")]),
            dbc.ModalFooter(html.Button("Try it", id=DO, className="btn primary", title="Nothing changes by it")),
        ],
        id=DIALOG,
        labelledby="fleet-what-if-title",
        fade=False,
        is_open=False,
        centered=True,
        className="fl-dialog",
    )  # fmt: skip


def form(workers: Sequence[Worker]) -> list[Component]:
    """What may be tried with these workers."""
    names = [worker.name for worker in workers]
    like = [{"label": _kind(worker), "value": worker.name} for worker in workers]
    without = [{"label": "nobody", "value": _NOBODY}, *({"label": name, "value": name} for name in names)]
    return [
        html.Div(
            [
                _field(MORE, "Add", dbc.Input(id=MORE, type="number", step=1, value=2)),
                _field(LIKE, "workers like", dbc.Select(id=LIKE, options=like, value=names[0] if names else None)),
                _field(PRICE, "at, an hour", dbc.Input(id=PRICE, type="number", step="any", placeholder="as that one")),
            ],
            className="fl-if-row",
        ),
        html.Div(
            [_field(WITHOUT, "and leave out", dbc.Select(id=WITHOUT, options=without, value=_NOBODY))], className="fl-if-row one"
        ),
    ]


def _field(key: str, name: str, control: Component) -> Component:
    return html.Div([html.Label(name, htmlFor=key, className="fl-label-of"), control])


def _kind(worker: Worker) -> str:
    price = f", {words.money(worker.cost_per_hour)} an hour" if worker.cost_per_hour else ""
    return f"{worker.name}{price}"


def change_of(more: float | None, like: str | None, price: float | None, without: str | None) -> Change:
    """The change that the fields describe."""
    return Change(like or "", int(more or 0), price, (without,) if without and without != _NOBODY else ())


def answer(found: Comparison, names: dict[str, str]) -> list[Component]:
    """The sentence, and both fleets side by side; `names` are those of the runs."""
    parts: list[Component] = [html.P(sentence(found), className="fl-if-sentence")]
    if found.before is not None or found.after is not None:
        parts.append(_table(found))
    parts += _stuck(found, names)
    counted = "Counted is all that runs, waits and follows, as if everything that is made were approved at once."
    if found.undecided:
        counted += f" {words.counted(found.undecided, 'scene')} behind something in review: not counted."
    return [*parts, html.P(counted, className="faint small")]


def sentence(found: Comparison) -> str:
    """`2 more like gpu-3: done 3 h 5 min earlier, at 15:10, for 4.20 more`."""
    change = in_words(found.change)
    if found.after is None:
        return f"{change}: nothing is left that anybody could do" if found.before is None else f"{change}: it is never done"
    if found.before is None:
        return f"{change}: done {fleet_runs.moment(_at(found.after.p50_s), found.now)}; as things stand it is never done"
    gained_s = found.gained_s
    if gained_s is None:
        return f"{change}: another part of the work can be done"
    if abs(gained_s) < _SURELY_S / 60:
        return f"{change}: done at the same time{_price(found.before, found.after)}"
    when = "earlier" if gained_s > 0 else "later"
    at = fleet_runs.moment(_at(found.after.p50_s), found.now)
    return f"{change}: done {words.duration(abs(gained_s))} {when}, {at}{_price(found.before, found.after)}"


def in_words(change: Change) -> str:
    """`2 more like gpu-3, without gpu-1`."""
    more = f"{change.more} more like {change.like}" if change.more else ""
    without = f"without {' and '.join(change.without)}" if change.without else ""
    return ", ".join(part for part in (more, without) if part)


def _price(before: Ending, after: Ending) -> str:
    if not before.cost and not after.cost:
        return ""
    more = after.cost - before.cost
    if abs(more) < max(_LEAST_MONEY, 0.005 * max(before.cost, after.cost)):
        return ", for the same money"
    return f", for {words.money(abs(more))} {'more' if more > 0 else 'less'}"


def _table(found: Comparison) -> Component:
    rows = []
    for name, of in (("done, likely", lambda end: end.p50_s), ("done, at the latest", lambda end: end.p90_s)):
        rows.append(html.Tr([html.Th(name, scope="row"), *(_time(end, of, found.now) for end in (found.before, found.after))]))
    cost = [html.Td("–" if end is None else words.money(end.cost), className="num r") for end in (found.before, found.after)]
    rows.append(html.Tr([html.Th("costs until then", scope="row"), *cost]))
    head = html.Tr([html.Th("", scope="col"), html.Th("as it is", scope="col", className="r"),
                    html.Th("what if", scope="col", className="r")])  # fmt: skip
    return html.Table([html.Thead(head), html.Tbody(rows)], className="fl-if-table")


def _time(end: Ending | None, of: object, now: datetime) -> Component:
    if end is None:
        return html.Td("–", className="num r")
    at = _at(of(end))  # type: ignore[operator]
    return html.Td(
        [words.clock(at, now), html.Span(f" in {words.until(at, now)}", className="faint")],
        className="num r",
        title=words.exactly(at),
    )


def _stuck(found: Comparison, names: dict[str, str]) -> list[Component]:
    stuck = found.after.stuck if found.after else ()
    if not stuck:
        return []
    told = ", ".join(names.get(run, f"run {run}") for run in stuck)
    return [html.P(f"▲ Nobody of this fleet can do all of {told}.", className="muted")]


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
