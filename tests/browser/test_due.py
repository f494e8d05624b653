"""Start, deadline and share are set from the board, and what cannot be is said at its field."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from pipeline.domain.records import Run
from tests.browser.looks import barriers
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Opens
from tests.browser.test_looks import THEMES, at_every_size, told


def opened(opens: Opens, run: Run, **options: object) -> Page:
    """The board of a run with the dialog open."""
    page = opens(f"/runs/{run.id}", **options)
    page.locator("#board-due-open").click()
    expect(page.locator("#board-due-zone")).to_contain_text("Times of this server")
    return page


def test_a_deadline_is_set_shown_and_taken_back(opens: Opens, stage: Stage) -> None:
    run = stage.create(fresh_production())
    page = opened(opens, run)
    due = (stage.studio.clock.now() + timedelta(days=2)).astimezone().replace(second=0, microsecond=0)
    page.locator("#board-due-at").fill(f"{due:%Y-%m-%dT%H:%M}")
    page.locator("#board-due-do").click()
    expect(page.locator("#board-due-dialog")).to_have_count(0)
    expect(page.locator("#board-facts .due")).to_contain_text("due")
    assert stage.studio.boards.run(run.id).deadline == due

    page.locator("#board-due-open").click()
    expect(page.locator("#board-due-at")).to_have_value(f"{due:%Y-%m-%dT%H:%M}")
    page.locator("#board-due-at").fill("")
    page.locator("#board-due-do").click()
    expect(page.locator("#board-facts .due")).to_have_count(0)
    assert stage.studio.boards.run(run.id).deadline is None


def test_a_share_that_cannot_be_is_said_at_its_field_and_nothing_is_set(opens: Opens, stage: Stage) -> None:
    run = stage.create(fresh_production())
    page = opened(opens, run)
    expect(page.locator("#board-due-share")).to_have_value("1")
    page.locator("#board-due-start").fill("2031-01-01T08:00")
    page.locator("#board-due-share").fill("")
    page.locator("#board-due-do").click()
    expect(page.locator("#board-due-share-error")).to_contain_text("Write a number")
    assert stage.studio.boards.run(run.id).start_after is None
    page.locator("#board-due-share").fill("-4")
    page.locator("#board-due-do").click()
    expect(page.locator("#board-due-share-error")).to_contain_text("from 0.01 to 100")
    page.locator("#board-due-at").fill("2030-12-31T08:00")
    page.locator("#board-due-do").click()
    expect(page.locator("#board-due-at-error")).to_contain_text("due before it may start")
    page.locator("#board-due-at").fill("")
    page.locator("#board-due-share").fill("2.5")
    page.locator("#board-due-do").click()
    expect(page.locator("#board-due-dialog")).to_have_count(0)
    assert stage.studio.schedules.of(run.project_id).share == 2.5
    assert stage.studio.boards.run(run.id).start_after is not None


def test_the_dialog_looks_right_in_every_size_and_theme_and_keeps_nobody_out(opens: Opens, stage: Stage) -> None:
    run = stage.create(fresh_production())
    for theme in THEMES:
        page = opened(opens, run, theme=theme)
        flaws = [flaw for flaw in at_every_size(page) if "lies under" not in flaw]
        assert told(flaws) == "", "the dialog itself lies over the page"
        assert barriers(page) == []
