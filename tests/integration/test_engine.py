"""The engine and the safety-net loop: turns, stops, and one scheduler for all processes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

from pipeline import wiring
from pipeline.domain.errors import Unavailable
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus, RunStatus
from pipeline.domain.work import Update
from pipeline.engine.scheduler import Scheduler
from tests.factories import House, make_production
from tests.fakes import HoldingBackend, MemoryBackend

SMALL = make_production(characters=1, scene_types=1, variants=1)


def test_an_engine_runs_until_it_is_told_to_stop(house: House) -> None:
    run = house.start(SMALL)
    house.engine.run(lambda: house.run(run).status is RunStatus.COMPLETED)
    assert house.engine.busy == 0


def test_an_engine_that_drains_takes_nothing_new(house: House) -> None:
    run = house.start(SMALL)
    house.engine.drain(0.0)
    assert house.open_jobs(run) == {JobStatus.READY: 1}


def test_an_engine_that_gives_work_back_leaves_no_folder_of_it(house: House) -> None:
    run = house.start(SMALL)
    house.backend.holds = lambda request: True
    house.engine.turn()
    [attempt_id] = house.backend.held
    (house.studio.settings.spool_root / "attempts" / attempt_id).mkdir(parents=True)
    house.engine.drain(0.0)
    assert house.open_jobs(run) == {JobStatus.READY: 1}
    assert not list((house.studio.settings.spool_root / "attempts").iterdir())


class SlowToStop(HoldingBackend):
    """Holds what it gets. What was asked to stop ends at a later look; between two looks a second passes."""

    def __init__(self, house: House, last_look: int) -> None:
        super().__init__(house.backend)
        self._house = house
        self._last_look = last_look
        self.looks = 0
        self.holds = lambda request: True

    def cancel(self, attempt_id: str) -> None:
        self.asked_to_stop.append(attempt_id)

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        if self.asked_to_stop:
            self.looks += 1
            self._house.clock.advance(1.0)
        if self.looks == self._last_look:
            self.held.clear()
        return super().poll(attempt_ids)


@pytest.mark.parametrize(("backend", "last_look", "looks"), [("command", 3, 3), ("command", 100, 6), ("animatic", 3, 0)])
def test_a_clean_stop_waits_for_programs_and_for_nothing_else(house: House, backend: str, last_look: int, looks: int) -> None:
    performer = SlowToStop(house, last_look)
    house.start(replace(SMALL, backend=backend))
    backends = {"command": MemoryBackend(), backend: performer, "stages": house.backend}
    engine = wiring.build_engine(house.studio, backends=backends, forget=house.studio.upkeep.forget)
    engine.wake.wait = lambda timeout: True  # type: ignore[method-assign,assignment]
    house.work(engine)
    assert performer.held
    seen: list[int] = []
    engine.drain(0.0, lambda: seen.append(performer.looks))
    assert seen == [looks]


def test_the_safety_net_begins_with_the_folders_that_killed_engines_have_left(house: House) -> None:
    folder = house.studio.settings.spool_root / "attempts" / "killed"
    folder.mkdir(parents=True)
    cleared = threading.Event()
    clear_folders = house.studio.upkeep.clear_folders

    def clear() -> None:
        clear_folders()
        cleared.set()

    upkeep = SimpleNamespace(clear_folders=clear, refresh_rates=lambda: None, sweep=lambda: 0, catch_up=lambda: 0)
    workers = SimpleNamespace(look=list, test_those_aside=lambda: 0)
    telemetry = SimpleNamespace(keep_looks=lambda seen: None, read_here=lambda: None, thin=lambda: 0)
    calls = {"take_lock": lambda: True, "release_lock": lambda: None, "look_for_dead": lambda: None}
    shots = SimpleNamespace(turn=lambda: False, close=lambda: None)
    rules = SimpleNamespace(start=lambda: None, stop=lambda: None, thin=lambda: None)
    scheduler = Scheduler(upkeep, workers, telemetry, **calls, wake=threading.Event(), rules=rules, shots=shots)
    scheduler.start()
    assert cleared.wait(30)
    scheduler.stop()
    assert not folder.exists()


def test_a_database_that_is_away_for_a_moment_loses_no_result(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.start(SMALL)
    real, fails = house.studio.dispatch.turn, [3, 7, 11]
    turns = [0]

    def turn(*arguments: object) -> object:
        turns[0] += 1
        if turns[0] in fails:
            raise Unavailable("The database is away.")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(house.studio.dispatch, "turn", turn)
    monkeypatch.setattr("pipeline.engine.dispatcher._TROUBLE_S", 0.0)
    house.engine.run(lambda: house.run(run).status is RunStatus.COMPLETED)
    starts = [entry["job"] for entry in house.studio.spool.ledger()]
    assert len(starts) == len(set(starts))


def test_only_one_process_has_the_scheduler(house: House) -> None:
    other = House(house.folder, house.url)
    first = wiring.build_scheduler(house.studio, house.engine)
    second = wiring.build_scheduler(other.studio, other.new_engine(MemoryBackend()))
    assert (first.start(), second.start()) == (True, False)
    first.stop()
    assert second.start()
    second.stop()
    other.close()


def test_the_safety_net_says_when_it_had_to_help(house: House, caplog: pytest.LogCaptureFixture) -> None:
    scheduler = wiring.build_scheduler(house.studio, house.engine)
    with caplog.at_level(logging.WARNING):
        scheduler.catch_up()
    assert caplog.messages == []


def test_two_engines_share_a_run_without_doing_anything_twice(house: House) -> None:
    run = house.start(make_production(characters=2, scene_types=3, variants=2))
    other = House(house.folder, house.url)
    over = threading.Event()
    threads = [
        threading.Thread(target=one.new_engine().run, args=(over.is_set,)) for one in (house, other)
    ]  # each over a database connection and stage functions of its own
    for thread in threads:
        thread.start()
    watched = 0
    while house.run(run).status is not RunStatus.COMPLETED and watched < 2000:
        watched += 1
        threading.Event().wait(0.01)
    over.set()
    for thread in threads:
        thread.join()
    starts = [entry["job"] for entry in house.studio.spool.ledger()]
    assert house.run(run).status is RunStatus.COMPLETED
    assert len(starts) == len(set(starts))
    other.close()


class OneAtEachLook(HoldingBackend):
    """Holds what it gets; at every look one attempt has ended, and the engine is woken as long as more are to end."""

    def __init__(self, house: House) -> None:
        super().__init__(house.backend)
        self.holds = lambda request: True
        self.wake = threading.Event()

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        if self.held:
            self.inner.submit(self.held.pop(min(self.held)))
        if self.held:
            self.wake.set()
        return super().poll(attempt_ids)


@pytest.mark.parametrize(("characters", "in_one_turn"), [(1, 1), (2, 2), (3, 2)])
def test_what_ends_while_results_are_settled_is_settled_in_the_same_transaction(
    house: House, characters: int, in_one_turn: int
) -> None:
    run = house.start(make_production(characters=characters, scene_types=1, variants=1))
    performer = OneAtEachLook(house)
    engine = wiring.build_engine(house.studio, parallel=4, backends={"animatic": performer, "stages": performer})
    performer.wake = engine.wake
    assert engine.turn() and engine.busy == characters
    commits: list[int] = []
    house.studio.stores.after_commit = lambda: commits.append(1)
    assert engine.turn()
    house.studio.stores.after_commit = lambda: None
    jobs = house.jobs(run, Stage.SOURCE_QA)
    assert sum(job.status is JobStatus.DONE for job in jobs) == in_one_turn
    assert [job.status for job in house.jobs(run, Stage.VARIANT_GENERATION)] == [JobStatus.RUNNING] * in_one_turn
    assert len(commits) == 1
    engine.run(lambda: house.run(run).status is RunStatus.COMPLETED)
