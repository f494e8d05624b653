"""Which servers write into one output folder: there they overwrite each other's files, for they count names apart."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence

from pipeline.adapters.backends.comfyui.calls import Calls, new_session
from pipeline.domain.errors import Unavailable, WorkFailed

MARK = "stripboard_output_folder.txt"
_ANSWER_S = 5.0
_LIMIT = 200


def sharing(urls: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The other servers that write into the same output folder, by server; none for one that stands alone.

    Each server is given a mark of its own to keep there, always under the same name, and then all are asked for it: who holds
    the mark of another shares its folder with it. A server that does not answer, or holds a mark that is nobody's, is left out.
    """
    return asyncio.run(_sharing(list(urls))) if len(urls) > 1 else {}


async def _sharing(urls: list[str]) -> Mapping[str, tuple[str, ...]]:
    marks = {url: uuid.uuid4().hex.encode() for url in urls}
    async with new_session() as session:
        calls = {url: Calls(session, url, answer_s=_ANSWER_S) for url in urls}
        put = await asyncio.gather(*(_put(calls[url], marks[url]) for url in urls))
        marked = [url for url, is_there in zip(urls, put, strict=True) if is_there]
        found = dict(zip(marked, await asyncio.gather(*(_held(calls[url]) for url in marked)), strict=True))
    held = {url: mark for url, mark in found.items() if mark in marks.values()}
    return {url: tuple(other for other in held if other != url and held[other] == mark) for url, mark in held.items()}


async def _put(calls: Calls, mark: bytes) -> bool:
    try:
        await calls.put(mark, name=MARK, media_type="text/plain", folder="output")
    except (Unavailable, WorkFailed):
        return False
    return True


async def _held(calls: Calls) -> bytes:
    try:
        return await calls.read({"filename": MARK, "subfolder": "", "type": "output"}, limit=_LIMIT)
    except Unavailable:
        return b""
