"""The board in a real browser: what is drawn, chosen and done there, and that every change arrives by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from pipeline.domain.choices import Mode
from pipeline.domain.errors import WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Exclusion
from pipeline.domain.work import Request
from tests.browser.boards import Board
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Complaints, Opens
from tests.factories import AUTO, HUMAN, PERSON
from tests.fakes import failing
from tests.serving import Server

SCENES_HUMAN = Approvals("auto", "human")
KEY = "c1 / s1 / v1"

Boards = Callable[..., Board]


@pytest.fixture
def board(opens: Opens) -> Boards:
    """Opens the board of a run."""
    return lambda run, **options: Board(opens(f"/runs/{run.id}", **options))


def keys(*numbers: tuple[int, int, int]) -> set[str]:
    """Keys by the numbers of character, scene type and variant."""
    return {f"c{one} / s{two} / v{three}" for one, two, three in numbers}


# What it shows ----------------------------------------------------------------------------------------------------------


def test_every_cell_is_drawn_and_counted(board: Boards, stage: Stage) -> None:
    run = stage.create(fresh_production(characters=3, scene_types=4, variants=2))
    shown = board(run)
    assert shown.counts() == shown.chips() == {"not_started": 24}
    assert shown.status(KEY) == "not_started"
    assert len({tuple(shown.box(key).values()) for key in stage.cells(run)}) == 24


def test_a_cell_has_the_colour_of_its_status(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=2, scene_types=2, variants=1, approvals=AUTO))
    stage.work()
    shown = board(run)
    shown.until_shows(approved=4)
    wanted = shown.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--status-approved').trim()")
    assert shown.colour("c2 / s2 / v1") == wanted


def test_a_cell_waiting_for_a_person_says_on_what_it_is_blocked(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(approvals=HUMAN))
    stage.work()
    shown = board(run)
    assert shown.status(KEY) == "blocked"
    shown.click(KEY)
    expect(shown.page.locator("#side")).to_contain_text("c1 / v1")


def test_an_unknown_or_foreign_run_is_a_clear_word(opens: Opens, complaints: Complaints) -> None:
    for path in ("/runs/999999", "/runs/abc", "/runs/-1", f"/runs/{10**30}", "/runs/1%27%20OR%201", "/runs/%00"):
        page = opens(path)
        expect(page.locator(".page")).to_contain_text(re.compile("No such run|not|Nothing"))
    complaints.forgive("404.*/matrix")  # the document of a board is asked for before the page is there


# Live -------------------------------------------------------------------------------------------------------------------


def test_cells_change_on_the_screen_while_the_engine_works(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=2, scene_types=3, variants=2, approvals=SCENES_HUMAN))
    shown = board(run)
    before = shown.colour(KEY)
    stage.work()
    shown.until_shows(review=12)
    shown.until(lambda: shown.colour(KEY) != before, "the pixels did not change")
    assert shown.chips() == {"review": 12}


def test_the_selection_survives_live_changes(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(approvals=SCENES_HUMAN))
    shown = board(run)
    shown.drag("c1 / s1 / v1", "c1 / s2 / v2")
    chosen = shown.selection()
    assert chosen == keys((1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2))
    stage.work()
    shown.until_shows(review=8)
    assert shown.selection() == chosen


def test_two_tabs_stay_in_step(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(approvals=SCENES_HUMAN))
    stage.work()
    one, two = board(run), board(run)
    one.click(KEY)
    one.press("a")
    one.until(lambda: one.status(KEY) == "approved")
    two.until(lambda: two.status(KEY) == "approved")
    two.until(lambda: two.counts() == one.counts())


def test_the_board_catches_up_by_itself_after_a_restart_of_the_server(
    board: Boards, stage: Stage, server: Server, complaints: Complaints
) -> None:
    run = stage.start(fresh_production(approvals=SCENES_HUMAN))
    shown = board(run)
    server.stop()
    shown.page.wait_for_selector("#live-pill[data-state=away]")
    stage.work()
    server.start()
    shown.until_shows(review=8)
    shown.page.wait_for_selector("#live-pill[data-state=live]")
    complaints.forgive("ERR_CONNECTION|WebSocket connection|ERR_EMPTY_RESPONSE|Failed to fetch")


# Choosing ---------------------------------------------------------------------------------------------------------------


def test_a_box_chooses_the_cells_under_it(board: Boards, stage: Stage) -> None:
    shown = board(stage.create(fresh_production(characters=3, scene_types=3, variants=2)))
    shown.drag("c1 / s1 / v2", "c2 / s2 / v1")
    assert shown.selection() == keys((1, 1, 2), (1, 2, 1), (2, 1, 2), (2, 2, 1))
    expect(shown.page.locator("#many-count")).to_have_text("4 selected")
    approve = shown.page.locator("#side-many > .bx-many-buttons [data-verb=approve]")
    expect(approve).to_be_disabled()
    expect(approve).to_have_attribute("title", "None of these 4 is in review")


def test_clicks_headers_and_chips_choose_too(board: Boards, stage: Stage) -> None:
    shown = board(stage.create(fresh_production(characters=2, scene_types=2, variants=2)))
    shown.click(KEY)
    shown.click("c2 / s2 / v2", modifiers=["Control"])
    assert shown.selection() == keys((1, 1, 1), (2, 2, 2))
    shown.page.locator("#matrix-rows [data-line='1']").first.click()
    assert shown.selection() == keys((2, 1, 1), (2, 1, 2), (2, 2, 1), (2, 2, 2))
    shown.page.locator("[data-status-chip=not_started]").click(modifiers=["Control"])
    assert len(shown.selection()) == 8
    shown.press("Escape")
    assert shown.selection() == set()


def test_the_keyboard_moves_chooses_and_opens(board: Boards, stage: Stage) -> None:
    run = stage.create(fresh_production(characters=2, scene_types=2, variants=2))
    shown = board(run)
    shown.press("ArrowDown")
    shown.press("ArrowDown")
    shown.press("ArrowRight")
    shown.press("Space")
    assert shown.selection() == {"c2 / s1 / v2"}
    shown.press("Enter")
    shown.page.wait_for_url(re.compile(r"/cells/\d+"))


def test_a_place_without_a_scene_is_told_to_who_does_not_see_it(board: Boards, stage: Stage) -> None:
    whole = fresh_production(characters=2, scene_types=2, variants=1)
    names = whole.characters[0].name, whole.scene_types[1].name
    rest = replace(whole.matrix, exclude=(Exclusion(character=names[0], scene_type=names[1]),))
    shown = board(stage.create(replace(whole, matrix=rest)))
    said = shown.page.locator("#board-said")
    shown.press("ArrowDown")
    expect(said).to_contain_text("not started")
    shown.press("ArrowRight")
    expect(said).to_have_text("no scene here")


def test_keys_do_not_fire_while_somebody_types(board: Boards, stage: Stage) -> None:
    shown = board(stage.create(fresh_production()))
    shown.page.locator("#board-find").click()
    shown.page.keyboard.type("s1 xar")
    expect(shown.page.locator("#confirm-yes")).to_be_hidden()
    assert shown.selection() == set()


def test_zoom_and_selection_are_in_the_address_so_a_link_shows_the_same(board: Boards, stage: Stage, opens: Opens) -> None:
    shown = board(stage.create(fresh_production(characters=3, scene_types=2, variants=2)))
    shown.click("c2 / s1 / v1")
    shown.page.locator("[data-zoom=character]").click()
    shown.page.wait_for_selector("#cards:visible")
    expect(shown.page.locator("#cards")).to_contain_text("s2")
    shown.until(lambda: {"character", "sel"} <= set(re.findall(r"[?&](\w+)=", shown.page.url)))
    again = opens(shown.page.url)
    again.wait_for_selector("#cards:visible")
    assert again.evaluate("() => window.stripboard.board.selection()") == ["c2 / s1 / v1"]
    shown.page.locator("[data-zoom=project]").first.click()
    shown.page.wait_for_selector("#matrix:visible")


@pytest.mark.parametrize(
    "query", ["?zoom=character&row=99", "?layer=%3Cscript%3E", "?sel=zzz", "?zoom=%00&layer=qa&x=1", "?" + "a" * 2000]
)
def test_a_broken_link_still_shows_the_board(opens: Opens, stage: Stage, query: str) -> None:
    run = stage.create(fresh_production())
    assert Board(opens(f"/runs/{run.id}{query}")).counts() == {"not_started": 8}


@pytest.mark.parametrize("layer", ["qa", "wait", "duration", "cost", "attempts"])
def test_every_layer_is_shown(board: Boards, stage: Stage, layer: str) -> None:
    run = stage.start(fresh_production())
    stage.work()
    shown = board(run)
    shown.page.locator(f"[data-layer={layer}]").click()
    expect(shown.page.locator(f"[data-layer={layer}]")).to_have_attribute("aria-pressed", "true")


def test_the_grid_has_the_same_for_keyboard_and_screen_readers(board: Boards, stage: Stage) -> None:
    shown = board(stage.create(fresh_production(characters=3, scene_types=2, variants=2)))
    shown.page.locator("#grid-toggle").click()
    grid = shown.page.locator("#board-grid [role=grid], #board-grid [role=treegrid]").first
    expect(grid).to_be_visible()
    for name in ("c1", "c2", "c3"):
        expect(grid.get_by_text(name, exact=True).first).to_be_visible()


# Doing ------------------------------------------------------------------------------------------------------------------


def test_a_part_is_submitted_with_its_estimate(board: Boards, stage: Stage) -> None:
    run = stage.create(fresh_production(characters=2, scene_types=2, variants=2))
    shown = board(run)
    shown.drag("c1 / s1 / v1", "c1 / s1 / v2")
    shown.press("s")
    expect(shown.page.locator("#confirm")).to_contain_text("generation time")
    expect(shown.page.locator("#confirm")).to_contain_text("disk")
    expect(shown.page.locator("#confirm")).to_contain_text("Times are")
    shown.confirm("Submit 2 scenes")
    shown.until(lambda: shown.counts().get("not_started") == 6)
    stage.work()
    shown.until_shows(approved=2, not_started=6)
    shown.drag("c2 / s1 / v1", "c2 / s1 / v2")
    shown.press("s")
    expect(shown.page.locator("#confirm .bx-spreads")).to_contain_text("samples)")


def test_a_submission_names_what_it_leaves_out_and_why(board: Boards, stage: Stage) -> None:
    run = stage.create(fresh_production(characters=2, scene_types=1, variants=1))
    stage.studio.submission.submit(run, Selection(characters=("c1",)), Mode.MISSING, PERSON)
    shown = board(run)
    shown.page.locator("#matrix-corner").click()
    shown.press("s")
    expect(shown.page.locator("#confirm")).to_contain_text("1 scene left out")


def test_scenes_are_approved_by_keyboard_and_taken_back(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(approvals=SCENES_HUMAN, outputs=0))
    stage.work()
    shown = board(run)
    shown.press("ArrowDown")
    shown.press("a")
    shown.until(lambda: shown.status(KEY) == "approved")
    shown.toast("approved")
    shown.press("z")
    shown.until(lambda: shown.status(KEY) == "review")


def test_a_scene_is_rejected_with_a_reason_and_a_note(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(approvals=SCENES_HUMAN))
    stage.work()
    shown = board(run)
    shown.click(KEY)
    shown.press("x")
    shown.page.locator("[data-reason]").nth(1).click()
    reason = shown.page.locator("[data-reason]").nth(1).get_attribute("data-reason") or ""
    shown.page.locator("#reject-words").fill("the left <b>hand</b>")
    shown.confirm("Reject")
    shown.until(lambda: shown.status(KEY) == "rejected")
    assert stage.cells(run)[KEY].reason == reason
    assert stage.studio.reports.cell(run, KEY).takes[-1].note == "the left <b>hand</b>"
    expect(shown.page.locator("#side-one")).to_contain_text("the left <b>hand</b>")


def test_what_somebody_else_has_decided_meanwhile_is_told_and_nothing_is_lost(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(approvals=SCENES_HUMAN))
    stage.work()
    shown = board(run)
    shown.click(KEY)
    shown.press("x")
    shown.page.locator("#confirm-yes").wait_for(state="visible")
    stage.studio.review.approve(run, Selection(keys=(KEY,)), PERSON)
    shown.page.locator("#confirm-yes").click()
    shown.toast("approved by")
    assert stage.cells(run)[KEY].status.value == "approved"


def test_only_what_failed_is_tried_again(board: Boards, stage: Stage) -> None:
    stage.work()  # what other runs have left would meet these troubles first
    stage.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no such model"), times=2)
    run = stage.start(fresh_production(characters=2, scene_types=2, variants=1))
    stage.work()
    stage.hands.troubles = no_trouble
    shown = board(run)
    shown.until_shows(failed=2, approved=2)
    before = stage.hands.count("scene_generation")
    shown.page.locator("[data-status-chip=failed]").click(modifiers=["Control"])
    shown.press("r")
    shown.confirm("Retry 2 scenes")
    shown.until(lambda: "failed" not in shown.counts())
    stage.work()
    shown.until_shows(approved=4)
    assert stage.hands.count("scene_generation") - before <= 4


def no_trouble(request: Request) -> None:
    """All goes well."""


def test_a_run_is_paused_and_resumed(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production())
    shown = board(run)
    shown.page.locator("#run-pause").click()
    shown.page.locator("#run-resume").wait_for()
    stage.work()
    assert stage.run(run).status.value == "paused"
    shown.page.locator("#run-resume").click()
    shown.page.locator("#run-pause").wait_for()
    stage.work()
    shown.until_shows(approved=8)


def test_the_hint_leads_to_the_decision_that_frees_most(board: Boards, stage: Stage) -> None:
    run = stage.start(fresh_production(characters=2, scene_types=3, variants=1, approvals=Approvals("human", "auto")))
    stage.work()
    shown = board(run)
    expect(shown.page.locator("#board-hint")).to_contain_text("c1 / v1")
    expect(shown.page.locator("#board-hint")).to_contain_text("3 scenes")


def test_a_view_is_kept_by_name(board: Boards, stage: Stage) -> None:
    run = stage.create(fresh_production())
    shown = board(run)
    shown.page.locator("[data-layer=qa]").click()
    shown.page.get_by_text("Views").first.click()
    shown.page.locator("#view-name").fill('My "view" <1>')
    shown.page.locator("#keep-view").click()
    shown.toast("kept")
    again = board(run)
    again.page.get_by_text("Views").first.click()
    again.page.get_by_text('My "view" <1>').click()
    expect(again.page.locator("[data-layer=qa]")).to_have_attribute("aria-pressed", "true")
