"""`submit`, `retake`, `cancel`, `pause`, `resume`: what people ask of runs and cells; `run --resume` then works."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cli.console import as_json, plain, print_json, say
from pipeline.cli.exits import Exit
from pipeline.cli.outcomes import show_lines
from pipeline.cli.productions import show_estimate
from pipeline.cli.studios import actor, is_everything, open_studio, run_argument, selection_of, selection_options
from pipeline.cli.text import counted
from pipeline.domain import matrix
from pipeline.domain.choices import Mode
from pipeline.domain.statuses import RunStatus, in_words

_SHOWN = 20
GOES_ON = "A running engine takes it up at once; else `./stripboard run PATH --resume` does the work."


@click.command("submit", short_help="Ask for cells of a run.")
@run_argument
@selection_options
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.MISSING.value, show_default=True,
              help="missing: never made; failed: failed and rejected; all: every one not under way, as a new take.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would be accepted; change nothing.")
@as_json
def submit_command(run: str | None, mode: str, dry_run: bool, as_json: bool, **chosen: Any) -> int:
    """Ask for cells: all of a run, or a selection. Either every accepted cell is queued, or none is.

    RUN is the number or the name of a run; without it the newest one is meant.
    """
    selection = selection_of(chosen)
    with open_studio() as studio:
        found = studio.runs.find(run)
        done = None if dry_run else studio.submission.submit(found, selection, Mode(mode), actor())
        receipt = done or studio.submission.preview(found, selection, Mode(mode))
        pictures = done.pictures if done else ()
    if as_json:
        told = {"accepted": receipt.accepted, "skipped": receipt.skipped, "estimate": receipt.estimate}
        told |= {"pictures": pictures, "submitted": not dry_run}
        print_json({"run": {"id": found.id, "name": found.name}, **told})
        return Exit.DONE
    verb = "would be accepted" if dry_run else "accepted"
    say(f"Run {found.name}: {counted(len(receipt.accepted), 'cell')} {verb}, {len(receipt.skipped):,} skipped.", style="bold")
    show_lines([f"accepted: {key}" for key in receipt.accepted[:_SHOWN]] + _more(len(receipt.accepted)))
    show_lines([f"skipped:  {key}: {why}" for key, why in list(receipt.skipped.items())[:_SHOWN]] + _more(len(receipt.skipped)))
    show_lines([f"picture:  {told}" for told in pictures[:_SHOWN]] + _more(len(pictures)))
    if receipt.accepted:
        show_estimate(receipt.estimate)
    if receipt.accepted and not dry_run:
        say(GOES_ON)
    return Exit.DONE


@click.command("retake", short_help="Make another take of one cell, from a segment on or with a seed.")
@run_argument
@click.option("--cell", "key", required=True, metavar="KEY", help="The cell, as `status` names it.")
@click.option("--from-segment", type=click.IntRange(1), default=1, show_default=True, metavar="K",
              help="Keep the segments before this one as they are in the newest take.")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="The seed of what is made anew; default: one of its own."
)
@click.option("--prompt", default="", metavar="TEXT", help="The words for what is made anew; default: those of the production.")
@as_json
def retake_command(run: str | None, key: str, from_segment: int, seed: int | None, prompt: str, as_json: bool) -> int:
    """Make another take of one cell. Takes are versions: what was there stays."""
    with open_studio() as studio:
        found = studio.runs.find(run)
        take = studio.retakes.again(found, key, actor(), from_segment=from_segment, seed=seed, prompt=prompt)
    if as_json:
        print_json({"run": {"id": found.id, "name": found.name}, "cell": key, "take": take})
        return Exit.DONE
    say(f"Take {take} of {key} is queued. {GOES_ON}")
    return Exit.DONE


@click.command("cancel", short_help="Take cells out of a run, or end the run.")
@run_argument
@selection_options
@click.option("--all", "whole", is_flag=True, help="End the whole run; what is approved stays.")
@as_json
def cancel_command(run: str | None, whole: bool, as_json: bool, **chosen: Any) -> int:
    """Take a selection of cells out of a run, or with --all end the run."""
    selection = selection_of(chosen)
    if whole != is_everything(selection):
        raise click.UsageError("Name the cells to cancel, or end the whole run with --all.")
    with open_studio() as studio:
        found = studio.runs.find(run)
        if whole:
            studio.runs.cancel(found, actor())
            keys, left = [], {}
        else:
            before = [(cell.plan, cell.status) for cell in studio.reports.matrix(found.id).cells]
            keys = studio.submission.cancel(found, selection, actor())
            chosen_keys = {plan.key for plan in matrix.select([plan for plan, _ in before], selection)} - set(keys)
            left = {plan.key: f"it is {in_words(status)}" for plan, status in before if plan.key in chosen_keys}
    if as_json:
        print_json({"run": {"id": found.id, "name": found.name}, "ended": whole, "cancelled": keys, "left": left})
    elif whole:
        say(f"Run {found.name} is cancelled. What is approved stays.")
    else:
        say(f"Run {found.name}: {counted(len(keys), 'cell')} cancelled.")
        show_lines(keys[:_SHOWN] + _more(len(keys)))
        if left:
            say("Left as they are, because only what is asked for and not approved can be cancelled:")
            show_lines([f"{key}: {why}" for key, why in list(left.items())[:_SHOWN]] + _more(len(left)))
    return Exit.DONE


@click.command("pause", short_help="Let a run start no new work.")
@run_argument
@as_json
def pause_command(run: str | None, as_json: bool) -> int:
    """Let a run start no new work; what is under way is finished."""
    with open_studio() as studio:
        found = studio.runs.find(run)
        studio.runs.pause(found, actor())
        return _tell_status(plain(studio.runs.find(str(found.id)).status), found.id, found.name, as_json=as_json)


@click.command("resume", short_help="Let a paused run go on.")
@run_argument
@as_json
def resume_command(run: str | None, as_json: bool) -> int:
    """Let a paused run go on. The work itself is done by `./stripboard run PATH --resume`, or by a running engine."""
    with open_studio() as studio:
        found = studio.runs.find(run)
        if found.status is not RunStatus.RUNNING:
            studio.runs.resume(found, actor())
        return _tell_status(plain(studio.runs.find(str(found.id)).status), found.id, found.name, as_json=as_json)


def _tell_status(status: str, run_id: int, name: str, *, as_json: bool) -> int:
    if as_json:
        print_json({"run": {"id": run_id, "name": name, "status": status}})
    else:
        say(f"Run {name} is {status}." + (f" {GOES_ON}" if status == RunStatus.RUNNING.value else ""))
    return Exit.DONE


def _more(count: int) -> list[str]:
    return [f"and {count - _SHOWN:,} more"] if count > _SHOWN else []
