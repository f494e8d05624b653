"""How the pages look: nothing is cut or sticks out in any size and theme, and nobody is kept out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pipeline.domain.errors import WorkFailed
from pipeline.domain.production import Approvals, Matrix
from pipeline.domain.records import Run
from tests.browser.boards import Board
from tests.browser.looks import barriers, flaws
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Opens
from tests.factories import AUTO
from tests.fakes import failing

SIZES = ((1280, 720), (1440, 900), (2560, 1440))
MIDDLE: Any = {"width": 1440, "height": 900}
THEMES = ("dark", "light")


@pytest.fixture(scope="module")
def runs(stage: Stage) -> dict[str, Run]:
    """Runs of every size and state."""
    found = {"one": stage.create(fresh_production(characters=1, scene_types=1, variants=1, title="One"))}
    found["160, new"] = stage.create(fresh_production(characters=10, scene_types=8, variants=2, title="A hundred and sixty"))
    found["all done"] = stage.start(fresh_production(characters=4, scene_types=4, variants=2, title="All done", approvals=AUTO))
    stage.work()
    stage.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "the model has no such motion"), times=999)
    found["all failed"] = stage.start(fresh_production(characters=4, scene_types=4, variants=2, title="All failed"))
    stage.work()
    stage.hands.troubles = lambda request: None
    half = Approvals("auto", "human")
    found["in review"] = stage.start(fresh_production(characters=3, scene_types=4, variants=2, title="In review", approvals=half))
    stage.work()
    waiting = fresh_production(characters=3, scene_types=4, variants=2, title="Waiting", approvals=Approvals("human", "human"))
    found["waiting"] = stage.start(waiting)
    stage.work()
    found["8,000"] = stage.create(fresh_production(characters=100, scene_types=40, variants=2, title="Eight thousand"))
    return found


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest) -> str:
    """Dark, then light."""
    return str(request.param)


def at_every_size(page: Page) -> Iterator[str]:
    """What is wrong with the page, at each of the sizes."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(250)  # the matrix is measured and drawn again
        yield from (f"{width} px: {flaw}" for flaw in flaws(page))


def told(found: Iterable[str]) -> str:
    """All of it, a line each: what a failing test prints."""
    return "\n".join(found)


@pytest.mark.parametrize("name", ["one", "160, new", "all done", "all failed"])
def test_nothing_on_a_board_is_cut_or_sticks_out(opens: Opens, runs: dict[str, Run], name: str, theme: str) -> None:
    page = opens(f"/runs/{runs[name].id}", theme=theme)
    Board(page)
    assert told(at_every_size(page)) == ""


@pytest.mark.parametrize("name", ["in review", "waiting", "8,000"])
def test_nothing_on_a_board_is_cut_and_nobody_kept_out(opens: Opens, runs: dict[str, Run], name: str, theme: str) -> None:
    page = opens(f"/runs/{runs[name].id}", theme=theme)
    shown = Board(page)
    found = [*barriers(page), *at_every_size(page)]
    page.set_viewport_size(MIDDLE)
    shown.open_grid()
    assert told([*found, *barriers(page)]) == ""


def test_nothing_is_cut_with_scenes_chosen_or_zoomed(opens: Opens, runs: dict[str, Run], theme: str) -> None:
    page = opens(f"/runs/{runs['in review'].id}", theme=theme)
    board = Board(page)
    board.click("c1 / s1 / v1")
    page.wait_for_selector("#side-one *")
    found = list(at_every_size(page))
    board.drag("c1 / s1 / v1", "c2 / s2 / v2")
    found += at_every_size(page)
    for zoom in ("character", "type"):
        page.locator(f"[data-zoom={zoom}]").click()
        page.wait_for_selector("#cards:visible")
        found += at_every_size(page)
    assert told(found) == ""


def test_a_board_without_scenes_says_why_and_nothing_else(opens: Opens, stage: Stage, theme: str) -> None:
    run = stage.create(replace(fresh_production(title="None"), matrix=Matrix((), (), ())))
    page = opens(f"/runs/{run.id}", theme=theme)
    page.get_by_text("This run has no scenes").wait_for()
    expect(page.locator("#side")).not_to_be_visible()
    expect(page.locator("#chips")).not_to_be_visible()
    assert told([*at_every_size(page), *barriers(page)]) == ""


@pytest.mark.parametrize("name", ["all done", "all failed", "in review"])
def test_nothing_on_a_scene_is_cut_and_nobody_kept_out(
    opens: Opens, stage: Stage, runs: dict[str, Run], name: str, theme: str
) -> None:
    page = opens(f"/cells/{stage.cells(runs[name])['c1 / s1 / v1'].id}", theme=theme)
    page.wait_for_selector(".cell, .page")
    assert told([*barriers(page), *at_every_size(page)]) == ""


@pytest.mark.parametrize("path", ["/", "/deliveries", "/no-such-page"])
def test_nothing_on_the_other_pages_is_cut_and_nobody_kept_out(opens: Opens, runs: dict[str, Run], path: str, theme: str) -> None:
    page = opens(path, theme=theme)
    assert told([*barriers(page), *at_every_size(page)]) == ""


# People -----------------------------------------------------------------------------------------------------------------


def test_the_dialogs_of_a_board_keep_nobody_out(opens: Opens, runs: dict[str, Run], theme: str) -> None:
    page = opens(f"/runs/{runs['in review'].id}", theme=theme)
    board = Board(page)
    board.click("c1 / s1 / v1")
    page.wait_for_selector("#side-one *")
    found = barriers(page)
    board.press("x")
    page.locator("#confirm-yes").wait_for(state="visible")
    assert told([*found, *barriers(page)]) == ""
