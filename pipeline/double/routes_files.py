"""The HTTP routes for files: upload and view (PROTOCOL, files)."""

from __future__ import annotations

import hashlib
import io
import mimetypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web
from PIL import Image

from pipeline.double.folders import KINDS
from pipeline.double.routes import life_of

PREVIEW_QUALITY = 90


async def upload(request: web.Request) -> web.Response:
    """POST /upload/image: stores whatever comes. Same name and bytes: the same name; other bytes: `name (1).ext`."""
    life, fields = life_of(request), await fields_of(request)
    image, kind = fields.get("image"), str(fields.get("type") or "input")
    if not isinstance(image, Sent):
        return web.Response(status=400)
    root = life.folders.of(kind)
    if root is None:
        raise ValueError(kind)
    subfolder = str(fields.get("subfolder", ""))
    path = Path(os.path.normpath(root / os.path.normpath(subfolder) / image.name))
    if root not in path.parents:
        return web.Response(status=400)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = image.data
    if fields.get("overwrite") not in ("true", "1"):
        path = _free_path(path, data)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)
    return web.json_response({"name": path.name, "subfolder": subfolder, "type": kind})


@dataclass(frozen=True)
class Sent:
    """A file of a form."""

    name: str
    data: bytes


async def fields_of(request: web.Request) -> dict[str, Sent | str]:
    """The fields of a form by name. In memory: the library's own reading leaves a file open when a client hangs up half-way."""
    if not request.content_type.startswith("multipart/"):
        return {name: str(value) for name, value in (await request.post()).items()}
    found: dict[str, Sent | str] = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            data = bytes(await part.read())
            found[part.name] = Sent(part.filename, data) if part.filename else data.decode()
    return found


def _free_path(path: Path, data: bytes) -> Path:
    """The first name that is free or has these very bytes."""
    digest, wanted, number = hashlib.sha256(data).digest(), path, 0
    while path.exists() and hashlib.sha256(path.read_bytes()).digest() != digest:
        number += 1
        path = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
    return path


async def view(request: web.Request) -> web.StreamResponse:
    """GET /view: a file, whole or in part, or an image made smaller."""
    query = request.rel_url.query
    if "filename" not in query:
        return web.Response(status=404)
    name, kind = _annotated(query["filename"], query.get("type", "output"))
    root = life_of(request).folders.of(kind)
    if not name or name.startswith("/") or ".." in name or root is None:
        return web.Response(status=400)
    folder = Path(os.path.normpath(root / query.get("subfolder", "")))
    if folder != root and root not in folder.parents:
        return web.Response(status=403)
    path = folder / Path(name).name
    if not path.is_file():
        return web.Response(status=404)
    disposition = {"Content-Disposition": f'filename="{path.name}"'}
    if "preview" in query:
        return web.Response(**_preview(path, query["preview"]), headers=disposition)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {**disposition, "Content-Type": kind, "X-Content-Type-Options": "nosniff"}
    if life_of(request).setup.is_instant:  # its files are tiny: a thread for each would cost more than they do
        return web.Response(body=path.read_bytes(), headers=headers)
    return web.FileResponse(path, headers=headers)


def _annotated(name: str, kind: str) -> tuple[str, str]:
    for candidate in KINDS:
        if name.endswith(f" [{candidate}]"):
            return name.removesuffix(f" [{candidate}]"), candidate
    return name, kind


def _preview(path: Path, wanted: str) -> dict[str, Any]:
    """The image re-encoded, on the event loop as on the real server; for a film this raises, which is a bare 500."""
    parts = wanted.split(";")
    image_format = parts[0] if parts[0] in ("webp", "jpeg") else "webp"
    quality = int(parts[-1]) if parts[-1].isdigit() else PREVIEW_QUALITY
    buffer = io.BytesIO()
    with Image.open(path) as image:
        shown = image.convert("RGB") if image_format == "jpeg" else image
        shown.save(buffer, format=image_format, quality=quality)
    return {"body": buffer.getvalue(), "content_type": f"image/{image_format}"}
