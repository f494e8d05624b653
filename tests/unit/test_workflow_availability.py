"""A graph against what one server has, by the answers of two real versions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.workflows.availability import Gap, Lack, gaps, needed_classes
from pipeline.domain.workflows.fit import to_install
from pipeline.domain.workflows.graphs import Graph, parse
from pipeline.domain.workflows.model_files import folder_of, model_files
from pipeline.domain.workflows.slots import Binding, Kind, ValueType
from pipeline.domain.workflows.workflow import require
from tests import workflow_graphs
from tests.unit.test_workflow_graphs import JSON
from tests.workflow_graphs import VERSIONS, node, schemas

RUNS_ON_ONE = {("video_from_image_mp4v3", "0.3.64")}
"""The newer form of SaveVideo; the older server answered 400 to it."""


def found(graph: Graph, version: str = "0.33.0") -> tuple[Gap, ...]:
    return gaps(graph, schemas(version))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", workflow_graphs.NAMES)
def test_what_ran_on_a_server_has_no_gap_there(name: str, version: str) -> None:
    if (name, version) not in RUNS_ON_ONE:
        assert found(workflow_graphs.graph(name), version) == ()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("case", "lack", "place", "words"),
    [
        ("unknown_node_class", Lack.NODE, "2.", 'Install the custom nodes that bring "NoSuchNode"'),
        ("missing_required_input", Lack.INPUT, "2.seed", 'lacks its input "seed"'),
        ("wrong_type_not_convertible", Lack.VALUE, "2.strength", "must be a number, not 'a lot'"),
        ("value_too_big", Lack.VALUE, "2.strength", "is 7.5; the most is 1."),
        ("value_not_in_list", Lack.VALUE, "1.image", "upload the file"),
        ("combo_value_not_in_list", Lack.OPTION, "3.upscale_method", '"magic", which the server does not offer'),
        ("link_type_mismatch", Lack.LINK, "7.images", "needs IMAGE, but node 4 (SolidMask) gives MASK"),
        ("link_bad_slot", Lack.LINK, "7.images", "takes output 5 of node 6 (ImageBlur), which has 1"),
    ],
)
def test_what_a_server_refused_is_foreseen(case: str, lack: Lack, place: str, words: str, version: str) -> None:
    (gap,) = found(parse(workflow_graphs.invalid(case)), version)
    assert (gap.lack, f"{gap.node}.{gap.input}") == (lack, place)
    assert words in str(gap) and gap.cure


@pytest.mark.parametrize("version", VERSIONS)
def test_an_input_that_no_version_knows_is_ignored_as_servers_do(version: str) -> None:
    assert found(parse(workflow_graphs.invalid("unknown_extra_input")), version) == ()


def saving(**inputs: Any) -> Graph:
    """A graph whose SaveVideo has these inputs."""
    value = workflow_graphs.recorded("video_from_image_mp4v3")["prompt"]
    value["7"]["inputs"] = {"video": ["6", 0], "filename_prefix": "x"} | inputs
    return parse(value)


@pytest.mark.parametrize(
    ("inputs", "newer", "older"),
    [
        ({"format": "mp4", "format.codec": "h264"}, [], ["codec"]),
        ({"format": "mp4", "codec": "h264"}, [], []),
        ({"format": "mp4", "codec": "h264", "format.codec": "h264"}, [], []),
        ({"format": "bogus", "codec": "h264"}, ["format"], ["format"]),
        ({"format": "mp4", "format.codec": "bogus"}, ["format.codec"], ["codec"]),
        ({"format": "webm", "format.codec": "h264"}, ["format.codec"], ["format", "codec"]),
        ({"format": "mp4", "format.codec": "h264", "format.codec.encoding": "bogus"}, ["format.codec.encoding"], ["codec"]),
        ({"format": "mp4", "format.codec": "h264", "format.codec.encoding": "re-encode", "format.codec.encoding.crf": 60,
          "format.codec.encoding.color_space": "HDR"}, ["format.codec.encoding.crf"], ["codec"]),
        ({"codec": "h264"}, ["format"], ["format"]),
    ],
)  # fmt: skip
def test_dynamic_choices_are_followed_where_servers_look_only_while_running(
    inputs: dict[str, Any], newer: list[str], older: list[str]
) -> None:
    graph = saving(**inputs)
    assert [gap.input for gap in found(graph)] == newer
    assert [gap.input for gap in found(graph, "0.3.64")] == older


def test_a_missing_model_is_told_with_file_and_folder() -> None:
    value = workflow_graphs.recorded("ksampler_random_weights")["prompt"]
    value["3"]["inputs"]["unet_name"] = "wan\\other.safetensors"
    (gap,) = found(parse(value))
    assert (gap.lack, gap.wanted) == (Lack.MODEL, "wan\\other.safetensors")
    assert "Put it into models/diffusion_models/ of the server" in gap.cure


def test_models_of_a_class_that_is_missing_are_named_too_with_their_folder() -> None:
    workflow = require(parse(workflow_graphs.two_samplers()), Kind.SEGMENT, {"end_image": "none"})
    there = {name: schema for name, schema in schemas("0.33.0").items() if name != "UNETLoader"} | {"VAELoader": None}
    lacking = gaps(workflow.graph, there, workflow.bindings)
    assert {"UNETLoader", "VAELoader"} <= {gap.wanted for gap in lacking if gap.lack is Lack.NODE}
    files = {(gap.wanted, gap.input) for gap in lacking if gap.lack is Lack.MODEL}
    assert {("wan/vae.safetensors", "vae_name"), ("high.safetensors", "unet_name"), ("low.safetensors", "unet_name")} <= files
    lines = to_install(lacking)
    assert "put wan/vae.safetensors into models/vae/, if it is not there" in lines
    assert "put t5.safetensors into models/text_encoders/" in lines, "its class is there, and does not have it"


def test_models_of_a_missing_class_that_nothing_needs_are_not_asked_for() -> None:
    value = workflow_graphs.recorded("tiny")["prompt"] | {"9": node("Unheard", model="x.safetensors")}
    assert [gap.lack for gap in found(parse(value))] == [Lack.NODE]


def test_a_near_miss_is_suggested() -> None:
    value = workflow_graphs.recorded("ksampler_random_weights")["prompt"]
    value["5"]["inputs"]["sampler_name"] = "Euler"
    (gap,) = found(parse(value))
    assert gap.cure == 'Did you mean "euler"?'


def test_bound_inputs_are_not_judged_by_what_stands_there_but_models_are() -> None:
    value = workflow_graphs.recorded("video_from_image_mp4")["prompt"]
    value["1"]["inputs"]["image"] = "not uploaded yet.png"
    workflow = require(parse(value), Kind.SEGMENT)
    assert [gap.input for gap in found(workflow.graph)] == ["image"]
    assert gaps(workflow.graph, schemas("0.33.0"), workflow.bindings) == ()


def test_steps_are_judged_even_where_they_are_bound_since_productions_leave_them_as_they_are() -> None:
    value = workflow_graphs.recorded("ksampler_random_weights")["prompt"]
    value["5"]["inputs"]["steps"] = 30_000
    graph = parse(value)
    (gap,) = gaps(graph, schemas("0.33.0"), (Binding("steps", "5", "steps", ValueType.INTEGER),))
    assert gap.message.endswith("is 30000; the most is 10000.") and gap.cure == "Lower it."


def test_nodes_that_nothing_needs_are_checked_for_their_class_only() -> None:
    value = workflow_graphs.recorded("tiny")["prompt"]
    graph = parse(value | {"8": node("EmptyImage", width=0), "9": node("Unheard")})
    assert [(gap.node, gap.lack) for gap in found(graph)] == [("9", Lack.NODE)]


def test_model_files_have_the_folder_that_their_loader_reads() -> None:
    files = {(file.file, file.folder) for file in model_files(parse(workflow_graphs.two_samplers()))}
    assert files == {
        ("high.safetensors", "diffusion_models"),
        ("low.safetensors", "diffusion_models"),
        ("t5.safetensors", "text_encoders"),
        ("wan/vae.safetensors", "vae"),
    }
    assert folder_of("CLIPVisionLoader", "clip_name") == "clip_vision"
    assert folder_of("LoraLoaderModelOnly", "lora_name") == "loras"
    assert folder_of("UpscaleModelLoader", "model_name") == "upscale_models"
    assert folder_of("SomethingElse", "weights") == ""


def test_the_classes_of_a_graph_are_named_once() -> None:
    assert needed_classes(workflow_graphs.graph("tiny")) == ("EmptyImage", "SaveImage")
    assert needed_classes(workflow_graphs.graph("long_interruptible")).count("ImageBlur") == 1


@settings(max_examples=120, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["EmptyImage", "SaveImage"]),
        JSON
        | st.fixed_dictionaries(
            {
                "input": JSON
                | st.dictionaries(
                    st.sampled_from(["required", "optional"]),
                    JSON
                    | st.dictionaries(
                        st.sampled_from(["width", "images", "format"]),
                        JSON
                        | st.tuples(
                            st.sampled_from(["INT", "COMBO", "COMFY_DYNAMICCOMBO_V3", "IMAGE"]),
                            st.dictionaries(st.sampled_from(["min", "max", "options"]), JSON, max_size=3),
                        ).map(list),
                    ),
                ),
                "output": JSON,
                "output_node": JSON,
            }
        ),
        max_size=2,
    )
)
def test_whatever_a_server_says_of_itself_nothing_breaks(answer: dict[str, Any]) -> None:
    for gap in gaps(workflow_graphs.graph("tiny"), answer):
        assert str(gap)
