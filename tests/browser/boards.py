"""A board in a tab: what it shows, and how a person works it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from tests.browser.tabs import PATIENCE_MS

DRAWN = "#matrix[data-drawn]"
FILLED = """() => { const grid = document.querySelector("#board-grid"), now = performance.now();
  if (!grid) return false;
  if (!grid.changed) {
    grid.changed = now;
    new MutationObserver(() => { grid.changed = performance.now(); }).observe(grid, { childList: true, subtree: true });
  }
  return now - grid.changed > 500 && grid.querySelector("[role=gridcell]") !== null; }"""
"""Whether the table of scenes has its cells and stays as it is: ag-grid draws it again once it has measured its columns."""


class Board:
    """The board of a run, drawn and live."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.wait_for_selector(DRAWN)

    # Looking --------------------------------------------------------------------------------------------------------

    def status(self, key: str) -> str:
        """What the matrix shows of a cell."""
        return str(self.page.evaluate("(key) => window.stripboard.board.statusOf(key)", key))

    def counts(self) -> dict[str, int]:
        """How many cells have each status, those with none left out."""
        found: dict[str, int] = self.page.evaluate("() => window.stripboard.board.counts()")
        return {name: count for name, count in found.items() if count}

    def chips(self) -> dict[str, int]:
        """The same as the chips say it."""
        chips = self.page.locator("[data-status-chip]:visible")
        words = chips.evaluate_all("all => all.map(one => [one.dataset.statusChip, one.querySelector('b').textContent])")
        return {name: int(count.replace(",", "")) for name, count in words}

    def selection(self) -> set[str]:
        """The chosen cells."""
        return set(self.page.evaluate("() => window.stripboard.board.selection()"))

    def colour(self, key: str) -> str:
        """The colour on the screen near the lower left corner of a cell: what the heatmap has painted there."""
        box = self.box(key)
        clip = {"x": box["x"] + 3, "y": box["y"] + box["height"] - 5, "width": 1, "height": 1}
        picture = self.page.screenshot(clip=clip)  # type: ignore[arg-type]
        return pixel(picture)

    def box(self, key: str) -> dict[str, float]:
        """Where a cell is in the window."""
        found: dict[str, float] = self.page.evaluate("(key) => window.stripboard.board.cellRect(key)", key)
        assert found, f"{key} is not drawn"
        return found

    def until(self, is_so: Callable[[], bool], what: str = "") -> None:
        """Wait until it is so on the page."""
        give_up_at = time.monotonic() + PATIENCE_MS / 1000
        while not is_so():
            assert time.monotonic() < give_up_at, what or "the page did not come to where it should be"
            self.page.wait_for_timeout(20)

    def until_shows(self, **counts: int) -> None:
        """Wait until exactly these statuses are counted."""
        self.until(lambda: self.counts() == counts, f"expected {counts}")

    # Working --------------------------------------------------------------------------------------------------------

    def click(self, key: str, **options: Any) -> None:
        """Click a cell."""
        self.page.mouse.move(*middle(self.box(key)))
        keys = options.get("modifiers", [])
        for modifier in keys:
            self.page.keyboard.down(modifier)
        self.page.mouse.click(*middle(self.box(key)))
        for modifier in keys:
            self.page.keyboard.up(modifier)

    def drag(self, start: str, end: str) -> None:
        """Draw a box from one cell to another."""
        self.page.mouse.move(*middle(self.box(start)))
        self.page.mouse.down()
        self.page.mouse.move(*middle(self.box(end)), steps=4)
        self.page.mouse.up()

    def press(self, key: str) -> None:
        """Press a key that belongs to the page."""
        self.page.keyboard.press(key)

    def open_grid(self) -> None:
        """Show the scenes as a table beside the matrix."""
        self.page.locator("#grid-toggle").click()
        self.page.wait_for_function(FILLED)

    def confirm(self, starts_with: str = "") -> None:
        """Say yes to the dialog; its button must begin like this."""
        button = self.page.locator("#confirm-yes")
        button.wait_for(state="visible")
        assert button.inner_text().startswith(starts_with), button.inner_text()
        button.click()
        self.page.locator("#confirm-yes").wait_for(state="hidden")

    def toast(self, text: str) -> None:
        """Wait for a message that says this."""
        self.page.locator("#toasts").get_by_text(text).first.wait_for()


def middle(box: dict[str, float]) -> tuple[float, float]:
    """The middle of a box."""
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pixel(png: bytes) -> str:
    """The colour of a picture of one pixel, as #rrggbb."""
    red, green, blue = Image.open(io.BytesIO(png)).convert("RGB").getpixel((0, 0))  # type: ignore[misc]
    return f"#{red:02x}{green:02x}{blue:02x}"
