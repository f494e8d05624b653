"""`/api/docs`: the description of the API as a page for people. It needs nothing but this server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pipeline.api.description import ABOUT, operations

router = APIRouter()
Schema = Mapping[str, Any]
_DEEPEST = 3


@router.get("/api/docs", include_in_schema=False)
def page(request: Request) -> HTMLResponse:
    """Every route with what it takes and gives."""
    return HTMLResponse(render(request.app.openapi()))


def render(description: Mapping[str, Any]) -> str:
    """The page of a description."""
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, method, operation in operations(description):
        groups.setdefault(operation["tags"][0], []).append((path, method, operation))
    shapes = _Shapes(description["components"]["schemas"])
    links = "".join(f'<a href="#{_anchor(tag)}">{escape(tag)}<span>{len(found)}</span></a>' for tag, found in groups.items())
    parts = "".join(
        f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>{"".join(_operation(*each, shapes) for each in found)}'
        for tag, found in groups.items()
    )
    return _PAGE.format(links=links, about=_about(), parts=parts)


class _Shapes:
    """Schemas in words and as tables of fields."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def resolved(self, schema: Schema) -> Schema:
        """The schema that a reference leads to; of a choice with null the other one."""
        others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        if len(others) == 1:
            return self.resolved({**others[0], **{key: value for key, value in schema.items() if key == "description"}})
        reference = schema.get("$ref")
        return self._schemas[reference.rpartition("/")[2]] if reference else schema

    def words(self, schema: Schema) -> str:
        """What kind of value it is, with its bounds."""
        is_optional = any(one.get("type") == "null" for one in schema.get("anyOf", ()))
        found = self.resolved(schema)
        return _kind(found, self) + (" or null" if is_optional else "")

    def fields(self, schema: Schema, before: str = "", depth: int = 0) -> Iterator[tuple[str, str, str]]:
        """(name, kind, description) of every field, the fields of objects inside as `outer.inner`."""
        found = self.resolved(schema)
        required = found.get("required", ())
        for name, inner in found.get("properties", {}).items():
            told = inner.get("description") or ""
            start = f", else {json.dumps(inner['default'])}" if inner.get("default") not in (None, "", [], {}) else ""
            kind = self.words(inner) + (", required" if name in required and not before else "") + start
            yield f"{before}{name}", kind, told
            below = self.resolved(inner)
            within = self.resolved(below.get("items", {})) if below.get("type") == "array" else below
            if "properties" in within and depth < _DEEPEST:
                yield from self.fields(within, f"{before}{name}.", depth + 1)


def _kind(schema: Schema, shapes: _Shapes) -> str:
    if "enum" in schema:
        return " | ".join(str(value) or '""' for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {shapes.words(schema.get('items', {}))}"
    kind = {"object": "object", "string": "text", "integer": "number", "number": "number", "boolean": "true or false"}
    words = kind.get(schema.get("type", ""), "any")
    if schema.get("format") == "date-time":
        return "time"
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None and "exclusiveMinimum" in schema:
        return f"{words} above {schema['exclusiveMinimum']:g}, up to {most:g}"
    if most is not None and most < 2**53:
        return f"{words} from {least:.0f} to {most:.0f}"
    return f"{words} up to {schema['maxLength']:,}" if "maxLength" in schema and schema["maxLength"] > 1 else words


def _operation(path: str, method: str, operation: Mapping[str, Any], shapes: _Shapes) -> str:
    told = "".join(f"<p>{_coded(part)}</p>" for part in operation.get("description", "").split("\n\n"))
    given = [_parameter(parameter, shapes) for parameter in operation.get("parameters", ()) if parameter["in"] != "path"]
    body = operation.get("requestBody", {}).get("content", {})
    takes = "".join(_table(f"Body: {kind}", shapes.fields(media["schema"])) for kind, media in body.items())
    good, media = _answer(operation)
    gives = _table("", shapes.fields(media)) if media else ""
    errors = ", ".join(status for status in sorted(operation["responses"]) if status >= "400")
    answer = f"<details><summary>Answer {good}</summary>{gives}</details>" if gives else f"<p>Answer {good}</p>"
    return (
        f'<section><h3><b class="{method.lower()}">{method}</b> <code>{escape(path)}</code></h3>{told}'
        f"{_table('Parameters', given)}{takes}{answer}<p class=quiet>Errors {errors}</p></section>"
    )


def _parameter(parameter: Mapping[str, Any], shapes: _Shapes) -> tuple[str, str, str]:
    kind = shapes.words(parameter["schema"]).removesuffix(" or null")
    return parameter["name"], f"{parameter['in']}, {kind}", parameter.get("description", "")


def _answer(operation: Mapping[str, Any]) -> tuple[str, Schema]:
    status, answer = next((status, answer) for status, answer in operation["responses"].items() if status < "400")
    return status, answer.get("content", {}).get("application/json", {}).get("schema", {})


def _table(title: str, rows: Any) -> str:
    lines = "".join(_line(*row) for row in rows)
    head = f"<h4>{escape(title)}</h4>" if title and lines else ""
    return f"{head}<table>{lines}</table>" if lines else ""


def _line(name: str, kind: str, told: str) -> str:
    return f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{_coded(told)}</td></tr>"


def _about() -> str:
    head, _, points = ABOUT.partition("\n\n")
    listed = points.replace("\n  ", " ").strip().removeprefix("- ").split("\n- ")
    return f"<p>{_coded(head)}</p><ul>{''.join(f'<li>{_coded(point)}</li>' for point in listed)}</ul>"


def _anchor(tag: str) -> str:
    return tag.replace(" ", "-")


def _coded(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>REST · Stripboard</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light">
<script src="/assets/theme.js"></script>
<link rel="icon" href="/assets/icons/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/tokens.css"><link rel="stylesheet" href="/assets/rest.css">
</head><body class="rest">
<nav aria-label="Resources"><a class="home" href="/"><img src="/assets/icons/mark.svg" alt=""> Stripboard</a>{links}</nav>
<main><h1>REST</h1>{about}<p>For programs: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>{parts}</main>
</body></html>"""
