"""The description of the API (OpenAPI 3.1), with every error that a route may answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import compile_path

from pipeline.api.asking import PREFIX
from pipeline.api.problems import MEDIA_TYPE

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
_NAMING = ("/budgets", "/triggers", "/triggers/simulate", "/triggers/replay")
"""Whose bodies name a production, a run or an event."""


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
    names_in_body = method != "GET" and path.removeprefix(PREFIX) in _NAMING
    if "{" in path or parameters & {"run", "project"} or names_in_body:
        wanted.add(404)
    if method != "GET":
        wanted.update(_CHANGING)
    if "If-Match" in parameters:
        wanted.add(412)
    if path.startswith(f"{PREFIX}/deliveries/"):
        wanted.add(409)
    for status in sorted(wanted):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}
