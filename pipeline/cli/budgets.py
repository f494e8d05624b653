"""`budgets`: limits of productions, users and runs, and what happens at their levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.studios import actor, open_studio
from pipeline.cli.text import size
from pipeline.domain.budget import ACTION_WORDS, QUANTITY_WORDS, Action, Budget, Quantity, Scope, parse_level, reached
from pipeline.domain.costs import figure, money
from pipeline.domain.percent import share

_HOUR_S, _GB = 3600.0, 1e9
_OPTIONS = {"gpu_hours": (Quantity.GPU_SECONDS, _HOUR_S), "money": (Quantity.MONEY, 1.0), "disk_gb": (Quantity.DISK_BYTES, _GB)}
scope_argument = click.argument("scope", type=click.Choice([scope.value for scope in Scope]))
of_argument = click.argument("of", metavar="OF")


@click.group("budgets", short_help="Limits of productions, users and runs.", invoke_without_command=True)
@click.pass_context
@as_json
def budgets_command(context: click.Context, as_json: bool) -> int | None:
    """Limits of GPU-hours, money and disk that are never exceeded. Without a verb: list them.

    SCOPE is project, user or run; OF is the title or number of the production or run, or the name of the user.
    """
    return _list(as_json) if context.invoked_subcommand is None else None


@budgets_command.command("list")
@as_json
def list_command(as_json: bool) -> int:
    """Every budget with what is spent and reserved."""
    return _list(as_json)


def _list(as_json: bool) -> int:
    with open_studio() as studio:
        found = studio.budgets.all()
    if as_json:
        print_json({"budgets": found})
    elif not found:
        say('There is no budget yet. Set one: `./stripboard budgets set project "TITLE" --gpu-hours 40 --at 80 --at 95:finish`')
    else:
        columns = ("of", "", "limit>", "spent>", "reserved>", "%>", "levels (* reached)")
        table(columns, [_row(budget) for budget in found])
    return Exit.DONE


def _row(budget: Budget) -> tuple[object, ...]:
    limit = "" if budget.limit is None else amount(budget.quantity, budget.limit)
    spent, reserved = (amount(budget.quantity, value) for value in (budget.spent, budget.reserved))
    levels = ", ".join(
        f"{level.at_percent:g} % {level.action.value}{'*' if number < budget.fired else ''}"
        for number, level in enumerate(budget.thresholds)
    )
    return budget.name, budget.scope.value, limit, spent, reserved, share(budget.spent, budget.limit or 0), levels


def amount(quantity: Quantity, value: float) -> str:
    """So much of it, with its unit."""
    if quantity is Quantity.DISK_BYTES:
        return size(value)
    return f"{figure(value / _HOUR_S)} GPU-h" if quantity is Quantity.GPU_SECONDS else money(value)


def kept_told(run_id: int, kept: Mapping[Quantity, float | None]) -> str:
    """That a run keeps limits which were set on it, although its file has others now, and how to change them."""
    names = {quantity: f"--{name.replace('_', '-')}" for name, (quantity, _) in _OPTIONS.items()}
    limits = [
        f"no limit of {QUANTITY_WORDS[key].removeprefix('the ')}" if limit is None else amount(key, limit)
        for key, limit in kept.items()
    ]
    change = f"./stripboard budgets set run {run_id} {' '.join(f'{names[key]} N' for key in kept)}"
    return f"The run keeps what was set on it, not what the file says: {', '.join(limits)}. Change it with `{change}`."


@budgets_command.command("set")
@scope_argument
@of_argument
@click.option("--gpu-hours", type=click.FloatRange(0), metavar="H", help="Generation time of any backend.")
@click.option("--money", type=click.FloatRange(0), metavar="N", help="What the time of workers with a price may cost.")
@click.option("--disk-gb", type=click.FloatRange(0), metavar="GB", help="Disk, in GB of 1,000,000,000 bytes.")
@click.option(
    "--at",
    "levels",
    multiple=True,
    metavar="PERCENT[:ACTION]",
    help="A level of the limit, up to ten: notify (default), finish (no new generation) or cancel (stop what runs too).",
)
@click.option("--no-levels", is_flag=True, help="Take away the levels that there are.")
@as_json
def set_command(scope: str, of: str, levels: tuple[str, ...], no_levels: bool, as_json: bool, **limits: float | None) -> int:
    """Set or change limits. Levels that are not given stay as they are; a higher limit arms them again.

    Levels alone are given to the limits that there are.
    """
    given = {_OPTIONS[name]: value for name, value in limits.items() if value is not None}
    thresholds = None if not levels and not no_levels else [parse_level(level) for level in levels]
    if not given and thresholds is None:
        raise click.UsageError("Give --gpu-hours, --money or --disk-gb.")
    with open_studio() as studio:
        subject = studio.budgets.subject(Scope(scope), of)
        wanted = {quantity: value * unit for (quantity, unit), value in given.items()} or _limits(studio.budgets.of(subject))
        if not wanted:
            raise click.UsageError(f"{subject.name} has no limit that could have levels. Give --gpu-hours, --money or --disk-gb.")
        found = [
            studio.budgets.put(subject, quantity, actor(), limit=limit, thresholds=thresholds)
            for quantity, limit in wanted.items()
        ]
        is_stranger = scope == Scope.USER and of not in {run.created_by for run in studio.runs.all()}
    if is_stranger and not as_json:
        say(f'"{of}" has started no run so far: see that the name is right.', style="yellow")
    return _told(found, as_json)


def _limits(found: Sequence[Budget]) -> dict[Quantity, float]:
    return {budget.quantity: budget.limit for budget in found if budget.limit is not None}


def _told(found: Sequence[Budget], as_json: bool) -> int:
    if as_json:
        print_json({"budgets": found})
    for budget in [] if as_json else found:
        limit = amount(budget.quantity, budget.limit or 0.0)
        say(f"{budget.name}: {limit}, of which {amount(budget.quantity, budget.spent)} are spent.", style="green")
        past = budget.thresholds[: reached(budget.thresholds, budget.account)]
        stops = [level for level in past if level.action is not Action.NOTIFY]
        if stops:
            worst = next((level for level in stops if level.action is Action.CANCEL), stops[-1])
            say(f"Its level of {worst.at_percent:g} % is reached already: {ACTION_WORDS[worst.action]}.", style="yellow")
    return Exit.DONE


@budgets_command.command("remove")
@scope_argument
@of_argument
@click.option("--gpu-hours", "gpu_hours", is_flag=True, help="The budget of GPU-hours.")
@click.option("--money", "money", is_flag=True, help="The budget of money.")
@click.option("--disk-gb", "disk_gb", is_flag=True, help="The budget of disk.")
def remove_command(scope: str, of: str, **which: bool) -> int:
    """Forget budgets: nothing bounds this any more."""
    wanted = [_OPTIONS[name][0] for name, chosen in which.items() if chosen]
    if not wanted:
        raise click.UsageError("Say which: --gpu-hours, --money or --disk-gb.")
    with open_studio() as studio:
        found = [studio.budgets.find(Scope(scope), of, quantity) for quantity in wanted]
        for budget in found:
            studio.budgets.remove(budget, actor())
    say(f"{found[0].name} has no such limit any more.")
    return Exit.DONE
