"""`costs`: what a run has cost beside what was expected."""

from __future__ import annotations

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.studios import open_studio, run_argument
from pipeline.cli.text import duration, size
from pipeline.domain.costs import By, CostLine, money


@click.command("costs", short_help="What a run has cost, beside what was expected.")
@run_argument
@click.option("--by", type=click.Choice([by.value for by in By]), default=By.SCENE_TYPE.value, show_default=True,
              help="What to tell apart; the cause is first try, retry, rejection or new take.")  # fmt: skip
@as_json
def costs_command(run: str | None, by: str, as_json: bool) -> int:
    """Generation time, money and disk of everything of a run that has ended, beside the estimates."""
    with open_studio() as studio:
        found = studio.runs.find(run)
        report = studio.costs.of_run(found.id, By(by))
    if as_json:
        print_json({"run": {"id": found.id, "name": found.name}, "costs": report})
        return Exit.DONE
    if not report.lines:
        say(f"Run {found.name} has cost nothing yet.")
        return Exit.DONE
    paid = ("expected>", "money>") if report.total.cost or report.total.estimated_cost else ()
    columns = (by.replace("_", " "), "jobs>", "tries>", "reused>", "expected>", "generation>", "expected>", "disk>", *paid)
    table(columns, [_row(line)[: len(columns)] for line in (*report.lines, report.total)], title=f"Run {found.name}")
    return Exit.DONE


def _row(line: CostLine) -> tuple[object, ...]:
    name = line.name.replace("_", " ") or "nobody"
    return (
        name, line.jobs, line.attempts, line.reused or "", duration(line.estimated_seconds), duration(line.seconds),
        size(line.estimated_bytes), size(line.size_bytes), money(line.estimated_cost), money(line.cost),
    )  # fmt: skip
