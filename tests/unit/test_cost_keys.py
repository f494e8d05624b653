"""Under which names measured times are collected: equal for what takes the same time, and only for that."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.domain.cost_keys import CostKeys, cost_keys, told_apart, work_words
from pipeline.domain.production import Production
from pipeline.domain.workflows.graphs import parse
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.uses import uses
from pipeline.domain.workflows.workflow import require
from tests import workflow_graphs
from tests.factories import make_production

SEGMENT: dict[str, Any] = workflow_graphs.recorded("video_from_image_mp4")["prompt"]
STILL: dict[str, Any] = workflow_graphs.recorded("image_noise_composite")["prompt"]


def by_graphs(**change: Any) -> Production:
    """A production whose scene types are made by one graph, and whose stills by another."""
    made = make_production(**change)
    return replace(
        made,
        backend="comfyui",
        scene_types=tuple(replace(kind, workflow="graphs/wan.json") for kind in made.scene_types),
        variants=tuple(replace(look, workflow="still.json") for look in made.variants),
    )


def keys_of(production: Production, segment: Mapping[str, Any] = SEGMENT) -> CostKeys:
    """Its keys, as its graphs are."""
    graphs = {Kind.SEGMENT: segment, Kind.STILL: STILL}
    found = {use.key: require(parse(dict(graphs[use.kind])), use.kind, use.bindings).to_json() for use in uses(production)}
    return cost_keys(production, found)


def segment_key(segment: Mapping[str, Any] = SEGMENT) -> str:
    """The key of the segments that a graph makes."""
    return keys_of(by_graphs(scene_types=1), segment).segments["s1"]


def changed(of_class: str, name: str, value: Any) -> dict[str, Any]:
    """The graph of segments with another value at the node of a class."""
    graph = copy.deepcopy(SEGMENT)
    [node] = [node for node in graph.values() if node["class_type"] == of_class]
    assert node["inputs"][name] != value
    node["inputs"][name] = value
    return graph


def test_one_graph_at_one_size_is_one_kind_of_work_whatever_the_scene_types_are_called() -> None:
    found = keys_of(by_graphs(scene_types=3)).segments
    assert list(found) == ["s1", "s2", "s3"]
    assert len(set(found.values())) == 1


def test_the_key_does_not_depend_on_the_production() -> None:
    one, other = by_graphs(title="One"), by_graphs(title="Other", characters=3, seed=7)
    assert set(keys_of(one).segments.values()) == set(keys_of(other).segments.values())


def test_another_size_is_another_kind_of_work() -> None:
    made = by_graphs(scene_types=2)
    larger = replace(made.scene_types[1], width=128)
    found = keys_of(replace(made, scene_types=(made.scene_types[0], larger))).segments
    assert found["s1"] != found["s2"] and found["s2"].endswith("128x36")


def test_a_graph_that_does_something_else_is_another_kind_of_work() -> None:
    stronger = changed("ImageAddNoise", "strength", 0.5)
    sharper = changed("ImageScale", "upscale_method", "lanczos")
    longer = {**copy.deepcopy(SEGMENT), "999": {"class_type": "ImageInvert", "inputs": {"image": ["4", 0]}}}
    assert len({segment_key(graph) for graph in (SEGMENT, stronger, sharper, longer)}) == 4


def test_what_requests_fill_in_and_what_only_people_read_changes_nothing() -> None:
    other = copy.deepcopy(SEGMENT)
    for use in uses(by_graphs(scene_types=1)):
        if use.kind is Kind.SEGMENT:
            bound = require(parse(copy.deepcopy(SEGMENT)), use.kind, use.bindings).bindings
    assert bound
    for one in bound:
        held = other[one.node]["inputs"][one.input]
        other[one.node]["inputs"][one.input] = held + 1 if isinstance(held, int | float) else f"{held}x"
    for node in other.values():
        node["_meta"] = {"title": "mine"}
    assert segment_key(other) == segment_key()


def test_stills_are_told_apart_by_their_graphs() -> None:
    made = by_graphs(variants=2)
    apart = replace(made, variants=(made.variants[0], replace(made.variants[1], workflow_bindings={"custom:blur": "6.sigma"})))
    same, other = keys_of(made).images, keys_of(apart).images
    assert same["v1"] == same["v2"] == other["v1"] == other["v2"], "a name for a value that nobody fills in costs nothing"
    assert len(keys_of(made).stills) == 1


def test_work_whose_graph_is_not_there_has_a_key_that_nothing_was_measured_under() -> None:
    found = cost_keys(by_graphs(scene_types=1), {})
    assert found.segments["s1"] == "comfyui|scene_generation||64x36"


@pytest.mark.parametrize("backend", ["animatic", "command"])
def test_the_built_in_renderer_and_programs_are_told_apart_by_scene_type(backend: str) -> None:
    made = replace(make_production(), backend=backend)
    found = cost_keys(made, {})
    assert found.segments["s1"] == f"{backend}|scene_generation|s1|64x36" != found.segments["s2"]


def test_another_program_is_another_kind_of_work() -> None:
    one = replace(make_production(), backend="command", command=("make", "--fast"))
    assert cost_keys(one, {}) != cost_keys(replace(one, command=("make", "--slow")), {})


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("comfyui|scene_generation|wan#0f3a99c1d2e4|832x480", "wan at 832x480"),
        ("comfyui|scene_generation|idle|832x480", "idle at 832x480"),
        ("comfyui|variant_generation||1280x720", "pictures at 1280x720"),
        ("comfyui|scene_generation||1280x720", "scenes at 1280x720"),
        ("anything", "anything"),
    ],
)
def test_kinds_of_work_are_told_in_words(key: str, words: str) -> None:
    assert work_words(key) == words


def test_graphs_of_one_name_are_told_apart_where_both_are_shown() -> None:
    old, new, other = (f"comfyui|scene_generation|{maker}|832x480" for maker in ("wan#0f3a99c1d2e4", "wan#77aa00000000", "ltx#1"))
    assert told_apart([old, new, other]) == {
        old: "wan at 832x480 (#0f3a)", new: "wan at 832x480 (#77aa)", other: "ltx at 832x480",
    }  # fmt: skip
    assert told_apart([new, other])[new] == "wan at 832x480"


def test_the_words_name_the_graph_as_people_do() -> None:
    assert work_words(segment_key()) == "wan at 64x36"
    registered = by_graphs(scene_types=1)
    kind = replace(registered.scene_types[0], workflow="registered:Wan | fast@3")
    use = next(one for one in uses(replace(registered, scene_types=(kind,))) if one.kind is Kind.SEGMENT)
    graph = require(parse(copy.deepcopy(SEGMENT)), Kind.SEGMENT).to_json()
    found = cost_keys(replace(registered, scene_types=(kind,)), {use.key: graph}).segments["s1"]
    assert work_words(found) == "Wan   fast at 64x36"
