"""How the page of the fleet is drawn, as a whole and part by part."""

from __future__ import annotations

from dash import set_props

from components import drawn, fleet, fleet_banner, fleet_queue, fleet_time, ids
from pipeline.domain.fleet_page import FleetPage
from pipeline.wiring_serving import current_studio

PARTS = (ids.FLEET_HEAD, ids.FLEET_BANNER, ids.FLEET_CARDS, ids.FLEET_QUEUE)
"""The parts that follow closely."""
drawn.register(*PARTS, ids.FLEET_TIME)


def parts(view: FleetPage, by: dict[str, str]) -> tuple[object, ...]:
    """The drawings of `PARTS`, and whether they need not be followed closely. `by` says how the queue is ordered."""
    order = by["queue"]
    forecast = current_studio().fleet_forecasts.now() if view.workers and view.waiting else None
    queue = fleet_queue.content(view, forecast, order)
    shown = (fleet.head(view, forecast), fleet_banner.lines(view), fleet.cards(view), queue)
    return *map(drawn.drawing, PARTS, shown), not view.busy


def time_line(view: FleetPage, by: dict[str, str]) -> tuple[object, ...]:
    """The drawing of the time line, whether what is below the cards is hidden, and whether nothing moves there."""
    forecast = current_studio().fleet_forecasts.now() if view.workers else None
    shown = drawn.drawing(ids.FLEET_TIME, fleet_time.content(view, forecast, by["time"]))
    return shown, not view.workers, not view.workers


def show(view: FleetPage, by: dict[str, str]) -> None:
    """The whole page at once, after something was done."""
    for part, shown in zip(PARTS, parts(view, by), strict=False):
        set_props(drawn.data_id(part), {"data": shown})
    shown, is_hidden, is_idle = time_line(view, by)
    set_props(drawn.data_id(ids.FLEET_TIME), {"data": shown})
    set_props("fleet-low", {"hidden": is_hidden})
    set_props(ids.FLEET_SLOW_CLOCK, {"disabled": is_idle})


def show_anew(by: dict[str, str]) -> None:
    """The same, of the fleet as it is at this moment."""
    show(current_studio().fleet_pages.page(anew=True), by)
