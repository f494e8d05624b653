"""How quickly the engine moves work along when the work itself costs nothing: one process, the default database."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

from pipeline import wiring
from pipeline.bench import setting
from pipeline.bench.children import SLOTS, ask, command
from pipeline.bench.figures import Figure, at_least, at_most, percentile, plain
from pipeline.bench.performers import SlottedPerformer, Stay

_SIZES = (160, 2_000, 20_000)
_QUICK_SIZES = (160, 800)
_REPEATS = {160: 8, 2_000: 3, 20_000: 2}
_PACED_REPEATS = 3
_TIMED_SCENES, _QUICK_TIMED_SCENES, _SEGMENTS, _CROWDED_FACTOR = 64, 16, 8, 4
_KILLED_SCENES, _QUICK_KILLED_SCENES = 2_000, 400
_LONG_S, _SHORT_S = 0.050, 0.010


def run(quick: bool = False) -> list[Figure]:
    """All figures of this benchmark. `quick` takes small sizes: it shows that everything works, and measures little."""
    commits = setting.commit_rate()
    figures = [plain("bare durable commits", commits, "1/s")]
    figures += _throughput(commits, _QUICK_SIZES if quick else _SIZES)
    figures += _timed(commits, _QUICK_TIMED_SCENES if quick else _TIMED_SCENES, 1 if quick else _PACED_REPEATS)
    figures += _restarted(commits, _QUICK_KILLED_SCENES if quick else _KILLED_SCENES)
    return [*figures, plain("bare durable commits, at the end", setting.commit_rate(), "1/s")]


def _throughput(commits: float, sizes: tuple[int, ...]) -> list[Figure]:
    """Completions a second by size, what a job costs, and how much more it costs in the largest run."""
    figures: list[Figure] = []
    costs: list[float] = []
    peak_mb = 0.0
    for size in sizes:
        with setting.fresh_home() as home:
            found = ask("sweep", home, size, _REPEATS.get(size, 1))
        rate = found["jobs"] / found["seconds"]
        costs.append(1000 / rate)
        peak_mb = found["peak_mb"]
        figures += [
            at_least(f"{size} scenes: job completions", rate, "1/s", 2000),
            plain(f"{size} scenes: completions per bare commit", rate / commits, "ratio"),
            plain(f"{size} scenes: cost of a job", 1000 / rate, "ms"),
            plain(f"{size} scenes: submission", 1000 * found["submit_s"], "ms"),
        ]
    ends = f"{sizes[-1]} scenes against {sizes[0]}"
    return [
        *figures,
        at_most(f"cost of a job, {ends}", costs[-1] / costs[0], "ratio", 1.3),
        at_most(f"peak memory at {sizes[-1]} scenes", peak_mb, "MB", 200),
    ]


def _timed(commits: float, scenes: int, repeats: int) -> list[Figure]:
    """Four slots with jobs of 50 ms, scenes of eight segments: how soon a dependent follows, and how busy the slots are.

    The quickest of `repeats`, as in the other figures: what other programs take of the machine only ever adds.
    """
    paced = setting.commit_times(_LONG_S / SLOTS)
    stays = min((_watched(scenes, _SEGMENTS, _LONG_S) for _ in range(repeats)), key=lambda them: percentile(_waits(them), 0.95))
    paced += setting.commit_times(_LONG_S / SLOTS)
    waits = _waits(stays)
    p95 = percentile(waits, 0.95)
    crowded = _waits(_watched(_CROWDED_FACTOR * scenes, 1, _SHORT_S))
    return [
        plain("completion to dependent started, median", 1000 * percentile(waits, 0.5), "ms"),
        at_most("completion to dependent started, p95", 1000 * p95, "ms", 5),
        plain("completion to dependent started, p95 in bare commits", p95 * commits, "ratio"),
        plain("a bare durable commit at that pace, p95", 1000 * percentile(paced, 0.95), "ms"),
        plain("completion to dependent started, p95, three times as many jobs", 1000 * percentile(crowded, 0.95), "ms"),
        at_least(f"{SLOTS} slots with jobs of {1000 * _LONG_S:g} ms: busy", 100 * _busy(stays), "%", 98),
    ]


def _watched(scenes: int, segments: int, check_s: float) -> list[Stay]:
    """Work through a run: segments take 50 ms in four slots, checks and assembly `check_s` in four others."""
    with setting.fresh_home() as home, setting.studio_at(home) as studio:
        wake = threading.Event()
        generation, checks = (SlottedPerformer(SLOTS, seconds, lambda: wake.set()) for seconds in (_LONG_S, check_s))
        engine = wiring.build_engine(studio, parallel=SLOTS, backends={"animatic": generation, "stages": checks})
        wake = engine.wake
        run = setting.create(studio, scenes, segments)
        setting.submit(studio, run)
        engine.run(is_over=lambda: checks.ended["assembly"] >= scenes and not engine.busy)
        generation.close()
        checks.close()
        setting.completions(studio, run)
    return [*generation.stays.values(), *checks.stays.values()]


def _waits(stays: list[Stay]) -> list[float]:
    """From the end of a scene's job to the hand-over of the one that waited for it.

    A segment and the check wait for the segment before; the assembly waits for the check of the same segments.
    """
    made_by = {sha256: stay for stay in stays for sha256 in stay.makes}
    checks = {stay.needs: stay for stay in stays if stay.stage == "scene_qa"}
    waits: list[float] = []
    for stay in stays:
        if stay.stage == "assembly":
            waits.append(stay.handed_over - checks[stay.needs].ended)
        elif stay.needs:
            waits.append(stay.handed_over - max(made_by[sha256].ended for sha256 in stay.needs))
    return waits


def _busy(stays: list[Stay]) -> float:
    """The share of the slots' time that was worked on segments, from the first begin until fewer scenes than slots are left."""
    segments = [stay for stay in stays if stay.stage == "scene_generation"]
    start = min(stay.begun for stay in segments)
    stop = sorted(stay.ended for stay in segments if stay.is_last)[-SLOTS]
    worked = sum(max(0.0, min(stay.ended, stop) - stay.begun) for stay in segments)
    return worked / (SLOTS * (stop - start))


def _restarted(commits: float, scenes: int) -> list[Figure]:
    """Kill an engine in the middle of its work, and start another one."""
    with setting.fresh_home() as home:
        _kill_halfway(home, scenes)
        found = ask("restart", home, time.time())
    return [
        at_most("after SIGKILL: engine started to first job started", found["engine_s"], "s", 0.5),
        plain("after SIGKILL: engine started to first job started, in bare commits", found["engine_s"] * commits, "ratio"),
        plain("after SIGKILL: the same with the start of the program", found["process_s"], "s"),
    ]


def _kill_halfway(home: Path, scenes: int) -> None:
    child = subprocess.Popen(command("work", home, scenes), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        if not child.stdout.readline():
            raise RuntimeError("the engine that was to be killed ended by itself")
        time.sleep(0.2)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
