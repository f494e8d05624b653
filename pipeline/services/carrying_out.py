"""Carries out the effects of a rule that fires, inside the transaction that stores the firing.

What changes the state of the studio is done here and now; what leaves the house is written as a message that is sent later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from data.store import Store
from pipeline.domain.errors import Conflict, Refused
from pipeline.domain.records import Actor, Cell
from pipeline.domain.rules.effects import WHOLE_RUN, Effect
from pipeline.domain.rules.model import Kind
from pipeline.domain.rules.stored import Mark
from pipeline.domain.schedule import Schedule, to_plain
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus, RunStatus
from pipeline.services import asking
from pipeline.services.advance import Advance
from pipeline.services.assembled import scenes
from pipeline.services.measuring_again import again
from pipeline.services.runbooks import RunBooks
from pipeline.services.sealing import Sealing


@dataclass(frozen=True)
class Deed:
    """What an effect is done with: whose firing it is, in which chain, in which run, after which event.

    `told` is what messages say of the event. `channels` are the names that lead outside; others stay in the app.
    """

    firing_id: int
    mark: Mark
    actor: Actor
    run_id: int | None
    cause: int
    told: Mapping[str, Any] = field(default_factory=dict)
    channels: Collection[str] = ()


@dataclass(frozen=True)
class Done:
    """What came of an effect: `done` or `waiting`, and what it led to."""

    state: str = "done"
    result: Mapping[str, Any] = field(default_factory=dict)


def carry_out(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    """Do what an effect says. Raises Conflict or Refused, the caller undoes what was begun, when it cannot be done.

    What follows from it belongs to the chain of the firing: so do the things that it was done to, from now on.
    """
    return _DEEDS[effect.action.kind](store, books, effect, deed)


def _submit(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    if not effect.cells:
        return Done()
    run = store.runs.by_ids([_run(deed)])[_run(deed)]
    found = store.cells.by_ids(effect.cells)
    chosen = sorted(found.values(), key=lambda cell: cell.plan.ordinal)
    lacking = asking.refusal(store, books, run, chosen)
    if lacking:
        raise Refused(lacking)
    needed = asking.with_needs(
        {one for ids in store.cells.stills_of(list(found)).values() for one in ids}, store.cells.needs(run.id, "still")
    )
    open_ones = [one.id for one in store.stills.by_ids(sorted(needed)).values() if one.status is not CellStatus.APPROVED]
    _mark(store, "cell", found, deed)
    _mark(store, "still", open_ones, deed)
    asking.queue(store, books, run, chosen, deed.actor)
    return Done(result={"cells": list(effect.cells), "stills": list(effect.stills)})


def _repeat(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    """QA or assembly of takes that are complete."""
    stage = Stage.SCENE_QA if effect.action.kind is Kind.QA else Stage.ASSEMBLY
    found = store.cells.by_ids(effect.cells)
    cells = [found[key] for key in sorted(found)]
    _mark(store, "cell", list(found), deed)
    return Done(result={"cells": again(Advance(store, books, deed.actor), cells, stage)})


def _package(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    characters = [None if name == WHOLE_RUN or effect.action.of == "run" else name for name in effect.names]
    return package(store, books, characters, deed)


def package(store: Store, books: RunBooks, characters: Collection[str | None], deed: Deed) -> Done:
    """Begin these deliveries, each of one character or (None) of the run; or wait while exports of theirs are being made."""
    advance = Advance(store, books, deed.actor)
    sealing, run = Sealing(advance), advance.run(_run(deed))
    groups = {name: sealing.approved(run.id, name) for name in characters}
    everything = [cell.id for cells in groups.values() for cell in cells]
    if not everything:
        raise Conflict("No scene of it is approved any more.")
    if run.status is RunStatus.CANCELLED:  # its exports are not made any more: nothing is worth waiting for
        raise Conflict("The run is cancelled.")
    if not sealing.is_exported(run.id, everything):
        return Done("waiting", {"characters": list(characters)})
    if run.status is RunStatus.PAUSED:
        raise Conflict("The run is paused.")
    advance.go_on(run.id, cause=deed.cause)
    made = [_deliver(store, sealing, advance, deed, name) for name in groups]
    _mark(store, "delivery", made, deed)
    return Done(result={"deliveries": made})


def _deliver(store: Store, sealing: Sealing, advance: Advance, deed: Deed, character: str | None) -> int:
    for other in store.deliveries.every(_run(deed)):
        if other.status is DeliveryStatus.PACKAGING and other.character == character:
            raise Conflict(f"A delivery of {character or 'the run'} is being packaged already.")
    return sealing.deliver(advance.run(_run(deed)), character).id


def _notify(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    channel = effect.action.to
    kind = "apprise" if channel in deed.channels else "in_app"
    return _send(store, kind, channel, effect, deed)


def _webhook(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    return _send(store, "webhook", effect.action.url, effect, deed)


def _send(store: Store, kind: str, target: str, effect: Effect, deed: Deed) -> Done:
    payload = {**deed.told, "text": effect.action.text, "root": deed.mark.root, "depth": deed.mark.depth}
    number = store.messages.add(
        kind=kind, target=target, payload=payload, now=store.journal.now, run_id=deed.run_id, firing_id=deed.firing_id,
        effect_number=effect.number,
    )  # fmt: skip
    return Done(result={"message": number})


def _approve(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    advance = Advance(store, books, deed.actor)
    cells = [cell for _, cell in sorted(store.cells.by_ids(effect.cells).items()) if cell.status is CellStatus.REVIEW]
    stills = [still for _, still in sorted(store.stills.by_ids(effect.stills).items()) if still.status is CellStatus.REVIEW]
    if not cells and not stills:
        raise Conflict("It is not in review any more.")
    _mark(store, "cell", [cell.id for cell in cells], deed)
    _mark(store, "still", [still.id for still in stills], deed)
    for still in stills:
        made = store.outputs.of("still", still.id, still.take, "still")
        best = (still.verdict or {}).get("best", "1")
        hero = next((output.id for output in made if str(output.part) == best), None)
        advance.approve_still(still, hero, actor=deed.actor, cause=deed.cause, reason=f"candidate {best} chosen by a rule")
    _approve_cells(store, advance, cells, deed)
    advance.finish()
    store.flush()
    Sealing(advance).deliver_when_ready(_run(deed))
    return Done(result={"cells": [cell.id for cell in cells], "stills": [still.id for still in stills]})


def _approve_cells(store: Store, advance: Advance, cells: list[Cell], deed: Deed) -> None:
    made = scenes(store, cells)
    for cell in cells:
        advance.approve_cell(cell, made[cell.id], actor=deed.actor, cause=deed.cause)


def _flag(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    reason = effect.action.text or "a rule asks to look at it"
    for subject, ids in (("cell", effect.cells), ("still", effect.stills)):
        for subject_id in ids:
            store.journal.record(
                f"{subject}.flagged", actor=deed.actor, subject=subject, subject_id=subject_id, run_id=deed.run_id,
                cause=deed.cause, data={"reason": reason},
            )  # fmt: skip
    return _send(store, "in_app", "review", effect, deed)


def _pause(store: Store, books: RunBooks, effect: Effect, deed: Deed) -> Done:
    run = store.runs.by_ids([_run(deed)])[_run(deed)]
    if effect.action.of == "scene_type":
        before = store.schedules.all().get(run.project_id, Schedule())
        none = dict.fromkeys(effect.names, 0)
        paused = replace(before, scene_types={**before.scene_types, **none})
        store.schedules.put(run.project_id, paused)
        store.journal.record(
            "project.scheduled", actor=deed.actor, subject="project", subject_id=run.project_id, cause=deed.cause,
            data=to_plain(paused),
        )  # fmt: skip
        return Done(result={"scene_types": list(effect.names)})
    if run.status is not RunStatus.RUNNING:
        raise Conflict(f"The run is {run.status.value}.")
    store.runs.change(run.id, status=RunStatus.PAUSED)
    store.journal.record(
        "run.paused", actor=deed.actor, subject="run", subject_id=run.id, run_id=run.id, cause=deed.cause,
        data={"from": run.status.value},
    )  # fmt: skip
    return Done()


def _mark(store: Store, subject: str, ids: Collection[int], deed: Deed) -> None:
    store.firings.mark(subject, ids, store.journal.seq, deed.mark)


def _run(deed: Deed) -> int:
    if deed.run_id is None:
        raise Conflict("The event belongs to no run, so there is nothing to do it to.")
    return deed.run_id


_DEEDS: dict[Kind, Callable[[Store, RunBooks, Effect, Deed], Done]] = {
    Kind.SUBMIT: _submit,
    Kind.QA: _repeat,
    Kind.ASSEMBLE: _repeat,
    Kind.PACKAGE: _package,
    Kind.NOTIFY: _notify,
    Kind.WEBHOOK: _webhook,
    Kind.APPROVE: _approve,
    Kind.FLAG: _flag,
    Kind.PAUSE: _pause,
}
