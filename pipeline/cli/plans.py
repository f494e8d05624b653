"""`plan`: what a new run would do for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from pipeline.cli.console import as_json, plain, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.planned import plan_of
from pipeline.cli.productions import show_estimate, show_over_budget
from pipeline.cli.reading import path_argument, read_valid
from pipeline.cli.text import clean, counted, duration, joined, size
from pipeline.domain.planning import PlannedCell, Step

if TYPE_CHECKING:
    from pipeline.wiring import LoadedProduction

_SHOWN = 60
_STYLES = {Step.ADD: "green", Step.RERUN: "yellow", Step.REUSE: "dim"}


@click.command("plan", short_help="Show what a run would add, make again, reuse or wait for.")
@path_argument
@click.option("--all", "show_all", is_flag=True, help="List every cell, however many.")
@as_json
def plan_command(path: Path, show_all: bool, as_json: bool) -> int:
    """Show for every cell whether a new run would add it, make it again or reuse it, and what it would wait for.

    It is compared with the newest run of the same title that has approved cells. Nothing is written.
    """
    return show_plan(read_valid(path, as_json=as_json), as_json=as_json, show_all=show_all)


def show_plan(loaded: LoadedProduction, *, as_json: bool, show_all: bool = False) -> int:
    """Print the plan of a valid production."""
    plan, found = plan_of(loaded)
    if as_json:
        told = {"counts": plan.counts, "basis": plan.estimate.basis, **vars(found)}
        print_json({**plain(plan), **told})
        return Exit.DONE
    against = f"compared with run {plan.compared_with}" if plan.compared_with else "no run of it yet"
    say(f"{plan.title}: {counted(len(plan.cells), 'cell')}, {against}", style="bold")
    shown = plan.cells if show_all else plan.cells[:_SHOWN]
    table(("cell", "step", "why", "waits for", "generation>", "disk>"), [_row(cell) for cell in shown])
    if len(shown) < len(plan.cells):
        say(f"… and {len(plan.cells) - len(shown):,} more; --all lists them.")
    if plan.dropped:
        say(f"No longer in the production: {_some(plan.dropped)}.")
    if plan.rules_off:
        say(f"Rules that are no longer in the file, and would be switched off: {_some(plan.rules_off)}.")
    for reason in plan.unserved:
        say(reason, style="yellow")
    counts = plan.counts
    say(joined(f"{counts[step.value]:,} {step.value}" for step in Step) + f"; {counts['blocked']:,} blocked until people decide.")
    show_estimate(plan.estimate, found.money)
    show_over_budget(found.over_budget)
    return Exit.DONE


def _row(cell: PlannedCell) -> tuple[object, ...]:
    is_made = cell.step is not Step.REUSE
    return (
        cell.key,
        Text(cell.step.value, style=_STYLES[cell.step]),
        cell.why,
        clean(joined(cell.waits_for)),
        duration(cell.generation_seconds) if is_made else "",
        size(cell.disk_bytes) if is_made else "",
    )


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
