"""Connections cut the hard way."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web


def cut(request: web.Request) -> web.Response:
    """Reset the connection; what is returned reaches nobody."""
    reset(request.transport)
    return web.Response()


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection so that the other side sees a reset."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
