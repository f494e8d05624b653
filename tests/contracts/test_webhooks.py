"""Webhooks as a receiver on this machine sees them, and what becomes of bad answers."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pipeline import settings
from pipeline.adapters.messages.addresses import Policy, by_system, networks
from pipeline.adapters.messages.channels import Channels
from pipeline.adapters.messages.sender import Sender, kept_secret
from pipeline.adapters.messages.webhooks import MOST_BYTES, Webhooks, checked_secret
from pipeline.domain.errors import Invalid
from pipeline.domain.messages import Answer, Fate, Message, MessageKind
from pipeline.wiring_messages import build_sender
from tests.webhooks import Receiver, Respond, certificate, receiving, with_status

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HERE = Policy(networks("127.0.0.0/8"), allows_http=True)


def now() -> datetime:
    return datetime.now(UTC)


def told(url: str, key: str = "msg_1") -> Message:
    return Message(key, MessageKind.WEBHOOK, url, "cell.approved", data={"scene": "Mara / casual / dänce"})


def call(receiver: Receiver, *, path: str = "/hook", limit_s: float = 15.0, moment: datetime | None = None) -> Answer:
    webhooks = Webhooks(SECRET, HERE, limit_s=limit_s)
    return webhooks.send(told(f"http://127.0.0.1:{receiver.port}{path}"), moment or now())


def answer_to(respond: Respond, *, limit_s: float = 15.0) -> Answer:
    with receiving(respond) as receiver:
        return call(receiver, limit_s=limit_s)


def test_a_receiver_can_check_who_sent_it() -> None:
    with receiving(with_status(204, b"")) as receiver:
        assert call(receiver, path="/hook?x=1").fate is Fate.SENT
    [one] = receiver.calls
    assert one.path == "/hook?x=1"
    assert one.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert one.headers["webhook-id"] == "msg_1"
    found = Webhook(SECRET).verify(one.body, one.headers)
    assert found["type"] == "cell.approved"
    assert found["data"] == {"scene": "Mara / casual / dänce"}


def test_a_changed_body_is_found_out() -> None:
    with receiving(with_status(200)) as receiver:
        call(receiver)
    [one] = receiver.calls
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(one.body.replace(b"approved", b"rejected"), one.headers)


def test_every_try_has_the_same_id_and_a_time_of_its_own() -> None:
    moment = now()
    with receiving(with_status(503)) as receiver:
        for seconds in (0, 90):
            call(receiver, moment=moment + timedelta(seconds=seconds))
    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 90


@pytest.mark.parametrize(
    ("status", "fate"),
    [(200, Fate.SENT), (204, Fate.SENT), (400, Fate.LATER), (404, Fate.LATER), (410, Fate.NEVER), (429, Fate.LATER),
     (500, Fate.LATER), (503, Fate.LATER)],
)  # fmt: skip
def test_the_status_says_what_follows(status: int, fate: Fate) -> None:
    assert answer_to(with_status(status, b"" if status == 204 else b"ok")).fate is fate


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_sent_elsewhere(status: int) -> None:
    with receiving(with_status(200)) as other:
        elsewhere = f"http://127.0.0.1:{other.port}/"
        assert answer_to(with_status(status, location=elsewhere)).fate is Fate.NEVER
    assert not other.calls


def test_the_wish_to_be_left_alone_is_heard() -> None:
    assert answer_to(with_status(429, retry_after="120")).wait_s == 120
    date = (now() + timedelta(seconds=300)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert 290 < answer_to(with_status(503, retry_after=date)).wait_s <= 300
    assert answer_to(with_status(503, retry_after="soon")).wait_s == 0


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(with_status(200)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with receiving(with_status(200)) as receiver:
            assert call(receiver).fate is Fate.SENT
    assert len(receiver.calls) == 1
    assert not proxy.calls


def test_an_answer_without_end_is_not_read_to_it() -> None:
    sent = [0]

    def pour(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(2_000):
            sent[0] += request.wfile.write(b"x" * MOST_BYTES)

    assert answer_to(pour).fate is Fate.SENT
    assert sent[0] < 2_000 * MOST_BYTES


def test_an_answer_that_drips_is_cut_off() -> None:
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        while not over.wait(0.02):
            request.wfile.write(b"H")

    try:
        answer = answer_to(drip, limit_s=0.3)
    finally:
        over.set()
    assert answer == Answer(Fate.LATER, "It did not answer within 0.3 s.")


@pytest.mark.parametrize(
    "text", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, b"HTTP/1.1 99999\r\n\r\n"]
)
def test_what_is_no_answer_is_tried_again(text: bytes) -> None:
    def respond(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(text)

    assert answer_to(respond).fate is Fate.LATER


def test_nobody_at_home_is_tried_again() -> None:
    with receiving(with_status(200)) as receiver:
        pass
    assert call(receiver).fate is Fate.LATER


def test_a_name_is_looked_up_once_and_not_again_for_the_connection() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    with receiving(with_status(200)) as receiver:
        answer = Webhooks(SECRET, HERE, resolve).send(told(f"http://hooks.example:{receiver.port}/"), now())
    assert answer.fate is Fate.SENT
    assert asked == ["hooks.example"]
    assert receiver.calls[0].headers["host"] == f"hooks.example:{receiver.port}"


def test_without_leave_this_machine_is_not_called() -> None:
    with receiving(with_status(200)) as receiver:
        for host in ("127.0.0.1", "localhost"):
            policy = Policy(allows_http=True)
            assert Webhooks(SECRET, policy, by_system).send(told(f"http://{host}:{receiver.port}/"), now()).fate is Fate.NEVER
        assert Webhooks(SECRET, Policy(HERE.networks)).send(told(f"http://127.0.0.1:{receiver.port}/"), now()).fate is Fate.NEVER
    assert not receiver.calls


@pytest.mark.parametrize(("name", "fate"), [("hooks.example", Fate.SENT), ("other.example", Fate.LATER)])
def test_the_certificate_must_be_for_the_name_though_the_machine_is_pinned(tmp_path: Path, name: str, fate: Fate) -> None:
    chain, key = certificate(tmp_path, name)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(chain, key)
    with receiving(with_status(200), theirs) as receiver:
        webhooks = Webhooks(
            SECRET, HERE, lambda host, port: ["127.0.0.1"], tls=lambda: ssl.create_default_context(cafile=str(chain))
        )
        answer = webhooks.send(told(f"https://hooks.example:{receiver.port}/"), now())
    assert answer.fate is fate
    assert bool(receiver.calls) == (fate is Fate.SENT)
    assert fate is Fate.SENT or "certificate" in answer.told


def test_a_notice_reaches_every_address_of_its_channel() -> None:
    with receiving(with_status(200)) as receiver, receiving(with_status(200)) as other:
        addresses = tuple(f"json://127.0.0.1:{port}/notice" for port in (receiver.port, other.port))
        sender = Sender(Channels({"producers": addresses}), Webhooks(SECRET))
        answer = sender.send(Message("a", MessageKind.NOTICE, "producers", "A scene has failed.", "Mara / casual / dance"), now())
    assert answer.fate is Fate.SENT
    for calls in (receiver.calls, other.calls):
        assert b"Mara / casual / dance" in calls[0].body


def test_a_notice_that_is_not_taken_is_tried_again() -> None:
    with receiving(with_status(500)) as receiver:
        channels = Channels({"producers": (f"json://127.0.0.1:{receiver.port}/",)})
        assert channels.send(Message("a", MessageKind.NOTICE, "producers", "A scene has failed.")).fate is Fate.LATER


def test_a_message_that_is_too_large_is_not_sent() -> None:
    message = Message("msg_1", MessageKind.WEBHOOK, "https://example.com/", data={"text": "x" * 300_000})
    assert Webhooks(SECRET, resolve=lambda *_: pytest.fail("nothing is looked up")).send(message, now()).fate is Fate.NEVER


@pytest.mark.parametrize("text", ["", "whsec_", "hunter22", "whsec_a", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_a_secret_that_cannot_be_used_is_told_without_it(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_secret(text)
    assert not text or text == "whsec_" or text not in str(caught.value)


def test_the_secret_of_an_installation_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "credentials")
    assert checked_secret(first) == kept_secret(tmp_path / "credentials")
    [file] = (tmp_path / "credentials").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_what_a_webhook_carries_is_json() -> None:
    with receiving(with_status(200)) as receiver:
        call(receiver)
    assert set(json.loads(receiver.calls[0].body)) == {"type", "timestamp", "data"}
    assert receiver.calls[0].headers["content-type"] == "application/json"


def test_the_settings_make_a_sender(tmp_path: Path) -> None:
    (tmp_path / "channels.yaml").write_text("producers: json://127.0.0.1:1/\n", encoding="utf-8")
    sender = build_sender(settings.load({"STRIPBOARD_HOME": str(tmp_path), "STRIPBOARD_WEBHOOK_NETWORKS": "10.0.0.0/8"}))
    assert sender.channels.names == ("producers",)
    assert sender.webhooks.policy == Policy(networks("10.0.0.0/8"))
    (tmp_path / "channels.yaml").write_text("- producers\n", encoding="utf-8")
    with pytest.raises(Invalid):
        build_sender(settings.load({"STRIPBOARD_HOME": str(tmp_path)}))
