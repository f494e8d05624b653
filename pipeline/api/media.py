"""Stored files and small pictures for the browser: by hash for ever, by cell, still or character as they are now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from pipeline.api.head_requests import HEADERS_ALONE
from pipeline.domain.names import NAME_LIMIT
from pipeline.domain.records import StoredFile

router = APIRouter(prefix="/media", tags=["media"])

FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"
NEVER_KEPT = "private, no-store"
_SHOWN_TYPES = re.compile(r"(image/(png|jpeg|webp|gif|bmp|tiff)|video/[a-z0-9.+-]+|audio/[a-z0-9.+-]+)")
"""What a browser may show in place; anything else is only ever saved."""

_RANGE = re.compile(r"bytes=\s*(\d+-\d*|-\d+)(\s*,\s*(\d+-\d*|-\d+))*\s*", re.IGNORECASE)
_UNSAFE_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\\/:*?"<>|\u2028-\u202e\u2066-\u2069\ud800-\udfff]')

Hash = Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]
Key = Annotated[int, InPath(ge=1, lt=2**63)]
Number = Annotated[int, InPath(ge=0, lt=100_000)]
Height = Annotated[Literal["90", "180", "360", "720"], Query(description="How high, in pixels.")]
Known = Annotated[str | None, Header(alias="if-none-match")]


class Ranged(FileResponse):
    """A stored file with byte ranges. What is no range by the rules is passed over, as the rules ask.

    For a request whose body is dropped nothing is read.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if name != b"range" or _RANGE.fullmatch(value.decode("latin-1")) is not None
        ]
        method = "HEAD" if scope.get(HEADERS_ALONE) else scope["method"]
        await super().__call__({**scope, "headers": headers, "method": method}, receive, send)


@router.get("/files/{sha256}", response_class=FileResponse)
def stored_file(
    request: Request,
    sha256: Hash,
    download: Annotated[str | None, Query(max_length=200, description="Save the file under this name.")] = None,
    known: Known = None,
) -> Response:
    """A stored file by its hash, whole or in ranges. Only files that some row names are given out."""
    opened = _files(request).opened(sha256)
    headers = {"Cache-Control": FOR_EVER, "ETag": f'"{sha256}"', "Content-Encoding": "identity"}
    if _is_known(known, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    is_shown = _SHOWN_TYPES.fullmatch(opened.file.media_type) is not None
    if download is None and is_shown:
        return Ranged(opened.path, headers=headers, media_type=opened.file.media_type)
    name = clean_name(download or "") or sha256
    return Ranged(
        opened.path,
        headers=headers,
        media_type=opened.file.media_type
        if is_shown or opened.file.media_type == "application/zip"
        else "application/octet-stream",
        filename=name,
    )


@router.get("/cells/{cell_id}/poster.jpg", response_class=FileResponse)
def poster(
    request: Request,
    cell_id: Key,
    take: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    h: Height = "180",
    known: Known = None,
) -> Response:
    """The picture of a cell's take, by default of the newest that has one."""
    return _small(request, _files(request).poster(cell_id, take), h, known)


@router.get(
    "/cells/{cell_id}/preview.jpg",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 204: {"description": "Nothing is being generated, or no picture has come."}},
)
def preview(request: Request, cell_id: Key) -> Response:
    """The newest unfinished picture of what is being generated for a cell. Asking makes its worker's pictures be kept."""
    picture = request.app.state.studio.live_work.preview(cell_id)
    headers = {"Cache-Control": NEVER_KEPT}
    if picture is None:
        return Response(status_code=204, headers=headers)
    return Response(picture, headers=headers, media_type="image/jpeg")


@router.get("/stills/{still_id}/{part}.jpg", response_class=FileResponse)
def still(request: Request, still_id: Key, part: Number, h: Height = "180", known: Known = None) -> Response:
    """A candidate of a still's newest take, or a source image, counted from 1; 0 is the hero, else the best of them."""
    return _small(request, _files(request).still(still_id, part), h, known)


@router.get("/runs/{run_id}/characters/{ordinal}.jpg", response_class=FileResponse)
def character(request: Request, run_id: Key, ordinal: Number, h: Height = "180", known: Known = None) -> Response:
    """The first source image of a character of the run, counted from 0 in the order of the production."""
    return _small(request, _files(request).character(run_id, ordinal), h, known)


def clean_name(text: str) -> str:
    """A file name that is one on every system: no folders, no control or direction characters, not hidden, not long."""
    name = _UNSAFE_IN_NAMES.sub("_", text).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if dot and len(ending) <= 10:
        return f"{stem[:NAME_LIMIT]}.{ending}"
    return name[:NAME_LIMIT]


def _small(request: Request, file: StoredFile, height: str, known: str | None) -> Response:
    headers = {"Cache-Control": ASK_AGAIN, "ETag": f'"{file.sha256}-{height}"'}
    if _is_known(known, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    path: Path = _files(request).small(file, int(height))
    try:
        return Response(path.read_bytes(), headers=headers, media_type="image/jpeg")
    except OSError as error:
        raise HTTPException(404, "The small picture has just been removed. Ask again.") from error


def _is_known(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return any(part.strip().removeprefix("W/") in (etag, "*") for part in header.split(","))


def _files(request: Request) -> Any:
    return request.app.state.studio.files
