"""Fleets, scenes and troubles to measure scheduling with: unequal cards, three models, scenes of one to three segments."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.domain.fleet.chance import stretch, uniform
from pipeline.domain.fleet.jobs import FleetJob, Kind
from pipeline.domain.fleet.simulation import Outage, Trouble
from pipeline.domain.fleet.workers import Worker

GB = 10**9
FRAMES = 81
LOADING_S = 40.0


@dataclass(frozen=True)
class Workflow:
    """A workflow key with its model, the seconds a frame takes on a card of speed 1, and the memory it needs."""

    key: str
    model: str
    seconds: float
    memory_gb: int


WORKFLOWS = (
    Workflow("wan 2.2 14B, 1280x720", "wan 2.2 14B", 3.0, 31),
    Workflow("wan 2.2 5B, 1280x704", "wan 2.2 5B", 1.2, 16),
    Workflow("ltx, 1216x704", "ltx", 0.5, 16),
)
CARDS = ((0.5, 80), (1.0, 48), (1.6, 32), (2.5, 24))
"""How slow a card is, and its memory in GB. The smallest cannot take the largest model."""


def fleet(count: int) -> list[Worker]:
    """So many cards, in equal parts of each sort, each a little different."""
    return [_card(number) for number in range(count)]


def scenes(count: int, parts: tuple[int, ...] = (1, 2, 3), runs: int = 1) -> list[FleetJob]:
    """The segments of so many scenes; workflows, lengths and runs take turns, as in a matrix."""
    kinds: dict[tuple[int, int, int], Kind] = {}
    jobs = []
    for number in range(count):
        whole, run, sort = parts[number // 3 % len(parts)], number // 9 % runs, number % 3
        for part in range(1, whole + 1):
            key = run, sort, whole - part
            kind = kinds.setdefault(key, _kind(*key))
            jobs.append(FleetJob(f"scene {number} part {part}", kind, scene=f"scene {number}", part=part))
    return jobs


def troubles(workers: list[Worker], *, seed: int, length_s: float) -> Trouble:
    """Durations off by 10 %, 3 in 100 attempts fail, a tenth of the workers dies once and is away for a tenth of the time."""
    dying = [worker for worker in workers if uniform(seed, f"death of {worker.name}") < 0.1]
    outages = []
    for worker in dying:
        at_s = length_s * 0.8 * uniform(seed, f"hour of {worker.name}")
        outages.append(Outage(worker.name, at_s, at_s + 0.1 * length_s))
    return Trouble(spread=0.1, failing_share=0.03, outages=tuple(outages))


def as_in_truth(workers: list[Worker], seed: int) -> list[Worker]:
    """The same cards with the speeds that they really have: off by 15 % from what is known at first."""
    return [
        replace(
            worker,
            seconds_per_unit={
                key: seconds * stretch(seed, f"truth of {worker.name}", spread=0.15)
                for key, seconds in worker.seconds_per_unit.items()
            },
        )
        for worker in workers
    ]


def _card(number: int) -> Worker:
    slowness, memory_gb = CARDS[number % len(CARDS)]
    own = slowness * stretch(0, f"card {number}", spread=0.05)
    measured = {flow.key: flow.seconds * own for flow in WORKFLOWS if flow.memory_gb <= memory_gb}
    return Worker(f"gpu-{number + 1}", memory_bytes=memory_gb * GB, seconds_per_unit=measured, switch_s=LOADING_S)


def _kind(run: int, sort: int, following: int) -> Kind:
    flow = WORKFLOWS[sort]
    return Kind(
        run=f"run {run + 1}",
        project=f"project {run % 5 + 1}",
        workflow=flow.key,
        units=FRAMES,
        following_units=FRAMES * following,
        model=flow.model,
        memory_bytes=flow.memory_gb * GB,
        priority=run % 3,
    )
