"""A double of a ComfyUI server: started, stopped, killed and started again, with faults and a witness of what it ran."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

from pipeline.double import loop as shared
from pipeline.double.application import application
from pipeline.double.faults import Faults
from pipeline.double.gates import Gates
from pipeline.double.ledger import Ledger
from pipeline.double.life import Life, Setup
from pipeline.double.wire import reset
from pipeline.double.worker import start_worker

_QUIET = logging.getLogger("stripboard.double")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class DoubleServer:
    """One server. `faults` plans what goes wrong, `gates` hold jobs at a point, `ledger` lists what it really ran.

    All servers of a process share one event loop; each has a thread that runs its jobs. Use it as a context, or `start` and
    `stop` it. Queue, history, node cache and loaded models are those of one life; files and ledger stay.
    """

    def __init__(self, home: Path, *, host: str = "127.0.0.1", port: int = 0, **setup: Any) -> None:
        """`setup` are the fields of `Setup`: version, name, speed, model_load_s, vram_gb, gpu_name, models, is_instant, ..."""
        self.setup = Setup(home=Path(home).resolve(), **setup)
        self.faults, self.gates = Faults(), Gates()
        self.ledger = Ledger(self.setup.home / "ledger.jsonl")
        self.host, self.port = host, port
        self.life: Life | None = None
        self._lives = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: web.AppRunner | None = None
        self._worker: threading.Thread | None = None
        self._sender: asyncio.Task[None] | None = None
        self._ending = threading.Lock()

    @property
    def url(self) -> str:
        """Where it answers, once it has been started; the port stays the same over restarts."""
        return f"http://{self.host}:{self.port}"

    @property
    def is_working(self) -> bool:
        """Whether the thread that runs jobs is alive."""
        return self._worker is not None and self._worker.is_alive()

    def start(self) -> DoubleServer:
        """Begin a life. Does nothing while one goes on."""
        if self.life is not None:
            return self
        self._loop = shared.join()
        self._lives += 1
        life = Life(self.setup, loop=self._loop, faults=self.faults, gates=self.gates, ledger=self.ledger, number=self._lives)
        life.folders.wipe_temp()
        life.kill = self._killed_from_inside
        try:
            shared.run(self._loop, self._open(life))
        except BaseException:
            shared.leave()
            raise
        self.life = life
        self._worker = start_worker(life)
        return self

    def stop(self) -> None:
        """End the life in order: sockets are closed; queue and history are lost all the same. Temp files are removed."""
        life = self._end(is_killed=False)
        if life is not None:
            life.folders.wipe_temp()

    def kill(self) -> None:
        """End the life at once, as kill -9 does: connections are reset, a running job leaves nothing behind."""
        self._end(is_killed=True)

    def restart(self) -> DoubleServer:
        """A new life on the same port; a life that still goes on is killed first."""
        self.kill()
        return self.start()

    def _end(self, *, is_killed: bool) -> Life | None:
        with self._ending:
            life, self.life = self.life, None
            if life is None or self._loop is None:
                return None
            life.end()
            shared.run(self._loop, self._close(is_killed))
            if self._worker is not threading.current_thread() and self._worker is not None:
                self._worker.join()
            self._worker = None
            shared.leave()
            return life

    def _killed_from_inside(self) -> None:
        """A planned kill, from the loop or from the worker: neither can wait for itself."""
        if self._loop is None or self.life is None:
            return
        self.life.queue.end()
        asyncio.run_coroutine_threadsafe(self._close(True), self._loop)

    async def _open(self, life: Life) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        self.port = listener.getsockname()[1]
        pages = self.setup.home / "web"
        pages.mkdir(exist_ok=True)
        self._runner = web.AppRunner(
            application(life, pages), access_log=None, logger=_QUIET, handle_signals=False, shutdown_timeout=0.01
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self._sender = asyncio.get_running_loop().create_task(life.sockets.send_forever())

    async def _close(self, is_killed: bool) -> None:
        sender, self._sender = self._sender, None
        runner, self._runner = self._runner, None
        if sender is not None:
            sender.cancel()
            with suppress(asyncio.CancelledError):
                await sender
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        web_server = runner.server
        for _ in range(10):  # whoever was let in while the door closed would wait for an answer for ever
            _cut_all(web_server, is_killed)
            await asyncio.sleep(0)
        with suppress(ConnectionError):  # a handler may hear of its cut connection only now
            await runner.cleanup()

    def __enter__(self) -> DoubleServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.gates.open_all()
        self.stop()


def _cut_all(web_server: web.Server | None, is_killed: bool) -> None:
    """Neither way says goodbye: clients see 1006 from a process that ends, however it ends."""
    for connection in list(web_server.connections) if web_server else []:
        if is_killed:
            reset(connection.transport)
        elif connection.transport is not None:
            connection.transport.abort()


def fleet(home: Path, count: int, **setup: Any) -> list[DoubleServer]:
    """So many servers, started, each in a folder of its own; they must be stopped one by one."""
    names = [f"double-{number}" for number in range(1, count + 1)]
    return [DoubleServer(home / name, name=name, **setup).start() for name in names]
