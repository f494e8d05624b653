"""What the end of a job brings about in a simulation, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pipeline.domain.rules.desk import Work
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.packing import Packing
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, StillKind


def _source_checked(world: Packing, work: Work) -> Iterator[Occurrence]:
    yield world.told("source_qa.completed", work)
    yield from _still_made(world, work)


def _candidate_made(world: Packing, work: Work) -> Iterator[Occurrence]:
    yield world.told("variant_generation.completed", work)
    if world.desk.is_idle(work.key, Stage.VARIANT_GENERATION):
        world.add(Stage.VARIANT_QA, work.subject_id, work.take)


def _candidates_checked(world: Packing, work: Work) -> Iterator[Occurrence]:
    yield world.told("variant_qa.completed", work)
    yield from _still_made(world, work)


def _still_made(world: Packing, work: Work) -> Iterator[Occurrence]:
    board, verdict = world.board, world.assumption.verdict
    board.stills[work.subject_id] = replace(board.stills[work.subject_id], verdict=verdict)
    still = board.stills[work.subject_id]
    if still.kind is not StillKind.VARIANT and verdict == "fail":
        board.move_still(still.id, CellStatus.FAILED)
        yield world.told("still.failed", work)
        return
    still = board.move_still(still.id, CellStatus.REVIEW)
    yield world.told("still.review", work)
    choice = _gate(world, board.snapshot.gates.of_still(still.character)) if still.kind is StillKind.VARIANT else "approve"
    if choice == "approve":
        yield world.approve_still(still, world.link(work.key), by="system")
        world.start()
    elif choice == "reject":
        board.move_still(still.id, CellStatus.REJECTED)
        yield world.told("still.rejected", work)
    else:
        world.gated[work.key] = world.link(work.key)


def _segment_made(world: Packing, work: Work) -> Iterator[Occurrence]:
    cell = world.board.cells[work.subject_id]
    if world.assumption.scenes_fail:
        world.desk.give_up(work)
        yield world.told("scene_generation.failed", work)
        world.board.move_cell(cell.id, CellStatus.FAILED)
        yield world.told("cell.failed", work)
        return
    yield world.told("scene_generation.completed", work)
    if work.part < world.board.scene_type(cell.scene_type).segments:
        world.add(work.stage, cell.id, work.take, part=work.part + 1)
    else:
        world.add(Stage.SCENE_QA, cell.id, work.take)


def _scene_checked(world: Packing, work: Work) -> Iterator[Occurrence]:
    world.measured(work.subject_id)
    yield world.told("scene_qa.completed", work)
    if not work.is_again:
        world.add(Stage.ASSEMBLY, work.subject_id, work.take)


def _assembled(world: Packing, work: Work) -> Iterator[Occurrence]:
    yield world.told("assembly.completed", work)
    if work.is_again:
        return
    cell = world.board.move_cell(work.subject_id, CellStatus.REVIEW)
    yield world.told("cell.review", work)
    choice = _gate(world, world.board.snapshot.gates.of_cell(cell.character))
    if choice == "approve":
        yield world.approve_cell(cell, world.link(work.key), by="system")
        world.start()
        yield from world.deliver_when_ready(world.link(work.key))
    elif choice == "reject":
        world.board.move_cell(cell.id, CellStatus.REJECTED)
        yield world.told("cell.rejected", work)
    else:
        world.gated[work.key] = world.link(work.key)


def _exported(world: Packing, work: Work) -> Iterator[Occurrence]:
    yield world.told("export.completed", work)
    yield from world.deliver_when_ready(world.link(work.key))


def _packaged(world: Packing, work: Work) -> Iterator[Occurrence]:
    yield world.told("delivery.completed", work)
    yield from world.packaged(work)


def _gate(world: Packing, mode: str) -> str:
    """What an automatic gate makes of the assumed verdict; `wait` where a person decides."""
    verdict = world.assumption.verdict
    if mode != "auto":
        return "wait"
    if verdict == "flag" and not world.board.snapshot.gates.accepts_flags:
        return "wait"
    return "reject" if verdict == "fail" else "approve"


STEPS: dict[Stage, Callable[[Packing, Work], Iterator[Occurrence]]] = {
    Stage.SOURCE_QA: _source_checked,
    Stage.VARIANT_GENERATION: _candidate_made,
    Stage.VARIANT_QA: _candidates_checked,
    Stage.SCENE_GENERATION: _segment_made,
    Stage.SCENE_QA: _scene_checked,
    Stage.ASSEMBLY: _assembled,
    Stage.EXPORT: _exported,
    Stage.DELIVERY: _packaged,
}
