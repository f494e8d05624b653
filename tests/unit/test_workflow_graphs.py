"""Reading graphs: what is understood, what is refused and how it is said."""

from __future__ import annotations

import pickle
import time
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.issues import Severity
from pipeline.domain.workflows import graphs
from pipeline.domain.workflows.findings import WorkflowInvalid
from tests import workflow_graphs
from tests.workflow_graphs import node

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.text(st.characters(), max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
NODES = st.dictionaries(
    st.sampled_from("123456"),
    st.fixed_dictionaries(
        {"class_type": st.sampled_from(["SaveImage", "LoadImage", "KSampler", "", 3])},
        optional={
            "inputs": JSON
            | st.dictionaries(
                st.sampled_from(["image", "seed", "positive"]),
                JSON | st.tuples(st.sampled_from("1234567"), st.integers(-1, 3)).map(list),
                max_size=3,
            ),
            "_meta": JSON,
        },
    ),
    max_size=6,
)


def chain(length: int) -> dict[str, Any]:
    """A save node at the end of a long chain."""
    found: dict[str, Any] = {"0": node("EmptyImage", width=8)}
    for number in range(1, length):
        found[str(number)] = node("ImageBlur", image=[str(number - 1), 0])
    return found | {"save": node("SaveImage", images=[str(length - 1), 0], filename_prefix="x")}


def said(value: Any) -> str:
    """What is wrong with a value that is no graph."""
    examined = graphs.examine(value)
    assert examined.graph is None
    return " ".join(map(str, examined.findings))


@pytest.mark.parametrize("name", workflow_graphs.NAMES)
def test_recorded_graphs_are_understood_and_kept_as_they_are(name: str) -> None:
    value = workflow_graphs.recorded(name)["prompt"]
    graph = graphs.parse(value)
    assert graph.to_json() == value
    assert list(graph.nodes) == list(value)
    assert graph.output_nodes


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing_class_type", "Node 2 has no class_type"),
        ("link_to_missing_node", 'is linked to node "99", which does not exist'),
        ("no_output_node", "no output node"),
        ("cycle", "linked in a loop: 1 <- 2 <- 1."),
        ("empty_prompt", "has no nodes"),
        ("node_without_inputs_key", "Node 1 has no inputs"),
        ("one_good_one_bad_output", "node 8 (SaveImage)"),
    ],
)
def test_what_a_server_refuses_for_its_form_is_refused_with_the_node(case: str, words: str) -> None:
    assert words in said(workflow_graphs.invalid(case))


def test_the_editor_format_is_recognised_and_the_cure_names_the_export() -> None:
    told = said({"last_node_id": 9, "nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4})
    assert "editor format" in told and "Export (API)" in told


@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {"a": 1}, {"1": {"inputs": {}}}, {"prompt": {}}, {"prompt": []}])
def test_what_is_no_graph_is_refused_with_a_cure(value: Any) -> None:
    assert "Export (API)" in said(value)


def test_a_graph_as_it_is_sent_to_a_server_is_taken_out_of_its_envelope() -> None:
    inner = chain(2)
    assert graphs.parse({"prompt": inner, "client_id": "x"}).to_json() == inner


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (chain(graphs.MOST_NODES), "at most 5000 are allowed"),
        ({"1": node("SaveImage", x="a" * 100_001)}, "a text of 100001 characters"),
        ({"1": node("SaveImage", x=float("nan"))}, "not finite"),
        ({"1": node("SaveImage", x=2**64)}, "too large"),
        ({"1": node("SaveImage", x="\ud800")}, "half a character"),
        ({"1": node("SaveImage", **{f"i{n}": 0 for n in range(501)})}, "501 inputs"),
        ({"1": node("SaveImage", **{"n" * 201: 0})}, "too long"),
        ({"1": node("S" * 201)}, "no class_type"),
        ({"i" * 201: node("SaveImage")}, "no usable id"),
        ({"1": node("SaveImage", x=[1, 2, 3])}, "a list that is not a link"),
        ({"1": node("SaveImage", x=["1", -1])}, "outputs count from 0"),
    ],
)
def test_beyond_the_bounds_a_graph_is_refused(value: Any, words: str) -> None:
    assert words in said(value)


def test_nesting_of_any_depth_is_refused_and_not_followed() -> None:
    deep: Any = 0
    for _ in range(50_000):
        deep = [deep]
    assert "levels deep" in said({"1": node("SaveImage", x=deep)})
    while isinstance(deep, list):  # freeing it at once would recurse
        deep = deep.pop()


def test_a_chain_of_thousands_of_nodes_is_read_in_a_moment() -> None:
    started = time.process_time()
    graph = graphs.parse(chain(4_900))
    assert len(graph.reachable) == 4_901
    assert time.process_time() - started < 5


def test_a_long_loop_is_found_and_shown_shortened() -> None:
    value = chain(3_000)
    value["0"]["inputs"]["image"] = ["2999", 0]
    told = said(value)
    assert "linked in a loop" in told and "…" in told and len(told) < 500


def test_nodes_that_nothing_depends_on_are_named_and_not_reachable() -> None:
    value = chain(2) | {"idle": node("EmptyImage", width=8)}
    examined = graphs.examine(value)
    assert examined.graph is not None and "idle" not in examined.graph.reachable
    assert [finding.severity for finding in examined.findings] == [Severity.INFO]


def test_what_is_read_does_not_change_with_what_it_was_read_from() -> None:
    value = chain(2)
    graph, before = graphs.parse(value), deepcopy(value)
    value["0"]["inputs"]["width"] = 9
    graph.to_json()["0"]["inputs"]["width"] = 10
    assert graph.to_json() == before


def test_the_error_of_a_workflow_says_which_one_and_crosses_process_borders() -> None:
    with pytest.raises(WorkflowInvalid, match=r"The workflow i2v\.json cannot be used: It has no nodes\.") as caught:
        graphs.parse({}, name="i2v.json")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.findings) == (str(caught.value), caught.value.findings)


@settings(max_examples=120, deadline=None)
@given(JSON | NODES)
def test_any_json_is_a_graph_or_has_findings(value: Any) -> None:
    examined = graphs.examine(value)
    if examined.graph is None:
        assert examined.findings
        with pytest.raises(WorkflowInvalid):
            graphs.parse(value)
    else:
        assert examined.graph.reachable
        assert graphs.parse(examined.graph.to_json()) == examined.graph
