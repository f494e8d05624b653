"""How soon rules act on what has happened, and what an event costs them: by how many rules there are, by how long the log is."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from pipeline.bench import ruled, setting
from pipeline.bench.figures import Figure, at_most, percentile, plain
from pipeline.domain.records import Run
from pipeline.wiring import Studio
from pipeline.wiring_triggers import build_rule_engine

_SCENES, _QUICK_SCENES = 1_000, 160
_RULES, _QUICK_RULES = 100, 20
_PACE, _PACED_S, _QUICK_PACED_S = 50, 18.0, 1.0
_CROWDS, _QUICK_CROWDS = (10, 100, 1_000), (10, 40)
_VERDICTS, _QUICK_VERDICTS = 1_000_000, 5_000
_BATCH, _BATCHES, _QUICK_BATCHES = 20, 16, 3
_PATIENCE_S = 20.0


def run(quick: bool = False) -> list[Figure]:
    """All figures of this benchmark. `quick` takes small sizes: it shows that everything works, and measures little."""
    scenes = _QUICK_SCENES if quick else _SCENES
    commits = setting.commit_rate()
    figures = [plain("bare durable commits", commits, "1/s")]
    figures += _paced(scenes, _QUICK_RULES if quick else _RULES, _QUICK_PACED_S if quick else _PACED_S)
    figures += _crowded(scenes, _QUICK_CROWDS if quick else _CROWDS, _QUICK_BATCHES if quick else _BATCHES)
    figures += _remembered(scenes, _QUICK_VERDICTS if quick else _VERDICTS, _QUICK_BATCHES if quick else _BATCHES)
    return [*figures, plain("bare durable commits, at the end", setting.commit_rate(), "1/s")]


# Latency --------------------------------------------------------------------------------------------------------


class Watch:
    """Notes when each turn of the rules has ended: what fired in it is committed by then."""

    def __init__(self, studio: Studio) -> None:
        self.ends: list[float] = []
        self._turn = studio.firing.turn

    def turn(self) -> int:
        """One turn of the rules, noted where something was taken in."""
        count = self._turn()
        if count:
            self.ends.append(time.time())
        return count

    def end_after(self, at: float) -> float:
        """The end of the first turn that began at this time or later; turns do not overlap, and each carries its beginning."""
        return next(end for end in self.ends if end >= at)


def _paced(scenes: int, rules: int, seconds: float) -> list[Figure]:
    """People approve scenes at a steady pace while the engine of rules runs as in production: from commit to committed action."""
    with setting.fresh_home() as home, ruled.ruled_studio(home, scenes, ruled.rules(rules)) as (studio, run):
        watch = Watch(studio)
        studio.firing.turn = watch.turn  # type: ignore[method-assign]
        engine = build_rule_engine(studio.stores, studio.firing, threading.Event())
        engine.start()
        try:
            committed, pace = _approve_at_pace(studio, run, int(seconds * _PACE))
            _wait_until_heard(studio)
        finally:
            engine.stop()
        waits = _waits(studio, committed, watch)
    what = f"{rules} rules, {scenes} scenes"
    return [
        plain(f"{what}: events that rules hear", pace, "1/s"),
        plain(f"{what}: event committed to action committed, median", 1000 * percentile(waits, 0.5), "ms"),
        at_most(f"{what}: event committed to action committed, p95", 1000 * percentile(waits, 0.95), "ms", 100),
        plain(f"{what}: the slowest", 1000 * max(waits), "ms"),
    ]


def _approve_at_pace(studio: Studio, run: Run, count: int) -> tuple[dict[int, float], float]:
    """Approve so many scenes, one every 20 ms: when each was committed, by the number of its event; and how many a second."""
    times: list[float] = []
    began = time.monotonic()
    for number, key in enumerate(ruled.waiting_keys(studio, run)[:count]):
        time.sleep(max(0.0, began + number / _PACE - time.monotonic()))
        ruled.approve(studio, run, [key])
        times.append(time.time())
    pace = len(times) / (time.monotonic() - began)
    with studio.stores.read() as store:
        seqs = [event.seq for event in store.journal.after(0, 1_000_000, run.id) if event.type == "cell.approved"]
    return dict(zip(seqs, times, strict=True)), pace


def _wait_until_heard(studio: Studio) -> None:
    give_up_at = time.monotonic() + _PATIENCE_S
    while studio.firing.has_news():
        if time.monotonic() > give_up_at:
            raise RuntimeError("the rules did not come to rest")
        time.sleep(0.01)


def _waits(studio: Studio, committed: dict[int, float], watch: Watch) -> list[float]:
    """From the commit of each event to that of the first action that it led to, in seconds."""
    with studio.stores.read() as store:
        fired = store.firings.latest(1_000_000)
    first = {one.event_seq: one.at.timestamp() for one in fired}
    if set(committed) - set(first):
        raise RuntimeError("not every event was acted on")
    return [max(0.0, watch.end_after(first[seq]) - at) for seq, at in committed.items()]


# Cost -----------------------------------------------------------------------------------------------------------


def _crowded(scenes: int, crowds: tuple[int, ...], batches: int) -> list[Figure]:
    """What an event costs among ever more rules of which always the same number hears it."""
    with setting.fresh_home() as home, ExitStack() as stack:
        studios = {
            count: stack.enter_context(ruled.ruled_studio(_folder(home, count), scenes, ruled.rules(count))) for count in crowds
        }
        costs = _costs(studios, batches)
    figures = [plain(f"an event among {count} rules, {ruled.HEARD} hear it", 1000 * costs[count], "ms") for count in crowds]
    ends = f"{crowds[-1]} rules against {crowds[0]}"
    return [*figures, at_most(f"cost of an event, {ends}", costs[crowds[-1]] / costs[crowds[0]], "ratio", 1.3)]


def _remembered(scenes: int, verdicts: int, batches: int) -> list[Figure]:
    """What an event costs with an empty log and with a long one."""
    with setting.fresh_home() as home, ExitStack() as stack:
        studios = {
            count: stack.enter_context(ruled.ruled_studio(_folder(home, count), scenes, ruled.rules(ruled.HEARD)))
            for count in (0, verdicts)
        }
        ruled.fill(*studios[verdicts], verdicts)
        costs = _costs(studios, batches)
    return [
        plain("an event with an empty log", 1000 * costs[0], "ms"),
        plain(f"an event with {verdicts:,} stored verdicts", 1000 * costs[verdicts], "ms"),
        at_most(f"cost of an event, {verdicts:,} stored verdicts against none", costs[verdicts] / costs[0], "ratio", 1.3),
    ]


def _folder(home: Path, name: int) -> Path:
    folder = home / str(name)
    folder.mkdir()
    return folder


def _costs(studios: dict[int, tuple[Studio, Run]], batches: int) -> dict[int, float]:
    """Seconds for an event in each studio: the median over batches, which take turns so that all see the same machine."""
    waiting = {name: ruled.waiting_keys(*pair) for name, pair in studios.items()}
    times: dict[int, list[float]] = {name: [] for name in studios}
    for number in range(batches + 1):
        for name, (studio, run) in studios.items():
            ruled.approve(studio, run, waiting[name][number * _BATCH : (number + 1) * _BATCH])
            with studio.stores.read() as store:
                events = store.journal.last_seq() - store.triggers.cursor()
            began = time.perf_counter()
            studio.firing.settle()
            if number:  # the first one warms up
                times[name].append((time.perf_counter() - began) / max(events, _BATCH))
    return {name: median(found) for name, found in times.items()}
