"""The guard before every request: whose page may ask, by which name, how much, and what browsers are told."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pipeline.api.guard import Guard
from pipeline.api.head_requests import HeadRequests
from tests.asgi import Answer, ask, connect

MEBIBYTE = b"x" * (1024 * 1024)
LARGEST = 16
FOREIGN = {"origin": "http://evil.example"}


class Echo:
    """An application that says how many bytes it was sent, and remembers that it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)


def guarded(**options: Any) -> tuple[Echo, Guard]:
    """An echo behind a guard."""
    echo = Echo()
    return echo, Guard(echo, **options)


@pytest.mark.parametrize("host", ["localhost", "localhost:8050", "LocalHost:1", "127.0.0.1:8050", "[::1]:8050", "192.168.1.7"])
def test_the_names_and_addresses_of_this_machine_are_answered(host: str) -> None:
    assert ask(guarded()[1], host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil@localhost", "localhost/x", "localhost:8050:1", "", " ", "[::1", "[", "::1",
     "127.0.0.1.evil.example", "localhost:port", "lócalhost", "localhost\x00", "http://localhost"],
)  # fmt: skip
def test_any_other_name_is_refused_before_the_application_is_asked(host: str) -> None:
    echo, guard = guarded()
    answer = ask(guard, host=host)
    assert (answer.status, echo.asked) == (403, 0)
    assert "STRIPBOARD_HOSTS" in answer.problem["detail"]


def test_names_that_were_given_at_the_start_are_answered() -> None:
    _, guard = guarded(hosts=["Board.Studio.example"])
    assert ask(guard, host="board.studio.example:8050").status == 200
    assert ask(guard, host="other.studio.example").status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
@pytest.mark.parametrize(
    "headers",
    [FOREIGN, {"origin": "null"}, {"origin": ""}, {"origin": "http://localhost:9999"}, {"origin": "http://localhost"},
     {"origin": "http://[::1"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
     {"sec-fetch-site": "cross-site", "origin": "http://localhost:8050"}],
)  # fmt: skip
def test_a_change_asked_for_by_another_site_is_refused(method: str, headers: dict[str, str]) -> None:
    echo, guard = guarded()
    answer = ask(guard, method=method, headers=headers)
    assert (answer.status, echo.asked) == (403, 0)
    assert "another site" in answer.problem["detail"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://localhost:8050"}, {"origin": "http://LOCALHOST:8050"},
     {"origin": "https://localhost:8050", "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}],
)  # fmt: skip
def test_our_own_pages_and_programs_that_are_no_browsers_may_change_things(headers: dict[str, str]) -> None:
    assert ask(guarded()[1], method="POST", headers=headers, chunks=[b"12345"]).body == b"5"


def test_reading_is_not_a_change() -> None:
    assert ask(guarded()[1], headers=FOREIGN).status == 200


@pytest.mark.parametrize("headers", [FOREIGN, {"origin": "null"}, {"sec-fetch-site": "cross-site"}])
def test_a_socket_opened_by_another_site_is_refused_before_it_is_accepted(headers: dict[str, str]) -> None:
    echo, guard = guarded()
    (said,) = connect(guard, "/ws/events", headers=headers)
    assert (said["type"], said["code"], echo.asked) == ("websocket.close", 1008, 0)


def test_a_socket_by_a_foreign_name_is_refused() -> None:
    assert connect(guarded()[1], "/ws/events", host="evil.example")[0]["type"] == "websocket.close"


def test_a_socket_of_our_own_page_is_accepted() -> None:
    assert connect(guarded()[1], "/ws/events", headers={"origin": "http://localhost:8050"}) == [{"type": "websocket.accept"}]


def test_every_answer_carries_the_headers_that_browsers_obey() -> None:
    for answer in (ask(guarded()[1]), ask(guarded()[1], host="evil.example")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        policy = policy_of(answer)
        assert policy["default-src"] == "'self'"
        assert policy["script-src"] == "'self'"
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"


def policy_of(answer: Answer) -> dict[str, str]:
    """The directives of the content security policy."""
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("says_length", [True, False])
def test_a_body_up_to_the_limit_passes(says_length: bool) -> None:
    headers = {"content-length": str(LARGEST * len(MEBIBYTE))} if says_length else {}
    answer = ask(guarded()[1], method="POST", headers=headers, chunks=[MEBIBYTE] * LARGEST)
    assert answer.body == str(LARGEST * len(MEBIBYTE)).encode()


@pytest.mark.parametrize("says_length", [True, False])
def test_a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not(says_length: bool) -> None:
    headers = {"content-length": str((LARGEST + 1) * len(MEBIBYTE))} if says_length else {}
    answer = ask(guarded()[1], method="POST", headers=headers, chunks=[MEBIBYTE] * (LARGEST + 1))
    assert answer.status == 413
    assert "16 MiB" in answer.problem["detail"]
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(("length", "status"), [("-1", 400), ("²", 400), ("1e3", 400), ("", 400), ("9" * 5000, 413)])
def test_a_length_that_is_none_is_a_clear_refusal(length: str, status: int) -> None:
    assert ask(guarded()[1], method="POST", headers={"content-length": length}).problem["status"] == status


def test_a_fault_of_the_application_is_told_without_its_inside_and_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the secret inside")

    with caplog.at_level(logging.ERROR):
        answer = ask(Guard(broken), "/api/v1/anything")
    assert answer.status == 500
    assert "secret" not in answer.body.decode()
    assert answer.headers["x-frame-options"] == "DENY"
    assert "the secret inside" in caplog.text


# HEAD -------------------------------------------------------------------------------------------------------------------


def test_head_is_answered_as_get_is_without_the_body() -> None:
    app = HeadRequests(Echo())
    get, head = ask(app), ask(app, method="HEAD")
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert get.body == b"0"


def test_head_passes_the_guard_as_get_does_and_no_further() -> None:
    echo = Echo()
    guard = Guard(HeadRequests(echo))
    assert ask(guard, method="HEAD").status == 200
    refused = ask(guard, method="HEAD", host="evil.example")
    assert (refused.status, echo.asked) == (403, 1)


def test_every_other_method_stays_what_it_is() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["method"])
        await PlainTextResponse("")(scope, receive, send)

    for method in ("GET", "POST", "DELETE", "HEAD"):
        ask(HeadRequests(app), method=method)
    assert seen == ["GET", "POST", "DELETE", "GET"]
