"""Pictures are reckoned by one measured time, whoever reckons: estimates, jobs and their claims, budgets, rules, forecasts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.budget import Quantity, Scope
from pipeline.domain.choices import Mode
from pipeline.domain.fleet.workers import Worker
from pipeline.domain.stages import Stage
from pipeline.domain.stated_speeds import with_stated_speeds
from pipeline.domain.statuses import StillKind
from pipeline.services.rule_snapshots import snapshot
from pipeline.services.runbooks import RunBooks
from pipeline.services.warm_boards import WarmBoards
from tests.factories import EVERYTHING, PERSON, House, make_production

LIMIT_S = 3600.0
ONE_LOOK = make_production(variants=1, candidates=3)


def _measured(house: House) -> float:
    """Work through a run; the seconds that a picture took in it."""
    before = house.start(ONE_LOOK)
    house.work()
    house.studio.upkeep.refresh_rates()
    with house.studio.stores.read() as store:
        rate = RunBooks().get(store, before.id).history.images["v1"]
    assert rate.samples == 6
    return rate.seconds_per_frame


def test_estimates_jobs_budgets_rules_and_forecasts_take_the_same_time_for_a_picture(house: House) -> None:
    took_s = _measured(house)
    run = house.create(replace(ONE_LOOK, seed=7))
    subject = house.studio.budgets.subject(Scope.RUN, run.name)
    house.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=LIMIT_S)
    asked = house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON).estimate
    assert asked is not None and asked.measured_share == 1

    books = RunBooks()
    with house.studio.stores.read() as store:
        facts, book = snapshot(store, books, run.id), books.get(store, run.id)
    images = [still.cost for still in facts.stills if still.kind is StillKind.VARIANT]
    assert [cost.gpu_seconds for cost in images] == [pytest.approx(3 * took_s)] * 2
    assert facts.left.gpu_seconds == pytest.approx(LIMIT_S - asked.generation_seconds)

    house.work()
    jobs = house.jobs(run, Stage.VARIANT_GENERATION)
    assert {job.estimated_seconds for job in jobs} == {took_s} and len(jobs) == 6

    [seat] = with_stated_speeds([Worker("new", memory_bytes=1, seconds_per_unit={}, switch_s=0)], [book])
    assert seat.seconds_per_unit[book.recipes.cost_keys.images["v1"]] == took_s


def test_a_kept_board_takes_over_what_is_measured_meanwhile(house: House) -> None:
    run = house.create(replace(ONE_LOOK, seed=7))
    books = RunBooks()
    warm = WarmBoards(books)
    warm.begin()
    with house.studio.stores.read() as store:
        stated = warm.board(store, run.id).as_snapshot()
    took_s = _measured(house)
    with house.studio.stores.read() as store:
        books.measure(store, run.id)
        warm.begin()
        measured, anew = warm.board(store, run.id).as_snapshot(), snapshot(store, books, run.id)
    assert measured == anew != stated
    assert {still.cost.gpu_seconds for still in measured.stills if still.kind is StillKind.VARIANT} == {3 * took_s}
