"""The browser that the tests in `tests/browser` drive: found, or installed."""

from __future__ import annotations

from pathlib import Path

from pipeline.bench import chromium
from tests import debian

MISSING = """\
Chromium is not on this machine, so the tests in a real browser are left out.
To add it: install it (Debian: apt install chromium; Fedora: dnf install chromium; macOS: brew install --cask
chromium). Chrome will do."""
_TURNED_OFF = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,AimEnabled,LensOverlay,"
    "HttpsUpgrades,MediaRouter,OptimizationHints,NetworkTimeServiceQuerying,PreconnectToSearch,PaintHolding"
)
ARGUMENTS = (
    *chromium.ARGUMENTS,
    f"--disable-features={_TURNED_OFF}",
    "--js-flags=--no-enable-lazy-source-positions",
)
"""How it is started for tests: a board opens in six tenths of the processor time, whole files of tests take three quarters.

A window does without the browser's own pages behind its address bar. (The last list of what is turned off is the one that
counts, so it repeats what Playwright's says of networks and painting.) And scripts are read once: while somebody listens for
errors, as tests do, the browser else reads plotly.js a second time to know its lines.
"""


def program(*, may_install: bool) -> Path | None:
    """The browser on this machine; else Debian's package, if it may be installed."""
    found = chromium.find()
    if found or not may_install or not debian.may_install():
        return found
    debian.install("chromium")
    return chromium.find()
