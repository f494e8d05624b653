"""What is wrong with how a page looks, found by walking it: text that is cut or runs out of its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WALK = (Path(__file__).parent / "walk.js").read_text(encoding="utf-8")

SEVERE = {"serious", "critical"}


def flaws(page: Page) -> list[str]:
    """Everything that is cut, sticks out, lies under something else or shows nothing."""
    found: list[str] = page.evaluate(WALK)
    return found


def barriers(page: Page) -> list[str]:
    """What axe finds that keeps people out: serious and critical rules, with the elements."""
    response: dict[str, Any] = Axe().run(page).response
    return [
        f"{violation['id']} ({violation['impact']}): {node['target'][0]}: {' '.join(node['failureSummary'].split())[:300]}"
        for violation in response["violations"]
        if violation["impact"] in SEVERE
        for node in violation["nodes"][:4]
    ]
