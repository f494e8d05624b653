"""How quickly large productions are read, laid out and planned."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pipeline import wiring
from pipeline.bench import setting
from pipeline.bench.figures import Figure, at_most, plain
from pipeline.domain import matrix

T = TypeVar("T")
_CELLS, _QUICK_CELLS = 10_000, 400
_REPEATS = 3


def run(quick: bool = False) -> list[Figure]:
    """All figures of this benchmark. `quick` takes small sizes: it shows that everything works, and measures little."""
    size = _QUICK_CELLS if quick else _CELLS
    return [*_validated(size), *_planned(size)]


def _planned(cells: int) -> list[Figure]:
    """Matrix and plan, against an empty database and against a run of the same production."""
    production = setting.production_of(cells)
    built, _ = _quickest(lambda: matrix.build(production))
    with setting.fresh_home() as home, setting.studio_at(home) as studio:
        new, plan = _quickest(lambda: studio.planning.plan(production, home))
        setting.create(studio, cells)
        again, _ = _quickest(lambda: studio.planning.plan(production, home))
    assert len(plan.cells) == cells
    return [
        plain(f"matrix of {cells} cells", built, "s"),
        at_most(f"matrix and plan of {cells} cells", new, "s", 1),
        at_most(f"matrix and plan of {cells} cells against a run", again, "s", 1),
    ]


def _validated(shots: int) -> list[Figure]:
    """Reading and checking one file with so many shots."""
    with setting.fresh_home() as home:
        path = home / "production.yaml"
        path.write_text(_text(shots), encoding="utf-8")
        seconds, loaded = _quickest(lambda: _read(path))
    if loaded.production is None or len(loaded.production.shots) != shots:
        raise RuntimeError(f"the benchmark's own file was not understood: {loaded.issues[:3]}")
    return [at_most(f"validation of a file with {shots} shots", seconds, "s", 2)]


def _read(path: Path) -> wiring.LoadedProduction:
    return wiring.build_productions().read(path)


def _text(shots: int) -> str:
    """A production of ten people with so many shots, four a scene."""
    people = "".join(f"    - {{name: Character {number}}}\n" for number in range(10))
    listed = "".join(
        f"    - {{name: shot {number}, scene_type: walk, scene: {number // 4 + 1}, character: Character {number % 10}}}\n"
        for number in range(shots)
    )
    kinds = '    - {name: walk, prompt: "{character} walks", duration_s: 4}\n'
    return f"production:\n  title: Bench\n  characters:\n{people}  scene_types:\n{kinds}  shots:\n{listed}"


def _quickest(deed: Callable[[], T]) -> tuple[float, T]:
    """Seconds of the quickest of a few calls, and the answer."""
    times: list[float] = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        answer = deed()
        times.append(time.perf_counter() - began)
    return min(times), answer
