"""The line of the board that says what to do next, for every state a run can be in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components import board_hint
from pipeline.domain.fleet.rules import Hold
from pipeline.domain.progress import Outlook
from tests.unit.test_frame_words import OVERVIEW, text


def counts(**found: int) -> dict[str, Any]:
    """Counts by status with their total, nothing approved unless it is said."""
    return {"counts": found, "total": sum(found.values()), "approved": found.get("approved", 0), "missing": 1}


LATER = Hold("start_after", "starts in 2 days", "`./stripboard start-after`")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (counts(not_started=8), "Nothing is submitted yet: 8 scenes can be."),
        (counts(review=1, approved=3), "1 scene waits for your decision."),
        (counts(review=2, failed=1, rejected=1), "2 scenes wait for your decision. 1 scene failed, 1 was rejected."),
        (counts(failed=1200), "1,200 scenes failed: look at why"),
        (counts(rejected=2, approved=1), "2 scenes were rejected: look at why"),
        ({**counts(blocked=4), "outlook": Outlook.STUCK}, "4 scenes cannot go on: what they need failed"),
        (
            {**counts(blocked=4), "outlook": Outlook.STUCK, "refused": 2},
            "4 scenes cannot go on: the source images of 2 characters were refused. Replace the files, then retry.",
        ),
        ({**counts(approved=4), "missing": 0}, "Everything is approved, 4 scenes. Deliver packs"),
        ({**counts(approved=4), "missing": 0, "outlook": Outlook.WORKING}, "4 scenes. Exports and packages are being made."),
    ],
)
def test_what_can_be_done_next_is_told(state: dict[str, Any], told: str) -> None:
    assert told in " ".join(text(board_hint.hint(replace(OVERVIEW, **state))).split())


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            counts(generating=3, blocked=5, not_started=1),
            "Nothing is asked of you: 8 scenes are under way. 1 scene is not submitted. Submit the rest",
        ),
        (counts(approved=3, generating=1), "Nothing is asked of you: 1 scene is under way."),
        (
            {**counts(queued=9), "held": (LATER,)},
            "9 scenes are queued, and generation starts in 2 days.",
        ),
        ({**counts(queued=9, generating=1), "held": (LATER,)}, "Nothing is asked of you: 10 scenes are under way."),
        (counts(approved=3, not_started=2), "Nothing is asked of you. 2 scenes are not submitted. Submit the rest"),
        ({**counts(approved=4), "missing": 2}, "Nothing is asked of you."),
        ({**counts(queued=4), "outlook": Outlook.PAUSED}, "The run is paused: what was begun is finished"),
        ({**counts(approved=4), "missing": 0, "outlook": Outlook.OVER}, "This run is over; submitting scenes opens it again."),
        ({**counts(failed=4), "outlook": Outlook.OVER}, "This run is over; submitting scenes opens it again."),
    ],
)
def test_while_nobody_is_needed_the_line_says_what_goes_on_and_stays(state: dict[str, Any], told: str) -> None:
    """The matrix below it would jump if it came and went."""
    assert told in " ".join(text(board_hint.hint(replace(OVERVIEW, **{"outlook": Outlook.WORKING, **state}))).split())


def test_a_run_without_scenes_has_no_line() -> None:
    assert board_hint.hint(replace(OVERVIEW, **counts())) is None
