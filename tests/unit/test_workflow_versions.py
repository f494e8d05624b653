"""What differs between versions of a workflow, and the numbers of a test shot."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.errors import Invalid
from pipeline.domain.workflows.difference import ABSENT, ClassChange, InputChange, difference
from pipeline.domain.workflows.graphs import parse
from pipeline.domain.workflows.sizes import ANY, FrameRule, frame_rule, needed_frames, preview
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.workflow import Workflow, require
from tests import workflow_graphs
from tests.workflow_graphs import node, schemas


def version(value: dict[str, Any], **chosen: str) -> Workflow:
    return require(parse(value), Kind.SEGMENT, chosen)


def test_nodes_inputs_and_bindings_that_differ_are_named_with_old_and_new() -> None:
    old = workflow_graphs.recorded("video_from_image_mp4")["prompt"]
    new = workflow_graphs.recorded("video_from_image_mp4")["prompt"]
    new["5"]["inputs"] |= {"strength": 0.5, "extra": 1}
    del new["7"]["inputs"]["codec"]
    new["2"]["class_type"] = "ImageScaleBy"
    new["3"]["_meta"]["title"] = "Another title"
    new["8"] = node("PreviewImage", images=["5", 0])
    changed = difference(version(old), version(new, seed="none"))
    assert changed.inputs == (
        InputChange("5", "Per-frame noise", "strength", 0.15, 0.5),
        InputChange("5", "Per-frame noise", "extra", ABSENT, 1),
        InputChange("7", "Save", "codec", "h264", ABSENT),
    )
    assert changed.classes == (ClassChange("2", "ImageScale", "ImageScaleBy"),)
    assert ([added.id for added in changed.added], changed.removed) == (["8"], ())
    assert ([one.slot for one in changed.unbound], changed.bound) == (["seed"], ())
    back = difference(version(new, seed="none"), version(old))
    assert [gone.id for gone in back.removed] == ["8"] and [one.slot for one in back.bound] == ["seed"]


def test_equal_versions_do_not_differ_whatever_they_are_called() -> None:
    first = workflow_graphs.two_samplers()
    second = workflow_graphs.two_samplers()
    second["first"]["_meta"] = {"title": "Start here"}
    assert difference(version(first), version(second)).is_empty
    second["one"]["inputs"]["cfg"] = 3
    assert not difference(version(first), version(second)).is_empty


def test_the_frames_that_a_graph_makes_are_told_by_its_nodes_and_surer_by_the_server() -> None:
    wan = version(workflow_graphs.two_samplers())
    assert frame_rule(wan) == FrameRule(4, 1)
    assert [needed_frames(wan, frames) for frames in (1, 48, 49, 50)] == [1, 49, 49, 53]
    sampler = workflow_graphs.recorded("ksampler_random_weights")["prompt"]
    sampler["7"] = node("LoadImage", image="a.png")
    sampler["8"] = node("SaveVideo", video=["5", 0], image=["7", 0], filename_prefix="x")
    assert frame_rule(version(sampler), schemas("0.33.0")) == FrameRule(4, 1)
    assert frame_rule(version(workflow_graphs.recorded("video_from_image_mp4")["prompt"]), schemas("0.33.0")) == ANY


@given(st.integers(1, 12), st.integers(0, 3), st.integers(1, 500))
def test_rounding_keeps_the_rule_and_the_direction(step: int, rest: int, frames: int) -> None:
    rule = FrameRule(step, rest % step)
    up, down = rule.up(frames), rule.down(frames)
    assert up % step == down % step == rest % step
    assert down >= 1 and down - step < frames <= up < frames + step + (rule.rest or step)


def test_a_test_shot_is_smaller_and_shorter_and_still_of_a_kind_that_the_graph_makes() -> None:
    wan = version(workflow_graphs.two_samplers())
    values = {"width": 1280, "height": 720, "frames": 81, "fps": 16, "seed": 3, "prompt": "p"}
    assert preview(wan, values, 0.5) == values | {"width": 640, "height": 352, "frames": 37}
    assert preview(wan, values, 1) == values
    assert preview(wan, values, 0.01) == values | {"width": 448, "height": 256, "frames": 5}
    assert preview(wan, {"prompt": "p"}, 0.5) == {"prompt": "p"}


@given(st.integers(16, 4096), st.integers(16, 4096), st.integers(1, 400), st.floats(0.01, 1))
def test_a_test_shot_never_asks_for_more(width: int, height: int, frames: int, share: float) -> None:
    wan = version(workflow_graphs.two_samplers())
    found = preview(wan, {"width": width, "height": height, "frames": frames}, share)
    assert 16 <= found["width"] <= width and 16 <= found["height"] <= height and 1 <= found["frames"] <= frames
    assert found["frames"] % 4 == 1 or share == 1


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan")])
def test_a_share_that_makes_no_sense_is_refused(share: float) -> None:
    with pytest.raises(Invalid, match="share of the size"):
        preview(version(workflow_graphs.two_samplers()), {}, share)
