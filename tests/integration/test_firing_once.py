"""A firing is whole or not there: over the death of the process at each point, and with several engines at once."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from data.trigger_models import messages
from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Actor
from tests.factories import PERSON, House, make_production, quick_folder
from tests.fakes import Checkpoints, Crashed, FakeClock

TITLE = "Harbor Nights"
PRODUCTION = make_production(characters=1, scene_types=2, variants=1, segments=1)
THREE = {
    "name": "three",
    "when": "cell.approved",
    "where": {"field": "character.all_approved", "is": True},
    "do": [{"package": {"of": "character"}}, {"notify": {"to": "producers", "text": "done"}}, {"flag": {"text": "look"}}],
    "per": "character",
    "once": True,
}


def prepared(folder: Path, url: str, clock: FakeClock) -> None:
    """A run whose scenes are all approved, with a rule that has not been fired yet."""
    house = House(folder, url, clock=clock)
    run = house.create(PRODUCTION, auto_deliver=False)
    house.studio.triggers.save(THREE, project=TITLE, actor=PERSON)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.work()
    house.die()


def fire(house: House) -> None:
    """Fire, and do what was asked for."""
    for _ in range(20):
        taken = house.studio.firing.turn()
        house.work()
        if not taken:
            return


def check_once(house: House) -> None:
    """One firing, each of its three effects once."""
    [fired] = house.studio.trigger_views.firings()
    assert [(effect.kind, effect.state) for effect in fired.firing.effects] == [
        ("package", "done"), ("notify", "done"), ("flag", "done")
    ]  # fmt: skip
    [run] = house.studio.runs.all()
    with house.studio.stores.read() as store:
        assert [one.target for one in reversed(store.messages.latest(10))] == ["producers", "review"]
    assert len(house.studio.deliveries.of_run(run)) == 1
    assert len(house.events("trigger.fired")) == len(house.events("cell.flagged")) == 1
    house.check()


@cache
def points() -> int:
    """How many points an undisturbed firing has, with what follows."""
    clock, counted = FakeClock(), Checkpoints()
    with quick_folder() as folder:
        url = f"sqlite:///{folder / 'stripboard.db'}"
        prepared(folder, url, clock)
        house = House(folder, url, clock=clock, checkpoint=counted)
        fire(house)
        check_once(house)
        house.close()
    return len(counted.names)


def test_a_process_that_dies_in_a_firing_leaves_each_effect_once() -> None:
    for point in range(1, points() + 1, 4):
        die_and_go_on(point)


@pytest.mark.slow
def test_a_process_that_dies_at_any_point_of_a_firing_leaves_each_effect_once() -> None:
    for point in range(1, points() + 1):
        die_and_go_on(point)


def die_and_go_on(point: int) -> None:
    """Die at this point of the firing and of what follows, start again, and find each effect once."""
    clock = FakeClock()
    with quick_folder() as folder:
        url = f"sqlite:///{folder / 'stripboard.db'}"
        prepared(folder, url, clock)
        house = House(folder, url, clock=clock, checkpoint=Checkpoints(point))
        with contextlib.suppress(Crashed):
            fire(house)
        house.die()
        clock.advance(1)
        house = House(folder, url, clock=clock)
        fire(house)
        check_once(house)
        house.close()


def test_engines_on_one_database_fire_each_rule_once_for_an_event(house: House) -> None:
    run = house.create(make_production(characters=4, scene_types=3, variants=2, segments=1), auto_deliver=False)
    told = {"name": "told", "when": "cell.approved", "do": [{"notify": {"to": "producers"}}]}
    house.studio.triggers.save(told, project=TITLE, actor=Actor("user", "admin"))
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    others = [House(house.folder, house.url, clock=house.clock) for _ in range(2)]
    over = threading.Event()
    threads = [threading.Thread(target=keep_firing, args=(one, over)) for one in others]
    for thread in threads:
        thread.start()
    house.work()
    over.set()
    for thread in threads:
        thread.join()
    house.studio.firing.settle()
    fired = Counter(one.firing.event_seq for one in house.studio.trigger_views.firings(limit=500))
    assert fired == Counter(event.seq for event in house.events("cell.approved"))
    with house.studio.stores.read() as store:
        assert len(store.messages.latest(500)) == 24
    for one in others:
        one.close()


def keep_firing(house: House, over: threading.Event) -> None:
    """An engine of rules that turns until it is told to end."""
    while not over.is_set():
        house.studio.firing.turn()


def test_a_done_action_without_its_message_and_a_message_that_nobody_tries_are_found(house: House) -> None:
    run = house.create(PRODUCTION, auto_deliver=False)
    house.studio.triggers.save(THREE, project=TITLE, actor=PERSON)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.work()
    fire(house)
    with contextlib.suppress(Crashed), house.studio.stores.begin(house.clock.now()) as store:
        assert list(store.audit.message_faults()) == []
        store.connection.execute(update(messages).where(messages.c.target == "review").values(state="lost"))
        store.connection.execute(delete(messages).where(messages.c.target == "producers"))
        faults = list(store.audit.message_faults())
        raise Crashed
    assert [fault.split()[0] for fault in faults] == ["message", "action"]
