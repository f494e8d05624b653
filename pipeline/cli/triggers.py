"""`triggers`: rules that advance a production: kept, tried, explained, and halted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.studios import actor, open_studio
from pipeline.cli.text import counted
from pipeline.cli.triggers_trees import chain_graph_command, loop_in_words, show_trees
from pipeline.cli.triggers_trying import dry_run_command, replay_command, rules_of, simulate_command

if TYPE_CHECKING:
    from pipeline.wiring_triggers import NamedFiring

rule_argument = click.argument("rule", metavar="RULE")


@click.group("triggers", short_help="Rules: when this happens, do that.", invoke_without_command=True)
@click.pass_context
@as_json
def triggers_command(context: click.Context, as_json: bool) -> int | None:
    """Rules that advance productions by themselves. RULE is a number or a name. Without a verb: list them."""
    return _list(as_json) if context.invoked_subcommand is None else None


for command in (dry_run_command, simulate_command, replay_command, chain_graph_command):
    triggers_command.add_command(command)


@triggers_command.command("list")
@as_json
def list_command(as_json: bool) -> int:
    """Every rule in the order of their turn: how it stands, how often it fired."""
    return _list(as_json)


def _list(as_json: bool) -> int:
    with open_studio() as studio:
        views, halted = studio.trigger_views.rules(), studio.triggers.halted()
    if as_json:
        print_json({"halted": halted, "rules": views})
        return Exit.DONE
    if halted:
        say(f"All rules are halted: {halted}. `./stripboard triggers resume` lets them go on.")
    if not views:
        say("There is no rule yet. Write some into a file and `./stripboard triggers apply FILE --project TITLE`.")
        return Exit.DONE
    rows = [
        (
            one.stored.id,
            one.rule.name,
            one.stored.project or "everywhere",
            one.state,
            one.firings,
            _when(one.last_at),
            one.sentence,
        )
        for one in views
    ]
    table(("#>", "name", "of", "state", "fired>", "last", "rule"), rows)
    return Exit.DONE


@triggers_command.command("show")
@rule_argument
@as_json
def show_command(rule: str, as_json: bool) -> int:
    """One rule: what it says, its loops, and its newest verdicts."""
    with open_studio() as studio:
        stored = studio.triggers.find(rule)
        view = next(one for one in studio.trigger_views.rules() if one.stored.id == stored.id)
        verdicts = studio.trigger_views.verdicts(rule_id=stored.id, limit=20)
    if as_json:
        print_json({"rule": view, "verdicts": verdicts})
        return Exit.DONE
    say(f"{view.rule.name}, version {stored.version}: {view.state}")
    say(view.sentence)
    for loop in view.loops:
        say(loop_in_words(loop))
    for one in verdicts:
        parts = (one.verdict.outcome.replace("_", " "), one.verdict.deciding, one.verdict.reason)
        say(f"event {one.verdict.event_seq} {one.event_type}: {'; '.join(part for part in parts if part)}")
    return Exit.DONE


@triggers_command.command("apply")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--project", metavar="TITLE", help="The production that the rules belong to; without it they are everywhere.")
@as_json
def apply_command(path: Path, project: str | None, as_json: bool) -> int:
    """Save the rules of FILE, all of them or none: new ones, and new versions of those that are there."""
    specs = rules_of(path)
    with open_studio() as studio:
        saved = studio.triggers.apply(specs, project=project, actor=actor())
    if as_json:
        print_json({"rules": saved})
        return Exit.DONE
    for one in saved:
        waits = "" if one.rule.approved else " It waits for an admin: `./stripboard triggers approve`."
        say(f"Rule {one.id} {one.name} is at version {one.version}.{waits}")
    return Exit.DONE


@triggers_command.command("export")
@click.argument("rules", metavar="[RULE]…", nargs=-1)
def export_command(rules: tuple[str, ...]) -> int:
    """Write rules as a file that `apply` reads: these, or all."""
    from pipeline.wiring_triggers import dump_rules

    with open_studio() as studio:
        found = [studio.triggers.find(name) for name in rules] or studio.triggers.all()
    click.echo(dump_rules([dict(one.spec) for one in found]), nl=False)
    return Exit.DONE


@triggers_command.command("enable")
@rule_argument
def enable_command(rule: str) -> int:
    """Switch a rule on. What happened while it was off is not made up for."""
    return _switch(rule, True)


@triggers_command.command("disable")
@rule_argument
def disable_command(rule: str) -> int:
    """Switch a rule off."""
    return _switch(rule, False)


def _switch(name: str, on: bool) -> int:
    with open_studio() as studio:
        rule = studio.triggers.enable(studio.triggers.find(name), on, actor())
    say(f"Rule {rule.name} is {'on' if on else 'off'}.")
    return Exit.DONE


@triggers_command.command("approve")
@rule_argument
def approve_command(rule: str) -> int:
    """Approve the newest version of a rule that can submit generation."""
    with open_studio() as studio:
        found = studio.triggers.approve(studio.triggers.find(rule), actor())
    say(f"Version {found.version} of rule {found.name} is approved.")
    return Exit.DONE


@triggers_command.command("remove")
@rule_argument
def remove_command(rule: str) -> int:
    """Take a rule away; what it did stays explained."""
    with open_studio() as studio:
        found = studio.triggers.find(rule)
        studio.triggers.remove(found, actor())
    say(f"Rule {found.name} is removed.")
    return Exit.DONE


@triggers_command.command("firings")
@click.option("--rule", metavar="RULE", help="Of this rule only.")
@click.option("--root", type=click.IntRange(1), metavar="EVENT", help="The chain that this event began.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--tree", is_flag=True, help="With what followed from each, to any depth, and what all of it has cost.")
@as_json
def firings_command(rule: str | None, root: int | None, limit: int, tree: bool, as_json: bool) -> int:
    """The log: what fired because of what, and what each action came to."""
    with open_studio() as studio:
        rule_id = studio.triggers.find(rule).id if rule else None
        found = studio.trigger_views.firings(rule_id=rule_id, root=root, limit=limit)
        if tree:
            return show_trees(studio, found, as_json)
    if as_json:
        print_json({"firings": found})
        return Exit.DONE
    table(("#>", "at", "rule", "event", "depth>", "actions"), [_firing(one) for one in found])
    return Exit.DONE


def _firing(one: NamedFiring) -> tuple[object, ...]:
    fired = one.firing
    actions = [f"{each.kind} {each.state}" + (f": {each.reason}" if each.reason else "") for each in fired.effects]
    event = f"{one.event_type} ({fired.event_seq})" + (f", gathered {fired.gathered}" if fired.gathered else "")
    return fired.id, _when(fired.at), one.rule, event, fired.depth, ", ".join(actions)


@triggers_command.command("halt")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@click.option("--queued", is_flag=True, help="Stop the queued work, too, that rules have asked for.")
@click.option("--running", is_flag=True, help="Stop what runs of it, too.")
@as_json
def halt_command(reason: str, queued: bool, running: bool, as_json: bool) -> int:
    """Stop all rules at once, with a receipt."""
    with open_studio() as studio:
        halt = studio.triggers.halt(actor(), reason=reason, stop_queued=queued, stop_running=running)
    if as_json:
        print_json({"halt": halt})
        return Exit.DONE
    receipt = halt.receipt
    stopped = (
        counted(receipt["rules"], "rule"), counted(receipt["waiting"], "gathered event"), counted(receipt["jobs"], "job"),
    )  # fmt: skip
    say(f"Halted: {', '.join(stopped)}.")
    for key in (*receipt["cells"], *receipt["stills"]):
        say(f"  stopped: {key}")
    for one in receipt["causes"]:
        named = [*one["cells"], *one["stills"]]
        say(f"  asked for by {one['rule']} (rule {one['rule_id']}): {counted(one['jobs'], 'job')} of {', '.join(named)}")
    return Exit.DONE


@triggers_command.command("resume")
def resume_command() -> int:
    """Let rules fire again, on what happens from now on."""
    with open_studio() as studio:
        studio.triggers.resume(actor())
    say("The rules go on.")
    return Exit.DONE


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
