"""Readings as they are stored, what they do to workers, how they thin out, and the doors to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.domain.errors import NotFound
from pipeline.domain.telemetry import history
from pipeline.domain.telemetry.limits import Level
from pipeline.domain.workers import WorkerState
from pipeline.engine.scheduler import Scheduler
from pipeline.services import telemetry
from tests.cards import reading
from tests.factories import PERSON
from tests.halls import Hall


@pytest.fixture
def hall(tmp_path: Path, database_url: str) -> Iterator[Hall]:
    """On each database; every promise is checked at the end."""
    found = Hall(tmp_path, database_url)
    yield found
    assert found.studio.invariants.check() == []
    found.studio.close()


def test_readings_are_stored_once_and_the_newest_stands_for_the_card(hall: Hall) -> None:
    worker = hall.add()
    hall.clock.advance(60)
    batch = [reading(hall.clock.now() - timedelta(seconds=age), device=age % 2) for age in range(4)]

    first = hall.studio.telemetry.take(worker, batch)
    again = hall.studio.telemetry.take(worker, batch)

    assert (first.stored, first.left_out, again.stored, again.left_out) == (4, 0, 0, 4)
    cards = hall.studio.telemetry.latest()[worker.id]
    assert [card.reading for card in cards] == [batch[0], batch[1]]
    assert hall.told(worker) == [batch[2], batch[0], batch[3], batch[1]]


def test_a_card_beyond_a_limit_is_warned_of_once_and_then_pauses_its_worker(hall: Hall) -> None:
    worker = hall.add()
    hall.tell(worker, 80, 84, 85, 84, 92, 95)
    found = hall.studio.workers.find("gpu-1")
    assert (found.state, found.pause_reason) == (WorkerState.PAUSED, "92 °C: warns from 83, pauses at 92")
    assert found.why_not == "it is paused: 92 °C: warns from 83, pauses at 92"
    assert hall.events() == ["worker.warned", "worker.paused"]


def test_a_worker_that_its_cards_have_paused_goes_on_when_they_have_cooled(hall: Hall) -> None:
    worker = hall.add()
    hall.tell(worker, 93, 88)
    assert hall.state(worker) is WorkerState.PAUSED
    hall.tell(worker, 86)
    assert hall.state(worker) is WorkerState.ENABLED
    assert hall.events() == ["worker.paused", "worker.enabled"]
    assert hall.studio.workers.find("gpu-1").pause_reason == ""


def test_one_hot_card_of_two_is_enough(hall: Hall) -> None:
    worker = hall.add()
    hall.tell(worker, 93, device=1)
    hall.tell(worker, 60, device=0)
    assert hall.state(worker) is WorkerState.PAUSED
    hall.tell(worker, 60, device=1)
    assert hall.state(worker) is WorkerState.ENABLED


@pytest.mark.parametrize("state", [WorkerState.PAUSED, WorkerState.DRAINING])
def test_what_a_person_has_paused_or_drained_stays_so_when_cards_cool(hall: Hall, state: WorkerState) -> None:
    worker = hall.add()
    hall.tell(worker, 93)
    hall.studio.workers.set_state(worker, state, PERSON)
    hall.tell(worker, 60)
    assert hall.state(worker) is state


def test_a_person_may_enable_a_hot_worker_until_it_has_cooled_and_is_hot_again(hall: Hall) -> None:
    worker = hall.add()
    hall.tell(worker, 93)
    hall.studio.workers.set_state(worker, WorkerState.ENABLED, PERSON)
    hall.tell(worker, 94)
    assert hall.state(worker) is WorkerState.ENABLED
    hall.tell(worker, 60, 94)
    assert hall.state(worker) is WorkerState.PAUSED


def test_a_late_batch_is_judged_by_its_end(hall: Hall) -> None:
    worker = hall.add()
    hall.clock.advance(100)
    at = hall.clock.now()
    batch = [reading(at - timedelta(seconds=age), temperature_c=60.0 + age) for age in (40, 30, 0)]
    hall.studio.telemetry.take(worker, batch)
    assert (hall.state(worker), hall.events()) == (WorkerState.ENABLED, [])


def test_limits_are_a_setting_of_the_installation(tmp_path: Path, sqlite_url: str) -> None:
    hall = Hall(tmp_path, sqlite_url, STRIPBOARD_GPU_LIMITS="temperature=off,memory=50/70")
    worker = hall.add()
    hall.tell(worker, 99)
    assert hall.studio.workers.find("gpu-1").pause_reason == "75 % of its memory: warns from 50, pauses at 70"
    hall.studio.close()


def test_looks_tell_the_memory_of_workers_that_tell_no_more(hall: Hall) -> None:
    quiet, loud = hall.add("quiet"), hall.add("loud")
    hall.tell(loud, 60)
    hall.studio.telemetry.keep_looks(hall.studio.workers.look())
    [known] = hall.told(quiet)
    assert (known.memory_used_bytes, known.memory_bytes, known.temperature_c) == (1000, 80_000, None)
    assert len(hall.told(loud)) == 1
    hall.clock.advance(61)
    hall.studio.telemetry.keep_looks(hall.studio.workers.look())
    assert len(hall.told(loud)) == 2, "its agent has gone"
    cards = hall.studio.telemetry.latest()
    last = {worker.name: [card.verdict.told_at for card in cards[worker.id]] for worker in (quiet, loud)}
    assert last == {"quiet": [None], "loud": [hall.told(loud)[0].at]}


def test_the_safety_net_stores_what_looks_find(hall: Hall) -> None:
    worker = hall.add()
    studio = hall.studio
    net = Scheduler(
        studio.upkeep,
        studio.workers,
        studio.telemetry,
        take_lock=lambda: True,
        release_lock=lambda: None,
        look_for_dead=lambda: None,
        wake=threading.Event(),
        rules=SimpleNamespace(start=lambda: None, stop=lambda: None, thin=lambda: None),
        shots=SimpleNamespace(turn=lambda: False, close=lambda: None),
    )
    net.look_at_workers()
    assert [each.memory_bytes for each in hall.told(worker)] == [80_000]


def test_the_cards_of_this_machine_are_read_for_the_workers_here(hall: Hall) -> None:
    here, there = hall.add("here", "localhost:8188"), hall.add("there", "10.9.9.9:8188")
    hall.studio.telemetry.read_here()
    assert hall.told(here) == []
    hall.probe.cards = [reading(temperature_c=93.0), reading(device=1, name="NVIDIA L40S")]
    hall.studio.telemetry.read_here()
    assert [each.device for each in hall.told(here)] == [0] and hall.told(there) == []
    assert hall.state(here) is WorkerState.PAUSED


def test_thinning_goes_through_all_cards_in_bounded_turns(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "_CARDS_A_TURN", 2)
    monkeypatch.setattr(telemetry, "_MOST_DROPPED", 100)
    worker = hall.add()
    for _ in range(6):
        hall.clock.advance(30 * 60)
        batch = [reading(hall.clock.now() - timedelta(seconds=age), device=age % 3) for age in range(0, 30 * 60, 10)]
        assert hall.studio.telemetry.take(worker, batch).stored == 180
    before = hall.told(worker)
    wanted = []
    for device in range(3):
        ours = [each for each in before if each.device == device]
        dropped = set(history.to_drop([each.at for each in ours], hall.clock.now()))
        wanted += [each for position, each in enumerate(ours) if position not in dropped]

    turns = [hall.studio.telemetry.thin() for _ in range(12)]

    assert hall.told(worker) == wanted
    assert max(turns) == 100 and sum(turns) == len(before) - len(wanted) > 300 and turns[-1] == 0


def test_a_card_that_is_silent_for_long_keeps_its_last_word(hall: Hall) -> None:
    worker = hall.add()
    hall.tell(worker, 60, 61)
    hall.clock.advance(9 * 24 * 3600)
    assert hall.studio.telemetry.thin() == 1
    [card] = hall.studio.telemetry.latest()[worker.id]
    assert card.reading.temperature_c == 61 and not card.reading.is_current(hall.clock.now())


def test_a_removed_worker_takes_its_readings_with_it(hall: Hall) -> None:
    worker = hall.add()
    hall.tell(worker, 60)
    hall.studio.workers.remove(worker, PERSON)
    assert hall.studio.telemetry.latest() == {}
    with pytest.raises(NotFound):
        hall.tell(worker, 60)


def test_a_worker_that_moves_is_no_longer_paused_by_its_old_cards(hall: Hall) -> None:
    worker = hall.add()
    hall.tell(worker, 93)
    hall.studio.workers.place("gpu-1", "gpu-2", PERSON)
    found = hall.studio.workers.find("gpu-1")
    assert (found.state, found.pause_reason) == (WorkerState.ENABLED, "")
    [card] = hall.studio.telemetry.latest()[worker.id]
    assert card.verdict.level is Level.FINE
    hall.tell(worker, 93, device=1)
    hall.tell(worker, 60, device=1)
    assert hall.state(worker) is WorkerState.ENABLED, "the old card has no say any more"
