"""Long lists as plain elements that the browser draws by itself (assets/drawn.js).

Dash keeps a record of every component and compares all of them whenever some are replaced: with some thousands of them a page
stands still for a minute. What is drawn here is written with the same components, and reaches the browser as data. What is there
already is changed where it differs: the focus, the place to which somebody has scrolled and a bar that grows stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import Input, Output, clientside_callback, dcc, html
from dash.dependencies import ClientsideFunction
from dash.development.base_component import Component

_NAMES = {"className": "class", "htmlFor": "for", "dateTime": "datetime", "tabIndex": "tabindex", "colSpan": "colspan"}
_PLAIN = (str, int, float)


def data_id(place: str) -> str:
    """Where the data of a drawn place is kept: what a callback gives out."""
    return f"{place}-drawn"


def place(
    id: str, parts: Sequence[Component | None], *, element: type[Component] = html.Div, **props: Any
) -> list[Component]:  # fmt: skip
    """An element whose children the browser draws, with what it shows at first."""
    return [element(id=id, **props), dcc.Store(id=data_id(id), data=drawing(id, parts))]


def drawing(id: str, parts: Sequence[Component | None]) -> dict[str, Any]:
    """What a callback gives to `data_id(id)`: the parts as plain values. Raises TypeError for a part that is more than markup."""
    return {"place": id, "parts": _children(list(parts))}


def register(*places: str) -> None:
    """Draw these places whenever their data is another one."""
    for id in places:
        # Without an output it would not be called when the page is there.
        clientside_callback(ClientsideFunction("drawn", "draw"), Output(id, "data-drawn"), Input(data_id(id), "data"))


def _children(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [one for part in value for one in _children(part)]
    return [str(value)] if isinstance(value, _PLAIN) else [_element(value)]


def _element(part: Any) -> dict[str, Any]:
    if not isinstance(part, Component) or not (part._namespace == "dash_html_components" or part._type == "Link"):
        raise TypeError(f"{type(part).__name__} cannot be drawn as plain markup.")
    props = dict(part.to_plotly_json()["props"])
    children = _children(props.pop("children", None))
    style = {name: str(value) for name, value in (props.pop("style", None) or {}).items()}
    named = {_NAMES.get(name, name): value for name, value in props.items() if value not in (None, False, "")}
    marked = {name: "" if value is True else str(value) for name, value in named.items()}
    tag = "a" if part._type == "Link" else part._type.lower()
    if part._type == "Link":
        marked["data-link"] = ""
    return {"tag": tag, "props": marked, "style": style, "children": children}
