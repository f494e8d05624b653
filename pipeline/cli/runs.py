"""`run`: a whole production, from its file to its sealed delivery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.console import as_json, print_json, say
from pipeline.cli.entry import tell
from pipeline.cli.exits import Ended, Exit
from pipeline.cli.reading import counts, path_argument, production_of, read_valid, report, with_budget
from pipeline.cli.studios import actor, open_studio
from pipeline.cli.text import counted, quoted
from pipeline.domain.choices import Mode, RunOptions
from pipeline.domain.matrix import Selection
from pipeline.domain.names import listed
from pipeline.domain.production import Budget
from pipeline.domain.records import Run
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import CellStatus, RunStatus

if TYPE_CHECKING:
    from pipeline.wiring import LoadedProduction, Studio

_ENDED = {RunStatus.COMPLETED, RunStatus.CANCELLED}
_PHASES = [phase.value for phase in Phase if phase is not Phase.VALIDATE]


@click.command("run", short_help="Run a production, up to its sealed delivery.")
@path_argument
@click.option("--validate-only", is_flag=True, help="Check the production and stop.")
@click.option("--dry-run", is_flag=True, help="Show what would be done and stop.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run.")
@click.option("--new", "is_new", is_flag=True, help="Make a new run, even if one is unfinished.")
@click.option("--parallel", type=click.IntRange(1, 256), metavar="N", help="Scenes worked on at a time; default: one a core.")
@click.option("--backend", type=click.Choice(["animatic", "command", "comfyui"]), help="Generate with this instead.")
@click.option("--auto-approve", is_flag=True, help="Let the quality checks decide at every gate.")
@click.option("--until", type=click.Choice(_PHASES), default=Phase.FINALIZE.value, help="Stop after this phase.")
@as_json
def run_command(
    path: Path,
    validate_only: bool,
    dry_run: bool,
    resume: bool,
    is_new: bool,
    parallel: int | None,
    backend: str | None,
    auto_approve: bool,
    until: str,
    as_json: bool,
) -> int:
    """Run a production: check it, submit every scene, work until it is delivered.

    Ends with 4 and a list when people have to decide. Ctrl-C stops cleanly; --resume goes on where the run stopped.
    """
    if resume and is_new:
        raise click.UsageError("--resume and --new exclude each other.")
    loaded = read_valid(path, backend=backend, as_json=as_json, quiet=resume)
    if validate_only:
        loaded = with_budget(loaded)
        if as_json:
            print_json(report(loaded))
        else:
            told = counts(loaded.issues)
            say(f"{path} is a valid production{', ' + told if told else ''}.", style="green")
        return Exit.DONE
    if dry_run:
        from pipeline.cli.plans import show_plan

        return show_plan(loaded, as_json=as_json)
    options = RunOptions(auto_approve=auto_approve, until=Phase(until))
    return _run(path, loaded, options, resume=resume, is_new=is_new, parallel=parallel, as_json=as_json)


def _run(
    path: Path, loaded: LoadedProduction, options: RunOptions, *, resume: bool, is_new: bool, parallel: int | None, as_json: bool
) -> int:
    from pipeline.cli.outcomes import work

    with open_studio() as studio:
        newest = max((run.number for run in studio.runs.all() if run.title == production_of(loaded).title), default=0)
        run = None if is_new else _earlier(studio, path, loaded, resume=resume, as_json=as_json)
        if run is None:
            run = start(studio, loaded, options, after=None if is_new else newest, quiet=as_json)
        elif run.status is not RunStatus.COMPLETED:
            go_on(studio, run, loaded, options, quiet=as_json)
        again = f"./stripboard run {quoted(str(path))} --resume"
        return work(studio, run, again=again, parallel=parallel, as_json=as_json)


def _earlier(studio: Studio, path: Path, loaded: LoadedProduction, *, resume: bool, as_json: bool) -> Run | None:
    """The run to go on with; None for a new one. Ends with 5 when that is not clear and nobody can be asked."""
    runs = _made_here(studio, path, loaded, resume=resume, as_json=as_json)
    unfinished = next((run for run in runs if run.status not in _ENDED), None)
    if resume:
        return unfinished or _finished(runs, quiet=as_json)
    if unfinished is None:
        return None
    from pipeline.cli.console import console

    told = f"Run {unfinished.name} is unfinished ({unfinished.status.value})."
    if as_json or not console().is_terminal or not click.get_text_stream("stdin").isatty():
        cure = f"Go on with it: `./stripboard run {quoted(str(path))} --resume`. Or start a new one with --new."
        tell("refused", f"{told} {cure}", as_json=as_json)
        raise Ended(Exit.REFUSED)
    say(told)
    answer = click.prompt("Resume it, make a new one, or quit?", type=click.Choice(["resume", "new", "quit"]), default="resume")
    if answer == "quit":
        raise Ended(Exit.REFUSED)
    return unfinished if answer == "resume" else None


def _made_here(studio: Studio, path: Path, loaded: LoadedProduction, *, resume: bool, as_json: bool) -> list[Run]:
    """The runs of this production, newest first.

    Ends with 5 where there is none and the run to go on with was made from another folder: a title alone does not tell whether
    that is this production, moved, or another one.
    """
    folder = loaded.base_dir.resolve()
    runs = [run for run in studio.runs.all() if run.title == production_of(loaded).title]
    here = [run for run in runs if Path(run.base_dir) == folder]
    left_out = {RunStatus.CANCELLED} if resume else _ENDED
    other = next((run for run in runs if run.status not in left_out), None)
    if here or other is None:
        return here
    told = f'Run {other.name} (number {other.id}) was made from "{other.base_dir}", and this production is in "{folder}".'
    new = f"`./stripboard run {quoted(str(path))} --new`"
    cure = f"If this is another production, give it another title. If the folder was moved, {new} makes a run from here"
    tell("refused", f"{told} {cure}, which takes over what is approved. Nothing was changed.", as_json=as_json)
    raise Ended(Exit.REFUSED)


def _finished(runs: Sequence[Run], *, quiet: bool) -> Run | None:
    """The newest of these runs when it is completed: what is left is to hand over its delivery."""
    newest = next(iter(runs), None)
    is_over = newest is not None and newest.status is RunStatus.COMPLETED
    if not quiet:
        say(f"Run {newest.name} is complete already." if newest and is_over else "There is no run to resume; starting one.")
    return newest if is_over else None


def start(studio: Studio, loaded: LoadedProduction, options: RunOptions, *, after: int | None = None, quiet: bool) -> Run:
    """A new run with every cell submitted; none is made when a budget does not cover it. `after` is that of
    `RunsService.create`."""
    who = actor()
    production = production_of(loaded)
    gone = studio.triggers.vanished(production.title, production.triggers)
    run = studio.runs.create(production, loaded.base_dir, options, who, after=after, must_be_covered=True)
    receipt = studio.submission.submit(run, Selection(), Mode.MISSING, who)
    if not quiet:
        say(f"Run {run.name} (number {run.id}): {counted(len(receipt.accepted), 'scene')} submitted.")
        for name in gone:
            say(f"Rule {name} is not in the file any more: it is switched off.", style="yellow")
    return run


def _mark_stale(studio: Studio, run: Run, loaded: LoadedProduction) -> str:
    """When the production has changed since: mark what was made from it, and say so; empty when nothing has."""
    if not studio.planning.has_changed(production_of(loaded), loaded.base_dir, studio.runs.config(run.id)):
        return ""
    plan = studio.planning.plan(production_of(loaded), loaded.base_dir, against=run.id)
    stale = studio.review.mark_stale(run, {cell.key: cell.why for cell in plan.cells if cell.is_stale}, actor())
    found = f"{counted(len(stale), 'scene')} marked stale" if stale else "no scene is stale by it"
    changed = f"The production has changed since this run was made: {found}."
    return f"{changed} The run goes on as it was made; --new takes the changes."


def _take_budget(studio: Studio, run: Run, budget: Budget, *, quiet: bool) -> None:
    """The budget of the file where that has changed; a limit that somebody has set on the run holds, and is told."""
    found = studio.runs.take_budget(run, budget, actor())
    if quiet:
        return
    if found.taken:
        say("The run takes the budget that the production has now.")
    if found.kept:
        from pipeline.cli.budgets import kept_told

        say(kept_told(run.id, found.kept), style="yellow")


def go_on(studio: Studio, run: Run, loaded: LoadedProduction, options: RunOptions, *, quiet: bool) -> None:
    """The unfinished run again: as it was made, with what was never submitted."""
    who = actor()
    renewed = studio.runs.check_new_pictures(run, who)
    note = _mark_stale(studio, run, loaded)
    if not quiet:
        done = studio.reports.progress(run.id)
        say(f"Resuming run {run.name} (number {run.id}): {done.approved} of {counted(done.total, 'scene')} approved.")
        if renewed.of:
            say(f"New source images in place of refused ones: those of {listed(renewed.of)} are checked anew.")
        for reason in renewed.left:
            say(f"A refused source image stays as it was: {reason}", style="yellow")
        if note:
            say(note, style="yellow")
        if options.auto_approve and not run.accept_flags:
            cure = f"`./stripboard approve {run.id} --all` decides what waits; --new makes a run that decides by itself."
            say(f"People are at the gates of this run, and --auto-approve does not change that. {cure}", style="yellow")
    _take_budget(studio, run, production_of(loaded).budget, quiet=quiet)
    studio.runs.resume(run, who, until=options.until)
    cells = studio.reports.matrix(run.id).cells
    missing = tuple(cell.plan.key for cell in cells if cell.status is CellStatus.NOT_STARTED)
    if missing:
        studio.submission.submit(run, Selection(keys=missing), Mode.MISSING, who)
