"""`validate`, `info`, `estimate`, `schema`: what a production file says. They read, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.reading import counts, path_argument, production_of, read, read_valid, report, show_issues, with_budget
from pipeline.cli.text import counted, duration, joined, size
from pipeline.domain import matrix
from pipeline.domain.cells import CellPlan
from pipeline.domain.costs import money
from pipeline.domain.estimates import Estimate
from pipeline.domain.production import Approvals, Production
from pipeline.domain.validation import budgets


@click.command("validate", short_help="Check a production file or folder; change nothing.")
@path_argument
@as_json
def validate_command(path: Path, as_json: bool) -> int:
    """Check a production file or folder, and show everything that is wrong with it at once.

    Ends with 0 when it may run, with 3 when it may not.
    """
    loaded = with_budget(read(path, as_json=as_json))
    if as_json:
        print_json(report(loaded))
    else:
        show_issues(loaded.issues, source=path)
        told = counts(loaded.issues)
        if loaded.is_valid:
            say(joined([f"{path} is a valid production", told]) + ".", style="green")
        else:
            say(f"{path} cannot run: {told}.", style="red")
    return Exit.DONE if loaded.is_valid else Exit.INVALID


@click.command("info", short_help="Show what a production describes.")
@path_argument
@as_json
def info_command(path: Path, as_json: bool) -> int:
    """Show what a production describes: who, where, which looks, which scenes, which outputs."""
    production = production_of(read_valid(path, as_json=as_json))
    cells = matrix.build(production)
    if as_json:
        print_json({"production": production, "cells": cells})
        return Exit.DONE
    say(f"{production.title}  {production.version}", style="bold")
    style = ", ".join(part for part in (production.style.preset, production.style.era, production.style.mood) if part)
    for name, value in (
        ("author", production.author),
        ("style", style),
        ("backend", production.backend),
        ("approvals", _approvals(production.approvals)),
        ("budget", _budget(production)),
        ("naming", production.naming),
    ):
        if value:
            say(f"{name + ':':11}{value}")
    _show_cast(production)
    _show_scene_types(production, cells)
    rows = [(output.name, output.format, output.path) for output in production.outputs]
    if rows:
        table(("output", "format", "path"), rows)
    shots = sum(cell.shot is not None for cell in cells)
    say(f"{counted(len(cells), 'cell')}: {len(cells) - shots} of the matrix, {counted(shots, 'shot')}.")
    return Exit.DONE


@click.command("estimate", short_help="Say how long a production takes and how much disk.")
@path_argument
@as_json
def estimate_command(path: Path, as_json: bool) -> int:
    """Say how much generation time and disk a production takes, and what the numbers rest on."""
    from pipeline.cli.planned import estimate_of

    loaded = read_valid(path, as_json=as_json)
    production = production_of(loaded)
    estimate, found = estimate_of(loaded)
    if as_json:
        print_json({"title": production.title, "estimate": estimate, "basis": estimate.basis, **vars(found)})
    else:
        show_estimate(estimate, found.money)
        budget = _budget(production)
        if budget:
            say(f"budget:     {budget}")
        show_over_budget(found.over_budget)
    return Exit.DONE


@click.command("schema", short_help="Print the production format as JSON Schema.")
@click.option("--json", "as_json", is_flag=True, help="The schema is JSON in any case.")
def schema_command(as_json: bool) -> int:
    """Print the format of a production file as JSON Schema, for editors and programs."""
    from pipeline.domain.schema import json_schema

    print_json(json_schema())
    return Exit.DONE


def show_estimate(estimate: Estimate, cost: float | None = None) -> None:
    """An estimate in four lines, one for what it costs where that is known, and one for each scene type that was measured."""
    say(f"scenes:     {estimate.cells:,} with {estimate.frames:,} frames")
    late = f", P90 {duration(estimate.late_seconds)}" if estimate.late_seconds is not None else ""
    say(f"generation: {duration(estimate.generation_seconds)}{late}")
    say(f"disk:       {size(estimate.disk_bytes)}")
    if cost is not None:
        say(f"money:      at least {money(cost)}, at the cheapest worker")
    say(f"basis:      {estimate.basis}")
    for spread in estimate.spreads:
        say(f"measured:   {spread.words}")


def show_over_budget(over: list[str]) -> None:
    """That a run would be refused, and why."""
    for told in over:
        say(f"Over budget: the estimate is {told}. A run that makes all of it would be refused. {budgets.CURE}", style="yellow")


def _budget(production: Production) -> str:
    budget = production.budget
    return joined(
        f"{limit:g} {unit}" if limit is not None else ""
        for limit, unit in ((budget.gpu_hours, "GPU-hours"), (budget.disk_gb, "GB"), (budget.money, "money"))
    )


def _approvals(approvals: Approvals) -> str:
    """Who decides, and for whom it is otherwise."""
    own = [
        f"{each.character}: variants {each.variants or approvals.variants}, scenes {each.scenes or approvals.scenes}"
        for each in approvals.except_for
    ]
    return "; ".join((f"variants {approvals.variants}, scenes {approvals.scenes}", *own))


def _show_cast(production: Production) -> None:
    cast: list[tuple[Any, ...]] = [
        (entry.name, len(entry.source_images), joined(f"{key} {value}" for key, value in entry.metadata.items()))
        for entry in production.characters
    ]
    if cast:
        table(("character", "images>", "metadata"), cast)
    if production.variants:
        table(("variant", "candidates>", "prompt"), [(v.name, v.candidates, v.prompt) for v in production.variants])
    if production.locations:
        table(("location", "picture"), [(place.name, place.plate or place.preset or "") for place in production.locations])


def _show_scene_types(production: Production, cells: tuple[CellPlan, ...]) -> None:
    used = {kind.name: sum(cell.scene_type == kind.name for cell in cells) for kind in production.scene_types}
    rows = [
        (kind.name, used[kind.name], f"{kind.duration_s:g} s", kind.segments, kind.fps, f"{kind.width}x{kind.height}",
         kind.camera.move, kind.framing)
        for kind in production.scene_types
    ]  # fmt: skip
    if rows:
        table(("scene type", "cells>", "duration>", "segments>", "fps>", "size>", "camera", "framing"), rows)
