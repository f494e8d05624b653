"""The whole way with a real engine and real pictures: submit, approve, deliver, download, and check what was downloaded."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pipeline import settings, wiring
from pipeline.adapters.media.samples import draw_character
from pipeline.domain.choices import RunOptions
from tests.browser.boards import Board
from tests.browser.tabs import Complaints, settle
from tests.commands import commands
from tests.factories import PERSON, quick_folder
from tests.serving import ROOT, Server

PATIENCE_MS = 120_000
FILE = """production:
  title: Small harbour
  characters:
    - {name: Mara, source_images: [mara.png]}
  variants:
    - {name: casual, prompt: street clothes, candidates: 1}
  scene_types:
    - {name: wave, prompt: "{character} waves", duration_s: 1, fps: 12, resolution: 320x180}
    - {name: turn, prompt: "{character} turns", duration_s: 1, fps: 12, resolution: 320x180}
  matrix: {characters: all, scene_types: all, variants: all}
  approvals: {variants: auto, scenes: human}
  outputs:
    - {format: streaming_720p, path: out/web/}
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a run of a small production, nothing submitted yet."""
    with quick_folder() as folder:
        (folder / "production.yaml").write_text(FILE, encoding="utf-8")
        draw_character("Mara", folder / "mara.png", (384, 384))
        yield folder / "home"


def test_a_production_is_made_approved_delivered_downloaded_and_verified_in_the_browser(
    browser: Browser, home: Path, complaints: Complaints, tmp_path: Path
) -> None:
    make_run(home)
    with Server(home) as server, browser.new_context(base_url=server.url, accept_downloads=True) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        complaints.listen(page)
        page.goto("/")
        page.get_by_text("Small harbour").first.click()
        settle(page)
        package = work_to_the_package(Board(page), page, tmp_path)
    done = stripboard(home, "verify-delivery", str(package))
    assert done.returncode == 0, done.stdout + done.stderr


def make_run(home: Path) -> None:
    """A run with nothing submitted yet, as REST would make it."""
    studio = wiring.build_studio(settings.load({"STRIPBOARD_HOME": str(home)}))
    loaded = studio.productions.read(home.parent / "production.yaml")
    assert loaded.production is not None, loaded.issues
    studio.runs.create(loaded.production, home.parent, RunOptions(auto_deliver=False), PERSON)
    studio.close()


def work_to_the_package(board: Board, page: Page, folder: Path) -> Path:
    """What a person does, to the downloaded package."""
    page.locator("#matrix-corner").click()
    board.press("s")
    board.confirm("Submit 2 scenes")
    page.locator("[data-status-chip=review]:has-text('2')").wait_for()
    page.locator("#matrix-corner").click()
    board.press("a")
    page.locator("[data-status-chip=approved]:has-text('2')").wait_for()
    page.locator("#deliver:enabled").click()
    with page.expect_download() as download:
        page.locator("#deliver-slot a[href*='/package']").first.click()
    package = folder / download.value.suggested_filename
    download.value.save_as(package)
    return package


def stripboard(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line over this home."""
    environment = {"STRIPBOARD_HOME": str(home), "PATH": "/usr/bin:/bin"}
    return commands.run(arguments, folder=ROOT, environment=environment, timeout_s=240)
