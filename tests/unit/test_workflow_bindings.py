"""Which inputs are proposed for which slots, and which bindings can work."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from pipeline.domain.issues import Severity
from pipeline.domain.workflows import graphs
from pipeline.domain.workflows.bindings import check, result_nodes
from pipeline.domain.workflows.detection import SURE_ENOUGH, detect, kind_of
from pipeline.domain.workflows.graphs import Graph, parse
from pipeline.domain.workflows.slots import Binding, Kind, ValueType, slot_named
from pipeline.domain.workflows.workflow import resolve
from tests import workflow_graphs
from tests.unit.test_workflow_graphs import NODES
from tests.workflow_graphs import node

SLOT_OF_PARAMETER = {"image": "start_image", "text": "prompt", "color": None, "batch_size": None}
UNSURE = {("long_interruptible", "frames"), ("ws_image_stream", "frames")}
"""A batch of pictures may be the frames of a clip, and may be anything else."""


def places(graph: Graph, kind: Kind | None = None, at_least: float = SURE_ENOUGH) -> dict[str, set[str]]:
    """The inputs that are proposed for each slot with this confidence."""
    found: dict[str, set[str]] = {}
    for proposal in detect(graph, kind):
        if proposal.confidence >= at_least:
            found.setdefault(proposal.binding.slot, set()).add(f"{proposal.binding.node}.{proposal.binding.input}")
    return found


@pytest.mark.parametrize("name", workflow_graphs.NAMES)
def test_detection_finds_what_was_written_down_by_hand_for_every_recorded_graph(name: str) -> None:
    parameters = workflow_graphs.recorded(name)["params"]
    found = places(workflow_graphs.graph(name), Kind.SEGMENT if "frames" in parameters else None)
    for parameter, inputs in parameters.items():
        slot = SLOT_OF_PARAMETER.get(parameter, parameter)
        if slot is not None and (name, slot) not in UNSURE:
            assert found.get(slot) == {f"{key}.{place}" for key, place in inputs}, parameter


@pytest.mark.parametrize("name", sorted(name for name, _ in UNSURE))
def test_a_batch_of_pictures_is_proposed_as_frames_and_not_taken(name: str) -> None:
    assert "frames" not in places(workflow_graphs.graph(name), Kind.SEGMENT)


@pytest.mark.parametrize("name", workflow_graphs.NAMES)
def test_only_what_saves_a_video_or_begins_with_a_picture_is_a_segment(name: str) -> None:
    is_clip = name.startswith("video_from_image") or name == "fail_execution_partial"
    assert (kind_of(workflow_graphs.graph(name)) is Kind.SEGMENT) == is_clip


def test_a_preview_of_a_loaded_picture_and_a_save_node_of_no_known_kind_may_be_segments() -> None:
    for graph in (
        {"1": node("LoadImage", image="a.png"), "2": node("PreviewImage", images=["1", 0])},
        {"1": node("EmptyImage", width=8, height=8), "2": node("ExportThing", images=["1", 0])},
    ):
        assert kind_of(parse(graph)) is Kind.SEGMENT


def test_values_behind_links_are_bound_where_they_are_held() -> None:
    assert places(parse(workflow_graphs.two_samplers())) == {
        "start_image": {"first.image"},
        "end_image": {"last.image"},
        "prompt": {"words.value"},
        "negative_prompt": {"bad.text"},
        "seed": {"noise.value"},
        "width": {"w.value"},
        "height": {"h.value"},
        "frames": {"n.value"},
        "fps": {"video.fps"},
        "filename_prefix": {"save.filename_prefix"},
    }


def test_steps_of_a_sampler_that_stops_at_a_step_of_its_own_are_not_taken() -> None:
    graph = parse(workflow_graphs.two_samplers())
    assert "steps" in places(graph, at_least=0.1) and "steps" not in places(graph)


def test_a_still_takes_its_picture_as_source_and_both_texts_as_prompt() -> None:
    graph = parse(workflow_graphs.guided_still())
    assert kind_of(graph) is Kind.STILL
    assert places(graph) == {
        "source_image": {"13.image"},
        "prompt": {"2.clip_l", "2.t5xxl"},
        "seed": {"5.noise_seed"},
        "width": {"6.width"},
        "height": {"6.height"},
        "filename_prefix": {"8.filename_prefix"},
        "model": {"1.unet_name"},
    }


def test_titles_decide_between_pictures_and_make_proposals_surer() -> None:
    value = {
        "1": node("LoadImage", "Reference face", image="a.png"),
        "2": node("LoadImage", "Start frame", image="b.png"),
        "3": node("SomeMixer", one=["1", 0], two=["2", 0]),
        "4": node("SaveVideo", video=["3", 0], filename_prefix="x"),
    }
    graph = parse(value)
    assert places(graph)["source_image"] == {"1.image"} and places(graph)["start_image"] == {"2.image"}
    assert all(proposal.reason and 0 < proposal.confidence <= 1 for proposal in detect(graph))


def test_titles_tell_the_prompts_where_no_sampler_leads_to_them() -> None:
    value = {
        "1": node("TextEncodeThing", "Positive Prompt", text="a"),
        "2": node("TextEncodeThing", "Negative prompt", text="b"),
        "3": node("SaveImage", a=["1", 0], b=["2", 0], filename_prefix="x"),
    }
    assert places(parse(value))["prompt"] == {"1.text"}
    assert places(parse(value))["negative_prompt"] == {"2.text"}


def test_one_text_for_both_sides_of_a_sampler_is_the_prompt() -> None:
    assert "negative_prompt" not in places(workflow_graphs.graph("ksampler_random_weights"))


@settings(max_examples=100, deadline=None)
@given(NODES)
def test_whatever_is_proposed_for_any_graph_can_be_bound(value: Any) -> None:
    graph = graphs.examine(value).graph
    if graph is not None:
        for kind in Kind:
            bindings = [proposal.binding for proposal in detect(graph, kind)]
            assert [one for one in check(graph, bindings, kind) if one.severity is Severity.ERROR and one.input] == []


# Checking ---------------------------------------------------------------------------------------------------------


def told(binding: Binding, *others: Binding) -> list[str]:
    """The errors that these bindings have in the recorded image to video graph."""
    found = check(workflow_graphs.graph("video_from_image_mp4"), (binding, *others), Kind.SEGMENT)
    return [str(finding) for finding in found if finding.severity is Severity.ERROR and finding.node]


@pytest.mark.parametrize(
    ("binding", "words"),
    [
        (Binding("sed", "5", "seed", ValueType.INTEGER), 'There is no slot "sed". Did you mean "seed"?'),
        (Binding("seed", "55", "seed", ValueType.INTEGER), 'node "55", which does not exist'),
        (Binding("seed", "5", "sed", ValueType.INTEGER), 'has no such input. Did you mean "seed"?'),
        (Binding("start_image", "2", "image", ValueType.IMAGE), "is linked to node 1. Bind an input of node 1"),
        (Binding("prompt", "5", "seed", ValueType.TEXT), "holds the number 1. Bind it to an input that holds text"),
        (Binding("seed", "7", "filename_prefix", ValueType.INTEGER), 'holds the text "video/clip"'),
        (Binding("seed", "5", "seed", ValueType.TEXT), "cannot go into an input of type text"),
        (Binding("custom:X y", "5", "seed", ValueType.INTEGER), "There is no slot"),
    ],
)
def test_a_binding_that_cannot_work_is_told_with_its_cure(binding: Binding, words: str) -> None:
    (message,) = told(binding)
    assert words in message


def test_two_slots_on_one_input_are_refused_and_one_slot_on_two_inputs_is_not() -> None:
    seed, again = Binding("seed", "5", "seed", ValueType.INTEGER), Binding("frames", "5", "seed", ValueType.INTEGER)
    assert "is bound twice: to seed and frames" in told(seed, again)[0]
    assert told(seed, Binding("seed", "4", "amount", ValueType.INTEGER)) == []


def test_a_segment_needs_a_start_image_and_warns_of_what_else_it_lacks() -> None:
    found = {one.slot: one.severity for one in check(workflow_graphs.graph("video_from_image_webm"), (), Kind.SEGMENT)}
    assert found["start_image"] is Severity.ERROR
    assert found["prompt"] is found["seed"] is found["frames"] is Severity.WARNING
    assert Severity.ERROR not in [one.severity for one in check(workflow_graphs.graph("tiny"), (), Kind.STILL)]


@pytest.mark.parametrize("name", ["long_interruptible", "ws_image_stream", "ksampler_random_weights"])
def test_a_graph_that_saves_nothing_to_fetch_is_refused(name: str) -> None:
    found = check(workflow_graphs.graph(name), (), Kind.SEGMENT)
    assert any("saves nothing" in one.message and one.severity is Severity.ERROR for one in found)


def test_the_video_is_the_result_where_pictures_are_saved_beside_it() -> None:
    graph = workflow_graphs.graph("fail_execution_partial")
    assert result_nodes(graph, Kind.SEGMENT) == ("6",)
    assert result_nodes(graph, Kind.STILL) == ("2",)


# Choosing ---------------------------------------------------------------------------------------------------------


def test_what_people_chose_replaces_what_is_detected_for_that_slot_alone() -> None:
    chosen = {"width": "2.width, 3.width", "seed": "none", "fps": " 6.fps", "custom:blur": "5.strength"}
    resolved = resolve(workflow_graphs.graph("video_from_image_mp4"), Kind.SEGMENT, chosen)
    assert resolved.workflow is not None
    bound = {(one.slot, f"{one.node}.{one.input}", one.type.value) for one in resolved.workflow.bindings}
    assert bound == {
        ("width", "2.width", "integer"),
        ("width", "3.width", "integer"),
        ("fps", "6.fps", "number"),
        ("custom:blur", "5.strength", "number"),
        ("start_image", "1.image", "image"),
        ("frames", "4.amount", "integer"),
        ("filename_prefix", "7.filename_prefix", "text"),
    }
    assert resolved.workflow.outputs == ("7",)
    assert "seed" not in {one.slot for one in resolved.findings}, "whoever wrote none knows"


@pytest.mark.parametrize("text", ["", "5", ".seed", "5.", "5 seed", "5.seed,", "none, 5.seed"])
def test_a_place_that_cannot_be_read_is_an_error(text: str) -> None:
    resolved = resolve(workflow_graphs.graph("video_from_image_mp4"), Kind.SEGMENT, {"seed": text})
    assert resolved.workflow is None
    assert any("does not name an input" in one.message for one in resolved.findings)


def test_inputs_with_a_dot_in_their_name_can_be_bound() -> None:
    resolved = resolve(workflow_graphs.graph("video_from_image_mp4v3"), Kind.SEGMENT, {"custom:codec": "7.format.codec"})
    assert resolved.workflow is not None
    assert Binding("custom:codec", "7", "format.codec", ValueType.TEXT) in resolved.workflow.bindings


def test_only_plain_words_name_slots_of_ones_own() -> None:
    assert slot_named("custom:look_2") is not None
    assert [name for name in ("custom:", "custom:A", "custom:a b", "custom", "x", "custom:a\n") if slot_named(name)] == []


def test_a_number_bound_to_the_input_of_another_one_is_warned_of() -> None:
    graph = parse(workflow_graphs.guided_still())
    found = resolve(graph, Kind.STILL, {"seed": "6.width"}).findings
    [told] = [one for one in found if "seems to be" in one.message]
    assert told.message == "The seed is bound to what seems to be the width."
    assert "6.width" in told.cure and told.severity is Severity.WARNING
    picture = resolve(graph, Kind.STILL, {"source_image": "2.clip_l"}).findings
    assert "The source image is bound to what seems to be the prompt." in [one.message for one in picture]
    right = resolve(graph, Kind.STILL, {"seed": "5.noise_seed", "custom:side": "6.width"}).findings
    assert not [one for one in right if "seems to be" in one.message]


def test_a_slot_that_several_inputs_may_be_meant_by_is_told_with_them() -> None:
    graph = {
        "1": node("LoadImage", image="a.png"),
        "2": node("LoadImage", image="b.png"),
        "3": node("ImageBlend", image1=["1", 0], image2=["2", 0], blend_factor=0.5, blend_mode="normal"),
        "4": node("CreateVideo", images=["3", 0], fps=16.0),
        "5": node("SaveVideo", video=["4", 0], filename_prefix="clip", format="mp4", codec="h264"),
    }
    lacking = {one.slot: one.cure for one in resolve(parse(graph), Kind.SEGMENT).findings}
    assert lacking["start_image"] == "Bind start_image to 1.image or 2.image."
    assert lacking["prompt"] == "Bind prompt to the input that takes it."
