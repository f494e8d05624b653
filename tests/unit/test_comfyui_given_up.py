"""What was given up at a server is taken back when it is seen there: once at a time, and only what is remembered."""

from __future__ import annotations

import asyncio

from pipeline.adapters.backends.comfyui.given_up import GivenUp


class Servant:
    """Takes back what it is told to, when the test lets it; `has_ended` is what it says of it."""

    def __init__(self, *, has_ended: bool = True) -> None:
        self.asked: list[str] = []
        self.has_ended = has_ended
        self.may_end = asyncio.Event()

    async def take_back(self, job_id: str) -> bool:
        """Note it."""
        self.asked.append(job_id)
        await self.may_end.wait()
        return self.has_ended


async def _pause() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_only_what_was_given_up_is_taken_back_and_not_twice_at_once() -> None:
    async def story() -> list[str]:
        servant = Servant(has_ended=False)
        given_up = GivenUp(servant.take_back)
        given_up.add("ours")
        for _ in range(2):
            given_up.seen({"ours", "theirs"})
            await _pause()
        servant.may_end.set()
        await _pause()
        given_up.seen({"ours"})
        await _pause()
        await given_up.close()
        return servant.asked

    assert asyncio.run(story()) == ["ours", "ours"], "a second time when it is seen again"


def test_what_has_ended_there_is_forgotten() -> None:
    async def story() -> list[str]:
        servant = Servant()
        servant.may_end.set()
        given_up = GivenUp(servant.take_back)
        given_up.add("ours")
        for _ in range(2):
            given_up.seen({"ours"})
            await _pause()
        return servant.asked

    assert asyncio.run(story()) == ["ours"]


def test_so_many_are_remembered_and_the_oldest_goes_first() -> None:
    async def story() -> list[str]:
        servant = Servant()
        given_up = GivenUp(servant.take_back, most=2)
        for job_id in "abc":
            given_up.add(job_id)
        given_up.seen("abc")
        await _pause()
        await given_up.close()
        return servant.asked

    assert asyncio.run(story()) == ["b", "c"]


def test_leaving_waits_for_no_server() -> None:
    async def story() -> None:
        given_up = GivenUp(Servant().take_back)
        given_up.add("ours")
        given_up.seen({"ours"})
        await _pause()
        await asyncio.wait_for(given_up.close(), 5)

    asyncio.run(story())
