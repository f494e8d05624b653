"""What the frame, the tray, the bell and the palette decide: where things lead, what is counted, what may be pressed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dash.development.base_component import Component

from components import commands, deliver, frame, notices, pulse, tray
from pipeline.domain.activity import JobRow, Notice
from pipeline.domain.delivery import DeliveryProgress
from pipeline.domain.overview import RunOverview
from pipeline.domain.packages import Entry, difference
from pipeline.domain.progress import Outlook
from pipeline.domain.records import Delivery, Run
from pipeline.domain.search import Found
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import DeliveryStatus, JobStatus, RunStatus

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
RUN = Run(
    id=3, project_id=1, title="Harbor Nights", number=2, status=RunStatus.RUNNING, backend="animatic", base_dir=".",
    until="finalize", accept_flags=False, auto_deliver=False, priority=0, created_at=NOW, limit_seconds=None, limit_bytes=None,
    spent_seconds=0.0, reserved_seconds=0.0, spent_bytes=0, reserved_bytes=0,
)  # fmt: skip
OVERVIEW = RunOverview(
    run_id=3, counts={"approved": 4}, total=4, approved=4, segments_made=8, segments_total=8, qa_passed=4, spent_seconds=1.0,
    limit_seconds=None, spent_bytes=1, limit_bytes=None, free_disk_bytes=10**9, rate_per_hour=None, likely_at=None,
    latest_at=None, rests_at=None, started_at=NOW, started_by="ann", outlook=Outlook.REACHED, missing=0, hint=None,
)  # fmt: skip
DELIVERY = Delivery(7, 3, 1, DeliveryStatus.PACKAGING, NOW, None, None, 0, "")
PACKING = DeliveryProgress(DELIVERY, "sign (3 of 9)", 0.3, JobStatus.RUNNING, "")
SEALED = DeliveryProgress(replace(DELIVERY, status=DeliveryStatus.SEALED), "sealed", 1.0, JobStatus.DONE, "")


def find(parts: Any, name: str) -> Component | None:
    """The part with this id."""
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, Component):
            if getattr(part, "id", None) == name:
                return part
            found = find(getattr(part, "children", None), name)
            if found is not None:
                return found
    return None


def text(parts: Any) -> str:
    """All text of the parts."""
    if isinstance(parts, list | tuple):
        return " ".join(filter(None, map(text, parts)))
    return text(getattr(parts, "children", None)) if isinstance(parts, Component) else str(parts or "")


def test_deliver_may_be_pressed_only_when_nothing_is_missing() -> None:
    ready = deliver.content(RUN, OVERVIEW, None, deliver.BRIEF)
    assert find(ready, deliver.BUTTON).disabled is False
    missing = deliver.content(RUN, replace(OVERVIEW, missing=3), None, deliver.BRIEF)
    assert find(missing, deliver.BUTTON).disabled is True
    assert "3 to go" in text(missing)
    assert find(missing, "deliver-missing").href == "/deliveries?run=3"


def test_a_run_without_approved_scenes_cannot_be_delivered() -> None:
    nothing = deliver.content(RUN, replace(OVERVIEW, approved=0, total=0), None, deliver.BRIEF)
    assert find(nothing, deliver.BUTTON).disabled is True


def test_a_delivered_run_offers_its_package() -> None:
    shown = deliver.content(replace(RUN, status=RunStatus.COMPLETED), OVERVIEW, SEALED, deliver.BRIEF)
    assert find(shown, "deliver-download").href == "/api/v1/deliveries/7/package"
    assert find(shown, deliver.BUTTON) is None


def test_a_run_that_was_changed_after_its_delivery_can_be_delivered_again_and_keeps_the_last_package() -> None:
    shown = deliver.content(RUN, OVERVIEW, SEALED, deliver.BRIEF)
    assert find(shown, deliver.BUTTON).disabled is False
    assert find(shown, "deliver-download-last") is not None


def test_a_packaging_is_followed_by_the_tab_that_started_it_and_looked_at_by_the_others() -> None:
    assert find(deliver.packaging(PACKING, deliver.FULL, watch={"run": 3}), deliver.WATCH) is not None
    assert find(deliver.content(RUN, OVERVIEW, PACKING, deliver.FULL), deliver.WATCH) is None


def test_steps_before_the_one_under_way_are_done() -> None:
    steps = deliver.following(PACKING, deliver.FULL)
    assert [step.className.split()[1] for step in steps[:4]] == ["done", "now", "todo", "todo"]
    assert "30 % of all · 3 of 9" in text(steps[1])


def test_why_a_delivery_was_not_made_is_told() -> None:
    failed = replace(SEALED, delivery=replace(DELIVERY, status=DeliveryStatus.FAILED), reason="the disk is full")
    assert "the disk is full" in text(deliver.content(RUN, OVERVIEW, failed, deliver.BRIEF))


def notice(kind: str, subject: str, count: int = 1) -> Notice:
    return Notice(kind, "scenes wait", NOW, 3, "Harbor Nights #2", subject, 11, count)


def test_the_bell_counts_decisions_that_wait_and_nothing_else() -> None:
    assert notices.waiting([notice("waiting", "cell", 4), notice("waiting", "still", 2), notice("failed", "cell")]) == "6"
    assert notices.waiting([notice("sealed", "delivery")]) == ""
    assert notices.waiting([notice("waiting", "cell", 400)]) == "99+"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (notice("waiting", "cell"), "/cells/11"),
        (notice("waiting", "cell", 5), "/runs/3?status=review"),
        (notice("waiting", "still", 5), "/runs/3?needs=11"),
        (notice("failed", "cell"), "/cells/11"),
        (notice("sealed", "delivery"), "/deliveries?run=3"),
    ],
)
def test_every_notice_leads_to_what_it_tells_of(told: Notice, address: str) -> None:
    assert notices.address(told) == address


@pytest.mark.parametrize(
    ("found", "address"),
    [
        (Found("run", "Harbor Nights, Run 2", "running", 3), "/runs/3"),
        (Found("character", "Zoë & <b>", "Harbor Nights #2", 3), "/runs/3?character=Zo%C3%AB%20%26%20%3Cb%3E"),
        (Found("scene", "Zoë / walk", "Harbor Nights #2", 3, 8), "/cells/8"),
    ],
)
def test_what_the_palette_finds_has_an_address(found: Found, address: str) -> None:
    assert commands.address(found) == address


def test_the_palette_says_that_there_is_more_than_it_shows() -> None:
    scenes = [Found("scene", f"scene {number}", "", 3, number) for number in range(3)]
    assert "more" in text(commands.found(scenes, most=2))
    assert "more" not in text(commands.found(scenes, most=3))


def job(status: JobStatus, subject: str = "cell") -> JobRow:
    return JobRow(5, 3, "Harbor Nights #2", Stage.SCENE_GENERATION, "segment 1", subject, 11, "Mara / walk", status, NOW,
                  0.5, "frame 3", "local", "", 2)  # fmt: skip


def test_only_open_jobs_of_scenes_and_deliveries_can_be_cancelled() -> None:
    def has_cancel(row: JobRow) -> bool:
        return "Cancel" in text(tray.rows([row], {}, NOW))

    assert has_cancel(job(JobStatus.RUNNING))
    assert has_cancel(job(JobStatus.READY, "delivery"))
    assert not has_cancel(job(JobStatus.DONE))
    assert not has_cancel(job(JobStatus.RUNNING, "still"))


def test_a_running_job_tells_how_far_it_is_and_which_try() -> None:
    told = text(tray.rows([job(JobStatus.RUNNING)], {}, NOW + timedelta(seconds=8)))
    assert "50 % · 8 s" in told
    assert "try 2" in told


def test_the_end_of_a_run_is_told_or_what_keeps_it_from_being_told() -> None:
    def told(**changes: Any) -> str:
        return text(pulse.ending(RUN, replace(OVERVIEW, **{"missing": 4, **changes}), NOW))

    assert told(missing=0) == "everything is approved: it can be delivered"
    assert told(missing=0, outlook=Outlook.WORKING) == "everything is approved: exports and packages are being made"
    assert told(outlook=Outlook.PEOPLE) == "waits for people"
    assert told(outlook=Outlook.WORKING).startswith("goes on")
    ends = {"likely_at": NOW + timedelta(days=1), "latest_at": NOW + timedelta(days=1, hours=1)}
    assert told(outlook=Outlook.WORKING, **ends).startswith("done about  tomorrow ")
    assert "guess" not in told(outlook=Outlook.WORKING, measured_share=0.5, **ends)
    assert told(outlook=Outlook.WORKING, measured_share=0.49, **ends).endswith("a first guess")


def test_breadcrumbs_link_every_step_but_the_last() -> None:
    steps = [part for part in frame.crumbs(("Harbor Nights", "/"), ("Run 2", None)) if getattr(part, "className", "") != "faint"]
    assert [getattr(step, "href", None) for step in steps] == ["/", None]


def test_the_menu_of_runs_shows_those_of_the_same_production_first() -> None:
    others = [replace(RUN, id=9, project_id=2, title="Glass Orchard"), replace(RUN, id=1, number=1)]
    menu = frame.run_menu(RUN, [RUN, *others])
    assert [line.href for line in menu.children] == ["/runs/1", "/runs/9"]


def test_two_deliveries_are_told_apart_by_their_takes() -> None:
    found = difference({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "d": 1})
    assert (found.same, found.changed, found.added, found.gone) == (1, (("b", 1, 2),), ("d",), ("c",))


def test_files_of_a_package_are_shown_by_folder() -> None:
    assert Entry("media/web/Mara/a.mp4", 1, "0").folder == "media/web"
    assert Entry("manifest.json", 1, "0").folder == ""
