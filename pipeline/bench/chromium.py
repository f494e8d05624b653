"""Where the browser is that the benchmarks and the browser tests drive: the system's own Chromium or Chrome."""

from __future__ import annotations

import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
APPLICATIONS = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update")
"""How it is started: it works as root and in small containers, and asks nobody outside for anything."""


def find() -> Path | None:
    """The program, or None where there is none."""
    on_path = [Path(found) for found in map(shutil.which, NAMES) if found]
    return next((path for path in (*on_path, *APPLICATIONS) if path.exists()), None)
