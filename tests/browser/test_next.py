"""What the board says to do next, and that following it is enough: decisions, reviews, what went wrong, the delivery."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from pipeline.domain.errors import WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from tests.browser.boards import Board
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Complaints, Opens
from tests.factories import AUTO, HUMAN, PERSON
from tests.fakes import failing
from tests.serving import Server

SCENES_HUMAN = Approvals("auto", "human")
LOOKS_HUMAN = Approvals("human", "auto")
LOOK = "c1 / v1"
GONE = "ERR_CONNECTION_REFUSED|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|did not respond"

Boards = Callable[..., Board]


@pytest.fixture
def board(opens: Opens) -> Boards:
    """Opens the board of a run."""
    return lambda run, **options: Board(opens(f"/runs/{run.id}", **options))


def test_the_picture_that_scenes_wait_for_is_the_one_bright_button_and_a_key_approves_it(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=2, scene_types=2, variants=1, candidates=2, approvals=LOOKS_HUMAN))
    stage.work()
    shown = board(run)
    shown.page.locator("#review-it").click()
    approve = shown.page.locator("#many-why .btn[data-verb=approve-still]")
    expect(approve).to_have_class("btn sm primary")
    expect(shown.page.locator("#side-many .btn.primary")).to_have_count(1)
    shown.press("a")
    shown.toast(f"{LOOK} is approved")
    assert stage.stills(run)[f"variant {LOOK}"].status.value == "approved"


def test_what_waits_for_a_decision_on_a_picture_is_one_click_from_pulse_and_bell(opens: Opens, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=1, scene_types=2, variants=1, approvals=LOOKS_HUMAN, title="To decide"))
    stage.work()
    page = opens("/")
    page.locator("#bell").click()
    page.locator("#notice-list a").filter(has_text=run.name).first.click()
    shown = Board(page)
    shown.until(lambda: shown.selection() == {"c1 / s1 / v1", "c1 / s2 / v1"}, "the scenes of the picture are not chosen")
    page.locator("#many-why .btn[data-verb=approve-still]").wait_for()


def test_reviews_follow_one_after_the_other_by_keys(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=1, scene_types=2, variants=1, approvals=SCENES_HUMAN), auto_deliver=False)
    stage.work()
    shown = board(run)
    expect(shown.page.locator("#board-hint")).to_contain_text("2 scenes wait for your decision")
    for number in (1, 2):
        key = f"c1 / s{number} / v1"
        shown.press("g")
        shown.press("r")
        shown.until(lambda key=key: shown.selection() == {key}, f"{key} is not chosen")
        shown.press("a")
        shown.until(lambda key=key: shown.status(key) == "approved", f"{key} is not approved")
    expect(shown.page.locator("#board-hint")).to_contain_text("Nothing is asked of you")
    stage.work()
    expect(shown.page.locator("#board-hint")).to_contain_text("Everything is approved, 2 scenes.")
    expect(shown.page.locator("#deliver")).to_be_enabled()


def test_what_failed_is_told_and_one_click_from_another_try(board: Boards, stage: Stage) -> None:
    stage.work()  # what other runs have left would meet these troubles first
    stage.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no such model"), times=2)
    run = stage.start(fresh_production(characters=2, scene_types=2, variants=1, approvals=AUTO))
    stage.work()
    stage.hands.troubles = lambda request: None
    shown = board(run)
    expect(shown.page.locator("#board-hint")).to_contain_text("2 scenes failed")
    shown.page.locator("#select-stuck").click()
    shown.until(lambda: len(shown.selection()) == 2)
    expect(shown.page.locator("#many-counts")).to_contain_text("2 × no such model")
    expect(shown.page.locator("#side-many .btn.primary")).to_contain_text("Retry")


def test_scenes_whose_picture_was_rejected_are_told_and_one_click_from_another_try(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=1, scene_types=3, variants=1, approvals=HUMAN))
    stage.work()
    stage.studio.review.reject_variant(run, LOOK, PERSON, reason="wrong face")
    shown = board(run)
    expect(shown.page.locator("#board-hint")).to_contain_text("3 scenes cannot go on")
    shown.page.locator("#select-stuck").click()
    shown.until(lambda: len(shown.selection()) == 3)
    shown.press("r")
    shown.confirm("Retry")
    stage.work()
    expect(shown.page.locator("#board-hint")).to_contain_text(LOOK)


def test_rejecting_a_selection_leaves_its_approved_scenes_alone(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=1, scene_types=3, variants=1, approvals=SCENES_HUMAN))
    stage.work()
    done = "c1 / s1 / v1"
    stage.studio.review.approve(run, Selection(keys=(done,)), PERSON)
    shown = board(run)
    shown.until_shows(approved=1, review=2)
    shown.page.locator("#matrix-corner").click()
    reject = shown.page.locator("#side-many [data-verb=reject]")
    expect(reject).to_contain_text("Reject 2")
    reject.click()
    expect(shown.page.locator("#confirm-title")).to_have_text("Reject 2 scenes")
    shown.confirm("Reject")
    shown.until_shows(approved=1, rejected=2)
    assert stage.cells(run)[done].status.value == "approved"


def test_the_legend_of_a_layer_tells_of_that_layer(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=1, scene_types=2, variants=1, segments=3, approvals=AUTO))
    stage.work()
    shown = board(run)
    trail = shown.page.locator("#board-trail")
    shown.page.locator("[data-layer=cost]").click()
    expect(trail).to_contain_text("Generation time of all takes")
    shown.page.locator("[data-layer=attempts]").click()
    expect(trail).to_have_text(f"Tries of all jobs: bright is {attempts_of(stage, run.id)}.")


def attempts_of(stage: Stage, run_id: int) -> int:
    """The most tries that a scene of the run has had."""
    return int(max(stage.studio.boards.layer(run_id, "attempts").values()))


def test_a_decision_while_the_server_is_away_is_refused_and_can_be_made_again(
    board: Boards, stage: Stage, server: Server, complaints: Complaints
) -> None:
    run = stage.start(fresh_production(characters=1, scene_types=1, variants=1, approvals=SCENES_HUMAN))
    stage.work()
    shown, key = board(run), "c1 / s1 / v1"
    shown.click(key)
    shown.page.locator("#one-buttons [data-verb=approve]").wait_for()
    server.stop()
    shown.page.wait_for_selector("#live-pill[data-state=away]")
    shown.press("a")
    shown.toast("The server does not answer, so nothing was done.")
    server.start()
    shown.page.wait_for_selector("#live-pill[data-state=live]")
    assert stage.cells(run)[key].status.value == "review"
    shown.press("a")
    shown.until(lambda: shown.status(key) == "approved")
    complaints.forgive(GONE)
