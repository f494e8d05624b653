"""The stage graph: which work there is, in which phase a run reports it, and where it is performed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """A node kind of the pipeline that is work. Approvals are gates, not work: see `statuses.CellStatus.REVIEW`."""

    SOURCE_QA = "source_qa"
    VARIANT_GENERATION = "variant_generation"
    VARIANT_QA = "variant_qa"
    SCENE_GENERATION = "scene_generation"
    SCENE_QA = "scene_qa"
    ASSEMBLY = "assembly"
    EXPORT = "export"
    DELIVERY = "delivery"


class Phase(StrEnum):
    """The steps of a run as people follow them."""

    VALIDATE = "validate"
    PREPARE = "prepare"
    CHARACTERS = "characters"
    LOCATIONS = "locations"
    SHOTS = "shots"
    POST_PROCESS = "post_process"
    EXPORT = "export"
    FINALIZE = "finalize"


class Lane(StrEnum):
    """Which performers a job may go to."""

    GENERATION = "generation"  # the run's backend
    CPU = "cpu"  # the executors of this machine


@dataclass(frozen=True)
class StageFacts:
    """`rank` orders the pipeline; see `PRECEDENCE` for what is taken first."""

    rank: int
    phase: Phase
    lane: Lane
    executor: str


STAGES: dict[Stage, StageFacts] = {
    Stage.SOURCE_QA: StageFacts(1, Phase.PREPARE, Lane.CPU, "threads"),
    Stage.VARIANT_GENERATION: StageFacts(2, Phase.CHARACTERS, Lane.GENERATION, "processes"),
    Stage.VARIANT_QA: StageFacts(3, Phase.CHARACTERS, Lane.CPU, "processes"),
    Stage.SCENE_GENERATION: StageFacts(4, Phase.SHOTS, Lane.GENERATION, "processes"),
    Stage.SCENE_QA: StageFacts(5, Phase.SHOTS, Lane.CPU, "processes"),
    Stage.ASSEMBLY: StageFacts(6, Phase.POST_PROCESS, Lane.CPU, "threads"),
    Stage.EXPORT: StageFacts(7, Phase.EXPORT, Lane.CPU, "processes"),
    Stage.DELIVERY: StageFacts(8, Phase.FINALIZE, Lane.CPU, "processes"),
}

REUSABLE = frozenset({Stage.VARIANT_GENERATION, Stage.SCENE_GENERATION, Stage.ASSEMBLY, Stage.EXPORT})
"""Stages whose stored files stand for the work: an equal request takes them instead of being performed again."""

_LAST_RANK = {
    Phase.VALIDATE: 0,
    Phase.PREPARE: 1,
    Phase.CHARACTERS: 3,
    Phase.LOCATIONS: 3,
    Phase.SHOTS: 5,
    Phase.POST_PROCESS: 6,
    Phase.EXPORT: 7,
    Phase.FINALIZE: 8,
}


_OPENING = frozenset({Stage.SOURCE_QA, Stage.VARIANT_QA})
PRECEDENCE = {stage: facts.rank + len(STAGES) * (stage in _OPENING) for stage, facts in STAGES.items()}
"""Which ready job of a lane is taken first: that of the highest. The further along, the sooner, so that cells finish one by one;
but pictures are looked at before anything else is done on this machine: whole columns wait for them, and with them the fleet."""


A_PRIORITY, A_PLACE, LAST_PART = 10_000, 100, 99
"""What a step of priority and of precedence weigh against a part in an urgency; parts beyond the last weigh as much as it."""


def urgency(priority: int, stage: Stage, part: int) -> int:
    """What is taken first has the lowest number: higher priority, then the stage's precedence.

    Among segments the later ones go first: a scene that has begun is finished before others begin.
    """
    segment = min(part, LAST_PART) if stage is Stage.SCENE_GENERATION else 0
    return -(priority * A_PRIORITY + PRECEDENCE[stage] * A_PLACE + segment)


def priority_of(urgency: int) -> int:
    """The priority that an urgency was made of."""
    return -urgency // A_PRIORITY


def last_rank(until: Phase) -> int:
    """The rank of the last stage that may run when a run is asked to stop after `until`."""
    return _LAST_RANK[until]
