"""Addresses that somebody might write into a rule to reach what only this server can reach: none is ever called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.adapters.messages.addresses import PUBLIC_ONLY, Policy, machines, may_call, networks, taken_apart
from pipeline.domain.errors import Invalid, Refused

PUBLIC = "93.184.216.34"
_LINES = (Path(__file__).parents[1] / "data" / "hostile_urls.jsonl").read_text(encoding="utf-8").splitlines()
HOSTILE = [tuple(json.loads(line)) for line in _LINES]
"""Each address, and what its name would lead to (several with blanks between): the public internet where nothing is said."""
GOOD = (
    "https://example.com/hook", "https://example.com", "https://example.com:443/", "https://example.com:8443/a?b=c&d=e#f",
    "HTTPS://Example.COM/Hook", "https://a-b.c_d.example.com/", "https://xn--exmple-cua.com/", "https://93.184.216.34/hook",
    "https://[2606:2800:220:1:248:1893:25c8:1946]/hook", "https://example.com./hook", "https://1.example.com/", "https://a1/",
)  # fmt: skip


def look_at(url: str, leads_to: str = "", policy: Policy = PUBLIC_ONLY) -> object:
    """What is done before a connection is made, with a resolver that says so; a machine in numbers is itself."""

    def resolve(host: str, port: int) -> list[str]:
        is_number = ":" in host or host.replace(".", "").isdigit()
        return (leads_to or (host if is_number else PUBLIC)).split(" ")

    return machines(taken_apart(url, policy), policy, resolve)


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 300


@pytest.mark.parametrize(("url", "leads_to"), HOSTILE)
def test_a_hostile_address_is_refused_before_a_connection_is_made(url: str, leads_to: str) -> None:
    with pytest.raises(Refused):
        look_at(url, leads_to)


@pytest.mark.parametrize("url", GOOD)
def test_an_honest_address_is_taken(url: str) -> None:
    assert look_at(url)


@pytest.mark.parametrize("url", [url for url, leads_to in HOSTILE if not leads_to and not url.startswith("http://")])
def test_an_allowed_network_lets_nothing_else_through(url: str) -> None:
    with pytest.raises(Refused):
        look_at(url, policy=Policy(networks("10.77.0.0/16"), allows_http=False))


def test_an_allowed_network_is_reached_by_number_and_by_name() -> None:
    policy = Policy(networks("10.77.0.0/16, fd00::/8"), allows_http=True)
    assert look_at("http://10.77.3.4:9000/hook", policy=policy)
    assert look_at("https://hooks.internal/", "fd00::7", policy=policy)
    with pytest.raises(Refused):
        look_at("https://hooks.internal/", "fd00::7 10.78.0.1", policy=policy)


def test_a_machine_of_a_public_network_may_be_called_and_its_scoped_form_may_not() -> None:
    policy = Policy()
    target = taken_apart("https://example.com/", policy)
    assert all(may_call(machine, policy) for machine in machines(target, policy, lambda *_: [PUBLIC]))


@pytest.mark.parametrize("text", ["10.0.0.0/33", "somewhere", "10.0.0.1/8", "127.0.0.1;::1"])
def test_a_network_that_cannot_be_is_told(text: str) -> None:
    with pytest.raises(Invalid):
        networks(text)
