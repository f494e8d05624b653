"""The description of the API (OpenAPI 3.1) with every error a route may answer, and the same as a page to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from starlette.routing import compile_path

from pipeline.api.asking import PREFIX
from pipeline.api.problems import MEDIA_TYPE

router = APIRouter()

ABOUT = f"""\
Everything the board and the command line do, over the same services. Paths begin with `{PREFIX}`.

- Errors are problem documents (RFC 9457, `{MEDIA_TYPE}`): `detail` says what is wrong and the cure.
- Lists are pages: `next` is the `cursor` of the following page, and null at the end.
- Every changing request may carry an `Idempotency-Key`: sent again, it is not carried out again and gets the same answer
  (with `Idempotency-Replayed: true`). The same key with another request is refused with 422; an error without an effect
  leaves the key free.
- The `ETag` of a cell is its version; with `If-Match` a decision is made on what you saw, or not at all (412).
- `/ws/events?run=…&after=SEQ` sends events as they are committed.
"""
_WHEN = {
    400: "The request cannot be read.",
    403: "It comes from another site, or budget or safety forbid it.",
    404: "There is no such thing.",
    409: "What it is about is in another state, or the same request is under way.",
    412: "The cell has changed since you saw it.",
    413: "The request is larger than 16 MiB.",
    422: "The request breaks a rule of its format; `errors` or `issues` list everything.",
    500: "Something went wrong that should not.",
    503: "The database, the disk or another part is away.",
}
_ALWAYS = (400, 403, 422, 500, 503)
_CHANGING = (409, 413)


def install(api: FastAPI) -> None:
    """Describe the routes of this application when they are all there."""

    def described() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _description(api)
        return api.openapi_schema

    api.openapi = described  # type: ignore[method-assign]


def _description(api: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=api.title, version=api.version, description=ABOUT, routes=api.routes)
    found["paths"] = {path: methods for path, methods in found["paths"].items() if path.startswith(PREFIX)}
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = {
        "title": "Problem",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong, and the cure."},
            "kind": {"type": "string", "description": "The kind of error, when it was raised on purpose."},
        },
    }
    found["components"]["responses"] = {str(status): _response(status) for status in _WHEN}
    for path, method, operation in operations(found):
        _add_errors(path, method, operation)
    return found


def methods_at(description: Mapping[str, Any], path: str) -> list[str]:
    """The methods that this address takes, in capitals; none for one that there is not."""
    found = [method for template, method, _ in operations(description) if compile_path(template)[0].fullmatch(path)]
    return sorted(found)


def operations(description: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every (path, method in capitals, operation) of a description."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": f"{HTTPStatus(status).phrase}. {_WHEN[status]}", "content": {MEDIA_TYPE: {"schema": schema}}}


def _add_errors(path: str, method: str, operation: dict[str, Any]) -> None:
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    wanted = set(_ALWAYS)
    if "{" in path or parameters & {"run", "project"}:
        wanted.add(404)
    if method != "GET":
        wanted.update(_CHANGING)
    if "If-Match" in parameters:
        wanted.add(412)
    if path.startswith(f"{PREFIX}/deliveries/"):
        wanted.add(409)
    for status in sorted(wanted):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}


@router.get("/api/docs", include_in_schema=False)
def page(request: Request) -> HTMLResponse:
    """The description as a page: every route with what it takes and gives. Needs nothing but itself."""
    description = request.app.openapi()
    rows = "".join(_section(*each) for each in operations(description))
    return HTMLResponse(_PAGE.format(about=_about(), rows=rows))


def _about() -> str:
    head, _, points = ABOUT.partition("\n\n")
    listed = points.replace("\n  ", " ").strip().removeprefix("- ").split("\n- ")
    return f"<p>{_coded(head)}</p><ul>{''.join(f'<li>{_coded(point)}</li>' for point in listed)}</ul>"


def _section(path: str, method: str, operation: Mapping[str, Any]) -> str:
    title = f"<h2><code>{method}</code> <code>{escape(path)}</code></h2>"
    told = f"<p>{_coded(operation.get('description', operation.get('summary', '')))}</p>"
    rows = "".join(_parameter(parameter) for parameter in operation.get("parameters", ()))
    table = f"<table>{rows}</table>" if rows else ""
    body = operation.get("requestBody", {}).get("content", {})
    takes = "".join(f"<p>Takes {_shape(kind, media)}</p>" for kind, media in body.items())
    answers = ", ".join(operation["responses"])
    return f"<section>{title}{told}{table}{takes}<p class=quiet>Answers {escape(answers)}</p></section>"


def _parameter(parameter: Mapping[str, Any]) -> str:
    what = f"{parameter['in']}{', required' if parameter.get('required') else ''}"
    told = parameter.get("description", "")
    return f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(what)}</td><td>{_coded(told)}</td></tr>"


def _shape(kind: str, media: Mapping[str, Any]) -> str:
    reference = media.get("schema", {}).get("$ref", "")
    name = reference.rpartition("/")[2]
    return f"<code>{escape(name or kind)}</code>" + (f" as {escape(kind)}" if name else "")


def _coded(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Stripboard: REST</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light">
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.5rem }} h2 {{ font-size: 1rem; margin: 0 }}
section {{ border-top: 1px solid GrayText; padding: 1rem 0 }}
code {{ font: 13px ui-monospace, monospace; overflow-wrap: anywhere }} h2 code {{ font-weight: 600 }}
td {{ padding: .1rem 1rem .1rem 0; vertical-align: top }} .quiet {{ opacity: .7 }}
</style></head><body><h1>Stripboard: REST</h1>
{about}<p>For programs: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
{rows}</body></html>"""
