"""`up` and `engine`: the board and the engine, until they are told to stop."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import click

from pipeline.cli.console import say
from pipeline.cli.exits import Exit
from pipeline.cli.studios import open_studio
from pipeline.domain.errors import Refused, Unavailable

if TYPE_CHECKING:
    from pipeline.wiring import Studio

PORT = 8050
port_option = click.option(
    "--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, metavar="P", help="Its port."
)
_PATIENCE_S = 3
_MOST_SAID_BYTES = 65_536


@click.command("up", short_help="Serve the board, with an engine beside it.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H", help="The address to listen on.")
@port_option
@click.option(
    "--insecure", is_flag=True, help="Listen on other addresses although there are no accounts: anyone there may do anything."
)
@click.option("--no-engine", is_flag=True, help="Without an engine: `./stripboard engine` runs elsewhere.")
@click.option("--parallel", type=click.IntRange(1, 256), metavar="N", help="Attempts at the same time; default: one a core.")
def up_command(host: str, port: int, insecure: bool, no_engine: bool, parallel: int | None) -> int:
    """Serve the board on this machine until Ctrl-C. Closing it loses nothing: the next start goes on."""
    check_host(host, insecure=insecure)
    with open_studio() as studio:
        serve(studio, host=host, port=port, has_engine=not no_engine, parallel=parallel)
    return Exit.DONE


@click.command("engine", short_help="Run an engine without the board.")
@click.option("--parallel", type=click.IntRange(1, 256), metavar="N", help="Attempts at the same time; default: one a core.")
def engine_command(parallel: int | None) -> int:
    """Work on every running run until Ctrl-C; `up --no-engine` shows the board meanwhile."""
    from pipeline import wiring_serving

    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with open_studio() as studio, wiring_serving.working(studio, parallel) as loop:
        say("The engine works. Ctrl-C stops it cleanly.")
        while not over.wait(1.0):
            if loop.error is not None:
                raise loop.error
    return Exit.DONE


def check_host(host: str, *, insecure: bool) -> None:
    """Raises Refused for an address that others can reach, unless that is wished."""
    if insecure or host == "localhost":
        return
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    raise Refused(
        f"--host {host} lets others reach the board, and there are no accounts yet: whoever opens it may submit, approve and "
        "cancel. Leave --host out, or add --insecure if everybody on that network may do so."
    )


def serve(
    studio: Studio,
    *,
    host: str,
    port: int,
    has_engine: bool = True,
    parallel: int | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM. `ready` is called with the board's address once it answers."""
    import uvicorn

    import app
    from pipeline import wiring_serving

    engine = partial(wiring_serving.working, studio, parallel) if has_engine else wiring_serving.idle
    asgi = app.build(studio, engine, (*studio.settings.hosts, host))
    address = f"http://{'localhost' if host == '127.0.0.1' else host}:{port}/"

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                (ready or _say_ready)(address)

    config = uvicorn.Config(
        asgi,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_PATIENCE_S,
        ws_max_size=_MOST_SAID_BYTES,
    )
    # Uvicorn stops at SIGTERM and then raises it once more. Nothing may end the process there: what is open has to be closed yet.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        Server(config).run()
    except SystemExit as error:
        raise Unavailable(f"The board cannot listen on {host}:{port}. Is another one running? Choose another --port.") from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _say_ready(address: str) -> None:
    say(f"The board is at {address}  Ctrl-C stops it.")
