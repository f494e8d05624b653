"""`doctor`: whether this installation is sound."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from pipeline.cli.console import as_json, print_json, say
from pipeline.cli.exits import Exit
from pipeline.cli.studios import open_studio
from pipeline.cli.text import counted, size

if TYPE_CHECKING:
    from pipeline.wiring import Studio

_SHOWN = 20
_LITTLE_ROOM = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at."""

    name: str
    is_ok: bool
    told: str


@click.command("doctor", short_help="Check this installation and everything stored.")
@click.option("--verify", is_flag=True, help="Check every promise of the store too: each file, each event, each delivery.")
@as_json
def doctor_command(verify: bool, as_json: bool) -> int:
    """Check this installation; with --verify also every promise of the store. Ends with 1 when something is wrong.

    Nothing is changed.
    """
    from pipeline import wiring

    with open_studio(verify_package=wiring.package_faults if verify else None) as studio:
        findings = list(_installation(studio))
        checked = studio.invariants.report() if verify else []
    is_sound = all(finding.is_ok for finding in findings) and not any(invariant.faults for invariant in checked)
    if as_json:
        print_json({"ok": is_sound, "findings": findings, "invariants": checked})
        return Exit.DONE if is_sound else Exit.FAILED
    for finding in findings:
        say(f"{_mark(finding.is_ok)} {finding.name}: {finding.told}", style="" if finding.is_ok else "red")
    for invariant in checked:
        faults = f": {counted(len(invariant.faults), 'fault')}" if invariant.faults else ""
        say(f"{_mark(not invariant.faults)} {invariant.name} {invariant.says}{faults}", style="red" if invariant.faults else "")
        for fault in invariant.faults[:_SHOWN]:
            say(f"        {fault}")
    if verify:
        say("The numbers are those of docs/ARCHITECTURE.md.")
    else:
        say("`./stripboard doctor --verify` checks every stored file, event and delivery as well.")
    say("Everything is sound." if is_sound else "Something is wrong; see above.", style="green" if is_sound else "red")
    return Exit.DONE if is_sound else Exit.FAILED


def _installation(studio: Studio) -> Iterator[Finding]:
    settings = studio.settings
    yield Finding("Python", True, platform.python_version())
    free = shutil.disk_usage(settings.home).free
    enough = free >= _LITTLE_ROOM
    yield Finding("home", enough, f"{settings.home}, {size(free)} free" + ("" if enough else ". Free some space."))
    place = f"{settings.database_file}, " if settings.database_file else ""
    yield Finding("database", True, f"{place}{studio.stores.product}")
    has_timelines = find_spec("opentimelineio") is not None
    yield Finding("timelines", has_timelines, "OpenTimelineIO" if has_timelines else "OpenTimelineIO is not installed")
    runs = studio.runs.all()
    yield Finding("runs", True, counted(len(runs), "run"))


def _mark(is_ok: bool) -> str:
    return "ok   " if is_ok else "WRONG"
