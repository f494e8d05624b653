"""The outbox: a message is sent once it is due, tried again with pauses, given up, and sent again when somebody asks for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.domain.errors import Conflict, NotFound
from pipeline.domain.messages import MOST_TRIES, PAUSES_S, Answer, Fate, Message, MessageKind
from pipeline.services.messages import Messages
from tests.factories import PERSON, House
from tests.rest import RestClient


class Scripted:
    """A sender that gives these answers one after the other, the last one from then on."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers) or [Answer(Fate.SENT)]
        self.sent: list[Message] = []

    def send(self, message: Message, now: datetime) -> Answer:
        """Note it and answer."""
        self.sent.append(message)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


LATER = Answer(Fate.LATER, "HTTP 503")


def put(house: House, kind: str = "webhook", target: str = "https://example.com/hook", **payload: Any) -> int:
    """A message of a rule, due now."""
    told = {"title": "notify", "text": "A scene has failed.", "rule": "notify", "event": {"type": "cell.failed"}, **payload}
    with house.studio.stores.begin(house.clock.now()) as store:
        return store.messages.add(kind=kind, target=target, payload=told, now=house.clock.now())


def over(house: House, *answers: Answer) -> tuple[Messages, Scripted]:
    """The service over a scripted sender."""
    sender = Scripted(*answers)
    return Messages(house.studio.stores, sender, house.clock), sender


def test_what_is_due_is_sent_once(house: House) -> None:
    messages, sender = over(house)
    put(house)
    put(house, "apprise", "producers")
    assert messages.send_due() == 2
    assert messages.send_due() == 0
    assert {(one.kind, one.to, one.title) for one in sender.sent} == {
        (MessageKind.WEBHOOK, "https://example.com/hook", "cell.failed"),
        (MessageKind.NOTICE, "producers", "notify"),
    }
    assert [one.state for one in messages.latest()] == ["sent", "sent"]


def test_what_fails_is_tried_again_after_its_pause_under_the_same_key(house: House) -> None:
    messages, sender = over(house, LATER, Answer(Fate.SENT))
    put(house)
    messages.send_due()
    assert messages.send_due() == 0
    house.clock.advance(1.2 * PAUSES_S[0])
    assert messages.send_due() == 1
    assert len({one.key for one in sender.sent}) == 1
    [found] = messages.latest()
    assert (found.state, found.attempts) == ("sent", 2)


def test_after_the_last_try_it_is_a_dead_letter_that_says_why(house: House) -> None:
    messages, sender = over(house, LATER)
    put(house)
    for _ in range(MOST_TRIES):
        assert messages.send_due() == 1
        house.clock.advance(1.2 * PAUSES_S[-1])
    assert messages.send_due() == 0
    [dead] = messages.latest(states=("dead",))
    assert (dead.state, dead.last_error, len(sender.sent)) == ("dead", "HTTP 503", MOST_TRIES)


def test_what_never_can_arrive_is_dead_at_once(house: House) -> None:
    messages, sender = over(house, Answer(Fate.NEVER, "refused"))
    put(house)
    messages.send_due()
    assert [one.last_error for one in messages.latest(states=("dead",))] == ["refused"]
    assert len(sender.sent) == 1


def test_a_dead_letter_is_delivered_again_by_hand_and_nothing_else_is(house: House) -> None:
    messages, sender = over(house, Answer(Fate.NEVER, "refused"), Answer(Fate.SENT))
    number = put(house)
    with pytest.raises(Conflict):
        messages.redeliver(number, PERSON)
    messages.send_due()
    messages.redeliver(number, PERSON)
    assert messages.send_due() == 1
    assert messages.latest(states=("dead",)) == []
    assert len({one.key for one in sender.sent}) == 1
    with pytest.raises(Conflict):
        messages.redeliver(number, PERSON)
    with pytest.raises(NotFound):
        messages.redeliver(999_999, PERSON)


def test_what_a_dead_process_has_claimed_is_sent_by_another(house: House) -> None:
    messages, sender = over(house)
    put(house)
    now = house.clock.now()
    with house.studio.stores.begin(now) as store:
        store.messages.claim(now, now + timedelta(seconds=180), 4)
    assert messages.send_due() == 0
    house.clock.advance(181)
    assert messages.send_due() == 1
    assert len(sender.sent) == 1


def test_more_than_a_handful_are_sent_in_one_go(house: House) -> None:
    messages, sender = over(house)
    for number in range(11):
        put(house, text=f"{number}")
    assert messages.send_due() == 11
    assert sorted(int(one.text) for one in sender.sent) == list(range(11))


def test_a_message_in_the_app_is_not_sent_anywhere(house: House) -> None:
    messages, sender = over(house)
    put(house, "in_app", "producers")
    assert messages.send_due() == 0
    assert not sender.sent


def test_the_bell_tells_what_rules_say_here_and_which_messages_were_given_up(house: House) -> None:
    messages, _ = over(house, Answer(Fate.NEVER, "it is not on the public internet"))
    put(house, "in_app", "producers", text="A character is complete.")
    put(house)
    messages.send_due()
    told = [notice.text for notice in house.studio.activity.notices() if notice.kind == "rule"]
    assert sorted(told) == [
        "A character is complete.",
        "a message to https://example.com/hook was given up: it is not on the public internet",
    ]


def test_rest_lists_what_was_given_up_and_sends_it_again(house: House) -> None:
    messages, _ = over(house, Answer(Fate.NEVER, "refused"))
    number = put(house)
    messages.send_due()
    client = RestClient(house)
    [dead] = client.get("messages", params={"state": "dead"}).json()["items"]
    assert (dead["id"], dead["target"], dead["last_error"]) == (number, "https://example.com/hook", "refused")
    assert client.ask("POST", f"messages/{number}/redeliver").status_code == 204
    assert client.get("messages", params={"state": "dead"}).json()["items"] == []
    assert client.ask("POST", f"messages/{number}/redeliver").status_code == 409
    assert client.ask("POST", "messages/999/redeliver").status_code == 404
