"""The page of a scene in a real browser: frames, takes in step, decisions by key, and two people at once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus
from pipeline.domain.work import Measurement
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Opens
from tests.factories import HUMAN, PERSON

KEY = "c1 / s1 / v1"
_NUMBERS = itertools.count(1)
ONLY = Selection(keys=(KEY,))
JUMP = (Measurement("boundary_jump", 0.4, "boundary 1-2"), Measurement("sharpness", 200, "segment 1"))


@pytest.fixture
def run(stage: Stage) -> Run:
    """One scene whose first take waits for a person; its boundary jumps."""
    stage.hands.measures["scene_qa"] = JUMP
    shape: dict[str, Any] = {"characters": 1, "scene_types": 1, "variants": 1}
    title = f"Scene {next(_NUMBERS)}"
    run = stage.start(fresh_production(**shape, title=title, approvals=Approvals("auto", "human"), segments=2))
    stage.work()
    return run


def address(stage: Stage, run: Run) -> str:
    return f"/cells/{stage.cells(run)[KEY].id}"


def status(page: Page) -> Any:
    return page.locator("#cell-status-word")


def loaded(page: Page) -> Page:
    """The page once its video can be stepped through."""
    expect(page.locator("#video-b")).to_have_js_property("readyState", 4)
    return page


def times(page: Page) -> list[float]:
    found: list[float] = page.evaluate("['video-a', 'video-b'].map((id) => document.getElementById(id).currentTime)")
    return found


def test_frames_are_stepped_one_by_one_to_their_middle(opens: Opens, stage: Stage, run: Run) -> None:
    page = loaded(opens(address(stage, run)))
    for number in (1, 2, 3, 3):
        page.keyboard.press(".")
        expect(page.locator("#player-number")).to_have_text(f"frame {number}")
        assert times(page)[1] == pytest.approx((number + 0.5) / 4, abs=0.001)
    page.keyboard.press(",")
    expect(page.locator("#player-number")).to_have_text("frame 2")


def test_boundaries_are_marked_where_they_are_and_told_when_they_jump(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(address(stage, run))
    assert page.locator(".diamond.outside").get_attribute("title") == "boundary 1▸2: jump 0.40, limit 0.25"
    assert page.locator(".measure").nth(1).get_attribute("data-measure") == "boundary_jump"


def test_a_take_is_approved_by_a_key(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(address(stage, run))
    page.keyboard.press("a")
    expect(status(page)).to_have_text("Approved")
    assert stage.cells(run)[KEY].status is CellStatus.APPROVED


def test_a_take_is_rejected_with_the_reason_that_was_measured_and_a_note(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(address(stage, run))
    page.keyboard.press("x")
    page.locator("#reject-note").fill("calmer, a x r please")
    page.locator("#reject-send").click()
    expect(status(page)).to_have_text("Rejected")
    expect(page.locator("#reject-form")).to_be_hidden()
    with stage.studio.stores.read() as store:
        [take] = store.takes.of_cell(stage.cells(run)[KEY].id)
    assert (take.reason, take.note) == ("jump between segments", "calmer, a x r please")


def test_a_decision_is_taken_back(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(address(stage, run))
    page.keyboard.press("a")
    expect(status(page)).to_have_text("Approved")
    page.locator("#toasts").get_by_text("Undo").click()
    expect(status(page)).to_have_text("Review")


def test_a_new_take_keeps_a_segment_and_appears_by_itself(opens: Opens, stage: Stage, run: Run) -> None:
    page = loaded(opens(address(stage, run)))
    page.keyboard.press("x")
    page.locator("#reject-send").click()
    expect(status(page)).to_have_text("Rejected")
    page.keyboard.press("r")
    page.locator(".origin[data-segment='2']").click()
    page.locator("#retake-seed").fill("4711")
    page.locator("#retake-send").click()
    expect(status(page)).to_have_text("Queued")
    stage.work()
    expect(status(page)).to_have_text("Review")
    expect(page.locator("#take-2")).to_be_visible()
    expect(page.locator("#jobs")).to_contain_text("kept from take 1")
    expect(page.locator("#jobs")).to_contain_text("seed 4711")


def test_two_takes_are_wiped_and_stay_in_step(opens: Opens, stage: Stage, run: Run) -> None:
    stage.studio.retakes.again(run, KEY, PERSON)
    stage.work()
    page = loaded(opens(address(stage, run)))
    page.keyboard.press("w")
    expect(page.locator("#label-a")).to_contain_text("take 1")
    expect(page.locator("#video-a")).to_have_js_property("readyState", 4)
    page.keyboard.press(".")
    expect(page.locator("#player-number")).to_have_text("frame 1")
    expect(page.locator("#video-a")).to_have_js_property("seeking", False)
    assert times(page)[0] == pytest.approx(times(page)[1], abs=0.01)
    box = page.locator("#player-frame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert page.locator("#wipe").get_attribute("aria-valuenow") == "25"


def test_whoever_decides_second_is_told_and_keeps_what_was_written(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(address(stage, run))
    page.keyboard.press("x")
    page.locator("#reject-note").fill("too fast")
    stage.studio.review.approve(run, ONLY, PERSON)
    expect(status(page)).to_have_text("Approved")
    page.locator("#reject-send").click()
    expect(page.locator("#toasts")).to_contain_text("was approved by tester")
    assert page.locator("#reject-note").input_value() == "too fast"
    assert stage.cells(run)[KEY].status is CellStatus.APPROVED


def test_the_picture_that_a_scene_waits_for_is_chosen_on_its_page(opens: Opens, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=1, scene_types=1, variants=1, candidates=3, approvals=HUMAN))
    stage.work()
    page = opens(address(stage, run))
    expect(status(page)).to_have_text("Blocked")
    page.locator("#candidate-2").click()
    expect(page.locator("#toasts")).to_contain_text("Candidate 2")
    stage.work()
    expect(status(page)).to_have_text("Review")


@pytest.mark.parametrize("path", ["/cells/abc", "/cells/999999", "/cells/-1", "/cells/1e3", "/cells/99999999999999999999"])
def test_a_scene_that_is_not_there_has_a_clear_page(opens: Opens, path: str) -> None:
    expect(opens(path).locator("#cell-missing")).to_contain_text("No such scene")
