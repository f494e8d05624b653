"""`list` and `status`: how far runs are, what waits and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from pipeline.cli.console import as_json, console, plain, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.live import STATUS_STYLES, cells_text, cells_words, spend
from pipeline.cli.outcomes import NEW_RUN, show_flagged, show_lines, show_waiting, tell_of_hindrances, tell_of_refused
from pipeline.cli.studios import open_studio, run_argument
from pipeline.cli.text import counted, duration, joined
from pipeline.domain.deadlines import lateness
from pipeline.domain.estimates import is_guess
from pipeline.domain.overview import RunOverview
from pipeline.domain.progress import Outlook, Progress
from pipeline.domain.records import Cell, Run, Take
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import CellStatus, RunStatus, in_words

if TYPE_CHECKING:
    from pipeline.wiring import Studio

_SHOWN = 12
_OUTLOOKS = {
    Outlook.NOTHING_ASKED: "nothing is submitted",
    Outlook.WORKING: "there is work to do",
    Outlook.PEOPLE: "waits for people",
    Outlook.WORKERS: "no worker can do what waits",
    Outlook.BUDGET: "its budget does not cover what comes next",
    Outlook.STUCK: "stuck: something failed or was rejected",
    Outlook.PAUSED: "",
    Outlook.REACHED: "everything asked for is done",
    Outlook.OVER: "",
}
"""What to say beside the status of the run; nothing where the status says it."""


@click.command("list", short_help="List the runs.")
@as_json
def list_command(as_json: bool) -> int:
    """List every run, newest first."""
    with open_studio() as studio:
        runs = [(run, studio.reports.progress(run.id)) for run in studio.runs.all()]
    if as_json:
        print_json(
            [{**plain(run), "name": run.name, "cells": progress.cells, "outlook": progress.outlook} for run, progress in runs]
        )
    elif not runs:
        say("There is no run yet. Start one with `./stripboard run PATH`, or `./stripboard demo`.")
    else:
        rows = [
            (
                run.id,
                run.name,
                run.status.value,
                f"{progress.approved}/{progress.total}",
                cells_words(progress),
                _when(run.created_at),
            )
            for run, progress in runs
        ]
        table(("run>", "name", "status", "approved>", "cells", "made"), rows)
    return Exit.DONE


@click.command("status", short_help="Show how far a run is, what waits and why.")
@run_argument
@click.option("--cell", metavar="KEY", help="Everything about one cell.")
@click.option("--cells", "show_cells", is_flag=True, help="List every cell with its status.")
@as_json
def status_command(run: str | None, cell: str | None, show_cells: bool, as_json: bool) -> int:
    """Show how far a run is: phases, cells, what waits for people, what is blocked by what, what failed, what is spent.

    RUN is the number or the name of a run; without it the newest one is meant.
    """
    with open_studio() as studio:
        found = studio.runs.find(run)
        if cell is not None:
            _one_cell(studio, found, cell, as_json=as_json)
        elif as_json:
            print_json(_whole(studio, found))
        else:
            _show(studio, found, show_cells=show_cells)
    return Exit.DONE


def _whole(studio: Studio, run: Run) -> dict[str, Any]:
    progress = studio.reports.progress(run.id)
    view = studio.reports.matrix(run.id)
    return {
        "run": {**plain(run), "name": run.name},
        "progress": progress,
        "outlook": progress.outlook,
        "waiting": studio.review.waiting(run),
        "blocked": {key: [str(unmet) for unmet in needs] for key, needs in view.blocked.items()},
        "held": studio.reports.held(run.id),
        "waits": [{**plain(waits.reason), "jobs": waits.jobs} for waits in studio.reports.waits(run.id)],
        "failures": studio.reports.failures(run.id, limit=1000),
        "flagged": studio.reports.flagged(run.id, limit=1000),
        "deliveries": studio.deliveries.of_run(run),
        "cells": [
            {
                "key": cell.plan.key,
                "status": cell.status,
                "take": cell.take,
                "approved_take": cell.approved_take,
                "reason": cell.reason,
                "stale": cell.stale,
            }
            for cell in view.cells
        ],
        "stills": [
            {"kind": still.kind, "key": still.key, "status": still.status, "candidates": still.candidates, "reason": still.reason}
            for still in view.stills
        ],
    }  # fmt: skip


def _show(studio: Studio, run: Run, *, show_cells: bool) -> None:
    progress = studio.reports.progress(run.id)
    view = studio.reports.matrix(run.id)
    failures = studio.reports.failures(run.id)
    state = joined((run.status.value, _next_words(run, progress.outlook, has_failures=bool(failures))))
    say(f"Run {run.name} (number {run.id}): {state}", style="bold")
    console().print(cells_text(progress))
    _show_phases(progress)
    say(f"{spend(progress)}.")
    _show_ends(studio, run)
    if progress.blocked:
        say(f"Blocked: {counted(len(view.blocked), 'scene')}.")
        blocked = [f"{key}: {joined(str(unmet) for unmet in needs)}" for key, needs in view.blocked.items()]
        show_lines(blocked[:_SHOWN] + ([f"and {len(blocked) - _SHOWN:,} more"] if len(blocked) > _SHOWN else []))
        tell_of_hindrances(run, view.hindrances)
    held = studio.reports.held(run.id)
    if held:
        say("Waits:", style="yellow")
        show_lines(held)
    if failures:
        say("Failed or rejected:", style="red")
        show_lines(failures)
        say(f"Try again: ./stripboard retry {run.id}")
        tell_of_refused(studio, run, f"./stripboard retry {run.id}")
    show_flagged(studio.reports.flagged(run.id), NEW_RUN)
    if studio.review.waiting(run):
        say("Waits for people:", style="yellow")
        show_waiting(studio, run)
    if progress.outlook is Outlook.REACHED:
        is_over = run.until == Phase.FINALIZE
        say(f"Go on with `{f'./stripboard deliver {run.id}' if is_over else './stripboard run PATH --resume'}`.")
    for delivery in studio.deliveries.of_run(run):
        whose = f" of {delivery.character}" if delivery.character else ""
        say(f"Delivery {delivery.number}{whose}: {delivery.status.value} {_when(delivery.sealed_at)}".rstrip())
    if show_cells:
        rows = [_cell_row(cell) for cell in view.cells]
        table(("cell", "status", "take>", "approved take>", "reason"), rows)


def _next_words(run: Run, outlook: Outlook, *, has_failures: bool) -> str:
    """What to say beside the status of the run."""
    if outlook is Outlook.STUCK and not has_failures:
        return "stuck: nobody asks for what its scenes wait for"
    if outlook is Outlook.REACHED and run.until != Phase.FINALIZE:
        return f"stopped at the end of phase {run.until}"
    return _OUTLOOKS[outlook]


def _show_ends(studio: Studio, run: Run) -> None:
    """When it is likely done, and when it is due."""
    if run.status in (RunStatus.COMPLETED, RunStatus.CANCELLED):
        return
    view, now = studio.overview.of(run.id), datetime.now(UTC)
    done = _done(view)
    if run.deadline is None:
        if done:
            say(f"{done}.")
        return
    found = lateness(run.deadline, likely_at=view.soonest_at, latest_at=view.latest_at, now=now)
    mark = f": {found.value}" if found else ""
    say(f"{f'{done}; due' if done else 'Due'} {_when(run.deadline)}{mark}.", style="yellow" if found else "")


def _done(view: RunOverview) -> str:
    """When the run is likely done; empty where that cannot be told."""
    guess = " (a first guess)" if is_guess(view.measured_share) else ""
    return f"Done about {_when(view.likely_at)}, latest {_when(view.latest_at)}{guess}" if view.likely_at else ""


def _cell_row(cell: Cell) -> tuple[object, ...]:
    status = Text(in_words(cell.status), style=STATUS_STYLES[cell.status])
    return cell.plan.key, status, cell.take or "", cell.approved_take or "", cell.reason


def _show_phases(progress: Progress) -> None:
    rows = [(phase.phase.value.replace("_", " "), phase.done, phase.total, phase.failed or "") for phase in progress.phases]
    if rows:
        table(("phase", "done>", "known>", "failed>"), rows)


def _one_cell(studio: Studio, run: Run, key: str, *, as_json: bool) -> None:
    view = studio.reports.cell(run, key)
    if as_json:
        print_json({**plain(view), "blocked_by": [str(unmet) for unmet in view.blocked_by]})
        return
    cell = view.cell
    say(f"{cell.plan.key}: {in_words(cell.status)}" + (f", take {cell.told_take}" if cell.take else ""), style="bold")
    if cell.reason:
        say(f"reason: {cell.reason}")
    if cell.stale:
        say(f"stale: {cell.stale}", style="yellow")
    for unmet in view.blocked_by:
        say(f"blocked: {unmet}", style="yellow")
    for wait in view.waits:
        say(wait.sentence, style="yellow")
    if cell.plan.prompt:
        say(f"prompt: {cell.plan.prompt}")
    takes = [
        (take.number, take.seed, _verdict(take.verdict), _decision(cell, take), take.decided_by, take.reason or take.note)
        for take in view.takes
    ]
    if takes:
        table(("take>", "seed>", "quality", "decision", "by", "why"), takes)
    _show_work(view)
    if cell.status is not CellStatus.NOT_STARTED:
        table(("when", "event", "who", "what"), [(_when(e.at), e.type, e.actor, _data(e.data)) for e in view.story])


def _decision(cell: Cell, take: Take) -> str:
    return "approved, not in use" if take.decision == "approved" and cell.leaves_aside(take.number) else take.decision


def _show_work(view: Any) -> None:
    names = {job.id: f"{job.stage.value} {job.part} (take {job.take})" for job in view.jobs}
    rows = [
        (names.get(attempt.job_id, ""), attempt.number, attempt.outcome.value, duration(attempt.seconds), attempt.worker,
         joined((attempt.failure_class, attempt.reason)))
        for attempt in view.attempts
    ]  # fmt: skip
    if rows:
        table(("job", "attempt>", "outcome", "time>", "worker", "why"), rows)


def _verdict(verdict: Any) -> str:
    return str(verdict.get("verdict", "")) if verdict else ""


def _data(data: Any) -> str:
    return joined(f"{key} {value}" for key, value in data.items() if not isinstance(value, dict | list))


def _when(at: datetime | None) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at else ""
