"""Forms that are sent to a double arrive in whatever pieces the network makes of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from pipeline.double.routes_files import fields_of

BOUNDARY = "a-boundary-of-some-length-0123456789"
CONTENT = bytes(range(256)) * 64


class InPieces(StreamReader):
    """A body of which each look finds one piece more."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(BaseProtocol(loop), limit=2**20, loop=loop)
        self._pieces = list(pieces)

    def _arrive(self) -> None:
        if self._pieces and not self._buffer:
            self.feed_data(self._pieces.pop(0))
        if not self._pieces:
            self.feed_eof()

    async def read(self, n: int = -1) -> bytes:
        """What has arrived, at most so much."""
        self._arrive()
        return await super().read(n)

    async def readline(self, **rest: int) -> bytes:
        """A line, which has arrived."""
        self._arrive()
        return await super().readline(**rest)


def _form() -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    return head.encode() + CONTENT + f"\r\n--{BOUNDARY}--\r\n".encode()


def _request(pieces: Sequence[bytes]) -> web.Request:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return make_mocked_request("POST", "/upload/image", headers=headers, payload=InPieces(pieces))


@pytest.mark.parametrize("first", [len(_form()) - len(CONTENT), 130, 200])
@pytest.mark.parametrize("second", [1, 20, 8_000])
def test_a_file_is_read_whole_from_pieces_of_any_size(first: int, second: int) -> None:
    """A piece shorter than the boundary makes the library look again, and put back what was too much."""
    form = _form()
    cuts = [0, first, first + second, first + second + 9, len(form)]
    pieces = [form[start:end] for start, end in itertools.pairwise(cuts)]

    async def read() -> bytes:
        sent = (await fields_of(_request(pieces)))["image"]
        assert not isinstance(sent, str)
        return sent.data

    assert asyncio.run(read()) == CONTENT
