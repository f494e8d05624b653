"""What every route asks for first: the studio, the services of REST, and who acts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError

from pipeline import wiring_serving
from pipeline.api.idempotent import IdempotentRoute
from pipeline.api.idempotent import Key as Key
from pipeline.domain.errors import StripboardError
from pipeline.domain.records import Actor, Run
from pipeline.wiring import Studio as WiredStudio
from pipeline.wiring_rest import Rest as WiredRest

PREFIX = "/api/v1"


def _studio(request: Request) -> WiredStudio:
    return request.app.state.studio


def _rest(request: Request) -> WiredRest:
    return request.app.state.rest


def _actor() -> Actor:
    return wiring_serving.local_actor()


Studio = Annotated[WiredStudio, Depends(_studio)]
Rest = Annotated[WiredRest, Depends(_rest)]
Who = Annotated[Actor, Depends(_actor)]


def _asked_for(dependant: Dependant) -> Iterator[str]:
    """The names after the `?` that a route, or something that it depends on, takes."""
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _asked_for(inner)


def _only_known_parameters(request: Request) -> None:
    """Refuse what the route does not take after its `?`: a filter that is misspelt would be none."""
    known = list(dict.fromkeys(_asked_for(request.scope["route"].dependant)))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        told = f"This is not asked for here. Known: {', '.join(known)}." if known else "Nothing is asked for here."
        raise RequestValidationError([{"loc": ("query", name), "msg": told, "type": "unknown"} for name in unknown])


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        pattern=r'^(\*|(W/)?"[0-9]{1,10}")$',
        description="The `ETag` of the cell as you saw it: when it has changed since, nothing is done and the answer is 412.",
    ),
]


class Outdated(StripboardError):
    """The thing is not any more what the client has seen."""

    kind = "outdated"


def routes(tag: str) -> APIRouter:
    """A router of the API whose changing routes take an idempotency key."""
    return APIRouter(prefix=PREFIX, tags=[tag], route_class=IdempotentRoute, dependencies=[Depends(_only_known_parameters)])


def run_of(rest: WiredRest, run_id: int) -> Run:
    """The run of a path."""
    return rest.listings.run(run_id)


def expected_version(if_match: str | None) -> int | None:
    """The version that an `If-Match` header names; None when any will do."""
    if if_match is None or if_match == "*":
        return None
    return int(if_match.removeprefix("W/").strip('"'))


def etag(version: int) -> dict[str, str]:
    """The header that names a version."""
    return {"ETag": f'"{version}"'}
