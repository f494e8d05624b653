"""The small parts that a sentence is changed by: a list to choose from, a number, a text, a button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

FIELD, PRESS = "rule-field", "rule-press"


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


def outline(part: object) -> object:
    """A drawn part without what stands in its fields: when that is the same, somebody who writes in one is not disturbed."""
    if isinstance(part, Component):
        props = part.to_plotly_json()["props"]
        return type(part).__name__, {name: outline(value) for name, value in props.items() if name != "value"}
    return [outline(one) for one in part] if isinstance(part, (list, tuple)) else part


def values(part: object) -> dict[str, Any]:
    """What stands in the fields of a drawn part, by their paths."""
    found: dict[str, Any] = {}
    for one in part if isinstance(part, (list, tuple)) else [part]:
        if isinstance(one, Component):
            at = getattr(one, "id", None)
            if isinstance(at, dict) and at.get("type") == FIELD:
                found[at["path"]] = getattr(one, "value", None)
            found |= values(getattr(one, "children", None))
    return found
