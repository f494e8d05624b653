"""A run that was delivered is open again once something of its delivery counts no more."""

from __future__ import annotations

from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.progress import Outlook
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus, RunStatus
from tests.factories import EVERYTHING, PERSON, House, make_production

FIRST = Selection(keys=("c1 / s1 / v1",))


def delivered(house: House) -> Run:
    """A run of two approved scenes whose package is sealed and placed."""
    run = house.start(make_production(characters=1, scene_types=2, variants=1))
    house.work()
    house.studio.deliveries.place_new()
    assert house.run(run).status is RunStatus.COMPLETED
    return run


def test_withdrawing_an_approval_opens_a_delivered_run_again(house: House) -> None:
    run = delivered(house)

    house.studio.review.reject(run, FIRST, PERSON, reason="too dark")

    assert house.run(run).status is RunStatus.RUNNING
    assert house.studio.reports.progress(run.id).outlook is Outlook.STUCK
    assert house.studio.overview.of(run.id).outlook is Outlook.STUCK
    house.work()
    assert [one.number for one in house.studio.deliveries.of_run(run)] == [1], "no package without the rejected scene"
    house.studio.submission.submit(run, FIRST, Mode.FAILED, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert [one.number for one in house.studio.deliveries.of_run(run)] == [1, 2]


def test_withdrawing_an_approval_leaves_a_cancelled_or_paused_run_as_it_is(house: House) -> None:
    run = delivered(house)
    house.studio.submission.submit(run, Selection(keys=("c1 / s2 / v1",)), Mode.ALL, PERSON)
    house.studio.runs.pause(house.run(run), PERSON)
    house.studio.review.reject(run, FIRST, PERSON, reason="too dark")
    assert house.run(run).status is RunStatus.PAUSED
    other = delivered(house)
    house.studio.submission.submit(other, Selection(keys=("c1 / s2 / v1",)), Mode.ALL, PERSON)
    house.studio.runs.cancel(house.run(other), PERSON)
    house.studio.review.reject(other, FIRST, PERSON, reason="too dark")
    assert house.run(other).status is RunStatus.CANCELLED


def test_a_run_that_comes_back_to_what_is_sealed_is_complete_without_another_package(house: House) -> None:
    run = delivered(house)
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    assert house.run(run).status is RunStatus.RUNNING

    house.studio.review.rollback(run, EVERYTHING, PERSON)

    assert house.run(run).status is RunStatus.COMPLETED
    assert house.statuses(run) == {CellStatus.APPROVED: 2}
    assert [one.number for one in house.studio.deliveries.of_run(run)] == [1]


def test_scenes_that_may_go_back_to_an_approved_take_are_told(house: House) -> None:
    run = delivered(house)
    house.studio.review.reject(run, FIRST, PERSON, reason="too dark")
    assert house.studio.review.may_go_back(run) == [], "its only approved take is the one that was rejected"
    house.studio.submission.submit(run, FIRST, Mode.FAILED, PERSON)
    house.work()
    house.studio.submission.submit(run, FIRST, Mode.ALL, PERSON)
    house.work()
    house.studio.review.reject(run, FIRST, PERSON, reason="too bright")
    assert house.studio.review.may_go_back(run) == list(FIRST.keys)


def test_a_package_that_holds_another_take_is_not_the_current_one(house: House) -> None:
    run = delivered(house)
    assert [one.number for one in house.studio.deliveries.current(run).values()] == [1]
    house.studio.review.reject(run, FIRST, PERSON, reason="too dark")
    assert house.studio.deliveries.current(run) == {}
