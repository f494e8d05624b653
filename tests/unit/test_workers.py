"""What may be registered as a worker, and what may be given to one."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import Invalid
from pipeline.domain.workers import checked, checked_url


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("gpu-1", "http://gpu-1:8188"),
        ("GPU-1:9000", "http://gpu-1:9000"),
        ("http://10.0.0.7:8188/", "http://10.0.0.7:8188"),
        ("https://comfy.studio.example", "https://comfy.studio.example:443"),
        ("http://[::1]:9", "http://[::1]:9"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_an_address_has_one_spelling(given: str, stored: str) -> None:
    assert checked_url(given) == stored
    assert checked_url(stored) == stored


@pytest.mark.parametrize(
    "hostile",
    [
        "", "http://", "ftp://gpu", "file:///etc/passwd", "javascript:alert(1)", "http://gpu/x", "http://gpu?x=1", "http://gpu#x",
        "http://user:secret@gpu", "http://user@gpu", "http://169.254.169.254", "http://[fe80::1]", "http://0.0.0.0",
        "http://224.0.0.1", "http://0x7f.1",
        "http://2130706433", "http://0177.0.0.1", "http://127.1", "http://gpu:99999", "http://gpu:x", "http://a b",
        "http://gpu\n:1", "http://[::", "http://-gpu", "http://gpu-", "http://g\u202epu", "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_not_the_address_of_one_server_is_refused(hostile: str) -> None:
    with pytest.raises(Invalid):
        checked_url(hostile)


def test_a_password_in_an_address_is_not_repeated_in_the_error() -> None:
    with pytest.raises(Invalid) as caught:
        checked_url("http://user:secret@gpu")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        {"tags": ["Big Card"]}, {"tags": ["x"] * 21}, {"cost_per_hour": -1}, {"cost_per_hour": float("nan")}, {"places": 0},
        {"places": 9}, {"places": 1.5}, {"places": float("nan")}, {"places": -1},
    ],
)  # fmt: skip
def test_tags_prices_and_places_have_bounds(bad: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        checked("gpu-1", "gpu-1", **bad)  # type: ignore[arg-type]


def test_a_worker_has_two_places_where_nobody_says_otherwise() -> None:
    assert checked("gpu-1", "gpu-1").places == 2
    assert [checked("gpu-1", "gpu-1", places=places).places for places in (1, 8)] == [1, 8]


def test_a_name_is_one_line() -> None:
    with pytest.raises(Invalid):
        checked("gpu\n1", "gpu-1")
