"""A browser for all of these tests, a server for each module, and tabs that fail the test on any error they print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import chromium
from tests.browser.stage import Stage
from tests.browser.tabs import PATIENCE_MS, Complaints, Opens, settle
from tests.browser.windows import Windows
from tests.factories import quick_folder
from tests.serving import Server


@pytest.fixture(scope="package")
def browser(chromium_program: Path) -> Iterator[Browser]:
    """One browser for the folder; it is gone before tests elsewhere use an event loop of their own."""
    expect.set_options(timeout=PATIENCE_MS)  # a busy machine draws late, which is no fault of a page
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_program, args=list(chromium.ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """The module's house: productions are made and moved in the test's own process."""
    with quick_folder() as folder:
        stage = Stage(folder)
        yield stage
        stage.check()
        stage.close()


@pytest.fixture(scope="module")
def server(stage: Stage) -> Iterator[Server]:
    """The module's server, without an engine: that one is the house's."""
    with Server(stage.home, "--no-engine") as server:
        yield server


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """At the end of a test nothing may be left to complain of."""
    heard = Complaints()
    yield heard
    assert heard.found == []


@pytest.fixture(scope="module")
def windows(browser: Browser, server: Server) -> Iterator[Windows]:
    """The module's windows."""
    windows = Windows(browser, server.url)
    yield windows
    windows.close()


@pytest.fixture
def opens(windows: Windows, complaints: Complaints) -> Iterator[Opens]:
    """Opens a tab at a path of the server, each call in a window of its own, and waits until the page is there."""
    opened: list[Page] = []

    def open_tab(path: str, *, theme: str = "dark", width: int = 1440, height: int = 900) -> Page:
        page = windows.tab(theme)
        opened.append(page)
        page.set_viewport_size({"width": width, "height": height})
        complaints.listen(page)
        page.goto(path)
        settle(page)
        return page

    yield open_tab
    for page in opened:
        windows.give_back(page)
