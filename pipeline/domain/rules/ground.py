"""What a simulation stands on: the board, the jobs on the desk, what belongs to which chain, and what waits for what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.domain.rules.assumptions import Assumption, Link
from pipeline.domain.rules.desk import Desk, Work
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.snapshot import Board, CellFacts, StillFacts
from pipeline.domain.rules.under_way import MARKED, Key, UnderWay, makes_its_own
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, RunStatus, StillKind

_CELL, _STILL = Subject.CELL, Subject.STILL


class Ground:
    """A board on which work goes on. Every method that lets something happen gives the events that would be recorded."""

    def __init__(
        self, board: Board, assumption: Assumption, first_seq: int, under_way: UnderWay
    ) -> None:  # fmt: skip
        self.board = board
        self.assumption = assumption
        self.causes: dict[int, int] = {}
        """The number of the firing that an event follows from, by the number of the event."""
        self.gated: dict[Key, Link] = {}
        """What waits for a person, and what it follows from."""
        self.desk = Desk()
        self.links: dict[Key, Link] = dict(under_way.links)
        """Which chain something belongs to: what happens to it next follows from that."""
        self._seq = first_seq
        self.waiting: dict[Key, None] = {}
        self._decided: set[Key] = set()
        self._measures: dict[int, dict[str, float]] = {}
        if under_way.is_followed:
            self._take_up(under_way)

    def _take_up(self, under_way: UnderWay) -> None:
        """Go on with what is under way."""
        for job in under_way.jobs:
            self.add(job.stage, job.subject_id, job.take, part=job.part, is_failed=job.is_failed)
        for subject, found in ((_STILL, self.board.stills), (_CELL, self.board.cells)):
            for one in found.values():
                if one.status is CellStatus.QUEUED and not self.desk.has_begun((subject, one.id), one.take):
                    self.waiting[subject, one.id] = None

    def happened(self, event: Occurrence) -> None:
        """An event from outside: what people decide on, or ask for anew, is theirs from now on."""
        if event.subject in MARKED and makes_its_own(event.type, event.by):
            self.links.pop((event.subject, event.subject_id), None)

    def event(self, type: str, subject: Subject, subject_id: int, *, link: Link, by: str = "system") -> Occurrence:
        """The next event."""
        self._seq += 1
        if link.firing is not None:
            self.causes[self._seq] = link.firing
        root = link.root if link.depth else self._seq
        return Occurrence(self._seq, type, subject, subject_id, by, root, link.depth)

    def told(self, end: str, work: Work) -> Occurrence:
        """The next event of what a job is about: it belongs to the chain that asked for that last."""
        subject, subject_id = work.key
        return self.event(end, subject, subject_id, link=self.link(work.key))

    def link(self, key: Key) -> Link:
        """What the next event of something follows from."""
        return self.links.get(key, Link())

    def add(self, stage: Stage, subject_id: int, take: int, *, part: int = 1, is_failed: bool = False) -> None:
        """One more job."""
        cell = self.board.cells.get(subject_id) if stage in _OF_CELLS else None
        self.desk.add(stage, subject_id, take, part=part, priority=cell.priority if cell else 0, is_failed=is_failed)

    def set_going(self, link: Link, *, by: str) -> Occurrence:
        """There is work in the run again."""
        self.board.status = RunStatus.RUNNING
        return self.event("run.running", Subject.RUN, self.board.snapshot.run_id, link=link, by=by)

    def start(self) -> None:
        """Give what is queued and has what it needs its first jobs: pictures first, each in the order of the board."""
        stills, cells = self.board.stills, self.board.cells
        for subject, key in sorted(self.waiting, key=lambda one: (one[0] is _CELL, one[1])):
            if subject is _STILL and all(stills[one].status is CellStatus.APPROVED for one in stills[key].needs):
                self._start_still(stills[key])
            elif subject is _CELL and self._is_startable(cells[key]):
                del self.waiting[_CELL, key]
                self.add(Stage.SCENE_GENERATION, key, cells[key].take)

    def approve_still(self, still: StillFacts, link: Link, *, by: str) -> Occurrence:
        """A picture is good; the caller starts what has waited for it."""
        self.gated.pop((_STILL, still.id), None)
        self.board.move_still(still.id, CellStatus.APPROVED)
        return self.event("still.approved", _STILL, still.id, link=link, by=by)

    def approve_cell(self, cell: CellFacts, link: Link, *, by: str) -> Occurrence:
        """A scene is good: it is exported. The caller starts what has waited for it."""
        self.gated.pop((_CELL, cell.id), None)
        self.board.move_cell(cell.id, CellStatus.APPROVED)
        for part in range(1, self.board.snapshot.outputs + 1):
            self.add(Stage.EXPORT, cell.id, cell.take, part=part)
        return self.event("cell.approved", _CELL, cell.id, link=link, by=by)

    def measured(self, cell_id: int) -> None:
        """A scene has been checked: its verdict is the assumed one, its measures are those of the take before."""
        cell = self.board.cells[cell_id]
        qa = self._measures.get(cell_id, cell.qa)
        self.board.put_cell(replace(cell, verdict=self.assumption.verdict, qa=qa))

    def is_current(self, work: Work) -> bool:
        """Whether a job is still of the newest take."""
        if work.stage is Stage.DELIVERY:
            return True
        if work.stage in _OF_CELLS:
            return self.board.cells[work.subject_id].take == work.take
        return self.board.stills[work.subject_id].take == work.take

    def begin(self, work: Work) -> Iterator[Occurrence]:
        """What is queued moves on with its first job."""
        if work.stage is Stage.DELIVERY:
            return
        subject, subject_id = work.key
        about: CellFacts | StillFacts
        about = self.board.cells[subject_id] if subject is _CELL else self.board.stills[subject_id]
        if about.status is CellStatus.QUEUED:
            move = self.board.move_cell if subject is _CELL else self.board.move_still
            move(subject_id, CellStatus.GENERATING)
            yield self.told(f"{subject}.generating", work)

    def is_held(self, work: Work) -> bool:
        """A paused scene type generates nothing; what is made already is still checked, assembled and exported."""
        if work.stage is not Stage.SCENE_GENERATION or not self.is_current(work):
            return False
        return self.board.cells[work.subject_id].scene_type in self.board.paused_scene_types

    def _is_startable(self, cell: CellFacts) -> bool:
        stills, cells = self.board.stills, self.board.cells
        return all(stills[one].status is CellStatus.APPROVED for one in cell.stills) and all(
            cells[one].status is CellStatus.APPROVED for one in cell.after
        )

    def _start_still(self, still: StillFacts) -> None:
        """The check of a picture that is given, or all candidates."""
        del self.waiting[_STILL, still.id]
        if still.kind is StillKind.SOURCE or not still.candidates:  # a plate that is brought is only checked
            self.add(Stage.SOURCE_QA if still.kind is StillKind.SOURCE else Stage.VARIANT_QA, still.id, still.take)
        else:
            for part in range(1, still.candidates + 1):
                self.add(Stage.VARIANT_GENERATION, still.id, still.take, part=part)


_OF_CELLS = frozenset({Stage.SCENE_GENERATION, Stage.SCENE_QA, Stage.ASSEMBLY, Stage.EXPORT})
