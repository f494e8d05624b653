"""`bench`: measurements with a goal."""

from __future__ import annotations

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.domain.names import did_you_mean


@click.command("bench", short_help="Measure how fast this machine is with something.")
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="Less of everything, for trying it out.")
@as_json
def bench_command(name: str | None, quick: bool, as_json: bool) -> int:
    """Measure, and hold each figure against its goal. Without NAME, say what can be measured."""
    from pipeline.bench.catalogue import BENCHES

    if name is None:
        if as_json:
            print_json({"benches": list(BENCHES)})
        else:
            say("There are: " + ", ".join(BENCHES))
        return Exit.DONE
    if name not in BENCHES:
        raise click.UsageError(f'There is no bench "{name}". {did_you_mean(name, BENCHES)}')
    figures = BENCHES[name](quick)
    if as_json:
        print_json({"figures": figures})
        return Exit.DONE
    words = {True: "yes", False: "NO", None: ""}
    rows = [(figure.name, f"{figure.value:,g}", figure.unit, figure.goal, words[figure.met]) for figure in figures]
    table(("figure", "value>", "unit", "goal", "met"), rows)
    return Exit.DONE
