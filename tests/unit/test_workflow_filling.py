"""Values go into the slots of a workflow and nowhere else."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.errors import Invalid
from pipeline.domain.workflows.filling import NEEDED, filled, values_of
from pipeline.domain.workflows.findings import WorkflowInvalid
from pipeline.domain.workflows.graphs import link_of, parse
from pipeline.domain.workflows.slots import Binding, Kind, ValueType
from pipeline.domain.workflows.workflow import Workflow, from_json, require
from tests import workflow_graphs
from tests.unit.test_workflow_graphs import JSON

VALUES: dict[str, Any] = {
    "start_image": "s.png", "source_image": "c.png", "end_image": "e.png", "prompt": "p", "negative_prompt": "n", "seed": 5,
    "width": 640, "height": 360, "frames": 24, "fps": 24, "filename_prefix": "jobs/1", "steps": 4, "model": "m.safetensors",
}  # fmt: skip
HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        '"], "9": {"class_type": "X"}',
        '["1", 0]',
        "{{7*7}}",
        "\x00",
        "%date:yyyy%",
        "../../etc/passwd",
        "\\",
        "'\"",
        "\u202e",
        "[3, 0]",
    ]
)


def segment() -> Workflow:
    return require(parse(workflow_graphs.two_samplers()), Kind.SEGMENT, {"steps": "one.steps, two.steps"}, name="wan")


def still() -> Workflow:
    return require(parse(workflow_graphs.guided_still()), Kind.STILL, name="flux")


def outside(graph: dict[str, Any], workflow: Workflow) -> dict[str, Any]:
    """The graph without what is bound."""
    rest = deepcopy(graph)
    for binding in workflow.bindings:
        del rest[binding.node]["inputs"][binding.input]
    return rest


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([segment(), still()]),
    st.fixed_dictionaries(
        {name: HOSTILE.filter(str.strip) for name in ("start_image", "source_image", "end_image")}
        | {"prompt": HOSTILE, "seed": st.integers(0, 2**64 - 1)},
        optional={
            "negative_prompt": HOSTILE,
            "model": HOSTILE,
            "width": st.integers(16, 16_384),
            "custom:x": JSON,
            "other": JSON,
        },
    ),
)
def test_everything_outside_the_slots_stays_as_it_is(workflow: Workflow, values: dict[str, Any]) -> None:
    graph = filled(workflow, values)
    assert outside(graph, workflow) == outside(workflow.graph.to_json(), workflow)
    assert json.loads(json.dumps(graph)) == graph
    again = parse(graph)
    for binding in workflow.bindings:
        held = again.nodes[binding.node].inputs[binding.input]
        assert link_of(held) is None and not isinstance(held, (list, dict))
        if binding.slot in values:
            assert held == values[binding.slot]
    assert {key: list(node.links()) for key, node in again.nodes.items()} == {
        key: list(node.links()) for key, node in workflow.graph.nodes.items()
    }


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(VALUES)), JSON, max_size=13))
def test_any_value_is_taken_or_refused_by_name(values: dict[str, Any]) -> None:
    try:
        graph = filled(segment(), VALUES | values)
    except Invalid as error:
        assert str(error).startswith(("The ", "There is no"))
    else:
        parse(graph)


def test_filling_leaves_the_workflow_as_it_was() -> None:
    workflow = segment()
    before = workflow.graph.to_json()
    filled(workflow, VALUES)
    assert workflow.graph.to_json() == before == workflow_graphs.two_samplers()


@pytest.mark.parametrize(
    ("slot", "value", "words"),
    [
        ("prompt", 5, "The prompt must be text"),
        ("prompt", ["1", 0], "The prompt must be text"),
        ("prompt", "x" * 100_001, "a text of 100001 characters"),
        ("prompt", "\udc00", "half a character"),
        ("start_image", " ", "The start image is empty"),
        ("seed", -1, "The seed must be from 0"),
        ("seed", 2**64, "The seed must be from 0"),
        ("seed", True, "The seed must be a number"),
        ("seed", "5", "The seed must be a number"),
        ("width", 8, "The width must be from 16 to 16384, not 8"),
        ("width", float("inf"), "The width must be a number"),
        ("frames", 12.5, "The number of frames must be a whole number here"),
        ("fps", 0, "The frames per second must be from 0.01 to 1000"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(slot: str, value: Any, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        filled(segment(), VALUES | {slot: value})


@pytest.mark.parametrize("slot", ["start_image", "end_image", "prompt", "seed"])
def test_pictures_prompt_and_seed_are_never_those_that_the_graph_was_saved_with(slot: str) -> None:
    assert slot in NEEDED
    with pytest.raises(Invalid, match="The workflow wan needs a"):
        filled(segment(), {name: value for name, value in VALUES.items() if name != slot})


def test_what_is_not_given_stays_and_numbers_take_the_type_of_their_input() -> None:
    graph = filled(segment(), {name: VALUES[name] for name in NEEDED} | {"fps": 24, "frames": 25.0})
    assert graph["one"]["inputs"]["steps"] == graph["two"]["inputs"]["steps"] == 20
    assert repr(graph["video"]["inputs"]["fps"]) == "24.0" and repr(graph["n"]["inputs"]["value"]) == "25"


def test_switches_take_switches_only() -> None:
    value = {"1": workflow_graphs.node("SaveImage", flip=False, filename_prefix="x")}
    workflow = require(parse(value), Kind.STILL, {"custom:flip": "1.flip"})
    assert filled(workflow, {"custom:flip": True})["1"]["inputs"]["flip"] is True
    with pytest.raises(Invalid, match="must be true or false"):
        filled(workflow, {"custom:flip": 1})


def test_the_parameters_of_a_request_have_values_for_slots() -> None:
    found = values_of(
        {"prompt": "p", "seed": 0, "width": 64, "style": {"era": "now"}, "character": "Mara", "Odd": 1, "location": None}
    )
    assert found == {"prompt": "p", "seed": 0, "width": 64} | {
        "custom:prompt": "p", "custom:seed": 0, "custom:width": 64, "custom:character": "Mara",
    }  # fmt: skip


# As plain values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workflow", [segment(), still()], ids=lambda workflow: workflow.name)
def test_a_workflow_comes_back_from_the_plain_values_of_a_request(workflow: Workflow) -> None:
    plain = json.loads(json.dumps(workflow.to_json()))
    again = from_json(plain, name=workflow.name)
    assert again == workflow
    assert again.sha256 == workflow.sha256
    assert plain["bindings"][0] == workflow.bindings[0].to_json()


def test_the_hash_tells_any_change_but_not_the_order_of_keys() -> None:
    workflow = segment()
    turned = dict(reversed(list(workflow.graph.to_json().items())))
    assert Workflow("x", parse(turned), workflow.bindings, workflow.outputs, workflow.kind).sha256 == workflow.sha256
    turned["one"]["inputs"]["cfg"] = 3.6
    assert Workflow("x", parse(turned), workflow.bindings, workflow.outputs, workflow.kind).sha256 != workflow.sha256
    fewer = workflow.bindings[1:]
    assert Workflow("x", workflow.graph, fewer, workflow.outputs, workflow.kind).sha256 != workflow.sha256


@settings(max_examples=100, deadline=None)
@given(
    JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "graph": st.just(workflow_graphs.recorded("tiny")["prompt"]) | JSON,
            "bindings": JSON
            | st.lists(st.fixed_dictionaries(dict.fromkeys(("slot", "node", "input", "type"), JSON)), max_size=2),
            "outputs": st.just(["2"]) | JSON,
            "kind": st.just("still") | JSON,
        },
    )
)
def test_any_plain_values_are_a_workflow_or_refused(value: Any) -> None:
    try:
        workflow = from_json(value)
    except WorkflowInvalid:
        return
    assert workflow.outputs == tuple(value["outputs"])


def test_a_workflow_whose_bindings_do_not_fit_its_graph_is_refused() -> None:
    plain = segment().to_json()
    plain["bindings"].append(Binding("width", "nowhere", "x", ValueType.INTEGER).to_json())
    with pytest.raises(WorkflowInvalid, match="nowhere"):
        from_json(plain, name="wan")
