"""Whole frames, and what is said of a production with nothing to make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.document.parsing import Written
from pipeline.domain.issues import Issue, Report
from pipeline.domain.production import Production, SceneType
from pipeline.domain.validation import timeline
from pipeline.domain.validation.subject import Subject
from tests.production_documents import body, errors, issues, presets


def judged(seconds: float, fps: int) -> list[Issue]:
    """What is said of the duration of a scene type."""
    kind = SceneType("dance", duration_s=seconds, fps=fps)
    report = Report()
    timeline.check(Subject(Production("T", scene_types=(kind,)), Written(scene_types=1), presets(), report))
    return [entry for entry in report.issues if entry.path.endswith("duration_s")]


@given(fps=st.integers(1, 120), seconds=st.floats(0.001, 600))
def test_the_duration_that_a_message_suggests_is_accepted(fps: int, seconds: float) -> None:
    for entry in judged(seconds, fps):
        suggested = float(entry.suggestion.split()[1])
        assert judged(suggested, fps) == []
        assert SceneType("dance", duration_s=suggested, fps=fps).frames == int(entry.suggestion.split("(")[1].split()[0])


def test_a_seventh_of_a_second_may_be_written_short() -> None:
    assert judged(0.286, 7) == [] and judged(0.285714, 7) == []
    assert judged(0.3, 7)[0].suggestion == "Use 0.285714 s (2 frames)."


def test_a_missing_matrix_is_one_error_without_notes_about_everything_it_would_use() -> None:
    found = issues(body(matrix=None))

    assert [entry for entry in found if "is not used by any cell" in entry.message] == []
    assert len(errors(found)) == 1
