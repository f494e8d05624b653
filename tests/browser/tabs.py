"""What tests do with a tab: hear what it complains of, and wait until it has settled."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

PATIENCE_MS = 30_000

_LATE_DRAWING = "reading 'isHeadless'"
"""Cytoscape draws once more, a moment after its element is gone."""

Opens = Callable[..., Page]
"""Opens a tab at a path, in a theme and a size."""


class Complaints:
    """What tabs have printed or could not load. `forgive` is for what a test provokes."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def listen(self, page: Page) -> None:
        """Hear this tab from now on."""
        page.on("console", self._printed)
        page.on("pageerror", self._failed_script)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def forgive(self, pattern: str) -> None:
        """Drop what matches."""
        self.found = [line for line in self.found if not re.search(pattern, line)]

    def _failed_script(self, error: Error) -> None:
        """Only what Cytoscape itself fails of, in this one way, is nobody's fault here."""
        if not (_LATE_DRAWING in str(error) and "cytoscape" in (error.stack or "")):
            self.found.append(f"error: {error}")

    def _printed(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"console {message.type}: {message.text[:500]} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page itself was left, or a player wants another range
            self.found.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status}: {response.request.method} {response.url}")


def settle(page: Page) -> None:
    """Wait until the layout is there, its callbacks have answered and the feed is live."""
    page.wait_for_selector("#rail")
    page.wait_for_selector("#live-pill[data-state=live]")
    page.wait_for_selector("[data-dash-is-loading=true]", state="detached")
    page.wait_for_function("document.title !== 'Updating...'")
