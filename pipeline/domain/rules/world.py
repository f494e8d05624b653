"""What becomes of work that rules ask for, on a board: a likeness of the pipeline, stage by stage, under assumptions.

It tells the events that the pipeline would record, one job at a time, in its order: checks and exports before generation (they
have performers of their own), then by priority, then by precedence. What people asked for goes on by itself and is not
its doing, unless it is told what is under way; pictures that its work needs are made in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pipeline.domain.rules.assumptions import Link, People
from pipeline.domain.rules.effects import UNDER_WAY, WHOLE_RUN, Effect
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.making import STEPS
from pipeline.domain.rules.model import Kind
from pipeline.domain.rules.packing import NotDone, Packing
from pipeline.domain.rules.snapshot import CellFacts
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, RunStatus

_CELL, _STILL = Subject.CELL, Subject.STILL


class World(Packing):
    """Carries effects out on a board and moves the work on. Every method gives the events that it would have recorded."""

    # What rules do ----------------------------------------------------------------------------------------------

    def carry_out(self, effect: Effect, link: Link) -> list[Occurrence] | None:
        """Do what an effect says, unless it is refused. None where it turns out that it cannot be done: then nothing is."""
        if effect.refusal:
            return []
        try:
            return list(_DEEDS.get(effect.action.kind, _nothing)(self, effect, link))
        except NotDone:
            return None

    def _submit(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        board = self.board
        if not effect.cells:
            return
        board.left = board.left.less(effect.cost)
        stills = [one for one in sorted(board.stills_under(effect.cells)) if board.stills[one].status is not CellStatus.APPROVED]
        self._mark(_CELL, effect.cells, link)
        self._mark(_STILL, stills, link)
        yield self.event("run.submitted", Subject.RUN, board.snapshot.run_id, link=link, by="rule")
        if board.status is not RunStatus.RUNNING:
            yield self.set_going(link, by="rule")
        for cell_id in sorted(effect.cells, key=lambda one: board.cells[one].status is not CellStatus.FAILED):
            self._ask_cell(board.cells[cell_id])
            yield self.event("cell.queued", _CELL, cell_id, link=link, by="rule")
        for still_id in stills:
            yield from self._ask_still(still_id, link)
        self.start()

    def _ask_cell(self, cell: CellFacts) -> None:
        """A failed take goes on where it stopped; else there is a new one, of which nothing is measured yet."""
        key, attempts = (_CELL, cell.id), cell.attempts + 1
        self.gated.pop(key, None)
        if cell.status is CellStatus.FAILED:
            self.board.put_cell(replace(cell, status=CellStatus.QUEUED, attempts=attempts))
            self.desk.retry(key)
        else:
            self.desk.drop(key)
            self._measures.setdefault(cell.id, dict(cell.qa))
            take = cell.take + 1
            self.board.put_cell(replace(cell, status=CellStatus.QUEUED, take=take, attempts=attempts, verdict="", qa={}))
        if not self.desk.has_begun(key, self.board.cells[cell.id].take):
            self.waiting[key] = None

    def _ask_still(self, still_id: int, link: Link) -> Iterator[Occurrence]:
        """A still that the scenes need. One that is under way already is followed, too: they wait for it."""
        still, key = self.board.stills[still_id], (_STILL, still_id)
        if still.status is CellStatus.REVIEW:
            self.gated.setdefault(key, link)
        if still.status in UNDER_WAY:
            if still.status is not CellStatus.REVIEW and not self.desk.has_begun(key, still.take):
                self.board.move_still(still_id, CellStatus.QUEUED)
                self.waiting[key] = None
            return
        self.desk.drop(key)
        self.board.stills[still_id] = replace(still, status=CellStatus.QUEUED, take=still.take + 1, attempts=still.attempts + 1)
        self.waiting[key] = None
        yield self.event("still.queued", _STILL, still_id, link=link, by="rule")

    def _repeat(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        stage = Stage.SCENE_QA if effect.action.kind is Kind.QA else Stage.ASSEMBLY
        self._mark(_CELL, effect.cells, link)
        for cell_id in effect.cells:
            self.add(stage, cell_id, self.board.cells[cell_id].take, part=2)
        return iter(())

    def _package(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        is_run = effect.action.of == "run"
        names = tuple(None if is_run or name == WHOLE_RUN else name for name in effect.names)
        return self.package(names, link, effect.number)

    def _approve(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        self._mark(_CELL, effect.cells, link)
        self._mark(_STILL, effect.stills, link)
        for still_id in sorted(effect.stills):
            yield self.approve_still(self.board.stills[still_id], link, by="rule")
        for cell_id in sorted(effect.cells):
            yield self.approve_cell(self.board.cells[cell_id], link, by="rule")
        self.start()
        yield from self.deliver_when_ready(link, by="rule")

    def _pause(self, effect: Effect, link: Link) -> Iterator[Occurrence]:
        if effect.action.of == "scene_type":
            self.board.paused_scene_types.update(effect.names)
        elif self.board.status is not RunStatus.RUNNING:
            raise NotDone
        else:
            self.board.status = RunStatus.PAUSED
            yield self.event("run.paused", Subject.RUN, self.board.snapshot.run_id, link=link, by="rule")

    def _mark(self, subject: Subject, ids: Iterable[int], link: Link) -> None:
        self.links.update(((subject, one), link) for one in ids)

    # What the pipeline does -------------------------------------------------------------------------------------

    @property
    def blocked(self) -> tuple[int, ...]:
        """The cells asked for that wait for something, in the order of asking."""
        waiting = [key for subject, key in self.waiting if subject is _CELL]
        return (*waiting, *(one.subject_id for one in self.desk.unfinished(Stage.SCENE_GENERATION) if self.is_held(one)))

    def step(self) -> list[Occurrence]:
        """Do the next job; nothing when there is none that may be done."""
        events: list[Occurrence] = []
        while not events and self.board.status is RunStatus.RUNNING:
            work = self.desk.next(self.is_held)
            if work is None:
                break
            if self.is_current(work):
                events = [*self.begin(work), *STEPS[work.stage](self, work)]
        return events

    def decide(self) -> list[Occurrence]:
        """What people decide next, once all is quiet: pictures first, one thing at a time, each once. Their events are roots."""
        fresh = [key for key in self.gated if key not in self._decided]
        if self.assumption.people is People.STOP or not fresh:
            return []
        key = subject, subject_id = min(fresh, key=lambda one: (one[0] is _CELL, one[1]))
        self._decided.add(key)
        link = self.links[key] = Link(firing=self.gated.pop(key).firing)
        if self.assumption.people is not People.APPROVE:
            move = self.board.move_still if subject is _STILL else self.board.move_cell
            move(subject_id, CellStatus.REJECTED)
            return [self.event(f"{subject}.rejected", subject, subject_id, link=link, by="person")]
        if subject is _STILL:
            made = [self.approve_still(self.board.stills[subject_id], link, by="person")]
        else:
            made = [self.approve_cell(self.board.cells[subject_id], link, by="person")]
            made += self.deliver_when_ready(link, by="person")
        self.start()
        return made


_OF_CELLS = frozenset({Stage.SCENE_GENERATION, Stage.SCENE_QA, Stage.ASSEMBLY, Stage.EXPORT})
_DEEDS: dict[Kind, Callable[[World, Effect, Link], Iterator[Occurrence]]] = {
    Kind.SUBMIT: World._submit,
    Kind.QA: World._repeat,
    Kind.ASSEMBLE: World._repeat,
    Kind.PACKAGE: World._package,
    Kind.APPROVE: World._approve,
    Kind.PAUSE: World._pause,
}


def _nothing(*_: object) -> Iterator[Occurrence]:
    """Messages and marks change nothing on the board."""
    return iter(())
