"""Works on a run and says how it ended: delivered, waiting for people, stuck, out of budget, interrupted."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.console import plain, print_json, say
from pipeline.cli.driving import Interrupted, drive
from pipeline.cli.entry import tell
from pipeline.cli.exits import Exit
from pipeline.cli.live import cells_words, display, spend
from pipeline.cli.text import brief, clean, counted, duration, quoted, size
from pipeline.domain import forecast
from pipeline.domain.blocking import Hindrance
from pipeline.domain.delivery import NotPlaced
from pipeline.domain.names import listed
from pipeline.domain.progress import Outlook, Progress
from pipeline.domain.records import Run
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import RunStatus, in_words

if TYPE_CHECKING:
    from pipeline.wiring import Studio

_SHOWN = 12
_NAMED = 3
"""So many cells are named in a command; more are counted."""
NEW_RUN = "./stripboard run PATH --new"
CODES = {
    Outlook.OVER: Exit.DONE,
    Outlook.REACHED: Exit.DONE,
    Outlook.PEOPLE: Exit.WAITS,
    Outlook.BUDGET: Exit.REFUSED,
    Outlook.STUCK: Exit.FAILED,
    Outlook.PAUSED: Exit.FAILED,
    Outlook.NOTHING_ASKED: Exit.FAILED,
}


@dataclass(frozen=True)
class Placed:
    """What was copied to where people look, and why other files were not."""

    package: Path
    outputs: list[str]
    reasons: list[str]


def work(studio: Studio, run: Run, *, again: str, parallel: int | None = None, as_json: bool = False) -> int:
    """Drive the run, say how it ended, place what was delivered; the answer is the exit code.

    `again` is the command that goes on later.
    """
    began = time.monotonic()
    current = studio.runs.find(run.id)
    plans = [cell.plan for cell in studio.reports.matrix(run.id).cells]
    expected = forecast.expected_jobs(studio.runs.config(run.id).production, plans)
    shown = display(run.name, expected, Phase(current.until), quiet=as_json)
    try:
        progress = drive(studio, run.id, parallel=parallel, display=shown)
    except Interrupted:
        tell("interrupted", f"Stopped cleanly. Go on with `{again}`.", as_json=as_json)
        return Exit.INTERRUPTED
    seconds = time.monotonic() - began
    placed = _place(studio, run) if progress.outlook is Outlook.OVER else None
    summary = summary_of(studio, run, progress, seconds=seconds, placed=placed)
    if as_json:
        print_json(summary)
    else:
        _tell(studio, run, progress, summary, again=again)
        show_flagged(summary["flagged"], anew(again))
        _tell_of_rules(summary["rules_gather_until"])
    is_in_place = progress.outlook is not Outlook.OVER or (placed is not None and not placed.reasons)
    return CODES[progress.outlook] if is_in_place else Exit.FAILED


def _tell_of_rules(due: datetime | None) -> None:
    """What is left to the next engine: rules that still gather events."""
    if due is not None:
        at = f"{due.astimezone():%H:%M:%S}"
        say(f"A rule gathers events until {at}, and fires then: with `./stripboard engine`, `./stripboard up` or the next run.")


def summary_of(studio: Studio, run: Run, progress: Progress, *, seconds: float, placed: Placed | None) -> dict[str, Any]:
    """How the run stands, for programs."""
    current = studio.runs.find(run.id)
    summary: dict[str, Any] = {
        "run": {"id": run.id, "name": run.name, "status": current.status.value, "until": current.until},
        "outlook": progress.outlook.value,
        "cells": plain(progress.cells),
        "seconds": round(seconds, 3),
        "spent_seconds": round(progress.spent_seconds, 3),
        "spent_bytes": progress.spent_bytes,
        "waiting": plain(studio.review.waiting(run)),
        "failures": studio.reports.failures(run.id),
        "flagged": studio.reports.flagged(run.id),
        "rules_gather_until": studio.firing.next_due(),
        "delivery": None,
        "outputs": [],
        "not_placed": [],
    }
    if placed is not None:
        sealed = studio.deliveries.sealed(run)
        summary["delivery"] = {
            "path": str(placed.package), "sha256": sealed.package_sha256, "size_bytes": sealed.size_bytes,
            "number": sealed.number,
        }  # fmt: skip
        summary["outputs"] = placed.outputs
        summary["not_placed"] = placed.reasons
    return summary


def _place(studio: Studio, run: Run) -> Placed | None:
    """The delivery of what is approved and the exports, copied to where people look; None when the run ended without one."""
    if studio.runs.find(run.id).status is not RunStatus.COMPLETED:
        return None
    current = studio.deliveries.current(run)
    if None not in current:
        return None
    try:
        outputs, reasons = list(map(str, studio.deliveries.place_outputs(run))), []
    except NotPlaced as error:
        outputs, reasons = error.placed, error.reasons
    # The package comes last: whoever is killed before leaves the rest to the safety net.
    package = {whose: studio.deliveries.place(run, one) for whose, one in current.items()}[None]
    return Placed(package, outputs, reasons)


def _tell(studio: Studio, run: Run, progress: Progress, summary: dict[str, Any], *, again: str) -> None:
    if progress.outlook is Outlook.OVER:
        _tell_end(run, progress, summary, again=again)
    elif progress.outlook is Outlook.PEOPLE:
        say(f"Run {run.name} waits for people: {cells_words(progress)}.", style="yellow")
        show_waiting(studio, run)
        folder = studio.settings.review_root / f"run-{run.id}"
        if studio.previews.place(run, folder):
            say(f"Look:   {folder}")
        if summary["failures"]:
            say("Failed or rejected:", style="red")
            show_lines(summary["failures"])
            say(f"Again:  ./stripboard retry {run.id}")
            tell_of_refused(studio, run, again)
            _tell_of_earlier_takes(studio, run)
        tell_of_hindrances(run, studio.reports.matrix(run.id).hindrances)
        say(f"Then go on with `{again}`.")
    elif progress.outlook is Outlook.STUCK:
        say(f"Run {run.name} is stuck: {cells_words(progress)}.", style="red")
        _tell_of_trouble(studio, run, summary["failures"], again)
        say(f"Then go on with `{again}`.")
    elif progress.outlook is Outlook.BUDGET:
        say(f"Run {run.name} has stopped: no budget pays for what comes next ({spend(progress)}).", style="red")
        for reason in studio.reports.held(run.id, with_workers=False):
            say(f"{reason[:1].upper()}{reason[1:]}.")
        say(f"Then go on with `{again}`.")
    elif progress.outlook is Outlook.PAUSED:
        say(f"Run {run.name} is paused. Go on with `./stripboard resume {run.id}`, then `{again}`.", style="yellow")
    elif progress.outlook is Outlook.NOTHING_ASKED:
        say(f"Nothing of run {run.name} is submitted. `./stripboard submit {run.id}` asks for scenes.", style="yellow")
    else:
        say(f"Run {run.name} has reached the end of phase {summary['run']['until']}: {cells_words(progress)}.", style="green")
        say(f"Go on with `{again}`.")


def anew(again: str) -> str:
    """The command that makes a new run of the production that `again` goes on with."""
    return f"{again.removesuffix('--resume')}--new" if again.endswith("--resume") else NEW_RUN


def tell_of_refused(studio: Studio, run: Run, again: str) -> None:
    """Whose source images were refused, and that others in their place are checked by the command `again`."""
    refused = studio.reports.refused(run.id)
    if refused:
        say(f"Refused source images: those of {listed(refused)}. Replace the files, then `{again}` checks the new ones.")


def _tell_of_earlier_takes(studio: Studio, run: Run) -> None:
    """That scenes which failed or were rejected have an approved take to go back to."""
    back = studio.review.may_go_back(run)
    if back:
        told = f"{counted(len(back), 'scene')} of these can go back to an approved take"
        say(f"{told}: `./stripboard rollback {run.id} --cell {quoted(back[0])}`.")


def _tell_of_trouble(studio: Studio, run: Run, failures: list[str], again: str) -> None:
    """What a stuck run waits for, and the commands that let it go on."""
    view = studio.reports.matrix(run.id)
    if failures:
        show_lines(failures)
        say(f"Try again with `./stripboard retry {run.id}`, or leave cells out with `./stripboard cancel {run.id} --cell KEY`.")
        tell_of_refused(studio, run, again)
        _tell_of_earlier_takes(studio, run)
    else:
        show_lines([f"scene {key} waits: {'; '.join(map(str, needs))}" for key, needs in view.blocked.items()][:_SHOWN])
    tell_of_hindrances(run, view.hindrances)


def tell_of_hindrances(run: Run, hindrances: Iterable[Hindrance]) -> None:
    """The commands that let cells go on which wait for what nobody asks for; nothing where there are none."""
    for one in [one for one in hindrances if one.is_not_asked_for][:_NAMED]:
        need, count = one.unmet.need, len(one.cells)
        cells = " ".join(f"--cell {quoted(key)}" for key in one.cells) if count <= _NAMED else "--cell KEY"
        cancel = f"`./stripboard cancel {run.id} {cells}`"
        if need.kind != "cell":
            say(f"The {one.unmet}: {cancel}, then `./stripboard submit {run.id} {cells}` asks for it again.")
            continue
        whose = "the scene that waits" if count == 1 else f"the {count:,} scenes that wait"
        submit = f"`./stripboard submit {run.id} --cell {quoted(need.key)}`"
        say(f"Scene {need.key} is {in_words(one.unmet.status)}: {submit} asks for it, or {cancel} leaves out {whose} for it.")


def _tell_end(run: Run, progress: Progress, summary: dict[str, Any], *, again: str) -> None:
    if summary["delivery"] is None:
        say(f"Run {run.name} is {summary['run']['status']}: {cells_words(progress)}.", style="yellow")
        if summary["run"]["status"] == RunStatus.COMPLETED:
            say(f"No package holds what is approved now. `./stripboard deliver {run.id}` makes one, or says what is missing.")
        return
    package = summary["delivery"]
    say(f"Run {run.name} is delivered: {cells_words(progress)}, in {duration(summary['seconds'])}.", style="green")
    say(f"S{spend(progress)[1:]}.")
    say(f"Delivery: {package['path']} ({size(package['size_bytes'])})", style="bold")
    if summary["outputs"]:
        folder = Path(summary["outputs"][0]).parent
        say(f"Outputs:  {counted(len(summary['outputs']), 'file')}, the first in {clean(folder)}")
    say(f"Check it: ./stripboard verify-delivery {quoted(package['path'])}")
    reasons = summary["not_placed"]
    if reasons:
        say("The delivery is sealed, but not every output is where the production wants it:", style="red")
        show_lines(reasons[:_SHOWN] + ([f"and {len(reasons) - _SHOWN:,} more"] if len(reasons) > _SHOWN else []))
        say(f"Then `{again}` places them.")


def show_flagged(lines: list[str], command: str) -> None:
    """Source images and plates that are used although their checks have flagged them; `command` takes in others."""
    if lines:
        say("Used although flagged:", style="yellow")
        show_lines(lines)
        say("Better ones in their place are taken in by `retry` while nothing that was made of the old ones is kept,")
        say(f"and by `{command}` at any time.")


def show_waiting(studio: Studio, run: Run) -> None:
    """Everything that waits for a decision, with the commands that decide."""
    waiting = studio.review.waiting(run)
    variants = [entry for entry in waiting if entry.what == "variant"]
    scenes = [entry for entry in waiting if entry.what == "scene"]
    for entry in variants[:_SHOWN]:
        told = counted(entry.candidates, "candidate")
        frees = f", frees {counted(entry.frees, 'scene')}" if entry.frees else ""
        reason = f"; {entry.reason}" if entry.reason else ""
        say(f"  variant image {entry.key}: {told}{frees}{reason}")
    for entry in scenes[:_SHOWN]:
        say(f"  scene {entry.key}" + (f"; {entry.reason}" if entry.reason else ""))
    more = max(0, len(variants) - _SHOWN) + max(0, len(scenes) - _SHOWN)
    if more:
        say(f"  and {more} more; `./stripboard status {run.id}` shows all.")
    if variants:
        first = variants[0]
        say(f"Decide: ./stripboard approve {run.id} --variant {quoted(first.key)} --candidate {first.best}")
    if scenes:
        say(f"Decide: ./stripboard approve {run.id} --cell {quoted(scenes[0].key)}")
        say(f"        ./stripboard reject {run.id} --cell {quoted(scenes[0].key)} --reason '…'")
    if waiting:
        say(f"All:    ./stripboard approve {run.id} --all")


def show_lines(lines: list[str]) -> None:
    """A list, indented: a line each."""
    for line in lines:
        say(f"  {brief(line)}")
