"""Which benchmarks there are."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.bench import board, fleet, makespan, matrix, orchestration, triggers
from pipeline.bench.figures import Figure

BENCHES: dict[str, Callable[[bool], list[Figure]]] = {
    "orchestration": orchestration.run,
    "matrix": matrix.run,
    "board": board.run,
    "makespan": makespan.run,
    "fleet": fleet.run,
    "triggers": triggers.run,
}
"""Every benchmark by the name it is called by. Each takes `quick`: less of everything, for trying it out."""
