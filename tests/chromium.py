"""The browser that the tests in `tests/browser` drive: found, or installed."""

from __future__ import annotations

from pathlib import Path

from pipeline.bench import chromium
from tests import debian

MISSING = """\
Chromium is not on this machine, so the tests in a real browser are left out.
To add it: install it (Debian: apt install chromium; Fedora: dnf install chromium; macOS: brew install --cask
chromium). Chrome will do."""


def program(*, may_install: bool) -> Path | None:
    """The browser on this machine; else Debian's package, if it may be installed."""
    found = chromium.find()
    if found or not may_install or not debian.may_install():
        return found
    debian.install("chromium")
    return chromium.find()
