"""What comes out of a graph, and whether it follows what a request asks for."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.issues import Severity
from pipeline.domain.workflows.following import Asked, Aspect, caution, shortfalls, unfollowed
from pipeline.domain.workflows.graphs import parse
from pipeline.domain.workflows.made import Made, made
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.workflow import Workflow, require
from tests import workflow_graphs
from tests.workflow_graphs import node


def recorded(name: str = "video_from_image_mp4", **chosen: str) -> Workflow:
    """A recorded graph with these bindings besides those that are found."""
    return require(workflow_graphs.graph(name), Kind.SEGMENT, chosen)


def film(*, save: dict[str, Any] | None = None, **scale: Any) -> Workflow:
    """A picture, scaled, twelve times over."""
    value = {
        "1": node("LoadImage", image="a.png"),
        "2": node("ImageScale", image=["1", 0], upscale_method="area", crop="center", **{"width": 320, "height": 200} | scale),
        "3": node("RepeatImageBatch", image=["2", 0], amount=12),
        "w": node("PrimitiveInt", value=640),
        "4": save or node("SaveWEBM", images=["3", 0], filename_prefix="x", codec="vp9", fps=16.0, crf=32.0),
    }
    return require(parse(value), Kind.SEGMENT, dict.fromkeys(("width", "height", "frames", "fps"), "none"))


def made_by(workflow: Workflow, **asked: float) -> Made:
    """What comes out of it."""
    return made(workflow.graph, workflow.outputs, workflow.bindings, asked)


@pytest.mark.parametrize("name", [name for name in workflow_graphs.NAMES if name.startswith("video_from_image")])
def test_size_length_and_rate_of_every_recorded_clip_are_told_by_its_graph(name: str) -> None:
    unbound = recorded(name, frames="none", fps="none")
    assert made_by(unbound) == Made(256, 256, 24, 16.0)
    assert made_by(recorded(name), frames=7, fps=5) == Made(256, 256, 7, 5)


def test_a_crop_gives_no_more_than_there_is() -> None:
    workflow = recorded(width="3.width", height="3.height")
    assert made_by(workflow, width=200, height=322) == Made(200, 288, None, None)


@pytest.mark.parametrize(
    ("workflow", "size"),
    [
        (film(), (320, 200)),
        (film(width=["w", 0]), (640, 200)),
        (film(height=0), (None, None)),
        (film(width=["1", 1]), (None, None)),
        (film(save=node("SaveWEBM", images=["1", 1], filename_prefix="x", fps=16.0)), (None, None)),
    ],
)
def test_a_size_is_told_only_where_it_is_certain(workflow: Workflow, size: tuple[int | None, int | None]) -> None:
    found = made_by(workflow)
    assert (found.width, found.height) == size


@pytest.mark.parametrize(("there_and_back", "frames"), [(False, 12), (True, None)])
def test_a_combined_video_that_plays_there_and_back_has_another_length(there_and_back: bool, frames: int | None) -> None:
    inputs = {"images": ["3", 0], "frame_rate": 8, "loop_count": 0, "filename_prefix": "x", "pingpong": there_and_back}
    found = made_by(film(save=node("VHS_VideoCombine", **inputs)))
    assert found == Made(320, None, frames, 8), "200 is no multiple that every format keeps"


def test_what_decodes_latents_has_a_size_that_is_not_certain() -> None:
    workflow = require(parse(workflow_graphs.two_samplers()), Kind.SEGMENT)
    assert made_by(workflow, width=832, height=480, frames=81, fps=16) == Made(fps=16)


def test_single_pictures_follow_every_rate() -> None:
    workflow = film(save=node("SaveImage", images=["3", 0], filename_prefix="x"))
    assert unfollowed(workflow) == (Aspect.SIZE, Aspect.LENGTH)
    told = list(shortfalls(workflow, Asked(320, 200, 12, 25)))
    assert told == []


def test_inputs_that_do_not_decide_the_size_are_not_proposed_for_it() -> None:
    (told,) = shortfalls(recorded(), Asked(322, 182, 24, 16))
    assert told.severity is Severity.ERROR and "Its clips have 256x256, not 322x182 as asked for" in told.message
    assert told.cure.startswith("Add an ImageScale node at the end, and bind width and height to it")
    (told,) = shortfalls(film(), Asked(322, 182, 12, 16))
    assert told.cure.startswith("Bind width to 2.width and height to 2.height")


def test_a_binding_that_a_later_node_overrules_is_an_error() -> None:
    (told,) = shortfalls(recorded(width="2.width", height="2.height"), Asked(640, 640, 24, 16))
    assert told.severity is Severity.ERROR and "256x256" in told.message


def test_a_test_shot_says_what_the_graph_decides_by_itself() -> None:
    assert caution(recorded()) == "the graph decides the size by itself: clips that are asked for otherwise are refused"
    assert "the size and the length and the rate" in caution(film())
    wan = parse(workflow_graphs.two_samplers())
    assert caution(require(wan, Kind.SEGMENT)) == ""
    assert unfollowed(require(wan, Kind.SEGMENT, {"frames": "none"})) == (Aspect.LENGTH,)
