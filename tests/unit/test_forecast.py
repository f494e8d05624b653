"""How much work a run is, and how long the rest takes."""

from __future__ import annotations

from pipeline.domain import forecast, matrix
from pipeline.domain.production import Character, Location, Matrix, Output, Production, SceneType, Variant
from pipeline.domain.progress import Outlook, PhaseProgress, Progress
from pipeline.domain.stages import Phase

PRODUCTION = Production(
    title="Forecast",
    characters=(Character("Mara", ("mara.png",)), Character("Ivo", ("ivo.png",))),
    variants=(Variant("formal", candidates=3),),
    locations=(Location("Quay"),),
    scene_types=(SceneType("dance", segments=2),),
    matrix=Matrix(("Mara", "Ivo"), ("dance",), ("formal",)),
    outputs=(Output("a", "a", "a"), Output("b", "b", "b")),
)


def test_every_job_of_a_run_is_expected() -> None:
    assert forecast.expected_jobs(PRODUCTION, matrix.build(PRODUCTION)) == {
        Phase.PREPARE: 2,
        Phase.CHARACTERS: 2 * 4 + 2,
        Phase.SHOTS: 2 * 3,
        Phase.POST_PROCESS: 2,
        Phase.EXPORT: 4,
        Phase.FINALIZE: 1,
    }


def test_bars_show_what_is_expected_or_known_and_stop_at_the_wanted_phase() -> None:
    known = (PhaseProgress(Phase.PREPARE, 2, 2, 0), PhaseProgress(Phase.SHOTS, 5, 9, 1))
    progress = Progress({}, {}, known, 0, 0.0, 0.0, None, 0, None, Outlook.WORKING)
    expected = forecast.expected_jobs(PRODUCTION, matrix.build(PRODUCTION))

    rows = forecast.bars(progress, expected, Phase.SHOTS)

    assert rows == [(Phase.PREPARE, 2, 2, 0), (Phase.CHARACTERS, 0, 10, 0), (Phase.SHOTS, 5, 9, 1)]
