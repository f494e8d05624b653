"""Values of a request in the places that a workflow binds."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipeline.adapters.backends.comfyui.filling import checked_workflow, filled, pictures, values_of, with_prefix
from pipeline.domain.errors import Invalid, WorkFailed
from pipeline.domain.work import InputFile
from tests.comfyui import STILL_GRAPH, binding, new_request


def workflow(*bindings: dict[str, str]) -> dict[str, Any]:
    """A workflow around the graph of a still."""
    return {"graph": copy.deepcopy(STILL_GRAPH), "bindings": list(bindings), "outputs": []}


def file(role: str) -> InputFile:
    """An input that plays a role."""
    return InputFile(role, role * 8, f"/{role}.png", "image/png")


def test_values_go_where_the_bindings_say_with_their_type_and_the_workflow_stays_as_it_is() -> None:
    kept = workflow(binding("seed", "2", "seed"), binding("fps", "1", "rate", "number"), binding("prompt", "3", "words", "text"))
    before = copy.deepcopy(kept)
    graph = filled(kept, {"seed": 7.0, "fps": 24, "prompt": "dusk"})
    assert (graph["2"]["inputs"]["seed"], graph["1"]["inputs"]["rate"], graph["3"]["inputs"]["words"]) == (7, 24.0, "dusk")
    assert isinstance(graph["2"]["inputs"]["seed"], int)
    assert kept == before


def test_a_slot_without_a_value_keeps_what_the_graph_holds() -> None:
    assert filled(workflow(binding("seed", "2", "seed")), {})["2"]["inputs"]["seed"] == 1


@pytest.mark.parametrize("bad", [binding("seed", "77", "seed"), binding("seed", "2", ""), {"slot": "seed"}])
def test_a_binding_that_leads_nowhere_is_invalid(bad: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        filled(workflow(bad), {"seed": 7})


def test_a_value_of_another_type_is_invalid() -> None:
    with pytest.raises(Invalid):
        filled(workflow(binding("seed", "2", "seed")), {"seed": "many"})


@pytest.mark.parametrize(
    ("roles", "slot", "role"),
    [
        (["still", "start"], "start_image", "start"),
        (["plate", "still"], "start_image", "still"),
        (["source"], "start_image", "source"),
        (["still", "source"], "source_image", "source"),
    ],
)
def test_a_picture_slot_takes_the_best_file_there_is(roles: list[str], slot: str, role: str) -> None:
    kept = workflow(binding(slot, "1", "image", "image"))
    request = new_request("scene_generation", "http://a", [file(role) for role in roles], {"workflow": kept})
    assert pictures(kept, request)[slot].role == role


def test_a_picture_slot_without_a_file_is_bad_input() -> None:
    kept = workflow(binding("source_image", "1", "image", "image"))
    with pytest.raises(WorkFailed) as failure:
        pictures(kept, new_request("scene_generation", "http://a", [file("still")], {"workflow": kept}))
    assert failure.value.failure_class == "bad_input"


def test_free_slots_take_parameters_by_name() -> None:
    request = new_request("scene_generation", "http://a", [], {"workflow": workflow(), "mood": "dark", "style": {"a": 1}})
    values = values_of(request, {"start_image": "x.png"})
    assert (values["custom:mood"], values["start_image"]) == ("dark", "x.png")
    assert "custom:style" not in values
    assert "workflow" not in values


def test_every_save_node_writes_below_the_attempts_own_prefix_and_links_stay() -> None:
    graph = copy.deepcopy(STILL_GRAPH) | {"4": {"class_type": "SaveImage", "inputs": {"filename_prefix": ["1", 0]}}}
    found = with_prefix(graph, "stripboard/a/out")
    assert found["3"]["inputs"]["filename_prefix"] == "stripboard/a/out"
    assert found["4"]["inputs"]["filename_prefix"] == ["1", 0]


def test_a_workflow_is_needed() -> None:
    with pytest.raises(WorkFailed):
        checked_workflow(new_request("scene_generation", "http://a", [], {}))
