"""What follows what: which rule may wake which, and firings with what followed from them, as trees with their costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.studios import open_studio
from pipeline.cli.text import counted
from pipeline.domain import costs
from pipeline.domain.rules.aftermath import Aftermath
from pipeline.domain.rules.loops import Loop
from pipeline.domain.rules.snapshot import Cost

if TYPE_CHECKING:
    from pipeline.wiring import Studio
    from pipeline.wiring_triggers import NamedFiring


@click.command("chain-graph")
@as_json
def chain_graph_command(as_json: bool) -> int:
    """Which rule may wake which, through which events and past whose decision, and the loops in that."""
    with open_studio() as studio:
        analysis = studio.trigger_views.analysis()
        names = {str(one.id): one.name for one in studio.triggers.all()}
    if as_json:
        print_json({"edges": analysis.edges, "loops": analysis.loops})
        return Exit.DONE
    if not analysis.edges:
        say("No rule can wake another one.")
        return Exit.DONE
    rows = [
        (
            names[edge.source],
            ", ".join(sorted({way.event for way in edge.ways})),
            ", ".join(sorted({way.gate for way in edge.ways if way.gate})),
            names[edge.target],
        )
        for edge in analysis.edges
    ]
    table(("rule", "leads to", "after a decision on", "wakes"), rows)
    for loop in analysis.loops:
        say(loop_in_words(loop))
    return Exit.DONE


def loop_in_words(loop: Loop) -> str:
    """A loop with what ends it, or what would."""
    return f"loop {loop.words}: " + (loop.cure if loop.is_refused else "; ".join(loop.bounds))


def show_trees(studio: Studio, found: Sequence[NamedFiring], as_json: bool) -> int:
    """The trees that these firings begin; what is a branch of another one is shown there and not again."""
    trees: list[Aftermath] = []
    shown: set[int] = set()
    for one in sorted(found, key=lambda one: (one.firing.depth, -one.firing.id)):
        if one.firing.id not in shown:
            tree = studio.trigger_views.what_followed(one.firing.id)
            shown.update(each.firing.id for each in tree.walk())
            trees.append(tree)
    trees.sort(key=lambda tree: -tree.firing.id)
    if as_json:
        print_json({"firings": [_plain(tree) for tree in trees]})
        return Exit.DONE
    for tree in trees:
        _say(tree, 0)
    return Exit.DONE


def _plain(tree: Aftermath) -> dict[str, object]:
    return {**vars(tree), "total": tree.total, "followed": [_plain(one) for one in tree.followed]}


def _say(tree: Aftermath, level: int) -> None:
    about = f" {tree.about}" if tree.about else ""
    gathered = f", gathered {counted(tree.firing.gathered, 'event')}" if tree.firing.gathered else ""
    say(f"{'  ' * level}{tree.firing.id} {tree.rule}: {tree.event_type}{about} ({tree.firing.event_seq}){gathered}")
    inner = "  " * (level + 1)
    for effect in tree.firing.effects:
        reason = f": {effect.reason}" if effect.reason else ""
        say(f"{inner}{effect.kind} {effect.state}{reason}")
    still_open = f", {counted(tree.open_jobs, 'job')} not done yet" if tree.open_jobs else ""
    say(f"{inner}cost until now: {_words(tree.total)}{still_open}")
    for one in tree.followed:
        _say(one, level + 1)
    for shared in tree.shared:
        told = (
            f"gathered {counted(shared.gathered, 'event')}, one of them from here: its tree is that of event {shared.event_seq}"
        )
        say(f"{inner}{shared.firing_id} {shared.rule}: {told}")


def _words(cost: Cost) -> str:
    money = f", {costs.money(cost.money)} of money" if cost.money else ""
    return f"{counted(cost.jobs, 'job')}, {cost.gpu_seconds:,.1f} s of generation, {cost.disk_bytes / 1e6:,.1f} MB{money}"
