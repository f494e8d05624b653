"""What runs have cost: every second and byte in exactly one line, whatever they are told apart by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli import entry
from pipeline.domain.choices import Mode
from pipeline.domain.costs import By, CostLine
from pipeline.domain.errors import NotFound, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import Request
from tests.factories import HUMAN, PERSON, House, make_production
from tests.fakes import failing
from tests.rest import RestClient


def lines(house: House, run: Run, by: By) -> dict[str, CostLine]:
    """The lines of a report by name."""
    return {line.name: line for line in house.studio.costs.of_run(run.id, by).lines}


def test_every_question_comes_to_what_the_run_was_charged(house: House) -> None:
    run = house.start(make_production())
    house.work()
    charged = house.run(run)
    for by in By:
        report = house.studio.costs.of_run(run.id, by)
        assert report.total.seconds == pytest.approx(charged.spent_seconds)
        assert report.total.size_bytes == charged.spent_bytes
        assert report.total.estimated_seconds > 0 and report.total.estimated_bytes > 0
    assert set(lines(house, run, By.CHARACTER)) == {"c1", "c2", "delivery"}
    assert set(lines(house, run, By.SCENE_TYPE)) == {"s1", "s2", "source images", "variant images", "delivery"}
    assert {"scene_generation", "variant_generation", "export"} <= set(lines(house, run, By.STAGE))
    assert set(lines(house, run, By.CAUSE)) == {"first_try"}


def test_work_after_a_rejection_is_told_apart_from_first_tries(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human")))
    house.work()
    [key] = house.cells(run)
    house.studio.review.reject(run, Selection(keys=(key,)), PERSON, reason="no")
    house.studio.submission.submit(house.run(run), Selection(keys=(key,)), Mode.FAILED, PERSON)
    house.work()
    house.studio.review.approve(run, Selection(keys=(key,)), PERSON)
    house.studio.retakes.again(house.run(run), key, PERSON)
    house.work()
    found = lines(house, run, By.CAUSE)
    assert found["rejection"].jobs > 0 and found["first_try"].jobs > 0
    assert sum(line.seconds for line in found.values()) == pytest.approx(house.run(run).spent_seconds)


def test_another_take_without_a_rejection_is_a_cause_of_its_own(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    [key] = house.cells(run)
    house.studio.retakes.again(house.run(run), key, PERSON)
    house.work()
    assert set(lines(house, run, By.CAUSE)) == {"first_try", "new_take"}


def test_a_second_attempt_is_a_retry_and_was_not_expected(house: House) -> None:
    failed: set[str] = set()

    def fail_at_first(request: Request) -> None:
        if request.stage == "scene_generation" and request.job_key not in failed:
            failed.add(request.job_key)
            raise WorkFailed(FailureClass.BACKEND_ERROR, "it did not work")

    house.hands.troubles = fail_at_first
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    found = lines(house, run, By.CAUSE)
    assert found["retry"].attempts >= 1
    assert found["retry"].estimated_seconds == 0
    by_cause, by_stage = (house.studio.costs.of_run(run.id, by).total for by in (By.CAUSE, By.STAGE))
    assert by_cause.jobs == by_stage.jobs < by_cause.attempts, "a job that was tried twice is one job"


def test_a_second_attempt_within_a_take_after_a_rejection_is_a_retry(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=1, approvals=Approvals("auto", "human")))
    house.work()
    [key] = house.cells(run)
    house.studio.review.reject(run, Selection(keys=(key,)), PERSON, reason="no")
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed(FailureClass.BACKEND_ERROR, "it did not work"))
    house.studio.submission.submit(house.run(run), Selection(keys=(key,)), Mode.FAILED, PERSON)
    house.work()
    found = lines(house, run, By.CAUSE)
    assert found["retry"].attempts == 1 and found["retry"].estimated_seconds == 0
    assert found["rejection"].attempts >= 1 and found["rejection"].estimated_seconds > 0


def test_what_was_reused_was_neither_expected_nor_spent(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    house.start(production)
    house.work()
    again = house.start(production)
    house.work()
    report = house.studio.costs.of_run(again.id, By.STAGE)
    assert report.total.reused > 0
    assert (report.total.seconds, report.total.estimated_seconds) == (0, 0)
    stages = [line for line in report.lines if line.reused]
    assert stages and all((line.size_bytes, line.estimated_bytes) == (0, 0) for line in stages), "its files are there already"
    assert report.total.size_bytes == house.run(again).spent_bytes, "the run tells the same"


def test_a_run_that_is_not_there_has_no_costs(house: House) -> None:
    with pytest.raises(NotFound):
        house.studio.costs.of_run(7, By.STAGE)


def test_rest_and_the_command_line_tell_the_same(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    house = House(tmp_path, sqlite_url)
    run = house.start(make_production(characters=1, scene_types=1, approvals=HUMAN))
    assert entry.start(["costs", run.name]) == 0
    house.work()
    told = RestClient(house).get(f"production-runs/{run.id}/costs", params={"by": "stage"}).json()
    house.close()
    capsys.readouterr()
    assert entry.start(["costs", run.name, "--by", "stage", "--json"]) == 0
    mine = json.loads(capsys.readouterr().out)["costs"]
    assert [line["name"] for line in mine["lines"]] == [line["name"] for line in told["lines"]]
    assert entry.start(["costs", run.name, "--by", "cause"]) == 0
    assert "first try" in capsys.readouterr().out
