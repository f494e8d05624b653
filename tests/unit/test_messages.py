"""When a message is tried again, and when it is given up; channels as a file has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.messages.channels import Channels, read_channels
from pipeline.domain.errors import Invalid
from pipeline.domain.messages import MOST_TRIES, PAUSES_S, Answer, Fate, Message, MessageKind, after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = Answer(Fate.LATER, "HTTP 503")


@pytest.mark.parametrize("fate", [Fate.SENT, Fate.NEVER])
def test_what_is_settled_is_not_tried_again(fate: Fate) -> None:
    assert after(Answer(fate), key="a", tries=1, now=NOW).fate is fate


@given(key=st.text(max_size=20), tries=st.integers(1, MOST_TRIES - 1))
def test_a_pause_is_as_listed_and_at_most_a_tenth_longer(key: str, tries: int) -> None:
    turn = after(LATER, key=key, tries=tries, now=NOW)
    assert turn.not_before is not None
    assert PAUSES_S[tries - 1] <= (turn.not_before - NOW).total_seconds() <= 1.1 * PAUSES_S[tries - 1] + 0.001


@given(key=st.text(max_size=20), waits=st.lists(st.floats(0, 1e9), min_size=20, max_size=20))
def test_every_message_ends_whatever_the_other_side_asks_for(key: str, waits: list[float]) -> None:
    turns = [after(Answer(Fate.LATER, wait_s=wait), key=key, tries=tries, now=NOW) for tries, wait in enumerate(waits, 1)]
    assert [turn.fate for turn in turns] == [Fate.LATER] * (MOST_TRIES - 1) + [Fate.NEVER] * (21 - MOST_TRIES)
    assert all(turn.not_before <= NOW + timedelta(days=1) for turn in turns if turn.not_before)


def test_who_asks_to_be_left_alone_is_left_alone() -> None:
    turn = after(Answer(Fate.LATER, wait_s=900), key="a", tries=1, now=NOW)
    assert turn.not_before == NOW + timedelta(seconds=900)


def test_channels_are_read_with_one_address_or_several() -> None:
    read = read_channels({"producers": "json://example.com", "crew": ["json://a.example", "json://b.example"]})
    assert read == {"producers": ("json://example.com",), "crew": ("json://a.example", "json://b.example")}
    assert read_channels(None) == {}


@pytest.mark.parametrize("value", [[], "x", {"a": []}, {"a": [1]}, {"a": None}, {1: "json://x"}, {"a": "no-address-hunter2"}])
def test_channels_that_cannot_be_are_told_without_their_addresses(value: object) -> None:
    with pytest.raises(Invalid) as caught:
        read_channels(value)
    assert "hunter2" not in str(caught.value)


def test_a_channel_without_addresses_is_told_here_alone() -> None:
    assert Channels({}).send(Message("a", MessageKind.NOTICE, "producers", "A scene has failed.")).fate is Fate.SENT


def test_an_address_that_cannot_be_understood_is_not_tried_again() -> None:
    channels = Channels({"producers": ("nonsense://x",)})
    assert channels.send(Message("a", MessageKind.NOTICE, "producers", "A scene has failed.")).fate is Fate.NEVER
