"""`demo`: the sample production, from drawn source images to a sealed delivery."""

from __future__ import annotations

import time
from pathlib import Path

import click

from pipeline.cli.console import say
from pipeline.cli.exits import Exit
from pipeline.cli.reading import read_valid
from pipeline.cli.runs import start
from pipeline.cli.studios import open_studio
from pipeline.cli.text import counted, duration, quoted
from pipeline.domain.choices import RunOptions

_MOST = click.IntRange(1, 100)


@click.command("demo", short_help="Run the sample production, whole way to a sealed delivery.")
@click.option("--headless", is_flag=True, help="End when the delivery is sealed.")
@click.option("--characters", type=_MOST, default=10, show_default=True, metavar="N", help="How many people.")
@click.option("--scene-types", type=_MOST, default=8, show_default=True, metavar="N", help="How many scene types.")
@click.option("--variants", type=_MOST, default=2, show_default=True, metavar="N", help="How many looks of each person.")
@click.option("--parallel", type=click.IntRange(1, 256), metavar="N", help="Scenes worked on at a time; default: one a core.")
def demo_command(headless: bool, characters: int, scene_types: int, variants: int, parallel: int | None) -> int:
    """Make a sample production, run it with automatic approval, and seal the delivery.

    Everything is drawn and rendered on this machine. A second demo makes a new run and reuses what is stored.
    """
    from pipeline import wiring_starters
    from pipeline.cli.outcomes import work

    began = time.monotonic()
    with open_studio() as studio:
        folder = studio.settings.home / "demo"
        cells = characters * scene_types * variants
        told = f"{counted(characters, 'character')} × {counted(scene_types, 'scene type')} × {counted(variants, 'variant')}"
        say(f"Sample production: {told} = {counted(cells, 'scene')}, in {folder}")
        path = wiring_starters.make_sample(folder, characters=characters, scene_types=scene_types, variants=variants)
        loaded = read_valid(path)
        run = start(studio, loaded, RunOptions(auto_approve=True), quiet=False)
        code = work(studio, run, again=f"stripboard run {quoted(str(path))} --resume", parallel=parallel)
        if code == Exit.DONE:
            _show(studio.deliveries.place(run, studio.deliveries.sealed(run), studio.settings.deliveries_root))
            say(f"Start to end: {duration(time.monotonic() - began)}.")
    return code


def _show(package: Path) -> None:
    """How to look at the result."""
    folder = package.with_suffix("")
    say("Look at it:")
    say(f"  unzip -q {quoted(str(package))} -d {quoted(str(folder))}")
    say(f"  then open {folder / 'contact_sheet.html'} in a browser")
    say("  stripboard status   shows the run, stripboard run … --dry-run what another one would do")
