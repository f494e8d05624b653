"""The benchmarks run through in their quick form. Nothing here looks at times: those belong to a quiet machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.bench.catalogue import BENCHES
from pipeline.bench.figures import Figure, at_least, at_most, percentile

ORCHESTRATION = (
    "bare durable commits",
    "160 scenes: job completions",
    "160 scenes: completions per bare commit",
    "160 scenes: cost of a job",
    "800 scenes: job completions",
    "800 scenes: completions per bare commit",
    "cost of a job, 800 scenes against 160",
    "peak memory at 800 scenes",
    "completion to dependent started, p95",
    "4 slots with jobs of 50 ms: busy",
    "after SIGKILL: engine started to first job started",
    "after SIGKILL: the same with the start of the program",
)
MATRIX = ("validation of a file with 400 shots", "matrix and plan of 400 cells", "matrix and plan of 400 cells against a run")
MAKESPAN = (
    "4 workers, 40 scenes: time to finish, over the lower bound",
    "4 workers, 40 scenes: sooner than first come, first served",
    "4 workers, 40 scenes: sooner than the shortest queue",
    "8 workers, 80 scenes, failures: sooner than first come, first served",
    "40 workers, 500 scenes waiting: a decision for one free worker",
    "40 workers, 500 scenes waiting: a decision for all of them",
    "forecast at 20 %: median error of P50",
    "forecast at 20 %: P50 within 10 %",
    "forecast at 20 %: ends by P90",
    "forecast of 200 scenes for 8 workers",
)

FLEET = (
    "a bare POST /prompt, median",
    "6 servers, 48 scenes: jobs made",
    "6 servers: time for a job in bare POSTs",
    "idle fleet: claim to begun at the server, median",
    "idle fleet: done at the server to settled, median",
    "idle fleet: our overhead of a job, p95",
    "6 servers: memory of our process and its readers",
)
TRIGGERS = (
    "20 rules, 160 scenes: events that rules hear",
    "20 rules, 160 scenes: event committed to action committed, median",
    "20 rules, 160 scenes: event committed to action committed, p95",
    "an event among 10 rules, 10 hear it",
    "cost of an event, 40 rules against 10",
    "cost of an event, 5,000 stored verdicts against none",
)
BOARD = (
    "paint of 400 cells",
    "a bare heatmap of 400 cells",
    "committed to pixels in 400 cells, p95",
    "selection of 400 cells",
    "committed to the last of 5 tabs, p95",
    "memory of the server at 400 cells",
    "statements for the matrix of 400 cells",
    "a production of jobs of 50 ms, alone",
)


def test_a_quick_benchmark_of_the_board_gives_every_figure(chromium_program: Path) -> None:
    assert set(BOARD) <= {figure.name for figure in BENCHES["board"](True)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("orchestration", ORCHESTRATION),
        ("matrix", MATRIX),
        ("makespan", MAKESPAN),
        ("fleet", FLEET),
        ("triggers", TRIGGERS),
    ],
)
def test_a_quick_benchmark_gives_every_figure(name: str, expected: tuple[str, ...]) -> None:
    figures = {figure.name: figure for figure in BENCHES[name](True)}
    assert set(expected) <= set(figures)
    assert all(figure.value > 0 and figure.unit for figure in figures.values())
    assert all((figure.met is None) == (figure.goal == "") for figure in figures.values())


def test_a_figure_says_whether_its_goal_is_met() -> None:
    assert at_least("speed", 2000, "1/s", 2000) == Figure("speed", 2000.0, "1/s", "≥ 2000", True)
    assert at_most("memory", 200.4, "MB", 200) == Figure("memory", 200.4, "MB", "≤ 200", False)


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([1.0] * 19 + [9.0], 0.95) == 1.0
    assert percentile([5.0], 0.95) == 5.0
