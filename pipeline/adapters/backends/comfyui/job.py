"""One attempt in memory: what is known of it, for whoever asks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from pipeline.adapters.backends.comfyui.answers import FILES_LIMIT, MadeFile
from pipeline.adapters.backends.comfyui.messages import (
    Cached,
    Executing,
    Made,
    Message,
    Preview,
    States,
    Step,
    Unread,
    states_of,
)
from pipeline.adapters.backends.comfyui.numbers import row, table
from pipeline.adapters.backends.comfyui.progress import Progress
from pipeline.domain.work import Place, Request, Update, UpdateState

_READ_S = 0.1
"""Nobody sees the progress of an attempt more often."""


@dataclass(eq=False)
class Job:
    """An attempt and how it stands. Changed in the loop only; the engine's thread reads it."""

    request: Request
    place: Place
    client_id: str = ""
    has_begun: bool = False
    is_cancelled: bool = False
    is_heard: bool = False
    """The socket has spoken of it."""
    words: str = ""
    """What is being done for it, where the server says nothing."""
    made: list[MadeFile] = field(default_factory=list)
    """The files that the socket has told of: no promise, the history decides."""
    progress: Progress = field(init=False)
    nudge: asyncio.Event = field(default_factory=asyncio.Event)
    """Look at once: it has ended, or is to be stopped."""
    begun_at: float = 0.0
    _unread: Unread | None = None

    @property
    def id(self) -> str:
        """The attempt's id, which is the job's id on the server too."""
        return self.request.attempt_id

    def __post_init__(self) -> None:
        workflow = table(self.request.parameters.get("workflow"))
        self.progress = Progress(
            table(workflow.get("graph")), [node for node in row(workflow.get("outputs")) if isinstance(node, str)]
        )

    def begin(self) -> None:
        """It runs: from now on its time counts."""
        if not self.has_begun:
            self.begun_at = time.monotonic()
            self.words = ""
            self.has_begun = True

    def hear(self, message: Message) -> None:
        """Take in what the socket says of it."""
        self.is_heard = True
        if isinstance(message, Preview):
            return
        self.begin()
        if isinstance(message, Cached):
            self.progress.cache(message.nodes)
        elif isinstance(message, States):
            self.progress.replace(message.nodes)
        elif isinstance(message, Unread):
            self._put_off(message)
        elif isinstance(message, Step):
            self.progress.step(message.node, message.value, message.maximum)
        elif isinstance(message, Made):
            self.made += message.files[: FILES_LIMIT - len(self.made)]
        elif isinstance(message, Executing):
            self._execute(message.node)

    def _put_off(self, states: Unread) -> None:
        """Read the newest states after a moment: a server sends all of them again with every step, and few are ever looked at."""
        if self._unread is None:
            asyncio.get_running_loop().call_later(_READ_S, self._read)
        self._unread = states

    def _read(self) -> None:
        unread, self._unread = self._unread, None
        states = states_of(unread) if unread else None
        if states is not None:
            self.progress.replace(states.nodes)

    def _execute(self, node: str) -> None:
        if node:
            self.progress.run(node)
        else:
            self.nudge.set()

    def update(self) -> Update:
        """How it stands, as the engine asks for it."""
        note = self.words or self.progress.note or (f"runs on {self.place.name}" if self.has_begun else "")
        return Update(self.id, UpdateState.RUNNING, progress=self.progress.fraction, note=note, has_begun=self.has_begun)
