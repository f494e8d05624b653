"""What becomes of work that rules ask for, on a board: a likeness of the pipeline, stage by stage, under assumptions.

It tells the events that the pipeline would record, one job at a time, in its order: checks and exports before generation (they
have performers of their own), then by priority, then what is furthest along. Only work that a chain asked for is followed, with
the pictures it needs; what people asked for goes on by itself and is not its doing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from pipeline.domain.rules.assumptions import Assumption, Link, People
from pipeline.domain.rules.effects import UNDER_WAY, WHOLE_RUN, Effect
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.model import Kind
from pipeline.domain.rules.snapshot import Board, CellFacts, DeliveryFacts, StillFacts
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import STAGES, Lane, Stage
from pipeline.domain.statuses import CellStatus, RunStatus, StillKind


@dataclass(frozen=True, order=True)
class Work:
    """One job. Sorted: checks before generation, the most urgent first, then in the order of asking."""

    order: tuple[bool, int, int]
    stage: Stage = field(compare=False)
    subject_id: int = field(compare=False)
    take: int = field(compare=False)
    part: int = field(compare=False)
    link: Link = field(compare=False)
    is_extra: bool = field(compare=False, default=False)
    """Asked for by itself, of a take that is complete: it moves nothing on."""


class World:
    """Carries effects out on a board and moves the work on. Every method gives the events that it would have recorded."""

    def __init__(self, board: Board, assumption: Assumption, first_seq: int) -> None:
        self.board = board
        self.assumption = assumption
        self.causes: dict[int, int] = {}
        """The number of the firing that an event follows from, by the number of the event."""
        self.gated_cells: dict[int, Link] = {}
        self.gated_stills: dict[int, Link] = {}
        self._seq = first_seq
        self._work: list[Work] = []
        self._turn = 0
        self._asked_cells: dict[int, Link] = {}
        self._queued: dict[int, None] = {}
        self._asked_stills: dict[int, Link] = {}
        self._decided: set[tuple[Subject, int]] = set()
        self._delivering = False
        self._deliveries = 0
        self._may_start = False

    # What rules do ----------------------------------------------------------------------------------------------

    def carry_out(self, effect: Effect, link: Link) -> list[Occurrence]:
        """Do what an effect says, unless it is refused."""
        if effect.refusal:
            return []
        return list(_DEEDS.get(effect.action.kind, _nothing)(self, effect, link))

    def _submit(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        board = self.board
        if not effect.cells:
            return
        board.left = board.left.less(effect.cost)
        self._may_start = True
        run = board.snapshot.run_id
        yield self.event("run.submitted", Subject.RUN, run, link=link, by="rule")
        if board.status is not RunStatus.RUNNING:
            board.status = RunStatus.RUNNING
            yield self.event("run.running", Subject.RUN, run, link=link, by="rule")
        for cell_id in effect.cells:
            cell = board.cells[cell_id]
            take = cell.take if cell.status is CellStatus.FAILED else cell.take + 1
            board.put_cell(replace(cell, status=CellStatus.QUEUED, take=take, attempts=cell.attempts + 1))
            self._asked_cells[cell_id] = link
            self._queued[cell_id] = None
            self.gated_cells.pop(cell_id, None)
            yield self.event("cell.queued", Subject.CELL, cell_id, link=link, by="rule")
        for still_id in board.stills_under(effect.cells):
            yield from self._ask_still(still_id, link)

    def _ask_still(self, still_id: int, link: Link) -> Iterator[Occurrence]:
        """A still that the scenes need. One that is under way already is followed, too: they wait for it."""
        still = self.board.stills[still_id]
        if still.status is CellStatus.APPROVED or (still_id in self._asked_stills and still.status in UNDER_WAY):
            return
        self._asked_stills[still_id] = link
        if still.status is CellStatus.REVIEW:
            self.gated_stills.setdefault(still_id, link)
        if still.status in UNDER_WAY:
            if still.status is CellStatus.GENERATING:
                self._start_still(self.board.move_still(still_id, CellStatus.QUEUED))
            return
        self.board.stills[still_id] = replace(still, status=CellStatus.QUEUED, take=still.take + 1, attempts=still.attempts + 1)
        yield self.event("still.queued", Subject.STILL, still_id, link=link, by="rule")

    def _measure(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        return self._extra(Stage.SCENE_QA, effect, link)

    def _assemble(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        return self._extra(Stage.ASSEMBLY, effect, link)

    def _extra(self, stage: Stage, effect: Effect, link: Link) -> Iterator[Occurrence]:
        for cell_id in effect.cells:
            self._add(stage, cell_id, self.board.cells[cell_id].take, link=link, is_extra=True)
        return iter(())

    def _package(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        if self.board.status is not RunStatus.RUNNING:
            self.board.status = RunStatus.RUNNING
            yield self.event("run.running", Subject.RUN, self.board.snapshot.run_id, link=link, by="rule")
        for name in effect.names:
            yield self._deliver(link, by="rule", character=None if name == WHOLE_RUN else name)

    def _approve(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        for still_id in effect.stills:
            self.gated_stills.pop(still_id, None)
            yield self._approve_still(self.board.stills[still_id], link, by="rule")
        for cell_id in effect.cells:
            self.gated_cells.pop(cell_id, None)
            yield self._approve_cell(self.board.cells[cell_id], link, by="rule")

    def _pause(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        if effect.action.of == "scene_type":
            self.board.paused_scene_types.update(effect.names)
        elif self.board.status is RunStatus.RUNNING:
            self.board.status = RunStatus.PAUSED
            yield self.event("run.paused", Subject.RUN, self.board.snapshot.run_id, link=link, by="rule")

    # What the pipeline does -------------------------------------------------------------------------------------

    @property
    def blocked(self) -> tuple[int, ...]:
        """The cells asked for that wait for something, in the order of asking."""
        return tuple(self._queued)

    def start(self) -> None:
        """Give what is queued and has what it needs its first job."""
        if not self._may_start:
            return
        self._may_start = False
        stills = self.board.stills
        for still_id in list(self._asked_stills):
            still = stills[still_id]
            if still.status is CellStatus.QUEUED and all(stills[one].status is CellStatus.APPROVED for one in still.needs):
                self._start_still(still)
        for cell_id in self.blocked:
            cell = self.board.cells[cell_id]
            if self._is_startable(cell):
                del self._queued[cell_id]
                self._add(Stage.SCENE_GENERATION, cell_id, cell.take, link=self._asked_cells[cell_id])

    def step(self) -> list[Occurrence]:
        """Do the next job; nothing when there is none that may be done."""
        if self.board.status is not RunStatus.RUNNING:
            return []
        self.start()
        held: list[Work] = []
        events: list[Occurrence] = []
        while self._work and not events:
            work = heapq.heappop(self._work)
            if self._is_held(work):
                held.append(work)
            elif self._is_current(work):
                events = list(_STEPS[work.stage](self, work))
        for work in held:
            heapq.heappush(self._work, work)
        return events

    def decide(self) -> list[Occurrence]:
        """What people decide next, once all is quiet: pictures first, one thing at a time, each once. Their events are roots."""
        if self.assumption.people is People.STOP:
            return []
        approves = self.assumption.people is People.APPROVE
        still_id = self._undecided(Subject.STILL, self.gated_stills)
        if still_id is not None:
            link = Link(firing=self.gated_stills.pop(still_id).firing)
            if approves:
                return [self._approve_still(self.board.stills[still_id], link, by="person")]
            self.board.move_still(still_id, CellStatus.REJECTED)
            return [self.event("still.rejected", Subject.STILL, still_id, link=link, by="person")]
        cell_id = self._undecided(Subject.CELL, self.gated_cells)
        if cell_id is None:
            return []
        link = Link(firing=self.gated_cells.pop(cell_id).firing)
        if approves:
            return [self._approve_cell(self.board.cells[cell_id], link, by="person")]
        self.board.move_cell(cell_id, CellStatus.REJECTED)
        return [self.event("cell.rejected", Subject.CELL, cell_id, link=link, by="person")]

    def event(self, type: str, subject: Subject, subject_id: int, *, link: Link, by: str = "system") -> Occurrence:
        """The next event."""
        self._seq += 1
        if link.firing is not None:
            self.causes[self._seq] = link.firing
        root = link.root if link.depth else self._seq
        return Occurrence(self._seq, type, subject, subject_id, by, root, link.depth)

    def _undecided(self, subject: Subject, gated: Iterable[int]) -> int | None:
        fresh = min((one for one in gated if (subject, one) not in self._decided), default=None)
        if fresh is not None:
            self._decided.add((subject, fresh))
        return fresh

    def _is_startable(self, cell: CellFacts) -> bool:
        board = self.board
        return (
            cell.scene_type not in board.paused_scene_types
            and all(board.stills[one].status is CellStatus.APPROVED for one in cell.stills)
            and all(board.cells[one].status is CellStatus.APPROVED for one in cell.after)
        )

    def _is_held(self, work: Work) -> bool:
        is_cell = work.stage in _OF_CELLS
        return is_cell and self.board.cells[work.subject_id].scene_type in self.board.paused_scene_types

    def _is_current(self, work: Work) -> bool:
        if work.stage is Stage.DELIVERY:
            return True
        about: CellFacts | StillFacts
        about = self.board.cells[work.subject_id] if work.stage in _OF_CELLS else self.board.stills[work.subject_id]
        return about.take == work.take

    def _add(self, stage: Stage, subject_id: int, take: int, *, link: Link, part: int = 1, is_extra: bool = False) -> None:
        self._turn += 1
        order = (STAGES[stage].lane is Lane.GENERATION, -self._urgency(stage, subject_id, part), self._turn)
        heapq.heappush(self._work, Work(order, stage, subject_id, take, part, link, is_extra))
        if stage is Stage.SCENE_GENERATION and part == 1:
            self.board.move_cell(subject_id, CellStatus.GENERATING)

    def _urgency(self, stage: Stage, subject_id: int, part: int) -> int:
        """What is higher is done first: by priority, then what is furthest along, of segments the later ones."""
        priority = self.board.cells[subject_id].priority if stage in _OF_CELLS else 0
        return priority * 10_000 + STAGES[stage].rank * 100 + (min(part, 99) if stage is Stage.SCENE_GENERATION else 0)

    def _start_still(self, still: StillFacts) -> None:
        link = self._asked_stills[still.id]
        self.board.move_still(still.id, CellStatus.GENERATING)
        stage = Stage.VARIANT_GENERATION if still.candidates else Stage.VARIANT_QA  # a plate that is brought is only checked
        self._add(Stage.SOURCE_QA if still.kind is StillKind.SOURCE else stage, still.id, still.take, link=link)

    def _told(self, end: str, subject: Subject, work: Work) -> Occurrence:
        return self.event(end, subject, work.subject_id, link=work.link)

    def _source_checked(self, work: Work) -> Iterator[Occurrence]:
        yield self._told("still.generating", Subject.STILL, work)
        yield self._told("source_qa.completed", Subject.STILL, work)
        yield from self._still_made(work)

    def _candidate_made(self, work: Work) -> Iterator[Occurrence]:
        still = self.board.stills[work.subject_id]
        if work.part == 1:
            yield self._told("still.generating", Subject.STILL, work)
        yield self._told("variant_generation.completed", Subject.STILL, work)
        if work.part < still.candidates:
            self._add(work.stage, still.id, work.take, link=work.link, part=work.part + 1)
        else:
            self._add(Stage.VARIANT_QA, still.id, work.take, link=work.link)

    def _candidates_checked(self, work: Work) -> Iterator[Occurrence]:
        if not self.board.stills[work.subject_id].candidates:
            yield self._told("still.generating", Subject.STILL, work)
        yield self._told("variant_qa.completed", Subject.STILL, work)
        yield from self._still_made(work)

    def _still_made(self, work: Work) -> Iterator[Occurrence]:
        verdict = self.assumption.verdict
        self.board.stills[work.subject_id] = replace(self.board.stills[work.subject_id], verdict=verdict)
        still = self.board.stills[work.subject_id]
        if still.kind is not StillKind.VARIANT and verdict == "fail":
            self.board.move_still(still.id, CellStatus.FAILED)
            yield self._told("still.failed", Subject.STILL, work)
            return
        still = self.board.move_still(still.id, CellStatus.REVIEW)
        yield self._told("still.review", Subject.STILL, work)
        mode = self.board.snapshot.gates.of_still(still.character)
        choice = self._gate("auto") if still.kind is not StillKind.VARIANT else self._gate(mode)
        if choice == "approve" or still.kind is not StillKind.VARIANT:
            yield self._approve_still(still, work.link, by="system")
        elif choice == "reject":
            self.board.move_still(still.id, CellStatus.REJECTED)
            yield self._told("still.rejected", Subject.STILL, work)
        else:
            self.gated_stills[still.id] = work.link

    def _segment_made(self, work: Work) -> Iterator[Occurrence]:
        cell = self.board.cells[work.subject_id]
        if work.part == 1:
            yield self._told("cell.generating", Subject.CELL, work)
        if self.assumption.scenes_fail:
            yield self._told("scene_generation.failed", Subject.CELL, work)
            self.board.move_cell(cell.id, CellStatus.FAILED)
            yield self._told("cell.failed", Subject.CELL, work)
            return
        yield self._told("scene_generation.completed", Subject.CELL, work)
        if work.part < self.board.scene_type(cell.scene_type).segments:
            self._add(work.stage, cell.id, work.take, link=work.link, part=work.part + 1)
        else:
            self._add(Stage.SCENE_QA, cell.id, work.take, link=work.link)

    def _scene_checked(self, work: Work) -> Iterator[Occurrence]:
        self.board.put_cell(replace(self.board.cells[work.subject_id], verdict=self.assumption.verdict))
        yield self._told("scene_qa.completed", Subject.CELL, work)
        if not work.is_extra:
            self._add(Stage.ASSEMBLY, work.subject_id, work.take, link=work.link)

    def _assembled(self, work: Work) -> Iterator[Occurrence]:
        yield self._told("assembly.completed", Subject.CELL, work)
        if work.is_extra:
            return
        cell = self.board.move_cell(work.subject_id, CellStatus.REVIEW)
        yield self._told("cell.review", Subject.CELL, work)
        choice = self._gate(self.board.snapshot.gates.of_cell(cell.character))
        if choice == "approve":
            yield self._approve_cell(cell, work.link, by="system")
        elif choice == "reject":
            self.board.move_cell(cell.id, CellStatus.REJECTED)
            yield self._told("cell.rejected", Subject.CELL, work)
        else:
            self.gated_cells[cell.id] = work.link

    def _gate(self, mode: str) -> str:
        """What an automatic gate makes of the assumed verdict; `wait` where a person decides."""
        verdict = self.assumption.verdict
        if mode != "auto":
            return "wait"
        if verdict == "flag" and not self.board.snapshot.gates.accepts_flags:
            return "wait"
        return "reject" if verdict == "fail" else "approve"

    def _approve_still(self, still: StillFacts, link: Link, *, by: str) -> Occurrence:
        self.board.move_still(still.id, CellStatus.APPROVED)
        self._may_start = True
        return self.event("still.approved", Subject.STILL, still.id, link=link, by=by)

    def _approve_cell(self, cell: CellFacts, link: Link, *, by: str) -> Occurrence:
        self.board.move_cell(cell.id, CellStatus.APPROVED)
        self._may_start = True
        for part in range(1, self.board.snapshot.outputs + 1):
            self._add(Stage.EXPORT, cell.id, cell.take, link=link, part=part)
        return self.event("cell.approved", Subject.CELL, cell.id, link=link, by=by)

    def _exported(self, work: Work) -> Iterator[Occurrence]:
        yield self._told("export.completed", Subject.CELL, work)
        run = self.board.tally("run", None)
        if run.open or not run.scenes or self._delivering or not self.board.snapshot.delivers_by_itself:
            return
        if not any(one.stage is Stage.EXPORT and self._is_current(one) for one in self._work):
            yield self._deliver(work.link, by="system")

    def _deliver(self, link: Link, *, by: str, character: str | None = None) -> Occurrence:
        """A new delivery. It has no number yet, so that it gets one that no stored delivery has."""
        self._delivering = True
        self._deliveries -= 1
        self.board.deliveries[self._deliveries] = DeliveryFacts(self._deliveries, character)
        self._add(Stage.DELIVERY, self._deliveries, 0, link=link)
        return self.event("delivery.packaging", Subject.DELIVERY, self._deliveries, link=link, by=by)

    def _packaged(self, work: Work) -> Iterator[Occurrence]:
        self._delivering = False
        yield self._told("delivery.completed", Subject.DELIVERY, work)
        yield self._told("delivery.sealed", Subject.DELIVERY, work)
        if self.board.status is RunStatus.RUNNING and not self._work:
            self.board.status = RunStatus.COMPLETED
            yield self.event("run.completed", Subject.RUN, self.board.snapshot.run_id, link=work.link)


_OF_CELLS = frozenset({Stage.SCENE_GENERATION, Stage.SCENE_QA, Stage.ASSEMBLY, Stage.EXPORT})
_STEPS: dict[Stage, Callable[[World, Work], Iterator[Occurrence]]] = {
    Stage.SOURCE_QA: World._source_checked,
    Stage.VARIANT_GENERATION: World._candidate_made,
    Stage.VARIANT_QA: World._candidates_checked,
    Stage.SCENE_GENERATION: World._segment_made,
    Stage.SCENE_QA: World._scene_checked,
    Stage.ASSEMBLY: World._assembled,
    Stage.EXPORT: World._exported,
    Stage.DELIVERY: World._packaged,
}
_DEEDS: dict[Kind, Callable[[World, Effect, Link], Iterator[Occurrence]]] = {
    Kind.SUBMIT: World._submit,
    Kind.QA: World._measure,
    Kind.ASSEMBLE: World._assemble,
    Kind.PACKAGE: World._package,
    Kind.APPROVE: World._approve,
    Kind.PAUSE: World._pause,
}


def _nothing(*_: object) -> Iterator[Occurrence]:
    """Messages and marks change nothing on the board."""
    return iter(())
