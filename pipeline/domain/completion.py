"""When a run will be done: from measured stage times, what is left, and the slots that work on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from pipeline.domain.production import SceneType
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus, StillKind

_P90 = 1.2816
"""How many standard deviations above the mean 90 % of a normal distribution end."""
_UNSURE = 0.5
"""The relative deviation of a time that rests on a stated default."""
_SHARE_LOST = 0.1
"""Of P90's distance from P50 at least this share of P50: machines are busy with other things too."""


@dataclass(frozen=True)
class Timing:
    """Seconds that one job of a kind takes: mean and deviation. `samples` 0 means a stated default."""

    mean: float
    deviation: float
    samples: int


@dataclass(frozen=True)
class Left:
    """So many jobs of one kind are left. A scene waits for `chain` of them one after the other, stage after stage."""

    stage: Stage
    jobs: int
    timing: Timing
    chain: int = 1


@dataclass(frozen=True)
class Ending:
    """Seconds from now: `likely` with a chance of one half, `latest` with nine of ten.

    `measured_share` is the share of the work until then of which times were measured; the rest are stated defaults.
    """

    likely: float
    latest: float
    measured_share: float = 1.0


def timing(samples: Sequence[float], default: float) -> Timing:
    """The timing of these measured seconds, or the stated default."""
    if not samples:
        return Timing(default, default * _UNSURE, 0)
    mean = sum(samples) / len(samples)
    if len(samples) == 1:
        return Timing(mean, mean * _UNSURE, 1)
    variance = sum((value - mean) ** 2 for value in samples) / (len(samples) - 1)
    return Timing(mean, sqrt(variance), len(samples))


def ending(left: Iterable[Left], slots: int) -> Ending | None:
    """When all of this is done by so many slots; None when nothing of it was ever measured, or nobody works.

    It never ends before the longest chain of one scene, however many slots there are. Fewer jobs never end later.
    """
    kinds = [kind for kind in left if kind.jobs > 0]
    if not kinds:
        return Ending(0.0, 0.0)
    if slots < 1 or not any(kind.timing.samples for kind in kinds):
        return None
    whole = sum(kind.jobs * kind.timing.mean for kind in kinds)
    measured = sum(kind.jobs * kind.timing.mean for kind in kinds if kind.timing.samples)
    work = whole / slots
    spread = sqrt(sum(kind.jobs * kind.timing.deviation**2 + (kind.jobs * _error(kind.timing)) ** 2 for kind in kinds)) / slots
    chain, chain_late = _chain(kinds)
    likely = max(work, chain)
    return Ending(likely, max(work + _P90 * spread, chain_late, likely * (1 + _SHARE_LOST)), measured / whole if whole else 1.0)


def ending_under_caps(left: Sequence[Left], slots: int, caps: Iterable[tuple[Sequence[Left], int]]) -> Ending | None:
    """The same where parts of what is left may have so many slots at once, however many there are."""
    whole = ending(left, slots)
    for part, cap in caps:
        found = ending(part, cap) if whole and 0 < cap < slots else None
        if whole and found:
            whole = replace(whole, likely=max(whole.likely, found.likely), latest=max(whole.latest, found.latest))
    return whole


def _chain(kinds: Iterable[Left]) -> tuple[float, float]:
    """Mean and late end of what one scene goes through: of every stage the slowest kind."""
    means: dict[Stage, float] = {}
    spreads: dict[Stage, float] = {}
    for kind in kinds:
        mean, error = kind.chain * kind.timing.mean, kind.chain * _error(kind.timing)
        means[kind.stage] = max(means.get(kind.stage, 0.0), mean)
        variance = kind.chain * kind.timing.deviation**2 + error**2
        spreads[kind.stage] = max(spreads.get(kind.stage, 0.0), variance)
    mean = sum(means.values())
    return mean, mean + _P90 * sqrt(sum(spreads.values()))


def _error(found: Timing) -> float:
    """How far the mean itself may be off."""
    return found.deviation / sqrt(found.samples) if found.samples else found.deviation


def going_on(
    cells: Mapping[tuple[str, CellStatus], int], held_back: Mapping[str, int], paused: Iterable[str]
) -> dict[tuple[str, CellStatus], int]:
    """Of these cells those that nobody has to decide for: without the queued ones that are `held_back` behind something in
    review, by scene type, and those of scene types that are paused."""
    found = dict(cells)
    for scene_type, count in held_back.items():
        queued = scene_type, CellStatus.QUEUED
        found[queued] = max(0, found.get(queued, 0) - count)
    for scene_type in paused:
        found.pop((scene_type, CellStatus.QUEUED), None)
    return found


def jobs_left(
    cells: Mapping[tuple[str, CellStatus], int],
    segments_made: Mapping[tuple[str, CellStatus], int],
    open_jobs: Mapping[tuple[Stage, JobStatus], int],
    stills: Mapping[tuple[StillKind, CellStatus], tuple[int, int]],
    scene_types: Mapping[str, SceneType],
    outputs: int,
) -> dict[tuple[Stage, str], tuple[int, int]]:
    """(jobs, chain) left of each stage and scene type: what is asked for and neither made nor stopped.

    Later stages of a scene are counted before their jobs exist.
    """
    asked = (CellStatus.QUEUED, CellStatus.GENERATING)
    found: dict[tuple[Stage, str], tuple[int, int]] = {}
    scenes = 0
    for name, scene in scene_types.items():
        count = sum(cells.get((name, status), 0) for status in asked)
        made = sum(segments_made.get((name, status), 0) for status in asked)
        scenes += count
        segments = max(0, count * scene.segments - made)
        found[Stage.SCENE_GENERATION, name] = segments, min(segments, scene.segments)
    assembling = _unfinished(open_jobs, Stage.ASSEMBLY)
    exporting = _unfinished(open_jobs, Stage.EXPORT)
    found[Stage.SCENE_QA, ""] = _few(max(0, scenes - assembling))
    found[Stage.ASSEMBLY, ""] = _few(scenes)
    found[Stage.EXPORT, ""] = _few(scenes * outputs + exporting)
    found[Stage.DELIVERY, ""] = _few(_unfinished(open_jobs, Stage.DELIVERY))
    for kind in StillKind:
        counted = [stills.get((kind, status), (0, 0)) for status in asked]
        count, candidates = sum(one[0] for one in counted), sum(one[1] for one in counted)
        if kind is StillKind.SOURCE:
            found[Stage.SOURCE_QA, ""] = _few(count)
        else:
            before = found.get((Stage.VARIANT_GENERATION, ""), (0, 0))[0]
            found[Stage.VARIANT_GENERATION, ""] = _few(before + candidates)
            found[Stage.VARIANT_QA, ""] = _few(found.get((Stage.VARIANT_QA, ""), (0, 0))[0] + count)
    return found


def _unfinished(open_jobs: Mapping[tuple[Stage, JobStatus], int], stage: Stage) -> int:
    return sum(open_jobs.get((stage, status), 0) for status in (JobStatus.READY, JobStatus.RUNNING))


def _few(jobs: int) -> tuple[int, int]:
    return jobs, min(jobs, 1)
