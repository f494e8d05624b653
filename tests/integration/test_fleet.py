"""Generation by the workers of a fleet: who gets what, what failures lead to, what it costs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from data.repositories.workers import Workers as WorkerTable
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Refused
from pipeline.domain.fleet import records
from pipeline.domain.production import Budget
from pipeline.domain.progress import Outlook
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus
from pipeline.domain.work import Update, UpdateState, Wedged
from pipeline.domain.workers import Health, WorkerState, WorkRecord
from pipeline.services import wedged
from pipeline.services.fleet import Fleet
from pipeline.services.runbooks import RunBooks
from tests.factories import EVERYTHING, PERSON, make_production
from tests.fleet import WELL, WORKFLOWS, FleetHouse
from tests.fleet_fixtures import fleet_house

house = fleet_house


def test_the_whole_production_is_made_by_the_fleet_and_the_rest_on_this_machine(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    run = house.start(make_production())

    house.rest()

    assert house.statuses(run) == {CellStatus.APPROVED: 8}
    assert {stage for _, stage, _ in house.fleet.sent} == {"variant_generation", "scene_generation"}
    assert {worker for worker, _, _ in house.fleet.sent} == {"gpu-1", "gpu-2"}
    assert len(house.fleet.sent) == len(set(house.fleet.sent)), "nothing was sent twice"


def test_without_a_worker_generation_waits_and_goes_on_when_one_comes(house: FleetHouse) -> None:
    run = house.start(make_production())
    house.work()
    assert not house.fleet.sent and house.statuses(run) == {CellStatus.QUEUED: 8}

    house.add("gpu-1")
    house.work()

    assert house.statuses(run) == {CellStatus.APPROVED: 8}


def test_a_worker_that_nobody_has_seen_gets_nothing_and_what_waits_says_so(house: FleetHouse) -> None:
    house.studio.workers.register("w6", "http://127.0.0.1:8862", PERSON)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()

    assert not house.fleet.sent
    assert house.studio.reports.held(run.id)[0].startswith("1 job waits: w6 was not seen yet (to change that: ")
    house.servers.sightings["http://127.0.0.1:8862"] = replace(WELL, catalogue={})
    house.studio.workers.look()
    house.clock.advance(10)
    house.work()
    assert {worker for worker, _, _ in house.fleet.sent} == {"w6"}


def test_a_worker_holds_one_job_and_at_most_one_that_waits(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    house.start(make_production())

    house.work()

    held = Counter(worker for worker, _, _ in house.fleet.sent)
    assert set(held) == {"gpu-1", "gpu-2"} and max(held.values()) <= 2
    assert house.worker("gpu-1").busy == held["gpu-1"]


def test_segments_of_a_scene_stay_at_the_worker_that_began_it(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2", "gpu-3")
    run = house.start(make_production(characters=3, segments=4))

    house.work()

    by_job = {key: worker for worker, stage, key in house.fleet.sent if stage == "scene_generation"}
    homes: dict[int, set[str]] = {}
    for job in house.jobs(run, Stage.SCENE_GENERATION):
        homes.setdefault(job.subject_id, set()).add(by_job[job.key])
    assert sum(len(workers) == 1 for workers in homes.values()) >= len(homes) * 0.8


@pytest.mark.parametrize("state", [WorkerState.PAUSED, WorkerState.DRAINING])
def test_a_paused_or_draining_worker_finishes_what_it_has_and_gets_nothing_new(house: FleetHouse, state: WorkerState) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.holding |= {"gpu-1"}
    run = house.start(make_production())
    house.work()
    before = [worker for worker, _, _ in house.fleet.sent].count("gpu-1")

    house.studio.workers.set_state(house.worker("gpu-1").worker, state, PERSON)
    house.fleet.holding.clear()
    house.work()

    assert [worker for worker, _, _ in house.fleet.sent].count("gpu-1") == before
    assert house.statuses(run) == {CellStatus.APPROVED: 8}
    assert house.worker("gpu-1").busy == 0


def test_what_failed_at_one_worker_is_tried_at_another_and_the_worker_is_set_aside_after_three(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.failing["gpu-1"] = "backend_error"
    run = house.start(make_production(characters=6))

    house.work()

    assert house.statuses(run) == {CellStatus.APPROVED: 24}
    tried_at = Counter(key for worker, _, key in house.fleet.sent if worker == "gpu-1")
    assert set(tried_at.values()) == {1}, "no job was given to the worker again on which it had failed"
    assert any(record.aside_since for record in house.worker("gpu-1").records)
    assert house.events("worker.set_aside")
    assert not house.open_jobs(run)


def test_a_worker_without_the_model_is_set_aside_for_that_work_at_once(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.failing["gpu-1"] = "missing_model"

    run = house.start(make_production())
    house.work()

    works = Counter(event.data["work"] for event in house.events("worker.set_aside"))
    assert works and set(works.values()) == {1}
    assert house.statuses(run) == {CellStatus.APPROVED: 8}


@pytest.mark.parametrize("failure", ["backend_error", "worker_gone", "missing_model"])
def test_a_job_that_fails_at_three_workers_spares_the_others(house: FleetHouse, failure: str) -> None:
    house.add(*(f"gpu-{number}" for number in range(1, 6)))
    house.fleet.failing = {f"gpu-{number}": failure for number in range(1, 6)}
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()

    tried = Counter(key for _, _, key in house.fleet.sent)
    assert max(tried.values()) == 3, tried
    [job] = [job for job in house.jobs(run) if job.status is JobStatus.FAILED]
    assert job.reason


def test_what_a_worker_loses_is_tried_once_more_and_then_told(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.failing = {"gpu-1": "lost", "gpu-2": "lost"}
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()

    assert set(Counter(key for _, _, key in house.fleet.sent).values()) == {2}
    [job] = [job for job in house.jobs(run) if job.status is JobStatus.FAILED]
    assert job.reason.endswith("That has happened 2 times, so it is not tried again.")


def test_work_that_comes_through_stands_for_the_test_of_a_worker_that_is_always_busy(house: FleetHouse) -> None:
    house.add("gpu-1")
    with house.studio.stores.begin(house.clock.now()) as store:
        record = WorkRecord(house.worker("gpu-1").worker.id, "dance")
        for _ in range(3):
            record = records.failed(record, "backend_error", "it failed", store.journal.now)
        store.workers.keep_record(record, is_new=True)
    house.start(make_production(characters=1, scene_types=1, variants=1))
    house.engine.turn()
    house.clock.advance(61)
    house.work()

    assert [event.data["work"] for event in house.events("worker.taken_back")] == ["dance"]
    assert not any(one.aside_since for one in house.worker("gpu-1").records)


def test_what_one_worker_shows_rewrites_nothing_of_the_others(house: FleetHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house.add("gpu-1", "gpu-2", "gpu-3")
    house.start(make_production(characters=6))
    house.work()
    assert all(house.worker(name).records for name in ("gpu-1", "gpu-2", "gpu-3"))
    written: list[int] = []
    keep = WorkerTable.keep_record

    def noted(self: WorkerTable, record: WorkRecord, *, is_new: bool) -> None:
        written.append(record.worker_id)
        keep(self, record, is_new=is_new)

    monkeypatch.setattr(WorkerTable, "keep_record", noted)
    before = len(house.fleet.sent)
    house.start(make_production(title="Salt", characters=1, scene_types=1, variants=1, seed=5))
    house.work()
    assert len(house.fleet.sent) > before
    assert len(written) == len(house.fleet.sent) - before, "one record for each attempt that ended"


def test_two_attempts_of_a_kind_that_is_new_to_a_worker_are_both_counted(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.holding.add("gpu-1")
    run = house.start(make_production(characters=2, scene_types=1, variants=1))
    house.work()
    house.fleet.holding.clear()
    house.work()
    stills = [attempt for attempt in house.fleet.sent if attempt[1] == "variant_generation"]
    [record] = [one for one in house.worker("gpu-1").records if "variant_generation" in one.work]
    assert record.samples in (len(stills), len(stills) - 1), "the first one, which loaded the model, may say nothing of speed"
    assert house.statuses(run) == {CellStatus.APPROVED: 2}


def test_a_job_that_found_its_only_worker_busy_with_others_goes_back_there(house: FleetHouse) -> None:
    house.add("gpu-1", tags=["80gb"])
    house.add("gpu-2")
    house.fleet.failing = {"gpu-1": "worker_busy"}
    run = house.start(replace(make_production(characters=1, scene_types=1, variants=1), worker_tags=("80gb",)))
    while not house.events("job.retried"):
        house.engine.turn()
    house.fleet.failing = {}
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 1}
    assert {worker for worker, _, _ in house.fleet.sent} == {"gpu-1"}


def test_a_worker_at_work_of_another_engine_is_not_occupied(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.holding.add("gpu-1")
    house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        ours = frozenset(job.attempt_id or "" for job in store.jobs.running())
        seen = [Wedged("gpu-1", "gpu-1 has been at somebody else's job for 10 min.", others) for others in (ours, ours | {"x"})]
        updates = [Update("shot", UpdateState.FAILED, failure_class="worker_busy", wedged=one) for one in seen]
        assert ours and wedged.set_aside(store, updates[:1])
        assert [worker.health for worker in store.workers.all()] == [Health.WELL]
        assert wedged.set_aside(store, updates[1:])
        assert [worker.health for worker in store.workers.all()] == [Health.OCCUPIED]
        store.workers.change(house.worker("gpu-1").worker.id, health=Health.WELL)


def test_a_server_that_went_away_speaks_against_nobody(house: FleetHouse) -> None:
    house.add("gpu-1")
    house.fleet.failing["gpu-1"] = "worker_gone"
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    for _ in range(5):
        house.engine.turn()

    house.fleet.failing.clear()
    house.work()

    assert house.statuses(run) == {CellStatus.APPROVED: 1}
    assert not house.events("worker.set_aside")


def test_work_that_needs_more_memory_goes_to_the_larger_card_only(house: FleetHouse) -> None:
    house.add("small-1", "small-2", memory_bytes=24)
    house.add("large", memory_bytes=80)
    house.fleet.failing |= {"small-1": "out_of_memory", "small-2": "out_of_memory"}

    run = house.start(make_production(characters=4))
    house.work()

    assert house.statuses(run) == {CellStatus.APPROVED: 16}
    assert Counter(worker for worker, _, _ in house.fleet.sent)["large"] > 16


def test_work_that_only_one_worker_may_do_and_that_fails_there_ends_failed_with_the_reason(house: FleetHouse) -> None:
    house.add("plain", memory_bytes=100)
    house.add("marked", memory_bytes=80, tags=("studio",))
    house.fleet.failing["marked"] = "out_of_memory"
    run = house.start(replace(make_production(characters=1, scene_types=1, variants=1), worker_tags=("studio",)))
    for _ in range(4):
        house.work()
        house.clock.advance(600)
    assert {worker for worker, _, _ in house.fleet.sent} == {"marked"}
    reasons = [job.reason for job in house.jobs(run) if job.status is JobStatus.FAILED]
    assert reasons and all("out_of_memory at marked" in reason for reason in reasons)
    house.fleet.failing.clear()


def test_work_that_asks_for_tags_goes_only_to_workers_that_have_them_all_and_waits_without_one(house: FleetHouse) -> None:
    house.add("plain")
    house.add("marked", tags=("studio", "48gb"))
    made = make_production(characters=1, variants=1)
    first, second = made.scene_types
    run = house.start(replace(made, worker_tags=("studio",), scene_types=(replace(first, worker_tags=("48gb",)), second)))
    house.work()
    assert house.statuses(run) == {CellStatus.APPROVED: 2}
    assert {worker for worker, _, _ in house.fleet.sent} == {"marked"}

    other = house.start(replace(made, title="Nobody", worker_tags=("lost",)))
    house.work()
    assert house.statuses(other) == {CellStatus.QUEUED: 2}
    page = house.studio.fleet_pages.page(anew=True)
    assert "needs the tag lost, which marked and plain are not marked with" in page.waiting[0].reason


def test_the_time_of_a_worker_costs_what_its_price_says(house: FleetHouse) -> None:
    house.add("gpu-1", cost_per_hour=3600.0)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))

    house.rest()

    found = house.run(run)
    assert found.spent_cost == pytest.approx(found.spent_seconds)
    assert found.spent_cost > 0 and found.reserved_cost == 0


def test_money_is_reserved_when_work_starts_so_that_workers_together_never_pass_the_budget(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    run = house.start(make_production(budget=Budget(money=0.5)))
    for name in ("gpu-1", "gpu-2"):
        house.studio.workers.edit(house.worker(name).worker, PERSON, cost_per_hour=300.0)

    house.work()

    assert len(house.fleet.sent) == 1, "the reservation of one leaves too little for another"
    assert 0.25 < house.run(run).reserved_cost <= 0.5


def test_work_that_has_become_too_dear_waits_and_the_run_says_so(house: FleetHouse) -> None:
    house.add("gpu-1")
    run = house.start(make_production(budget=Budget(money=0.5)))
    house.studio.workers.edit(house.worker("gpu-1").worker, PERSON, cost_per_hour=36_000.0)

    house.work()

    assert not house.fleet.sent
    assert house.studio.reports.progress(run.id).outlook is Outlook.BUDGET


def test_what_the_cheapest_worker_is_too_dear_for_is_refused_at_submission(house: FleetHouse) -> None:
    house.add("dear", cost_per_hour=7200.0)
    house.add("cheap", cost_per_hour=3600.0)
    run = house.create(make_production(budget=Budget(money=0.5)))
    preview = house.studio.submission.preview(run, EVERYTHING, Mode.MISSING)
    assert preview.cost == pytest.approx(preview.estimate.generation_seconds) and preview.refusal

    with pytest.raises(Refused, match=r"would cost at least .* at the cheapest worker, and has 0.50 left"):
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)


def test_what_runs_at_workers_goes_on_when_the_engine_stops_and_is_found_by_the_next(house: FleetHouse) -> None:
    house.add("gpu-1", "gpu-2")
    house.fleet.holding |= {"gpu-1", "gpu-2"}
    run = house.start(make_production())
    engine = house.new_engine()
    house.work(engine)
    sent = list(house.fleet.sent)
    engine.drain(0.0)
    house.studio.locks.release(f"engine-{engine.engine_id}")
    assert sum(job.status is JobStatus.RUNNING for job in house.jobs(run)) == len(sent)

    house.fleet.holding.clear()
    house.work(house.new_engine())

    assert house.statuses(run) == {CellStatus.APPROVED: 8}
    assert len(house.fleet.sent) == len(set(house.fleet.sent)), "nothing that ran was sent again"


def test_a_fast_worker_gets_more_than_a_slow_one(house: FleetHouse) -> None:
    house.add("fast", "slow")
    house.start(make_production(characters=1))
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        for record in store.workers.records():
            rate = 0.1 if record.worker_id == house.worker("fast").worker.id else 10.0
            store.workers.keep_record(replace(record, samples=5, seconds_per_frame=rate), is_new=False)
    house.fleet.sent.clear()

    house.start(make_production(characters=6, title="Second"))
    house.work()

    shares = Counter(worker for worker, stage, _ in house.fleet.sent if stage == "scene_generation")
    assert shares["fast"] > 2 * shares["slow"]


def test_a_worker_that_lacks_a_node_of_the_graph_gets_none_of_its_jobs_and_the_words_say_why(house: FleetHouse) -> None:
    whole = json.loads((WORKFLOWS.parent / "schemas.json").read_text())["0.33.0"]
    offered = ["stripboard_motion.safetensors", "stripboard_still.safetensors"]
    whole["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0] = offered
    without_film = {name: schema for name, schema in whole.items() if name != "StripboardImageToVideo"}
    house.add("stills-only", catalogue=without_film)
    run = house.start(make_production())
    house.work()
    assert {stage for _, stage, _ in house.fleet.sent} == {"variant_generation"}
    assert house.statuses(run) == {CellStatus.QUEUED: 8}
    assert not house.events("worker.set_aside"), "nothing was sent there to find out"
    with house.studio.stores.read() as store:
        fleet = Fleet(RunBooks().get)
        workers = {worker.name: worker for worker in store.workers.all()}
        choice = fleet.choice(store, [house.run(run)], workers, now=house.clock.now())
        waiting = store.fleet_work.waiting(run.id, max_rank=99, above=0)[0]
        reason = choice.explain(next(job for job in fleet.backlog if job.id == str(waiting.job_id)))
    assert 'stills-only cannot: The server has no node class "StripboardImageToVideo".' in reason.words, reason

    house.add("complete", catalogue=whole)
    house.work()

    assert house.statuses(run) == {CellStatus.APPROVED: 8}
    assert {worker for worker, stage, _ in house.fleet.sent if stage == "scene_generation"} == {"complete"}
