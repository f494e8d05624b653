"""Opens the studio for a command: database, log file, who acts, and which run is meant."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import settings
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Actor

if TYPE_CHECKING:
    from pipeline.wiring import Studio

_LOG_BYTES = 5_000_000
run_argument = click.argument("run", required=False, metavar="[RUN]")


@contextmanager
def open_studio(*, verify_package: Callable[[Path], list[str]] | None = None) -> Iterator[Studio]:
    """The studio of this installation, closed afterwards. `verify_package` is for the doctor (see `wiring.build_studio`)."""
    from pipeline import wiring

    found = settings.load()
    _log_to(found.logs_root)
    studio = wiring.build_studio(found, verify_package=verify_package)
    try:
        yield studio
    finally:
        studio.close()


def actor() -> Actor:
    """The person at the keyboard."""
    from pipeline.wiring_serving import local_actor

    return local_actor()


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--characters`, `--scene-types`, `--variants`, `--cell`: given together, a cell must match each of them."""
    for option in (
        click.option("--cell", "keys", multiple=True, metavar="KEY", help='One cell, such as "Mara / dance / casual".'),
        click.option("--variants", "--variant", "variants", multiple=True, metavar="NAME", help="Cells of this variant."),
        click.option("--scene-types", "--scene-type", "scene_types", multiple=True, metavar="NAME", help="Of this scene type."),
        click.option("--characters", "--character", "characters", multiple=True, metavar="NAME", help="Of this character."),
    ):
        command = option(command)
    return command


def selection_of(values: dict[str, Any]) -> Selection:
    """The selection that the options of `selection_options` make."""
    return Selection(**{name: tuple(values.get(name, ())) for name in ("characters", "scene_types", "variants", "keys")})


def is_everything(selection: Selection) -> bool:
    """Whether the selection names nothing, and so means all cells."""
    return selection == Selection()


class _LogFile(RotatingFileHandler):
    """A log that keeps silent when it cannot be written: whoever needs the disk says what is wrong with it, once."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Tell of a mistake in what was to be written, and of nothing else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _log_to(folder: Path) -> None:
    """What the program has to say beside its answers goes to a file."""
    root = logging.getLogger()
    if any(isinstance(known, RotatingFileHandler) for known in root.handlers):
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    file = _LogFile(folder / "stripboard.log", maxBytes=_LOG_BYTES, backupCount=3, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"))
    root.addHandler(file)
    root.setLevel(logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
