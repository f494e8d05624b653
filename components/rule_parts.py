"""The small parts that a sentence is changed by: a list to choose from, a number, a text, a button."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from pipeline.domain.rules.evaluation import Funnel

FIELD, PRESS, FLOW = "rule-field", "rule-press", "rule-flow"


def choose(path: str, label: str, options: Sequence[tuple[str, str]], value: Any, *, strong: bool = False) -> Component:
    """One of some words. `options` are (value, word)."""
    offered = [{"value": key, "label": word} for key, word in options]
    picked = dbc.Select(
        id={"type": FIELD, "path": path}, options=offered, value=value, class_name="rf-pick strong" if strong else "rf-pick"
    )
    return html.Label([html.Span(label, className="visually-hidden"), picked], className="rf-field")


def count(path: str, label: str, value: Any, unit: str) -> Component:
    """A number with its unit."""
    written = dbc.Input(
        id={"type": FIELD, "path": path}, type="number", value=value, step="any", debounce=True, class_name="rf-number"
    )
    return html.Label(
        [html.Span(label, className="visually-hidden"), written, html.Span(unit, className="rf-unit")], className="rf-field"
    )


def write(path: str, label: str, value: str, hint: str, *, wide: bool = False) -> Component:
    """A text; several names with commas between."""
    written = dbc.Input(
        id={"type": FIELD, "path": path}, value=value, placeholder=hint, maxLength=1000, debounce=True, autocomplete="off",
        class_name="rf-text wide" if wide else "rf-text",
    )  # fmt: skip
    return html.Label([html.Span(label, className="visually-hidden"), written], className="rf-field wide" if wide else "rf-field")


def press(verb: str, path: str, word: str, title: str) -> Component:
    """A button that adds or removes a part."""
    look = "rf-press" if len(word) > 1 else "rf-press rf-x"
    return html.Button(word, id={"type": PRESS, "path": path, "verb": verb}, className=look, title=title, **{"aria-label": title})


def flow(path: str, passed: Funnel | None) -> Component:
    """How many of the things on today's board get through the condition at a path."""
    told = flow_told(passed)
    return html.Span(told, id={"type": FLOW, "path": path}, className="rf-flow")


def flow_told(passed: Funnel | None) -> list[Component]:
    """What `flow` shows; nothing where it is not known."""
    if passed is None:
        return []
    share = f"{100 * passed.passed / passed.came:.0f}%" if passed.came else "0%"
    told = [f"{passed.came:,} → ", html.B(f"{passed.passed:,}")]
    bar = html.Span(html.I(style={"width": share}), className="rf-bar")
    words = f"{passed.passed:,} of {passed.came:,} on today's board get through"
    return [html.Span([bar, html.Span(told, className="num")], title=words)]


def outline(part: object) -> object:
    """A drawn part without what stands in its fields and its counts: when that is the same, whoever writes is not disturbed."""
    if isinstance(part, Component):
        props = part.to_plotly_json()["props"]
        if _type_of(part) == FLOW:
            return FLOW, props["id"]
        return type(part).__name__, {name: outline(value) for name, value in props.items() if name != "value"}
    return [outline(one) for one in part] if isinstance(part, (list, tuple)) else part


def values(part: object) -> dict[str, Any]:
    """What stands in the fields of a drawn part, by their paths."""
    return {one.id["path"]: getattr(one, "value", None) for one in _inside(part) if _type_of(one) == FIELD}


def flows(part: object) -> dict[str, Any]:
    """What the counts of a drawn part show, by the paths of their conditions."""
    return {one.id["path"]: one.children for one in _inside(part) if _type_of(one) == FLOW}


def _inside(part: object) -> Iterator[Component]:
    for one in part if isinstance(part, (list, tuple)) else [part]:
        if isinstance(one, Component):
            yield one
            yield from _inside(getattr(one, "children", None))


def _type_of(part: Component) -> object:
    at = getattr(part, "id", None)
    return at.get("type") if isinstance(at, dict) else None
