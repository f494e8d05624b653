"""Attempts that hang are stopped and tried again; attempts that wait for a slot are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.domain.patience import time_limit
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, RunStatus
from pipeline.domain.work import Update, UpdateState
from tests.factories import AUTO, EVERYTHING, PERSON, House, make_production
from tests.fakes import HoldingBackend
from tests.fleet import FleetHouse
from tests.fleet_fixtures import fleet_house

fleet = fleet_house

SMALL = make_production(characters=1, scene_types=1, variants=1, segments=1, approvals=AUTO)


class DeafBackend(HoldingBackend):
    """Holds what it holds whatever is asked of it."""

    def cancel(self, attempt_id: str) -> None:
        self.asked_to_stop.append(attempt_id)


class QueueingBackend(HoldingBackend):
    """Says that what it holds has not begun."""

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        updates = super().poll(attempt_ids)
        return [replace(update, has_begun=False) if update.state is UpdateState.RUNNING else update for update in updates]


def holding(house: House, kind: type[HoldingBackend]) -> HoldingBackend:
    """The house's performer, of this kind, with segments held."""
    house.backend = kind(house.backend.inner)
    house.backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    return house.backend


def test_an_attempt_that_hangs_is_stopped_and_tried_again(house: House) -> None:
    backend = holding(house, HoldingBackend)
    run = house.start(SMALL)
    house.work()
    house.clock.advance(601)
    backend.holds = lambda request: False
    house.engine.turn()
    assert len(backend.asked_to_stop) == 1
    house.rest()
    assert house.run(run).status is RunStatus.COMPLETED
    [job] = house.jobs(run, Stage.SCENE_GENERATION)
    with house.studio.stores.read() as store:
        first, second = store.jobs.attempts_of([job.id])
    assert (first.failure_class, second.outcome) == ("timeout", "done")
    assert "did not end within 10 minutes" in first.reason


def test_an_attempt_that_does_not_stop_is_given_up(house: House) -> None:
    backend = holding(house, DeafBackend)
    run = house.start(SMALL)
    house.work()
    for _ in range(2):
        for seconds in (601, 61):
            house.clock.advance(seconds)
            house.work()
    assert len(backend.asked_to_stop) == 2
    [cell] = house.cells(run).values()
    assert cell.status is CellStatus.FAILED
    assert "did not end within 10 minutes" in cell.reason
    house.check()


def test_waiting_for_a_slot_of_the_performer_is_no_hanging(house: House) -> None:
    backend = holding(house, QueueingBackend)
    run = house.start(SMALL)
    house.work()
    for _ in range(3):
        house.clock.advance(500)
        house.work()
    assert backend.asked_to_stop == []
    backend.release()
    house.rest()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_production_says_how_long_its_program_may_take_and_gets_the_same_pictures(house: House) -> None:
    program = replace(SMALL, backend="command", command=("render",))
    first = house.start(program)
    house.work()
    made = house.hands.count("scene_generation")
    patient = house.start(replace(program, command_timeout_s=7200.0))
    house.work()
    assert house.hands.count("scene_generation") == made
    [before], [after] = (house.jobs(run, Stage.SCENE_GENERATION) for run in (first, patient))
    assert before.fingerprint == after.fingerprint
    assert (time_limit(before, "command"), time_limit(after, "command")) == (3660, 7260)


def test_the_program_is_stopped_after_the_time_that_the_production_gives_it(house: House) -> None:
    house.start(replace(SMALL, backend="command", command=("render",), command_timeout_s=90.0))
    house.work()
    asked = [request.parameters for request in house.hands.performed if request.stage.endswith("_generation")]
    assert asked and all(parameters["timeout_s"] == 90.0 for parameters in asked)


def test_what_hangs_at_a_worker_that_was_measured_is_stopped_sooner(fleet: FleetHouse) -> None:
    fleet.add("gpu-1", "gpu-2")
    first = fleet.start(replace(SMALL, title="First"))
    fleet.work()
    assert fleet.run(first).status is RunStatus.COMPLETED
    with fleet.studio.stores.begin(fleet.clock.now()) as store:
        for record in store.workers.records():
            store.workers.keep_record(replace(record, samples=5), is_new=False)
    run = fleet.start(make_production(characters=2, scene_types=1, variants=1, segments=1, approvals=AUTO, title="Second"))
    fleet.fleet.holding |= {"gpu-1", "gpu-2"}
    fleet.work()
    fleet.clock.advance(320)
    fleet.work()
    assert fleet.fleet.cancelled, "after five minutes of loading that was never measured, where it takes a moment else"
    fleet.fleet.holding.clear()
    fleet.studio.submission.cancel(fleet.run(run), EVERYTHING, PERSON)
    fleet.rest()
