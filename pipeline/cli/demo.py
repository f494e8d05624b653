"""`demo`: the sample production, from drawn source images to a sealed delivery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.console import say
from pipeline.cli.exits import Exit
from pipeline.cli.reading import production_of, read_valid
from pipeline.cli.runs import start
from pipeline.cli.serving import port_option, serve
from pipeline.cli.studios import actor, open_studio
from pipeline.cli.text import counted, duration, quoted
from pipeline.domain.choices import RunOptions
from pipeline.domain.statuses import RunStatus

if TYPE_CHECKING:
    from pipeline.wiring import LoadedProduction, Studio

_MOST = click.IntRange(1, 100)


@click.command("demo", short_help="Run the sample production, whole way to a sealed delivery.")
@click.option("--headless", is_flag=True, help="Without the board: approve everything, end when the delivery is sealed.")
@port_option
@click.option("--characters", type=_MOST, default=10, show_default=True, metavar="N", help="How many people.")
@click.option("--scene-types", type=_MOST, default=8, show_default=True, metavar="N", help="How many scene types.")
@click.option("--variants", type=_MOST, default=2, show_default=True, metavar="N", help="How many looks of each person.")
@click.option("--parallel", type=click.IntRange(1, 256), metavar="N", help="Scenes worked on at a time; default: one a core.")
@click.option("--fleet", type=click.IntRange(1, 16), metavar="N", help="Generate on this many pretended ComfyUI servers.")
def demo_command(
    headless: bool, port: int, characters: int, scene_types: int, variants: int, parallel: int | None, fleet: int | None
) -> int:
    """Make a sample production and open the board on it while it runs.

    Everything is drawn and rendered on this machine, and approved by itself, but the looks of one person, which wait for
    you. With --headless they are approved, too, and the delivery is sealed. A second demo reuses what is stored.
    """
    from pipeline import wiring_starters

    with open_studio() as studio, _fleet(studio, fleet or 0):
        folder = studio.settings.home / ("demo-fleet" if fleet else "demo")
        cells = characters * scene_types * variants
        told = f"{counted(characters, 'character')} × {counted(scene_types, 'scene type')} × {counted(variants, 'variant')}"
        say(f"Sample production: {told} = {counted(cells, 'scene')}, in {folder}")
        path = wiring_starters.make_sample(
            folder, characters=characters, scene_types=scene_types, variants=variants, by_fleet=bool(fleet)
        )
        loaded = read_valid(path)
        if headless:
            return _to_the_end(studio, path, loaded, parallel)
        _on_the_board(studio, loaded, port, parallel)
    return Exit.DONE


@contextmanager
def _fleet(studio: Studio, count: int) -> Iterator[None]:
    """So many doubles of servers while the demo runs, known as workers."""
    if not count:
        yield
        return
    from pipeline.wiring_doubles import doubles

    with doubles(studio.settings.home / "doubles", count) as servers:
        for server in servers:
            worker = studio.workers.place(server.name, server.url, actor(), cost_per_hour=server.card.price)
            say(f"{worker.name}: {server.card.gpu}, {server.card.memory_gb} GB, {server.url} (process {server.pid})")
        studio.workers.look()
        yield


def _to_the_end(studio: Studio, path: Path, loaded: LoadedProduction, parallel: int | None) -> int:
    """Work until the delivery is sealed."""
    from pipeline.cli.outcomes import work

    began = time.monotonic()
    run = start(studio, loaded, RunOptions(auto_approve=True), quiet=False)
    code = work(studio, run, again=f"./stripboard run {quoted(str(path))} --resume", parallel=parallel)
    if code == Exit.DONE:
        _show(studio.deliveries.place(run, studio.deliveries.sealed(run)))
        say(f"Start to end: {duration(time.monotonic() - began)}.")
    return code


def _on_the_board(studio: Studio, loaded: LoadedProduction, port: int, parallel: int | None) -> None:
    """Serve the board until Ctrl-C. An unfinished run of the very same sample goes on."""
    production = production_of(loaded)
    run = studio.runs.unfinished(production.title)
    if run is None or studio.planning.has_changed(production, loaded.base_dir, studio.runs.config(run.id)):
        run = start(studio, loaded, RunOptions(auto_deliver=False), quiet=False)
    elif run.status is RunStatus.PAUSED:
        studio.runs.resume(run, actor())
    run_id = run.id

    def ready(address: str) -> None:
        board = f"{address}runs/{run_id}"
        say(f"The board: {board}", style="bold")
        say("It fills by itself. One person's looks wait for your decision; after that, press Deliver. Ctrl-C stops.")
        if studio.settings.has_screen:
            click.launch(board)

    serve(studio, host="127.0.0.1", port=port, parallel=parallel, ready=ready)


def _show(package: Path) -> None:
    """How to look at the result."""
    folder = package.with_suffix("")
    say("Look at it:")
    say(f"  unzip -q {quoted(str(package))} -d {quoted(str(folder))}")
    say(f"  then open {folder / 'contact_sheet.html'} in a browser")
    say("  ./stripboard status   shows the run, ./stripboard run … --dry-run what another one would do")
