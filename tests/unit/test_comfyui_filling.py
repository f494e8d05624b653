"""The graph of an attempt: pictures and values of its request in the places that its workflow binds."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipeline.adapters.backends.comfyui.filling import classes_of_length, graph_of, pictures, workflow_of
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import InputFile, Request
from tests.comfyui import STILL_GRAPH, binding, new_request, segment_request


def asked(*bindings: dict[str, str], graph: dict[str, Any] | None = None, roles: tuple[str, ...] = (), **values: Any) -> Request:
    """A still by a graph with these bindings."""
    kept = {"kind": "still", "graph": graph or copy.deepcopy(STILL_GRAPH), "bindings": list(bindings), "outputs": []}
    return new_request("variant_generation", "http://a", [file(role) for role in roles], {"workflow": kept, **values})


def file(role: str) -> InputFile:
    """An input that plays a role."""
    return InputFile(role, role * 8, f"/{role}.png", "image/png")


def sent(request: Request, **uploaded: str) -> dict[str, Any]:
    """The graph that goes to the server."""
    return graph_of(workflow_of(request), request, uploaded=uploaded, frames=0)


def test_values_of_the_request_and_names_of_pictures_go_where_the_bindings_say() -> None:
    picture = {"class_type": "LoadImage", "inputs": {"image": "none.png"}}
    request = asked(
        binding("seed", "2", "seed"),
        binding("custom:mood", "2", "strength", "number"),
        binding("source_image", "1", "image", "image"),
        graph=STILL_GRAPH | {"1": picture},
        seed=7,
        mood=0.5,
    )
    graph = sent(request, source_image="abc.png")
    assert (graph["2"]["inputs"]["seed"], graph["2"]["inputs"]["strength"]) == (7, 0.5)
    assert graph["1"]["inputs"]["image"] == "abc.png"
    assert request.parameters["workflow"]["graph"]["2"]["inputs"]["seed"] == 1, "the request stays as it is"


@pytest.mark.parametrize("value", ["many", 1.5, -1])
def test_a_value_that_does_not_fit_is_bad_input(value: Any) -> None:
    with pytest.raises(WorkFailed) as failure:
        sent(asked(binding("seed", "2", "seed"), seed=value))
    assert failure.value.failure_class == "bad_input"


@pytest.mark.parametrize(
    ("roles", "slot", "role"),
    [
        (("still", "start"), "start_image", "start"),
        (("plate", "still"), "start_image", "still"),
        (("source",), "start_image", "source"),
        (("still", "source"), "source_image", "source"),
    ],
)
def test_a_picture_slot_takes_the_best_file_there_is(roles: tuple[str, ...], slot: str, role: str) -> None:
    picture = {"1": {"class_type": "LoadImage", "inputs": {"image": "none.png"}}}
    request = asked(binding(slot, "1", "image", "image"), graph=STILL_GRAPH | picture, roles=roles)
    assert pictures(workflow_of(request), request)[slot].role == role


@pytest.mark.parametrize("slot", ["source_image", "end_image"])
def test_a_picture_slot_without_a_file_is_bad_input(slot: str) -> None:
    picture = {"1": {"class_type": "LoadImage", "inputs": {"image": "none.png"}}}
    request = asked(binding(slot, "1", "image", "image"), graph=STILL_GRAPH | picture, roles=("still",))
    with pytest.raises(WorkFailed) as failure:
        pictures(workflow_of(request), request)
    assert failure.value.failure_class == "bad_input"


def test_every_save_node_writes_below_the_attempts_own_prefix_and_links_stay() -> None:
    graph = copy.deepcopy(STILL_GRAPH) | {
        "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": ["1", 0]}}
    }
    request = asked(graph=graph)
    found = sent(request)
    assert found["3"]["inputs"]["filename_prefix"] == f"stripboard/{request.attempt_id}/out"
    assert found["4"]["inputs"]["filename_prefix"] == ["1", 0]


@pytest.mark.parametrize("workflow", [{}, {"graph": {}}, {"kind": "still", "graph": STILL_GRAPH, "bindings": [{"slot": "seed"}]}])
def test_a_workflow_that_can_be_sent_is_needed(workflow: dict[str, Any]) -> None:
    with pytest.raises(WorkFailed) as failure:
        workflow_of(new_request("scene_generation", "http://a", [], {"workflow": workflow}))
    assert failure.value.failure_class == "bad_input"


def test_the_nodes_that_are_told_the_length_say_which_lengths_there_are() -> None:
    request = segment_request("http://a", file("start"))
    assert classes_of_length(workflow_of(request)) == ["RepeatImageBatch", "ImageAddNoise"]
