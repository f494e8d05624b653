"""Fingerprints: equal for equal work, different for different work, the same for ever."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.fingerprints import canonical, derive_seed, fingerprint

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
PARAMETERS = st.dictionaries(st.text(max_size=6), PLAIN, max_size=5)
WORK: dict[str, Any] = {
    "stage": "scene_generation",
    "backend": "animatic",
    "inputs": [("still", "a" * 64)],
    "parameters": {"seed": 7},
}


@given(PARAMETERS)
def test_the_order_of_parameters_does_not_matter(parameters: dict[str, Any]) -> None:
    turned = dict(reversed(parameters.items()))
    assert fingerprint(**WORK | {"parameters": parameters}) == fingerprint(**WORK | {"parameters": turned})


@given(PARAMETERS, PARAMETERS)
def test_different_parameters_have_different_fingerprints(one: dict[str, Any], other: dict[str, Any]) -> None:
    equal = fingerprint(**WORK | {"parameters": one}) == fingerprint(**WORK | {"parameters": other})
    assert equal is (canonical(one) == canonical(other))


def test_stage_backend_inputs_and_their_order_count() -> None:
    pair = [("still", "a" * 64), ("plate", "b" * 64)]
    found = [
        fingerprint(**WORK),
        fingerprint(**WORK | {"stage": "assembly"}),
        fingerprint(**WORK | {"backend": "command"}),
        fingerprint(**WORK | {"inputs": [("plate", "a" * 64)]}),
        fingerprint(**WORK | {"inputs": pair}),
        fingerprint(**WORK | {"inputs": pair[::-1]}),
    ]
    assert len(set(found)) == len(found)


def test_a_fingerprint_is_the_same_for_ever() -> None:
    assert fingerprint(**WORK) == "8c4e7c7e8bebb9b597cafb0877eb6a9e660a3d2175b21fcbb0134b4b8d1b3b7e"


def test_tuples_and_lists_are_equal_work() -> None:
    assert canonical({"camera": (1, 2)}) == canonical({"camera": [1, 2]})


@given(st.integers(), st.lists(st.text(max_size=5) | st.integers(), max_size=4))
def test_seeds_are_in_range_and_repeatable(base: int, parts: list[str | int]) -> None:
    seed = derive_seed(base, *parts)
    assert 0 <= seed < 2**31
    assert seed == derive_seed(base, *parts)


def test_seeds_of_neighbours_differ() -> None:
    seeds = {derive_seed(0, "take", f"Mara / {scene}", take) for scene in range(50) for take in range(1, 20)}
    assert len(seeds) == 50 * 19
