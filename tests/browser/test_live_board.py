"""What the board shows of work under way at a fleet: how far each scene is, who makes it at what cost, its unfinished picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from PIL import Image
from playwright.sync_api import Page, Request, expect

from pipeline.domain.records import Run
from pipeline.domain.schedule import QuietHours, Schedule
from pipeline.domain.stages import Stage as Step
from pipeline.domain.statuses import CellStatus, JobStatus
from tests.browser.boards import Board, middle, pixel
from tests.browser.looks import barriers
from tests.browser.stage import fresh_production
from tests.browser.tabs import PATIENCE_MS, Opens
from tests.browser.test_fleet import FleetStage
from tests.browser.test_looks import THEMES, at_every_size, told
from tests.factories import PERSON, quick_folder


@pytest.fixture(scope="module")
def stage() -> Iterator[FleetStage]:
    """A house whose one worker is at a scene, the sampler at step 12 of 30; others wait for it."""
    with quick_folder() as folder:
        found = FleetStage(folder)
        found.have(1)
        yield found
        found.have(0)
        found.check()
        found.close()


@pytest.fixture(scope="module")
def run(stage: FleetStage) -> Run:
    """Its run."""
    run = stage.start(fresh_production(characters=3, scene_types=2, variants=1, segments=2, title="Harbor Nights"))
    while not stage.jobs(run, Step.SCENE_GENERATION):
        stage.engine.turn()
    stage.fleet.holding.add("gpu-1")
    stage.work()
    with stage.studio.stores.begin(stage.clock.now()) as store:
        held = [job.attempt_id for job in store.jobs.running()]
        store.jobs.note_progress({str(attempt): (0.8, "step: sampler 12 of 30") for attempt in held})
    return run


def generating(stage: FleetStage, run: Run) -> str:
    """The key of a scene that the worker is at."""
    at_work = {job.subject_id for job in stage.jobs(run, Step.SCENE_GENERATION) if job.status is JobStatus.RUNNING}
    return next(key for key, cell in stage.cells(run).items() if cell.id in at_work and cell.status is CellStatus.GENERATING)


def until_told(board: Board, what: str) -> None:
    """Wait until the board has been told of running or waiting scenes."""
    told = f"Boolean(window.stripboardBoard.state.live && window.stripboardBoard.state.live.{what}.size)"
    board.until(lambda: bool(board.page.evaluate(told)), f"nothing was told that is {what}")


def point_at(page: Page, board: Board, key: str) -> None:
    """Move the pointer over a cell."""
    x, y = middle(board.box(key))
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)


def test_pointing_at_a_running_scene_tells_step_worker_and_cost_and_shows_its_picture(
    opens: Opens, stage: FleetStage, run: Run
) -> None:
    key = generating(stage, run)
    page = opens(f"/runs/{run.id}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "preview.jpg" in request.url else None)
    board = Board(page)
    until_told(board, "running")
    assert asked == [], "no picture is asked for while nobody looks at one"

    point_at(page, board, key)
    card = page.locator("#hover-card")
    for words in ("sampler 12 of 30 · 40 %", "segment 1 of 2 at gpu-1", "cost "):
        expect(card).to_contain_text(words, timeout=PATIENCE_MS)
    [job] = [one for one in stage.jobs(run, Step.SCENE_GENERATION) if one.subject_id == stage.cells(run)[key].id]
    picture = io.BytesIO()
    Image.new("RGB", (64, 36), "#336699").save(picture, "JPEG")
    (stage.studio.spool.attempt_folder(str(job.attempt_id)) / "preview.jpg").write_bytes(picture.getvalue())
    expect(card.locator("img")).to_be_visible(timeout=PATIENCE_MS)
    assert asked

    page.mouse.move(5, 5)
    expect(card).to_be_hidden()
    with page.expect_request(lambda request: is_live(request), timeout=PATIENCE_MS):
        asked.clear()
    assert asked == []


def is_live(request: Request) -> bool:
    """The board asks what runs."""
    return request.url.endswith("/live")


def test_a_running_scene_has_a_bar_at_its_foot(opens: Opens, stage: FleetStage, run: Run) -> None:
    key = generating(stage, run)
    board = Board(opens(f"/runs/{run.id}"))
    until_told(board, "running")
    ink = board.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--status-generating').trim()")
    box = board.box(key)
    spot = {"x": box["x"] + 8, "y": box["y"] + box["height"] - 6, "width": 1, "height": 1}
    assert board.colour(key) == ink
    board.until(lambda: pixel(board.page.screenshot(clip=spot)) != ink, "the bar is drawn over the colour of the cell")  # type: ignore[arg-type]


def test_the_side_panel_and_the_page_of_a_scene_have_room_for_its_unfinished_picture(
    opens: Opens, stage: FleetStage, run: Run
) -> None:
    key = generating(stage, run)
    cell = stage.cells(run)[key].id
    [job] = [one for one in stage.jobs(run, Step.SCENE_GENERATION) if one.subject_id == cell]
    folder = stage.studio.spool.attempt_folder(str(job.attempt_id))
    Image.new("RGB", (64, 36), "#993366").save(folder / "preview.jpg")
    board = Board(opens(f"/runs/{run.id}"))
    board.click(key)
    expect(board.page.locator("#side-one img.preview")).to_be_visible(timeout=PATIENCE_MS)
    page = opens(f"/cells/{cell}")
    expect(page.locator("#cell-absent img.preview")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#cell-jobs")).to_contain_text("sampler 12 of 30")


def test_a_waiting_scene_tells_why_and_the_layer_of_cost_is_money(opens: Opens, stage: FleetStage, run: Run) -> None:
    page = opens(f"/runs/{run.id}")
    board = Board(page)
    until_told(board, "waiting")
    waiting = page.evaluate("(({ live, model }) => model.key([...live.waiting.keys()][0]))(window.stripboardBoard.state)")
    point_at(page, board, waiting)
    expect(page.locator("#hover-card")).to_contain_text("worker for it is busy", timeout=PATIENCE_MS)


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_cut_while_work_is_under_way(opens: Opens, stage: FleetStage, run: Run, theme: str) -> None:
    page = opens(f"/runs/{run.id}", theme=theme)
    board = Board(page)
    board.click(generating(stage, run))
    page.wait_for_selector("#side-one .bx-line")
    page.mouse.move(5, 5)
    assert told([*at_every_size(page), *barriers(page)]) == ""


@pytest.mark.parametrize(("lines", "least", "most"), [(2, 40, 65), (10, 75, 95)])
def test_lines_share_the_height_of_a_large_screen_without_becoming_blocks(
    opens: Opens, stage: FleetStage, lines: int, least: int, most: int
) -> None:
    run = stage.create(fresh_production(characters=lines, scene_types=4, variants=2))
    board = Board(opens(f"/runs/{run.id}", width=2560, height=1440))
    assert least <= board.box("c1 / s1 / v1")["height"] <= most


def test_a_scene_whose_next_segment_waits_for_the_end_of_quiet_hours_is_not_told_as_running(
    opens: Opens, stage: FleetStage, run: Run
) -> None:
    key = generating(stage, run)
    now, hour = stage.clock.now(), timedelta(hours=1)
    stage.studio.schedules.put(run.project_id, Schedule(QuietHours(f"{now - hour:%H:%M}-{now + hour:%H:%M}", "UTC")), PERSON)
    stage.fleet.let_go |= {job.key for job in stage.jobs(run, Step.SCENE_GENERATION) if job.status is JobStatus.RUNNING}
    stage.work()
    assert stage.cells(run)[key].status is CellStatus.GENERATING
    page = opens(f"/runs/{run.id}")
    board = Board(page)
    until_told(board, "waiting")
    point_at(page, board, key)
    card = page.locator("#hover-card")
    expect(card).to_contain_text("between segments: waits for ", timeout=PATIENCE_MS)
    expect(card).not_to_contain_text("generating for")
    board.click(key)
    expect(page.locator("#side-one")).to_contain_text("segment 2 waits for ", timeout=PATIENCE_MS)
