"""Parts of a benchmark that need a process of their own: for its memory, for its first start, or to be killed."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import wiring
from pipeline.bench import fleet_child, setting
from pipeline.bench.performers import InstantPerformer
from pipeline.domain.work import Request
from pipeline.engine.dispatcher import Dispatcher
from pipeline.wiring import Studio

SLOTS = 4


def command(part: str, home: Path, *arguments: object) -> list[str]:
    """The command line of one part."""
    return [sys.executable, "-m", "pipeline.bench.part", part, str(home), *map(str, arguments)]


def ask(part: str, home: Path, *arguments: object) -> dict[str, Any]:
    """Run one part to its end; the answer is what it printed."""
    done = subprocess.run(command(part, home, *arguments), capture_output=True, text=True, check=False, cwd=_ROOT)
    if done.returncode != 0:
        raise RuntimeError(f"the part {part} failed:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def sweep(home: Path, scenes: int, repeats: int) -> dict[str, Any]:
    """From submission to the last approval, each time in a fresh home; the quickest of them, and the peak of memory."""
    best: dict[str, Any] = {}
    for number in range(repeats):
        with setting.studio_at(home / str(number)) as studio:
            run = setting.create(studio, scenes)
            performer = InstantPerformer()
            engine = _engine(studio, performer)
            began = time.perf_counter()
            setting.submit(studio, run)
            submitted = time.perf_counter()
            while engine.turn():
                pass
            ended = time.perf_counter()
            found = {"jobs": setting.completions(studio, run), "seconds": ended - began, "submit_s": submitted - began}
            if not best or found["seconds"] < best["seconds"]:
                best = found
    return best | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def work_until_killed(home: Path, scenes: int) -> dict[str, Any]:
    """Work on a run; say so once a quarter of it is done, then go on until somebody kills this process."""
    with setting.studio_at(home) as studio:
        run = setting.create(studio, scenes)
        seen: list[str] = []

        def note(request: Request) -> None:
            seen.append(request.stage)
            if len(seen) == scenes:
                print(json.dumps({"begun": len(seen)}), flush=True)
            if len(seen) >= scenes:
                time.sleep(0.01)

        engine = _engine(studio, InstantPerformer(note))
        setting.submit(studio, run)
        while engine.turn():
            pass
    return {}


def restart(home: Path, called_at: float) -> dict[str, Any]:
    """Start an engine over what a killed one left; how long until the first job was handed over.

    `called_at` is when this process was asked for, in seconds of the wall clock.
    """
    began = time.perf_counter()
    first: list[tuple[float, float]] = []

    def note(request: Request) -> None:
        if not first:
            first.append((time.perf_counter(), time.time()))

    with setting.studio_at(home) as studio:
        engine = _engine(studio, InstantPerformer(note))
        while not first and engine.turn():
            pass
        adopted = time.perf_counter() - began
    return {"engine_s": first[0][0] - began, "process_s": first[0][1] - called_at, "adopted_s": adopted}


def _engine(studio: Studio, performer: InstantPerformer) -> Dispatcher:
    return wiring.build_engine(studio, parallel=SLOTS, backends={"animatic": performer, "stages": performer})


_ROOT = Path(__file__).resolve().parents[2]
_PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "sweep": lambda home, scenes, repeats: sweep(home, int(scenes), int(repeats)),
    "work": lambda home, scenes: work_until_killed(home, int(scenes)),
    "fleet": lambda home, scenes, segments, servers: fleet_child.work(home, int(scenes), int(segments), int(servers)),
    "restart": lambda home, called_at: restart(home, float(called_at)),
}


def perform(part: str, home: str, *arguments: str) -> None:
    """Perform one part and print its answer, one line of JSON."""
    print(json.dumps(_PARTS[part](Path(home), *arguments)), flush=True)
