"""Shows how a run goes on: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.cli.console import console, say
from pipeline.cli.text import clean, counted, duration, joined, size
from pipeline.domain import forecast
from pipeline.domain.costs import money
from pipeline.domain.progress import Progress
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import CellStatus, in_words

_LINE_EVERY_S = 3.0
_TROUBLE_AGAIN_S = 60.0
STATUS_STYLES = {
    CellStatus.NOT_STARTED: "dim",
    CellStatus.QUEUED: "",
    CellStatus.GENERATING: "cyan",
    CellStatus.REVIEW: "yellow",
    CellStatus.APPROVED: "green",
    CellStatus.REJECTED: "magenta",
    CellStatus.FAILED: "red",
    CellStatus.CANCELLED: "dim",
}


class Display(Protocol):
    """Where progress is shown."""

    def update(self, progress: Progress | None, trouble: str = "", step: str = "", ends_at: datetime | None = None) -> None:
        """Show this moment; `trouble` is what keeps the work from going on, `step` what is done besides scenes, `ends_at` when
        the run likely comes to rest, None where that cannot be told.

        None: nothing is known just now.
        """
        ...

    def close(self) -> None:
        """Show nothing more."""
        ...


class Quiet:
    """Shows nothing: the answer is JSON at the end."""

    def update(self, progress: Progress | None, trouble: str = "", step: str = "", ends_at: datetime | None = None) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def display(name: str, expected: Mapping[Phase, int], until: Phase, *, quiet: bool) -> Display:
    """The display that fits where the output goes."""
    if quiet:
        return Quiet()
    pace = _Pace(expected, until)
    return Bars(name, pace) if console().is_terminal else Lines(name, pace)


class _Pace:
    """How fast jobs are done, and how long the rest takes."""

    def __init__(self, expected: Mapping[Phase, int], until: Phase) -> None:
        self._expected = expected
        self._until = until
        self.began = time.monotonic()
        self._before: int | None = None

    def note(self, progress: Progress) -> list[tuple[Phase, int, int, int]]:
        rows = forecast.bars(progress, self._expected, self._until)
        if self._before is None:
            self._before = sum(row[1] + row[3] for row in rows)
        return rows

    def words(self, rows: list[tuple[Phase, int, int, int]], ends_at: datetime | None) -> str:
        """`12 s, 8.1 jobs/s, about 40 s left`."""
        elapsed = time.monotonic() - self.began
        done = sum(row[1] + row[3] for row in rows)
        rate = (done - (self._before or 0)) / elapsed if elapsed > 0.5 else 0.0
        left = 0.0 if ends_at is None else (ends_at - datetime.now(UTC)).total_seconds()
        return joined(
            (
                duration(elapsed),
                f"{rate:.1f} jobs/s" if rate else "",
                f"about {duration(left)} left" if left >= 1 else "",
            )
        )


class Bars:
    """A bar for each phase, the cells by status, and what is spent; drawn over itself."""

    def __init__(self, name: str, pace: _Pace) -> None:
        self._name = name
        self._pace = pace
        self._live = Live(console=console(), refresh_per_second=8, transient=False, redirect_stdout=False)
        self._live.start()
        self._shown = Group()

    def update(self, progress: Progress | None, trouble: str = "", step: str = "", ends_at: datetime | None = None) -> None:
        """Draw this moment."""
        if progress is None:
            self._live.update(Group(self._shown, Text(clean(trouble), style="red")))
            return
        rows = self._pace.note(progress)
        grid = Table.grid(padding=(0, 1))
        for phase, done, total, failed in rows:
            told = f"{done}/{total}" + (f"  {failed} failed" if failed else "")
            style = "red" if failed else "green" if done == total else "cyan"
            bar = ProgressBar(total=total, completed=done, width=32, complete_style=style, finished_style="green")
            grid.add_row(Text(_words(phase)), bar, Text(told))
        head = Text.assemble((clean(self._name), "bold"), "  ", (self._pace.words(rows, ends_at), "dim"))
        self._shown = Group(head, grid, cells_text(progress), Text(joined((step, spend(progress))), style="dim"))
        self._live.update(Group(self._shown, Text(clean(trouble), style="red")) if trouble else self._shown)

    def close(self) -> None:
        """Leave the last picture where it is."""
        self._live.stop()


class Lines:
    """A line with the time, every few seconds, when something has changed."""

    def __init__(self, name: str, pace: _Pace) -> None:
        self._name = name
        self._pace = pace
        self._told = ""
        self._told_at = 0.0
        self._waiting = ""
        self._trouble = ""
        self._trouble_at = 0.0

    def update(self, progress: Progress | None, trouble: str = "", step: str = "", ends_at: datetime | None = None) -> None:
        """Perhaps print a line."""
        if trouble and (trouble != self._trouble or time.monotonic() - self._trouble_at >= _TROUBLE_AGAIN_S):
            say(f"{_clock()}  {trouble}", style="red")
            console().file.flush()
            self._trouble, self._trouble_at = trouble, time.monotonic()
        if progress is None:
            return
        rows = self._pace.note(progress)
        steps = joined(f"{_words(phase)} {done}/{total}" for phase, done, total, _ in rows if 0 < done < total)
        state = joined((steps, cells_words(progress), step))
        self._waiting = "" if state == self._told else f"{state} ({self._pace.words(rows, ends_at)})"
        if self._waiting and time.monotonic() - self._told_at >= _LINE_EVERY_S:
            self._print(state)

    def _print(self, state: str) -> None:
        say(f"{_clock()}  {self._waiting}")
        console().file.flush()
        self._told, self._told_at, self._waiting = state, time.monotonic(), ""

    def close(self) -> None:
        """Print what has not been told yet."""
        if self._waiting:
            self._print("")


def cells_text(progress: Progress) -> Text:
    """Cells by status, in colour."""
    text = Text()
    for status, count in _counted(progress):
        text.append(f"{count} {in_words(status)}", style=STATUS_STYLES[status])
        text.append("  ")
    if progress.blocked:
        text.append(f"({counted(progress.blocked, 'queued scene')} blocked)", style="dim")
    return text


def cells_words(progress: Progress) -> str:
    """Cells by status, plain."""
    return joined([*(f"{count} {in_words(status)}" for status, count in _counted(progress))])


def spend(progress: Progress) -> str:
    """`spent 12 s of 10 h generation, 4.1 MB of 20 GB`."""
    time_limit = "" if progress.limit_seconds is None else f" of {duration(progress.limit_seconds)}"
    size_limit = "" if progress.limit_bytes is None else f" of {size(progress.limit_bytes)}"
    time_spent = f"{duration(progress.spent_seconds)}{time_limit} of generation time"
    cost_limit = "" if progress.limit_cost is None else f" of {money(progress.limit_cost)}"
    paid = f", {money(progress.spent_cost)}{cost_limit} of money" if progress.spent_cost or cost_limit else ""
    return f"spent {time_spent}, {size(progress.spent_bytes)}{size_limit} of disk{paid}"


def _counted(progress: Progress) -> list[tuple[CellStatus, int]]:
    return [(status, progress.cells[status]) for status in CellStatus if progress.cells.get(status)]


def _words(phase: Phase) -> str:
    return phase.value.replace("_", " ")


def _clock() -> str:
    return f"{datetime.now().astimezone():%H:%M:%S}"
