"""The agent tells a server what its cards say, keeps what it cannot tell for a while, and bothers nobody meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from pipeline.domain.errors import Refused, StripboardError, Unavailable
from pipeline.domain.telemetry.readings import Reading
from pipeline.engine.agent import Agent
from tests.cards import FakeProbe, reading
from tests.fakes import FakeClock

AWAY = Unavailable("http://board does not answer (ConnectionError).")


@dataclass
class FakeSink:
    """Takes readings unless it has an error to raise; `tries` counts how often it was asked."""

    error: StripboardError | None = None
    batches: list[list[Reading]] = field(default_factory=list)
    tries: int = 0

    def send(self, readings: Sequence[Reading], now: datetime) -> None:
        """Taken."""
        self.tries += 1
        if self.error:
            raise self.error
        self.batches.append(list(readings))

    @property
    def told(self) -> list[Reading]:
        """All that was taken."""
        return [each for batch in self.batches for each in batch]


class Desk:
    """An agent with everything around it, every ten seconds."""

    def __init__(self, cards: int = 1, **options: Any) -> None:
        self.probe = FakeProbe([reading(device=device) for device in range(cards)])
        self.sink = FakeSink()
        self.clock = FakeClock()
        self.lines: list[str] = []
        wanted = {"every_s": 10.0, "jitter": lambda: 1.0, "tell": self.lines.append, **options}
        self.agent = Agent(self.probe, self.sink, self.clock, **wanted)

    def steps(self, count: int) -> None:
        """So many turns, ten seconds apart."""
        for _ in range(count):
            self.agent.step()
            self.clock.advance(10)


def test_every_step_tells_every_card_once() -> None:
    desk = Desk(cards=2)
    desk.steps(3)
    assert [[each.device for each in batch] for batch in desk.sink.batches] == [[0, 1]] * 3
    assert len({each.at for each in desk.sink.told}) == 3 and desk.lines == []


def test_only_the_wanted_cards_are_told_and_none_at_all_is_an_error() -> None:
    desk = Desk(cards=3, devices=[1])
    desk.steps(1)
    assert [each.device for each in desk.sink.told] == [1]
    other = Desk(cards=3, devices=[7])
    other.probe.why_none = ""
    with pytest.raises(Unavailable, match=r"numbers \[7\]"):
        other.agent.cards()
    with pytest.raises(Unavailable, match="Driver Not Loaded"):
        Desk(cards=0).agent.cards()


def test_what_a_server_misses_is_kept_and_told_when_it_is_back() -> None:
    desk = Desk()
    desk.steps(2)
    desk.sink.error = AWAY
    desk.steps(12)
    assert desk.agent.waiting == 12
    desk.sink.error = None
    desk.steps(8)
    assert desk.agent.waiting == 0 and len(desk.sink.told) == 22
    assert desk.lines == [
        "http://board does not answer (ConnectionError). Readings are kept for 10 minutes, and tried again.",
        "The server takes readings again; 13 had waited.",
    ]


def test_a_server_that_is_away_is_asked_less_and_less_often() -> None:
    desk = Desk()
    desk.sink.error = AWAY
    desk.steps(60)
    assert 10 <= desk.sink.tries <= 13, "after 20, 40 and then every 60 seconds"


def test_no_more_than_some_minutes_of_readings_are_kept() -> None:
    desk = Desk()
    desk.sink.error = AWAY
    desk.steps(500)
    assert desk.agent.waiting == 61


def test_many_waiting_readings_go_in_bounded_batches() -> None:
    desk = Desk(cards=50)
    desk.sink.error = AWAY
    desk.steps(50)
    desk.sink.error = None
    desk.steps(10)
    assert max(len(batch) for batch in desk.sink.batches) == 2000 and desk.agent.waiting == 0


def test_a_server_that_refuses_the_first_readings_ends_the_agent_and_a_later_refusal_does_not() -> None:
    desk = Desk()
    desk.sink.error = Refused("That is not the key.")
    with pytest.raises(Refused):
        desk.agent.run(threading.Event())
    later = Desk()
    later.steps(1)
    later.sink.error = Refused("That is not the key.")
    later.steps(2)
    assert later.agent.waiting == 2 and later.lines[0].startswith("That is not the key. Readings are kept")


def test_cards_that_fall_silent_are_told_of_once_and_again_when_they_are_back() -> None:
    desk = Desk()
    desk.steps(1)
    cards, desk.probe.cards = desk.probe.cards, []
    desk.steps(3)
    desk.probe.cards = cards
    desk.steps(2)
    assert desk.lines == ["The cards do not answer: the driver says: Driver Not Loaded.", "The cards answer again."]


def test_it_ends_when_it_is_told_to() -> None:
    desk = Desk()
    over = threading.Event()
    over.set()
    desk.agent.run(over)
    assert len(desk.sink.batches) == 1
