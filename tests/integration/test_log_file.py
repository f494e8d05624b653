"""The log file of the command line: it must never be what a person reads about."""

from __future__ import annotations

import errno
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.cli.studios import _log_to

log = logging.getLogger("pipeline.tests")
Opened = Callable[[Path], logging.Handler]


class FullDisk(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Opens the log in a folder, the only one that there is."""
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.WARNING)

    def opened(folder: Path) -> logging.Handler:
        logging.root.handlers.clear()
        _log_to(folder)
        [handler] = logging.root.handlers
        return handler

    yield opened
    for handler in logging.root.handlers:
        handler.close()


def test_it_takes_what_the_program_has_to_say(tmp_path: Path, opened: Opened) -> None:
    opened(tmp_path / "logs")
    log.info("job %s taken over", 7)
    assert (tmp_path / "logs" / "stripboard.log").read_text().endswith("pipeline.tests: job 7 taken over\n")


def test_a_full_disk_is_not_told_line_by_line(tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    opened(tmp_path).stream = FullDisk()  # type: ignore[attr-defined]
    log.warning("the disk is full")
    assert capsys.readouterr() == ("", "")


def test_a_log_without_a_folder_stops_nothing(tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").touch()
    opened(tmp_path / "taken" / "logs")
    log.warning("nobody hears this")
    assert capsys.readouterr() == ("", "")


def test_a_mistake_in_a_message_is_still_told(tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    opened(tmp_path)
    log.warning("%d jobs", "many")
    assert "Logging error" in capsys.readouterr().err
