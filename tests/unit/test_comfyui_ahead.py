"""Fetching ahead: what was begun on a guess serves when the guess was right, and leaves no trace when it was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.backends.comfyui.ahead import FetchedAhead
from pipeline.adapters.backends.comfyui.answers import MadeFile
from pipeline.domain.errors import WorkFailed

RIGHT, WRONG = [MadeFile("7", "a.mp4", "", "output")], [MadeFile("8", "b.mp4", "", "output")]


class Fetcher:
    """Fetches nothing; knows what was begun, what was cut off, and how often two were at work at once."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cut_off: list[str] = []
        self.at_work = self.most = 0
        self.go_on = asyncio.Event()
        self.failure: Exception | None = None

    async def fetch(self, files: list[MadeFile]) -> list[Path]:
        """Wait until it may go on."""
        self.begun.append(files[0].filename)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cut_off.append(files[0].filename)
            raise
        finally:
            self.at_work -= 1
        if self.failure:
            raise self.failure
        return [Path(file.filename) for file in files]


def played(play: Coroutine[Any, Any, None]) -> None:
    """Within a loop of its own."""
    asyncio.run(asyncio.wait_for(play, 10))


def test_a_right_guess_is_not_fetched_again() -> None:
    async def play() -> None:
        fetcher = Fetcher()
        ahead = FetchedAhead(fetcher.fetch)
        ahead.begin(RIGHT)
        ahead.begin(WRONG)
        fetcher.go_on.set()
        assert await ahead.paths(list(RIGHT)) == [Path("a.mp4")] and fetcher.begun == ["a.mp4"]

    played(play())


def test_a_wrong_guess_has_ended_before_the_right_files_are_fetched() -> None:
    async def play() -> None:
        fetcher = Fetcher()
        ahead = FetchedAhead(fetcher.fetch)
        ahead.begin(WRONG)
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, fetcher.go_on.set)
        assert await ahead.paths(RIGHT) == [Path("a.mp4")]
        assert (fetcher.begun, fetcher.cut_off, fetcher.most) == (["b.mp4", "a.mp4"], ["b.mp4"], 1)

    played(play())


def test_without_a_guess_files_are_fetched_when_they_are_asked_for() -> None:
    async def play() -> None:
        fetcher = Fetcher()
        ahead = FetchedAhead(fetcher.fetch)
        ahead.begin([])
        fetcher.go_on.set()
        assert await ahead.paths(RIGHT) == [Path("a.mp4")]

    played(play())


def test_what_a_right_guess_fails_of_reaches_whoever_asks() -> None:
    async def play() -> None:
        fetcher = Fetcher()
        fetcher.failure = WorkFailed("corrupt_output", "it is gone")
        ahead = FetchedAhead(fetcher.fetch)
        ahead.begin(RIGHT)
        fetcher.go_on.set()
        with pytest.raises(WorkFailed, match="it is gone"):
            await ahead.paths(RIGHT)
        await ahead.stop()

    played(play())


def test_whoever_is_stopped_leaves_nothing_at_work() -> None:
    async def play() -> None:
        fetcher = Fetcher()
        ahead = FetchedAhead(fetcher.fetch)
        ahead.begin(RIGHT)
        await asyncio.sleep(0)
        await ahead.stop()
        assert (fetcher.cut_off, fetcher.at_work) == (["a.mp4"], 0)

    played(play())
