"""HTTP to one server that is not trusted: every answer is bounded in size and time, no redirect is followed."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import aiohttp

from pipeline.adapters import small_files
from pipeline.adapters.backends.comfyui.numbers import table, text
from pipeline.adapters.media.failures import library_errors
from pipeline.domain.errors import Invalid, Unavailable, WorkFailed

ANSWER_LIMIT = 16 * 1024**2
_CHUNK = 1 << 18
_LARGE = 1 << 18
_SLOWEST_BYTES_A_SECOND = 64 * 1024
_NAME_LIMIT = 500
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError)


class NoAnswer(Unavailable):
    """There is no answer to go by: none came, or none that makes sense. `is_refused`: nothing listens at the address."""

    def __init__(self, message: str, *, is_refused: bool = False) -> None:
        super().__init__(message)
        self.is_refused = is_refused


@dataclass(frozen=True)
class Answer:
    """An HTTP status, and the JSON that came with it; None when it was no JSON."""

    status: int
    data: Any


def checked_url(url: str) -> str:
    """The address of a server without a slash at its end. Raises Invalid unless it is a plain http or https address."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_plain = False
    if not is_plain or parts.username or parts.password or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise Invalid(f'"{url[:100]}" is not the address of a worker. Write it like http://10.0.0.5:8188.')
    return url.rstrip("/")


def new_session() -> aiohttp.ClientSession:
    """A session for all servers: no cookies, no proxies of the environment, nothing decompressed."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=8),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )


def new_socket_session() -> aiohttp.ClientSession:
    """A session for the sockets of all servers: as above, and one that is redirected fails, wherever it is sent."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_redirection)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, trace_configs=[trace]
    )


async def _refuse_redirection(*_: object) -> None:
    raise aiohttp.ClientError("a socket is not redirected")


class Calls:
    """The requests to the server at `url`. All raise NoAnswer when there is no answer to go by."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *, answer_s: float = 20.0) -> None:
        self.url = checked_url(url)
        self.session = session
        self._answer_s = answer_s

    async def get(self, path: str, *, limit: int = ANSWER_LIMIT) -> Answer:
        """GET a small JSON answer of at most `limit` bytes."""
        return await self._json("GET", path, limit=limit)

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """POST JSON."""
        content = json.dumps(body).encode()
        return await self._json("POST", path, data=content, headers={"Content-Type": "application/json"})

    async def ask(self, path: str, *, limit: int = ANSWER_LIMIT) -> Any:
        """GET JSON that must come with status 200; any other answer is none."""
        answer = await self.get(path, limit=limit)
        if answer.status != 200 or answer.data is None:
            raise NoAnswer(f"It answers {path.split('/')[1]} with HTTP status {answer.status} and no JSON of use.")
        return answer.data

    async def upload(self, path: Path, *, name: str, media_type: str) -> str:
        """Send a picture under a name; the answer is the name by which a graph loads it."""
        return await self.put(await asyncio.to_thread(path.read_bytes), name=name, media_type=media_type)

    async def put(self, content: bytes, *, name: str, media_type: str, folder: str = "input") -> str:
        """Store a file in a folder of the server (input, output or temp); the answer is the name that it has there."""
        form = aiohttp.FormData()
        form.add_field("image", content, filename=name, content_type=media_type)
        form.add_field("overwrite", "true")
        form.add_field("type", folder)
        answer = await self._json("POST", "/upload/image", data=form, total_s=10 * self._answer_s)
        facts = table(answer.data)
        stored, below = text(facts.get("name"), _NAME_LIMIT), text(facts.get("subfolder"), _NAME_LIMIT)
        if answer.status == 413:
            raise WorkFailed("bad_input", f"The worker refused a picture of {len(content)} bytes: it is too large for it.")
        if answer.status != 200 or not stored or not (below + stored).isprintable():
            raise NoAnswer(f"It did not take a picture (HTTP status {answer.status}).")
        return f"{below}/{stored}" if below else stored

    async def read(self, query: Mapping[str, str], *, limit: int) -> bytes:
        """The content of a small file of the server; NoAnswer when it is not there or longer than `limit`."""
        async with self._request("GET", f"/view?{urlencode(query, quote_via=quote)}") as response:
            content = await response.content.read(limit + 1)
            if response.status != 200 or len(content) > limit:
                raise NoAnswer(f"It does not hand out a small file (HTTP status {response.status}).")
            return content

    async def uploaded_bytes(self, name: str) -> int:
        """The size of a picture that was uploaded under this name; -1 when it is not there."""
        query = urlencode({"filename": name, "subfolder": "", "type": "input"})
        async with self._request("HEAD", f"/view?{query}") as response:
            length = response.headers.get("Content-Length", "")
            return int(length) if response.status == 200 and length.isascii() and length.isdigit() else -1

    async def download(self, query: Mapping[str, str], target: Path, *, limit: int) -> int:
        """Write a file of the server to `target`, at most `limit` bytes; how many there were, or -1 when it has no such file.

        Raises WorkFailed("corrupt_output") when it is longer.
        """
        async with self._request("GET", f"/view?{urlencode(query, quote_via=quote)}", total_s=None) as response:
            if response.status in (400, 403, 404):
                return -1
            if response.status != 200:
                raise NoAnswer(f"It does not hand out a file (HTTP status {response.status}).")
            length = response.content_length
            if length is not None and length > limit:
                _too_long(limit)
            return await _write(response, target, limit)

    async def _json(self, method: str, path: str, *, limit: int = ANSWER_LIMIT, total_s: float = 0.0, **sent: Any) -> Answer:
        async with self._request(method, path, total_s=total_s or self._answer_s, **sent) as response:
            content = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                content += chunk
                if len(content) > limit:
                    raise NoAnswer(f"Its answer is longer than {limit} bytes.")
            status = response.status
        # A large answer would hold up everybody else while it is read.
        return Answer(status, await asyncio.to_thread(_parsed, content) if len(content) > _LARGE else _parsed(content))

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, *, total_s: float | None = 0.0, **sent: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        total = self._answer_s if total_s == 0.0 else total_s
        limits = aiohttp.ClientTimeout(total=total, connect=self._answer_s / 2, sock_read=self._answer_s)
        try:
            async with self.session.request(method, self.url + path, allow_redirects=False, timeout=limits, **sent) as response:
                if 300 <= response.status < 400 or response.headers.get("Content-Encoding", "identity") != "identity":
                    raise NoAnswer("It answers with a redirection or compressed, as no ComfyUI server does.")
                yield response
        except aiohttp.ClientConnectorError as error:
            refused = getattr(getattr(error, "os_error", None), "errno", None) == errno.ECONNREFUSED
            raise NoAnswer("Nothing answers at its address.", is_refused=refused) from error
        except _FAILURES as error:
            raise NoAnswer(f"It gave no whole answer ({type(error).__name__}).") from error


async def _write(response: aiohttp.ClientResponse, target: Path, limit: int) -> int:
    """The body into the file. Who drips slower than any network is cut off."""
    began, received = time.monotonic(), 0
    with _opened(target) as descriptor:
        async for chunk in response.content.iter_chunked(_CHUNK):
            received += len(chunk)
            if received > limit:
                _too_long(limit)
            if time.monotonic() - began > 30 + received / _SLOWEST_BYTES_A_SECOND:
                raise NoAnswer("It hands out a file so slowly that it would never be whole.")
            with _disk_errors():
                small_files.write_all(descriptor, chunk)
    if response.content_length is not None and received != response.content_length:
        raise NoAnswer("It handed out a file in part.")
    return received


@contextmanager
def _opened(target: Path) -> Iterator[int]:
    with _disk_errors():
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        yield descriptor
    finally:
        with _disk_errors():
            os.close(descriptor)


def _disk_errors() -> AbstractContextManager[None]:
    """Trouble of this machine's disk is none of the server's."""
    return library_errors("backend_error", "The file of the worker cannot be written")


def _too_long(limit: int) -> NoReturn:
    raise WorkFailed("corrupt_output", f"The worker hands out more than {limit} bytes for one attempt, which is not accepted.")


def _parsed(content: bytearray) -> Any:
    try:
        return json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
