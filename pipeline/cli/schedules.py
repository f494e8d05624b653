"""When work may start, when it is due, what goes first, and how much of it at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from pipeline.cli.console import as_json, print_json, say
from pipeline.cli.exits import Exit
from pipeline.cli.studios import actor, is_everything, open_studio, selection_of, selection_options
from pipeline.cli.text import counted
from pipeline.domain.errors import Invalid
from pipeline.domain.schedule import Schedule, quiet_hours, to_plain


@click.command("schedule", short_help="Quiet hours of a production, and how much of it at once.")
@click.argument("production", metavar="TITLE")
@click.option("--quiet-hours", "window", metavar="HH:MM-HH:MM", help="A window of each day in which no generation starts.")
@click.option("--zone", metavar="ZONE", help="The time zone of that window, such as Europe/Berlin; default UTC.")
@click.option("--no-quiet-hours", is_flag=True, help="Generation starts at any time.")
@click.option(
    "--parallel", type=click.IntRange(0), metavar="N", help="So many jobs of generation at once at most; 0: any number."
)
@click.option("--scene-type", "caps", multiple=True, metavar="NAME=N", help="The same for one scene type; NAME=0: any number.")
@click.option("--share", type=float, metavar="N", help="How much of fleet and slots it gets beside other productions; default 1.")
@as_json
def schedule_command(
    production: str,
    window: str | None,
    zone: str | None,
    no_quiet_hours: bool,
    parallel: int | None,
    caps: tuple[str, ...],
    share: float | None,
    as_json: bool,
) -> int:
    """Show or set when the generation of a production may start, and how much of it at once. What runs goes on."""
    with open_studio() as studio:
        project_id, title = studio.schedules.project(production)
        before = studio.schedules.of(project_id)
        of_scenes = studio.schedules.caps(project_id, dict(map(_cap, caps)))
        wanted = _changed(before, window, zone=zone, drop=no_quiet_hours, parallel=parallel, caps=of_scenes)
        wanted = wanted if share is None else replace(wanted, share=share)
        if wanted != before:
            studio.schedules.put(project_id, wanted, actor())
    if as_json:
        print_json({"production": title, "schedule": to_plain(wanted)})
        return Exit.DONE
    say(f"{title}: {in_words(wanted)}")
    return Exit.DONE


def _changed(
    before: Schedule, window: str | None, *, zone: str | None, drop: bool, parallel: int | None, caps: dict[str, int]
) -> Schedule:
    quiet = None if drop else before.quiet
    if window or (zone and quiet):
        old_zone = before.quiet.zone if before.quiet else "UTC"
        quiet = quiet_hours(window or (before.quiet.window if before.quiet else ""), zone or old_zone)
    # A cap of none that was there is that of a rule: only whoever names the scene type takes it away.
    of_scenes = {name: most for name, most in {**before.scene_types, **caps}.items() if most or name not in caps}
    return replace(before, quiet=quiet, parallel=before.parallel if parallel is None else parallel or None, scene_types=of_scenes)


def _cap(text: str) -> tuple[str, int]:
    name, _, most = text.rpartition("=")
    if not name or not most.isdigit():
        raise Invalid(f'"{text}" is no limit of a scene type. Write it like dance=2.')
    return name, int(most)


def in_words(schedule: Schedule) -> str:
    """Everything that is set, on one line."""
    parts = [f"quiet from {schedule.quiet.window.replace('-', ' to ')} {schedule.quiet.zone}"] if schedule.quiet else []
    parts += [f"{schedule.parallel} at once"] if schedule.parallel else []
    parts += [f"{most} of {name} at once" for name, most in schedule.scene_types.items()]
    parts += [f"a share of {schedule.share:g}"] if schedule.share != 1 else []
    return ", ".join(parts) or "generation starts at any time, as much at once as there is room for."


@click.command("start-after", short_help="Let no generation of a run start before a moment.")
@click.argument("run", metavar="RUN")
@click.argument("moment", metavar="MOMENT|now")
@as_json
def start_after_command(run: str, moment: str, as_json: bool) -> int:
    """Let no generation of a run start before MOMENT, such as 2026-12-01T08:00+01:00; `now` lets it start at once."""
    at = None if moment == "now" else _moment(moment)
    with open_studio() as studio:
        found = studio.runs.find(run)
        studio.schedules.start_after(found, at, actor())
    if as_json:
        print_json({"run": {"id": found.id, "name": found.name}, "start_after": at})
        return Exit.DONE
    say(f"Run {found.name} starts {'at once' if at is None else f'at {at:%Y-%m-%d %H:%M %Z} at the earliest'}.")
    return Exit.DONE


@click.command("deadline", short_help="Say when a run is due.")
@click.argument("run", metavar="RUN")
@click.argument("moment", metavar="MOMENT|none")
@as_json
def deadline_command(run: str, moment: str, as_json: bool) -> int:
    """RUN is due at MOMENT, such as 2026-12-01T08:00+01:00: as it comes near, its jobs go first; `none`: never."""
    at = None if moment == "none" else _moment(moment)
    with open_studio() as studio:
        found = studio.runs.find(run)
        studio.schedules.deadline(found, at, actor())
    if as_json:
        print_json({"run": {"id": found.id, "name": found.name}, "deadline": at})
        return Exit.DONE
    past = " That is past." if at is not None and at < studio.clock.now() else ""
    say(f"Run {found.name} is due {'at no time' if at is None else f'{at:%Y-%m-%d %H:%M %Z}'}.{past}", style=past and "yellow")
    return Exit.DONE


@click.command("priority", short_help="Let a run, or some of its cells, go before others.")
@click.argument("run", metavar="RUN")
@click.argument("priority", type=click.IntRange(-1000, 1000), metavar="N")
@selection_options
@as_json
def priority_command(run: str, priority: int, as_json: bool, **chosen: Any) -> int:
    """Give RUN the priority N: 0 where nothing is said, what has more goes first. With a selection, its cells get N on top of it.

    A negative number is written after `--`.
    """
    selection = selection_of(chosen)
    with open_studio() as studio:
        found = studio.runs.find(run)
        keys: list[str] | None = None
        if is_everything(selection):
            studio.runs.set_priority(found, priority, actor())
        else:
            keys = studio.submission.prioritise(found, selection, priority, actor())
    if as_json:
        print_json({"run": {"id": found.id, "name": found.name}, "priority": priority, "cells": keys})
        return Exit.DONE
    whose = f"Run {found.name} has" if keys is None else f"Run {found.name}: {counted(len(keys), 'cell')} now with"
    say(f"{whose} priority {priority}.")
    return Exit.DONE


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f'"{text}" is no day and time. Write it like 2026-12-01T08:00+01:00.') from error
    return found if found.tzinfo else found.astimezone()
