"""The editor of bindings: what goes into which input of which node, to be corrected and saved as a new version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components import words
from pipeline.domain.issues import Severity, shorten
from pipeline.domain.workflows.editing import FreeInput, Place, free_inputs, places_of, result_choices, slots_for
from pipeline.domain.workflows.findings import Finding, errors_in
from pipeline.domain.workflows.graphs import Graph
from pipeline.domain.workflows.slots import CUSTOM, IMAGE_SLOTS, SLOTS, Kind
from pipeline.domain.workflows.views import VersionPage

DRAFT = "flow-draft"
ROWS, CHECK, SAVE, NOTE = "flow-rows", "flow-check", "flow-save", "flow-note"
FREE, BIND = "flow-free", "flow-bind"
RESULT, KIND = "flow-result", "flow-kind"
SLOT, DROP = "flow-slot", "flow-drop"
NONE = "-"
SAVE_TITLE = "The version that is open stays as it is"
_KINDS = ({"label": "segments", "value": "segment"}, {"label": "stills", "value": "still"})
_GLYPHS = {Severity.ERROR: "✕", Severity.WARNING: "▲", Severity.INFO: "·"}
_LONGEST = 60
_MOST_CHOICES = 600
_RESULT_WORDS = "output"


def card(page: VersionPage) -> Component:
    """The editor with what is bound now."""
    graph, places = page.workflow.graph, places_of(page.workflow)
    newest = page.view.versions[0].version.number
    head = html.Div(
        [html.H3("Bindings", className="h2"), html.Span("Values of a scene go into these inputs, and nowhere else.",
                                                       className="faint")],
        className="wf-line",
    )  # fmt: skip
    save = html.Div(
        [
            html.Label([html.Span("Why", className="visually-hidden"),
                        dbc.Input(id=NOTE, type="text", maxLength=400, placeholder="why it is corrected", autocomplete="off")],
                       className="wf-why"),
            html.Button(f"Save as version {newest + 1}", id=SAVE, className="btn primary", disabled=True,
                        title=SAVE_TITLE),
        ],
        className="wf-line wf-save",
    )  # fmt: skip
    return html.Section(
        [
            head,
            html.Div(rows(graph, places), id=ROWS, className="wf-rows"),
            _result_row(page),
            _add_row(graph, places),
            html.Div(check(page.findings), id=CHECK, className="wf-check", role="status"),
            save,
            dcc.Store(id=DRAFT, data=draft(page)),
        ],
        className="card wf-part",
        **{"aria-label": "Bindings"},
    )


def draft(page: VersionPage) -> dict[str, Any]:
    """What the editor holds: plain values, as a store keeps them."""
    return {
        "workflow": page.view.workflow.id,
        "base": page.shown.version.number,
        "places": [[one.slot, one.node, one.input] for one in places_of(page.workflow)],
        "output": next(iter(page.workflow.outputs), ""),
        "kind": page.workflow.kind.value,
    }


def rows(graph: Graph, places: Sequence[Place]) -> list[Component]:
    """A line for each bound input, its name in a list to choose from."""
    known = {(one.node, one.input): one for one in free_inputs(graph)}
    head = html.Div(
        [html.Span(word) for word in ("Our name", "Node", "Input", "Type", "In the graph", "")],
        className="wf-row wf-names faint",
        **{"aria-hidden": "true"},
    )
    if not places:
        return [html.P("Nothing is bound. Choose an input below.", className="muted")]
    return [head, *(_row(at, place, known.get((place.node, place.input))) for at, place in enumerate(places))]


def _row(at: int, place: Place, held: FreeInput | None) -> Component:
    node = f"{held.title or held.class_type}" if held else f"node {place.node}"
    value = shorten(str(held.value), _LONGEST) if held else "not there"
    kind = _type_words(place, held)
    label = f"Name for {place.input} of {node}"
    return html.Div(
        [
            html.Label(
                [
                    html.Span(label, className="visually-hidden"),
                    dbc.Select(id={"type": SLOT, "at": at}, value=place.slot, options=_slot_options(place, held),
                               className="form-select wf-select"),
                ]
            ),
            html.Span([node, html.Span(f" {place.node}", className="faint")], className="cut", title=f"{node} {place.node}"),
            html.Span(place.input, className="cut mono", title=place.input),
            html.Span(kind, className="muted"),
            html.Span(value, className="cut muted", title=str(held.value)[:500] if held else value),
            html.Button("✕", id={"type": DROP, "at": at}, className="btn ghost sm square",
                        title="Leave what the graph says there", **{"aria-label": f"Remove {label.lower()}"}),
        ],
        className="wf-row",
    )  # fmt: skip


def _type_words(place: Place, held: FreeInput | None) -> str:
    if place.slot in IMAGE_SLOTS:
        return "image"
    return held.type.value if held else "?"


def _slot_options(place: Place, held: FreeInput | None) -> list[dict[str, str]]:
    names = list(slots_for(held.type)) if held else []
    own = custom_name(place.input)
    return [{"label": slot_words(name), "value": name} for name in dict.fromkeys([*names, own, place.slot])]


def slot_words(slot: str) -> str:
    """What a slot is called here."""
    return SLOTS[slot].words if slot in SLOTS else f"own: {slot.removeprefix(CUSTOM)}"


def custom_name(name: str) -> str:
    """The slot of our own that an input would stand behind."""
    plain = re.sub(r"[^a-z0-9_]+", "_", name.casefold()).strip("_") or "value"
    return CUSTOM + (plain if plain[0].isalpha() else f"v_{plain}")[:40]


def _result_row(page: VersionPage) -> Component:
    choices = result_choices(page.workflow.graph)
    options = [{"label": f"{shorten(node.title or node.class_type, 40)} ({node.id})", "value": node.id} for node in choices]
    return html.Div(
        [
            html.Label([html.Span(_RESULT_WORDS, className="wf-slot-name"),
                        dbc.Select(id=RESULT, options=options, value=next(iter(page.workflow.outputs), ""),
                                   className="form-select wf-select")], className="wf-line"),
            html.Label([html.Span("makes"),
                        dbc.Select(id=KIND, options=list(_KINDS), value=page.workflow.kind.value,
                                   className="form-select wf-select")], className="wf-line"),
        ],
        className="wf-line wf-result",
    )  # fmt: skip


def _add_row(graph: Graph, places: Iterable[Place]) -> Component:
    return html.Div(
        [
            html.Label([html.Span("Another input", className="visually-hidden"),
                        dbc.Select(id=FREE, options=free_options(graph, places), value=NONE, className="form-select")],
                       className="wf-why"),
            html.Button("Bind it", id=BIND, className="btn", title="Let values go into this input"),
        ],
        className="wf-line",
    )  # fmt: skip


def free_options(graph: Graph, places: Iterable[Place]) -> list[dict[str, str]]:
    """The inputs that are not bound; the value is `node`, a line end, `input`."""
    bound = {(one.node, one.input) for one in places}
    free = [one for one in free_inputs(graph) if (one.node, one.input) not in bound]
    options = [{"label": "bind another input …", "value": NONE}]
    for one in free[:_MOST_CHOICES]:
        title = shorten(one.title or one.class_type, 30)
        idle = "" if one.is_live else " (no output needs it)"
        label = f"{title} ({shorten(one.node, 12)}) · {shorten(one.input, 30)} · {shorten(str(one.value), 30)}{idle}"
        options.append({"label": label, "value": f"{one.node}\n{one.input}"})
    return options


def first_slot(graph: Graph, node: str, name: str, places: Iterable[Place]) -> str:
    """The slot that a newly bound input gets: one that is named like it, else one of our own."""
    held = next((one for one in free_inputs(graph) if (one.node, one.input) == (node, name)), None)
    taken = {place.slot for place in places}
    fitting = slots_for(held.type) if held else ()
    return name if name in fitting and name not in taken else custom_name(name)


def check(findings: Sequence[Finding]) -> list[Component]:
    """What is wrong, errors first; that nothing is, when nothing is."""
    if not findings:
        return [html.Div("Everything is bound that a production has values for.", className="faint")]
    errors = len(errors_in(findings))
    head = [html.Div(f"{words.counted(errors, 'error')}: it cannot be used like this.", className="wf-bad")] if errors else []
    return [*head, *(_finding(one) for one in findings[:12])]


def _finding(finding: Finding) -> Component:
    is_error = finding.severity is Severity.ERROR
    return html.Div(
        [
            html.B(_GLYPHS[finding.severity], className="wf-sign", role="img", **{"aria-label": finding.severity.value}),
            html.Span([finding.message, " ", html.Span(finding.cure, className="muted")], className="wf-wrap"),
        ],
        className="wf-change wf-bad-line" if is_error else "wf-change",
    )


def places_in(data: dict[str, Any]) -> list[Place]:
    """The bindings that a store holds."""
    return [Place(str(slot), str(node), str(name)) for slot, node, name in data["places"]]


def kind_in(data: dict[str, Any]) -> Kind:
    """What the workflow of a store is to make."""
    return Kind(data["kind"])
