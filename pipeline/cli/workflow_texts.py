"""Registered workflows in words and as plain values, for the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.cli.console import say
from pipeline.domain.costs import money
from pipeline.domain.graphics_memory import in_words
from pipeline.domain.issues import shorten
from pipeline.domain.workflows import views
from pipeline.domain.workflows.difference import ABSENT, Difference
from pipeline.domain.workflows.editing import free_inputs, result_choices
from pipeline.domain.workflows.views import VersionPage, VersionView, WorkflowView

if TYPE_CHECKING:
    from pipeline.domain.records import Actor
    from pipeline.domain.workflows.library import TestShot, WorkflowVersion
    from pipeline.wiring import Studio

LIST_COLUMNS = ("workflow", "makes", "default>", "versions>", "state", "can run", "cannot run", "used by")


def list_row(view: WorkflowView) -> tuple[object, ...]:
    """One line of the list."""
    default = view.default
    able = ", ".join(fit.worker.name for fit in default.fits if fit.can_run)
    unable = "; ".join(f"{fit.worker.name}: {fit.words}" for fit in default.fits if not fit.can_run)
    used = sum(len(version.used_by) for version in view.versions)
    name = view.workflow.name + (" (archived)" if view.workflow.archived_at else "")
    runs = f"{used} runs" if used else ""
    state = views.WORDS[default.state]
    return name, default.version.kind.value, default.version.number, len(view.versions), state, able, unable, runs


def page_lines(page: VersionPage) -> Iterator[str]:
    """What stands above the tables of a version."""
    version = page.shown.version
    yield f"{version.words}: makes a {version.kind.value}, {version.node_count} nodes, {views.WORDS[page.shown.state]}"
    yield f"from {version.origin or 'a file'} by {version.actor}, {version.created_at:%Y-%m-%d %H:%M}"
    if version.note:
        yield version.note
    if page.shown.used_by:
        yield f"used by {', '.join(page.shown.used_by[:5])}"
    for fit in page.shown.fits:
        yield f"{fit.worker.name}: {fit.words}"
    for shot in page.shots[:3]:
        yield from shot_lines(shot, "test shot")


def binding_rows(page: VersionPage) -> list[tuple[object, ...]]:
    """What is bound, and the nodes that give the result."""
    nodes = page.workflow.graph.nodes
    rows: list[tuple[object, ...]] = [
        (one.slot, _node(nodes[one.node]), one.input, one.type.value, shorten(str(nodes[one.node].inputs[one.input]), 40))
        for one in page.workflow.bindings
        if one.node in nodes and one.input in nodes[one.node].inputs
    ]
    return [*rows, *(("output", _node(nodes[key]), "", "", "") for key in page.workflow.outputs)]


def input_rows(page: VersionPage) -> list[tuple[object, ...]]:
    """What may be bound besides."""
    bound = {(one.node, one.input) for one in page.workflow.bindings}
    return [
        (f"{one.node}.{one.input}", one.title or one.class_type, one.type.value, shorten(str(one.value), 40))
        for one in free_inputs(page.workflow.graph)
        if one.is_live and (one.node, one.input) not in bound
    ]


def difference_lines(found: Difference) -> Iterator[str]:
    """What has changed, a line each."""
    if found.is_empty:
        yield "Both do the same."
    yield from (f"+ {node.words}" for node in found.added)
    yield from (f"- {node.words}" for node in found.removed)
    yield from (f"  node {one.node} is {one.new} and was {one.old}" for one in found.classes)
    for change in found.inputs:
        yield f"  node {change.node} ({change.title}), {change.input}: {_value(change.old)} -> {_value(change.new)}"
    yield from (f"+ {one.slot} is bound to {one.node}.{one.input}" for one in found.bound)
    yield from (f"- {one.slot} was bound to {one.node}.{one.input}" for one in found.unbound)


def shot_lines(shot: TestShot, words: str) -> Iterator[str]:
    """How a test shot stands."""
    told = f": {shot.reason or shot.step}" if shot.reason or shot.step else ""
    yield f"{words} on {shot.worker} is {shot.status.value}{told}"
    if shot.result is None:
        return
    measured = ", ".join(f"{one.name} {one.value:g}" for one in shot.measurements)
    facts = shot.facts
    made = f"{facts.get('width')}x{facts.get('height')}" + (f", {facts['frames']} frames" if "frames" in facts else "")
    memory = f", {in_words(shot.memory_bytes)} of memory" if shot.memory_bytes else ""
    cost = f", cost {money(shot.cost)}" if shot.cost else ""
    yield f"{made}, {shot.seconds:.1f} s{memory}{cost}; {measured}"


# Test shots -------------------------------------------------------------------------------------------------------


def ask(studio: Studio, version: WorkflowVersion, wishes: Mapping[str, Any], actor: Actor) -> TestShot:
    """Ask for a test shot with the options of the command."""
    from pipeline.domain.workflows.shots import Wishes
    from pipeline.wiring_workflows import take_picture

    own = {name: value for name, value in wishes.items() if name not in ("worker", "source")}
    source = take_picture(studio, wishes["source"]) if wishes.get("source") else None
    return studio.test_shots.ask(version, actor, wishes=Wishes(**own), source=source, worker=wishes.get("worker"))


def waited(studio: Studio, shot: TestShot, *, tell: bool) -> TestShot:
    """The test shot when it has ended; a server that runs here carries it, else this process. Ctrl-C leaves it standing."""
    from pipeline.wiring_workflows import wait_for, waiting

    shown = ""

    def say_step(now: TestShot) -> None:
        nonlocal shown
        if tell and now.step and now.step != shown and sys.stdout.isatty():
            shown = now.step
            say(f"{now.worker}: {shown}")

    with waiting(studio) as driver:
        return wait_for(studio, shot.id, driver, say_step)


# Plain values -----------------------------------------------------------------------------------------------------


def plain_view(view: WorkflowView) -> dict[str, Any]:
    """A workflow as a list shows it."""
    own = {"id": view.workflow.id, "name": view.workflow.name, "archived_at": view.workflow.archived_at}
    return own | {"default": view.default.version.number, "versions": [_plain_version(one) for one in view.versions]}


def plain_page(page: VersionPage) -> dict[str, Any]:
    """Everything about a version."""
    return {
        "name": page.view.workflow.name,
        **_plain_version(page.shown),
        **page.workflow.to_json(),
        "findings": page.findings,
        "inputs": free_inputs(page.workflow.graph),
        "choices": [node.id for node in result_choices(page.workflow.graph)],
        "shots": page.shots,
    }


def plain_check(page: VersionPage) -> dict[str, Any]:
    """How a version stands to every worker."""
    return {"version": page.shown.version.words, "findings": page.findings, "workers": _plain_version(page.shown)["fits"]}


def plain_difference(found: Difference) -> dict[str, Any]:
    """A difference; null stands for an input that is not there."""
    changes = [
        {"node": one.node, "title": one.title, "input": one.input, "old": _plain(one.old), "new": _plain(one.new)}
        for one in found.inputs
    ]
    nodes = {"added": [node.id for node in found.added], "removed": [node.id for node in found.removed]}
    return nodes | {"classes": found.classes, "inputs": changes, "bound": found.bound, "unbound": found.unbound}


def _plain_version(view: VersionView) -> dict[str, Any]:
    fits = [
        {"worker": fit.worker.name, "is_known": fit.is_known, "can_run": fit.can_run, "words": fit.words, "gaps": fit.gaps}
        for fit in view.fits
    ]
    own = {name: value for name, value in vars(view.version).items() if name not in ("id", "workflow_id", "name")}
    return own | {
        "state": view.state, "is_default": view.is_default, "tried": view.tried, "used_by": view.used_by, "fits": fits,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return None if value is ABSENT else value


def _value(value: Any) -> str:
    return "nothing" if value is ABSENT else shorten(repr(value), 60)


def _node(node: Any) -> str:
    return f"{node.id} {shorten(node.title or node.class_type, 40)}"
