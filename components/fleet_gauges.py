"""What the graphics cards of a worker tell, on its card: gauges of one of them, how old that is, and what to do without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from components import gauges, words
from pipeline.domain.fleet_page import WorkerView
from pipeline.domain.graphics_memory import gibibytes
from pipeline.domain.telemetry.limits import Card, Level, Threshold, gravest


def agent_command(worker: str) -> str:
    """What is to be run on the machine of a worker, so that its cards are told of; the address is what its browser would need."""
    name = f'"{worker}"' if " " in worker else worker
    return f"./stripboard agent --server http://THIS-SERVER:PORT --worker {name}"


def telling(view: WorkerView) -> Card | None:
    """The card that the gauges show: of those that tell more than their memory, the one to be seen first."""
    return gravest(card for card in view.cards if not card.reading.is_memory_alone)


def block(view: WorkerView, thresholds: Sequence[Threshold], now: datetime) -> Component:
    """The gauges of a worker with its price; without telemetry its memory, and how to come by the rest."""
    card = telling(view)
    if card is None:
        return html.Div([_memory(view), _no_telemetry(view, now), _price(view)], className="fl-gauges untold num")
    look = "fl-gauges num" if card.reading.is_current(now) else "fl-gauges num old"
    drawn = [gauges.drawn(gauge) for gauge in gauges.measured(card.reading, thresholds)]
    return html.Div([*drawn, _price(view)], className=look)


def age(view: WorkerView, now: datetime) -> list[Component | str]:
    """`told 4 min ago`, with the number of the card where there are several; ▲ when it tells no more. Empty without telemetry."""
    card = telling(view)
    if card is None:
        return []
    count = len(view.cards)
    which = f"card {card.reading.device + 1} of {count} " if count > 1 else ""
    sign = [] if card.reading.is_current(now) else [html.Span("▲ ", className="fl-old", title="Its cards tell nothing any more")]
    return [*sign, f"{which}told ", words.since(card.reading.at, now)]


def warning(view: WorkerView) -> str:
    """`79 °C: warns from 78, pauses at 84`, of the card to be seen first; empty when all is fine."""
    card = gravest(view.cards)
    return card.verdict.words if card is not None and card.verdict.level is not Level.FINE else ""


def _memory(view: WorkerView) -> Component:
    worker = view.worker
    if not worker.memory_bytes:
        return html.Div(html.Span("memory –", className="faint"), title="Graphics memory: not known yet")
    used_bytes = max(0, worker.memory_bytes - worker.free_bytes)
    of = f"of {gibibytes(worker.memory_bytes)} GiB"
    return gauges.drawn(gauges.Gauge("memory", gibibytes(used_bytes), of, share=used_bytes / worker.memory_bytes))


def _no_telemetry(view: WorkerView, now: datetime) -> Component:
    last = max((card.verdict.told_at for card in view.cards if card.verdict.told_at is not None), default=None)
    cure = f"On the machine of the worker: {agent_command(view.worker.name)}"
    command = html.Code("./stripboard agent …")
    if last is None:
        return html.Div(["no telemetry: run ", command, " on it"], className="muted fl-untold", title=cure)
    told = ["told ", words.since(last, now), "; run ", command]
    return html.Div(told, className="muted fl-untold", title=f"Its cards tell nothing any more. {cure}")


def _price(view: WorkerView) -> Component:
    price = view.worker.cost_per_hour
    told = [words.money(price), html.Span(" an hour", className="faint")] if price else [html.Span("no price", className="faint")]
    return html.Div(told, title="What an hour of it costs", className="fl-price")
