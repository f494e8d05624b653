"""The command line: a door that reads arguments, calls one service and prints the answer.

The table below is all that `--help` needs; a command's module is imported when the command is asked for.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Run the sample production, whole way to a sealed delivery."),
    "up": ("serving", "Serve the board, with an engine beside it."),
    "engine": ("serving", "Run an engine without the board."),
    "create": ("starters", "Make a new production folder from a template."),
    "validate": ("productions", "Check a production file or folder; change nothing."),
    "info": ("productions", "Show what a production describes."),
    "estimate": ("productions", "Say how long a production takes and how much disk."),
    "plan": ("plans", "Show what a run would add, make again, reuse or wait for."),
    "run": ("runs", "Run a production, up to its sealed delivery."),
    "list": ("status", "List the runs."),
    "status": ("status", "Show how far a run is, what waits and why."),
    "submit": ("selections", "Ask for cells of a run."),
    "approve": ("review", "Accept what waits for review."),
    "reject": ("review", "Refuse what waits for review, with a reason."),
    "retry": ("review", "Ask again for what failed or was rejected."),
    "retake": ("selections", "Make another take of one cell, from a segment on or with a seed."),
    "cancel": ("selections", "Take cells out of a run, or end the run."),
    "pause": ("selections", "Let a run start no new work."),
    "resume": ("selections", "Let a paused run go on."),
    "schedule": ("schedules", "Quiet hours of a production, and how much of it at once."),
    "start-after": ("schedules", "Let no generation of a run start before a moment."),
    "deadline": ("schedules", "Say when a run is due."),
    "priority": ("schedules", "Let a run, or some of its cells, go before others."),
    "rollback": ("review", "Take cells back to their previous approved take."),
    "deliver": ("deliveries", "Seal a delivery of everything approved."),
    "verify-delivery": ("deliveries", "Check a delivery package from outside."),
    "workers": ("workers", "The machines that generate, as a fleet."),
    "budgets": ("budgets", "Limits of productions, users and runs."),
    "triggers": ("triggers", "Rules: when this happens, do that."),
    "messages": ("messages", "What rules tell people and programs outside."),
    "costs": ("costs", "What a run has cost, beside what was expected."),
    "workflows": ("workflows", "The graphs that make segments and stills, kept under names."),
    "agent": ("agent", "Tell a server what the graphics cards of this machine say."),
    "doctor": ("upkeep", "Check this installation and everything stored."),
    "backup": ("backups", "Keep everything stored in one file."),
    "restore": ("backups", "Put a backup in place."),
    "bench": ("benches", "Measure how fast this machine is with something."),
    "presets": ("starters", "List the built-in presets."),
    "schema": ("productions", "Print the production format as JSON Schema."),
}


@contextmanager
def nothing_collected() -> Iterator[None]:
    """What modules make stays for good: looking for garbage among it, again and again, took a seventh of a command's start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class Commands(click.Group):
    """Commands that are imported one at a time."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All of them, in the order of use."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The function `<name>_command` of the command's module."""
        if name not in COMMANDS:
            return None
        with nothing_collected():
            module = importlib.import_module(f"pipeline.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, f"{name.replace('-', '_')}_command")
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(self, context: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """The command of these arguments; an unknown name is answered with the nearest one."""
        if args and args[0] not in COMMANDS:
            from pipeline.domain.names import nearest

            close = nearest(args[0], COMMANDS)
            cure = f'Did you mean "{close}"?' if close else "`./stripboard --help` lists all."
            raise click.UsageError(f'There is no command "{args[0]}". {cure}')
        return super().resolve_command(context, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Mission control for AI image-to-video productions: a production file goes in, a sealed delivery comes out.

    Every reading command takes --json. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid production, 4 waits for
    people, 5 refused, 130 interrupted.
    """
