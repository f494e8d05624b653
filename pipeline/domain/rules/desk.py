"""The jobs of a simulation in the order in which they are done, one at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pipeline.domain.rules.under_way import Key
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import STAGES, Lane, Stage, urgency

_OF_CELLS = frozenset({Stage.SCENE_GENERATION, Stage.SCENE_QA, Stage.ASSEMBLY, Stage.EXPORT})


@dataclass(frozen=True, order=True)
class Work:
    """One job. Sorted: checks before generation, the most urgent first, then in the order of asking."""

    order: tuple[bool, int, int]
    stage: Stage = field(compare=False)
    subject_id: int = field(compare=False)
    take: int = field(compare=False)
    part: int = field(compare=False)

    @property
    def key(self) -> Key:
        """What it is about."""
        return subject_of_stage(self.stage), self.subject_id

    @property
    def is_again(self) -> bool:
        """Of a take that has been through this stage: it moves nothing on."""
        return self.stage in (Stage.SCENE_QA, Stage.ASSEMBLY) and self.part > 1


class Desk:
    """Jobs that are not done, and those that have given up."""

    def __init__(self) -> None:
        self._work: list[Work] = []
        self._failed: list[Work] = []
        self._begun: set[tuple[Key, int]] = set()
        self._turn = 0

    def add(self, stage: Stage, subject_id: int, take: int, *, part: int = 1, priority: int = 0, is_failed: bool = False) -> None:
        """One more job, as the last of those that are as urgent. `priority` is that of what it is about."""
        self._turn += 1
        order = (STAGES[stage].lane is Lane.GENERATION, urgency(priority, stage, part), self._turn)
        work = Work(order, stage, subject_id, take, part)
        self._begun.add((work.key, take))
        if is_failed:
            self._failed.append(work)
        else:
            heapq.heappush(self._work, work)

    def has_begun(self, key: Key, take: int) -> bool:
        """Whether there has been a job of this take."""
        return (key, take) in self._begun

    def next(self, is_held: Callable[[Work], bool]) -> Work | None:
        """Take the first job that is not held up; None when there is none."""
        held: list[Work] = []
        found = None
        while self._work and found is None:
            work = heapq.heappop(self._work)
            if is_held(work):
                held.append(work)
            else:
                found = work
        for work in held:
            heapq.heappush(self._work, work)
        return found

    def give_up(self, work: Work) -> None:
        """A job has failed for good."""
        self._failed.append(work)

    def retry(self, key: Key) -> None:
        """What has failed of this is to be done after all."""
        for work in [one for one in self._failed if one.key == key]:
            self._failed.remove(work)
            heapq.heappush(self._work, work)

    def drop(self, key: Key) -> None:
        """Nothing of this is to be done any more."""
        if any(work.key == key for work in self._work):
            self._work = [work for work in self._work if work.key != key]
            heapq.heapify(self._work)
        self._failed = [work for work in self._failed if work.key != key]

    def unfinished(self, stage: Stage) -> Iterator[Work]:
        """The jobs of a stage that are not done, those that have given up among them."""
        return (work for work in (*self._work, *self._failed) if work.stage is stage)

    def is_idle(self, key: Key, stage: Stage) -> bool:
        """Whether no job of a stage of this is waiting to be done."""
        return not any(work.stage is stage and work.key == key for work in self._work)


def subject_of_stage(stage: Stage) -> Subject:
    """What a job of this stage is about."""
    if stage is Stage.DELIVERY:
        return Subject.DELIVERY
    return Subject.CELL if stage in _OF_CELLS else Subject.STILL
