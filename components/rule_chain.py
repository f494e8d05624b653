"""Which rule leads to which: the drawing for the eye, and the same facts as a table.

The drawing is Cytoscape's; where things stand is decided by `pipeline/domain/rules/chart.py`, and colours come from the tokens
of the theme (assets/triggers.js).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

import dash_cytoscape as cyto
from dash import dcc, html
from dash.development.base_component import Component

from components import words
from pipeline.domain.rules.chart import Chart, Role, Spot, State, Zone
from pipeline.domain.rules.loops import Loop
from pipeline.domain.rules.model import Rule, in_order
from pipeline.domain.rules.vocabulary import EVENTS
from pipeline.domain.rules.wording import action_in_words

GRAPH = "chain-graph"
_WIDTHS = {Role.EVENT: 84, Role.RULE: 138, Role.ACTION: 84, Role.GATE: 112}
_ROW = 84
_LETTERS = 17
"""What a line in the box of a rule holds."""
_TOP = 46
_WALL = 88
_ENDS = ("approved", "failed", "rejected", "review", "queued", "generating", "cancelled", "sealed", "completed")
"""Events whose glyph says how it ended; assets/triggers.js has the glyphs."""
_STATUSES = ("approved", "failed")
"""Events that stand out on the drawing in the colour of what has become of a scene; the others are grey."""
_ZONES = {Zone.VARIANTS: "Pictures", Zone.SCENES: "Scenes", Zone.DELIVERY: "Delivery"}
_STATES = {
    State.LIVE: "",
    State.PERSON: "after a person's decision",
    State.IDLE: "not live yet",
    State.REFUSED: "refused: a loop",
}


def graph(chart: Chart, rules: Sequence[Rule], told: Mapping[str, str]) -> Component:
    """The drawing. `told` has a few words for a rule by its id, such as `16 today`."""
    return html.Div(
        cyto.Cytoscape(
            id=GRAPH,
            elements=elements(chart, rules, told),
            layout={"name": "preset", "fit": True, "padding": 34},
            stylesheet=[],
            style={"width": "100%", "height": "100%"},
            minZoom=0.3,
            maxZoom=1.6,
            boxSelectionEnabled=False,
            autoungrabify=True,
            userZoomingEnabled=True,
            responsive=True,
        ),
        className="tr-graph",
        style={"--rows": str(chart.rows)},
        role="img",
        **{"aria-label": "Which rule leads to which. The table has the same."},
    )


def elements(chart: Chart, rules: Sequence[Rule], told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Nodes and edges as Cytoscape takes them. Names are drawn on a canvas, never read as markup."""
    centres = _centres(chart)
    by_id = {rule.id: rule for rule in rules}
    bad = {rule_id for loop in chart.analysis.refused for rule_id in loop.rules}
    made = [_wall(spot, centres[spot.column], chart.rows) for spot in chart.spots if spot.role is Role.GATE]
    made += [
        {"data": {"id": f"zone:{stretch.zone.value}", "label": _zone(stretch.zone, stretch.depth)}, "classes": "zone",
         "selectable": False, "position": {"x": (centres[stretch.first] + centres[stretch.last]) / 2, "y": -_TOP + 6}}
        for stretch in chart.stretches
    ]  # fmt: skip
    for spot in chart.spots:
        classes = [spot.role.value]
        data: dict[str, Any] = {"id": spot.key, "label": spot.words}
        if spot.role is Role.EVENT:
            classes += _ending(spot)
        elif spot.role is Role.RULE:
            rule = by_id[spot.name]
            data["rule"] = rule.id
            waits = "" if rule.approved else "needs approval"
            note = "refused: loop" if rule.id in bad else waits or ("off" if not rule.enabled else told.get(rule.id, ""))
            data["label"] = "\n".join([*wrap(_short(rule.name), _LETTERS), *([note] if note else [])])
            classes += [
                name for name, holds in (("bad", rule.id in bad), ("waits", bool(waits)), ("off", not rule.enabled)) if holds
            ]
        elif spot.role is Role.ACTION:
            classes += [f"do-{action.kind.value}" for action in by_id[spot.name].all_steps[:1]]
        elif spot.role is Role.GATE:
            data["label"] = spot.words.replace(" ", "\n")
        made.append({"data": data, "classes": " ".join(classes), "position": _position(spot, centres, chart.rows)})
    return [*made, *_edges(chart, centres)]


def table(chart: Chart, rules: Sequence[Rule]) -> Component:
    """The same facts in words: what wakes a rule, what it does, and which rules may follow."""
    by_id = {rule.id: rule for rule in rules}
    after: dict[str, list[str]] = {rule.id: [] for rule in rules}
    for edge in chart.analysis.edges:
        gates = dict.fromkeys(way.gate for way in edge.ways)
        past = "" if "" in gates else f" (past {next(iter(gates))})"
        after[edge.source].append(f"{by_id[edge.target].name}{past}")
    head = html.Tr([html.Th(text, scope="col") for text in ("Rule", "Woken by", "Does", "May wake", "State")])
    rows = [
        html.Tr(
            [
                html.Th(dcc.Link(rule.name, href=f"/triggers/rule/{rule.id}"), scope="row"),
                html.Td(", ".join(EVENTS[event].words for event in rule.events)),
                html.Td(", ".join(dict.fromkeys(action_in_words(action) for action in rule.all_steps))),
                html.Td(", ".join(after[rule.id]) or html.Span("nothing", className="faint")),
                html.Td(_state_of(rule, chart)),
            ]
        )
        for rule in in_order(tuple(rules))
    ]
    return html.Div(
        html.Table([html.Thead(head), html.Tbody(rows)], className="tr-table"), className="tr-table-place", tabIndex=0
    )


def loops(chart: Chart) -> list[Component]:
    """Every loop in words, refused ones first, with the cure or with what bounds it."""
    return [_loop(loop) for loop in chart.analysis.loops]


def legend() -> Component:
    """What the shapes mean."""
    keys = (
        ("ev", "event"),
        ("ru", "rule"),
        ("ac", "action"),
        ("pe", "a person decides"),
        ("no", "refused"),
        ("id", "not live yet"),
    )
    return html.Span(
        [html.Span([html.I(className=f"tr-key-{key}"), word], className="tr-key") for key, word in keys], className="tr-keys"
    )


def _loop(loop: Loop) -> Component:
    if loop.is_refused:
        return html.Div(
            [html.Span("✕", className="tr-bad"), html.B("Refused: "), f"{loop.words}. Nothing bounds it. {loop.cure}"],
            className="tr-loop refused",
        )
    why = "; ".join(loop.bounds)
    return html.Div([html.Span("↻", className="faint"), f"{loop.words}. It ends: {why}."], className="tr-loop")


def _state_of(rule: Rule, chart: Chart) -> str:
    if any(rule.id in loop.rules for loop in chart.analysis.refused):
        return _STATES[State.REFUSED]
    if not rule.approved:
        return "waits for an admin"
    return "live" if rule.enabled else "off"


def _centres(chart: Chart) -> dict[int, float]:
    """The middle of every column, as wide as the widest thing in it."""
    widths: dict[int, float] = {}
    for spot in chart.spots:
        widths[spot.column] = max(widths.get(spot.column, 0), _WIDTHS[spot.role])
    centres, at = {}, 0.0
    for column in sorted(widths):
        centres[column] = at + widths[column] / 2
        at += widths[column]
    return centres


def _position(spot: Spot, centres: Mapping[int, float], rows: int) -> dict[str, float]:
    return {"x": centres[spot.column], "y": float(spot.row * _ROW)}


def _wall(spot: Spot, x: float, rows: int) -> dict[str, Any]:
    height = (rows - 1) * _ROW + 2 * _TOP + 40
    return {
        "data": {"id": f"wall:{spot.name}", "height": height},
        "classes": "wall",
        "selectable": False,
        "position": {"x": x, "y": -_TOP + height / 2 - 6},
    }


def _edges(chart: Chart, centres: Mapping[int, float]) -> Iterator[dict[str, Any]]:
    """Lines; one to a person ends at the wall, on the height that it comes along."""
    at = {spot.key: spot for spot in chart.spots}
    for line in chart.lines:
        source, target = at[line.source], at[line.target]
        end = target.key
        if target.role is Role.GATE and source.row:
            end = f"{target.key}@{source.row}"
            x, y = centres[target.column] - _WALL / 2, float(source.row * _ROW)
            yield {"data": {"id": end}, "classes": "anchor", "selectable": False, "position": {"x": x, "y": y}}
        yield {
            "data": {"id": f"{line.source}>{line.target}", "source": line.source, "target": end},
            "classes": f"{line.state.value} {_shape(source, target)}",
        }


def _shape(source: Spot, target: Spot) -> str:
    if target.column <= source.column:
        return "back level" if target.row == source.row else "back"
    return "on"


def _ending(spot: Spot) -> list[str]:
    end = spot.name.partition(".")[2]
    return [*(f"end-{one}" for one in _ENDS if one == end), *(one for one in _STATUSES if one == end)]


def _zone(zone: Zone, depth: int) -> str:
    return f"{_ZONES[zone]}: automatic, depth {depth}" if depth else _ZONES[zone]


def _short(name: str) -> str:
    """A name that fits into two lines of its box: cut in the middle, for names may be long."""
    return name if len(name) <= 2 * _LETTERS - 4 else f"{name[: _LETTERS - 2]}…{name[4 - _LETTERS :]}"


def counted(rules: Sequence[Rule]) -> str:
    """`8 rules`."""
    return words.counted(len(rules), "rule")
