"""What a run needs next, from nothing but counts."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.progress import Outlook, PhaseProgress, outlook, phases
from pipeline.domain.stages import Phase, Stage
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus

IDLE: dict[str, Any] = {
    "run_status": RunStatus.RUNNING,
    "cells": {CellStatus.APPROVED: 4},
    "stills": {},
    "ready": 0,
    "running": 0,
    "allowed": 0,
    "is_covered": True,
    "has_failed_jobs": False,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Outlook.REACHED),
        ({"run_status": RunStatus.COMPLETED, "running": 3}, Outlook.OVER),
        ({"run_status": RunStatus.CANCELLED}, Outlook.OVER),
        ({"run_status": RunStatus.PAUSED, "ready": 3}, Outlook.PAUSED),
        ({"running": 1}, Outlook.WORKING),
        ({"ready": 2, "allowed": 2}, Outlook.WORKING),
        ({"ready": 2, "allowed": 2, "is_served": False}, Outlook.WORKERS),
        ({"ready": 2, "allowed": 2, "is_served": False, "running": 1}, Outlook.WORKING),
        ({"ready": 2, "allowed": 2, "is_served": False, "is_covered": False}, Outlook.BUDGET),
        ({"ready": 2, "allowed": 2, "is_covered": False}, Outlook.BUDGET),
        ({"ready": 2, "allowed": 2, "is_covered": False, "running": 1}, Outlook.WORKING),
        ({"ready": 2}, Outlook.REACHED),
        ({"cells": {CellStatus.REVIEW: 1, CellStatus.FAILED: 1}}, Outlook.PEOPLE),
        ({"stills": {CellStatus.REVIEW: 1}}, Outlook.PEOPLE),
        ({"stills": {CellStatus.REVIEW: 1}, "running": 1}, Outlook.WORKING),
        ({"cells": {CellStatus.FAILED: 1}}, Outlook.STUCK),
        ({"stills": {CellStatus.REJECTED: 1}}, Outlook.STUCK),
        ({"has_failed_jobs": True}, Outlook.STUCK),
        ({"cells": {CellStatus.NOT_STARTED: 4, CellStatus.CANCELLED: 1}}, Outlook.NOTHING_ASKED),
    ],
)
def test_the_outlook_follows_from_the_counts(changes: dict[str, Any], expected: Outlook) -> None:
    assert outlook(**IDLE | changes) is expected


def test_phases_count_done_and_failed_jobs_in_order_and_leave_cancelled_ones_out() -> None:
    found = phases(
        {
            (Stage.EXPORT, JobStatus.READY): 2,
            (Stage.SCENE_GENERATION, JobStatus.DONE): 5,
            (Stage.SCENE_QA, JobStatus.FAILED): 1,
            (Stage.SCENE_GENERATION, JobStatus.CANCELLED): 9,
            (Stage.VARIANT_QA, JobStatus.CANCELLED): 1,
        }
    )
    assert found == (PhaseProgress(Phase.SHOTS, 5, 6, 1), PhaseProgress(Phase.EXPORT, 0, 2, 0))
