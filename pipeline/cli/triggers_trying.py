"""`triggers dry-run`, `simulate`, `replay`: what rules would do, and would have done. Nothing is carried out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pipeline.cli.console import as_json, print_json, say
from pipeline.cli.exits import Exit
from pipeline.cli.studios import open_studio
from pipeline.domain import costs
from pipeline.domain.errors import Invalid
from pipeline.domain.rules.assumptions import Assumption, People
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.planning import Firing
from pipeline.domain.rules.reading import read_rules
from pipeline.domain.rules.snapshot import Cost
from pipeline.domain.rules.wording import action_in_words

_DRAFTS = click.option(
    "--draft", "path", type=click.Path(path_type=Path), metavar="FILE", help="Rules that are not saved: they are tried, too."
)


@click.command("dry-run")
@click.argument("event", type=click.IntRange(1))
@as_json
def dry_run_command(event: int, as_json: bool) -> int:
    """What stored EVENT (its number) would set in motion if it happened now: every verdict, action and refusal."""
    with open_studio() as studio:
        made = studio.trigger_views.dry_run(event)
    if as_json:
        verdicts = [{"rule": one.rule.name, "outcome": one.outcome, "reason": one.reason} for one in made.verdicts]
        print_json({"verdicts": verdicts, "firings": [_firing(one) for one in made.firings]})
        return Exit.DONE
    if not made.verdicts:
        say("No rule listens to it.")
    for verdict in made.verdicts:
        say(f"{verdict.rule.name}: {verdict.outcome.value.replace('_', ' ')}{f' ({verdict.reason})' if verdict.reason else ''}")
    _say_firings(made.firings, made.cost)
    return Exit.DONE


@click.command("simulate")
@click.argument("run", metavar="RUN")
@click.argument("event", type=click.IntRange(1), required=False)
@click.option("--type", "kind", metavar="TYPE", help="An event that is made up instead, such as cell.approved.")
@click.option("--about", default="", metavar="NAME", help="The scene or picture that it happens to.")
@click.option("--under-way", is_flag=True, help="Go on with the work that is under way in the run, too.")
@click.option("--people", type=click.Choice([one.value for one in People]), default="stop", show_default=True)
@click.option("--fail", is_flag=True, help="Assume that no scene can be made.")
@_DRAFTS
@as_json
def simulate_command(
    run: str, event: int | None, kind: str | None, about: str, under_way: bool, people: str, fail: bool, path: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """All that would follow to the end, from stored EVENT or from one that is made up, with its cost and where people stop it.

    What is made up has then happened on the copy of the board.
    """
    if (event is None) == (kind is None):
        raise Invalid("Give the number of a stored event, or --type and --about of one that is made up.")
    with open_studio() as studio:
        found = studio.runs.find(run)
        drafts = _drafts(path, found.title)
        happens = event if event is not None else studio.trigger_views.made_up(found.id, kind or "", about)
        assumption = Assumption(People(people), fail)
        course = studio.trigger_views.simulate(found.id, happens, drafts=drafts, assumption=assumption, goes_on=under_way)
    if as_json:
        firings = [_firing(one) for one in course.firings]
        print_json({"firings": firings, "cost": course.cost, "depth": course.depth, "stops": course.stops, "ended": course.ended})
        return Exit.DONE
    _say_firings(course.firings, course.cost)
    for stop in course.stops:
        say(f"people are waited for: {stop.gate} {stop.key}")
    say(f"{len(course.firings)} firings, depth {course.depth}, {len(course.cells)} scenes; it ends {course.ended}")
    return Exit.DONE


@click.command("replay")
@click.argument("run", metavar="RUN")
@click.option("--draft", "path", type=click.Path(path_type=Path), metavar="FILE", required=True, help="The rules to try.")
@click.option("--since", metavar="MOMENT", help="Events from then on.")
@click.option("--until", metavar="MOMENT", help="Events before then.")
@as_json
def replay_command(run: str, path: Path, since: str | None, until: str | None, as_json: bool) -> int:
    """What the rules of a file would have done on the stored events of RUN."""
    with open_studio() as studio:
        found = studio.runs.find(run)
        made = studio.trigger_views.replay(found.id, _drafts(path, found.title), since=_moment(since), until=_moment(until))
    if as_json:
        print_json({"firings": made.firings, "otherwise": made.otherwise, "outcomes": made.outcomes, "cost": made.cost})
        return Exit.DONE
    cost = made.cost
    say(f"would have fired {made.firings:,} times, {cost.jobs:,} jobs, {cost.gpu_seconds:,.0f} GPU-seconds")
    for outcome, count in made.outcomes.items():
        say(f"  {outcome.value.replace('_', ' ')}: {count:,}")
    return Exit.DONE


def rules_of(path: Path) -> list[Any]:
    """The rules of a file: a list of them, one, or a section `triggers`. Raises Invalid for what cannot be read."""
    from pipeline.wiring_triggers import load_rules

    document = load_rules(path)
    if document.issues:
        raise Invalid(f"{path} cannot be read: {document.issues[0]}")
    found = document.data
    if isinstance(found, dict) and isinstance(found.get("triggers"), list):
        return list(found["triggers"])
    return list(found) if isinstance(found, list) else [found]


def _drafts(path: Path | None, title: str) -> tuple[Rule, ...]:
    if path is None:
        return ()
    read = read_rules(rules_of(path), project=title)
    if not read.rules:
        told = str(read.issues[0]) if read.issues else "it has no rule"
        raise Invalid(f"{path}: {told}")
    return read.rules


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid(f'"{text}" is no day and time. Write it like 2026-12-01T08:00+01:00.') from error
    return found.astimezone() if found and not found.tzinfo else found


def _firing(one: Firing) -> dict[str, object]:
    effects = [
        {
            "action": action_in_words(each.action),
            "names": each.names,
            "skipped": each.skipped,
            "refusal": each.refusal,
            "cost": each.cost,
        }
        for each in one.effects
    ]
    return {"rule": one.rule.name, "branch": one.branch, "depth": one.depth, "effects": effects}


def _say_firings(firings: tuple[Firing, ...], cost: Cost) -> None:
    for one in firings:
        say(f"{one.rule.name} fires at depth {one.depth}:")
        for effect in one.effects:
            told = f"refused: {effect.refusal}" if effect.refusal else ", ".join(effect.names[:5])
            say(f"  {action_in_words(effect.action)}: {told}")
    work = f"{cost.jobs:,} jobs, {cost.gpu_seconds:,.0f} GPU-seconds, {cost.disk_bytes / 1e9:,.1f} GB"
    say(f"{work}, {costs.money(cost.money)} of money")
