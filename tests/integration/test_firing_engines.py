"""Several engines of rules, each a process of its own: every event fires each rule that matches it once, whoever takes it in."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from sqlalchemy import func, select

from data.trigger_models import messages, trigger_effects, trigger_firings, triggers
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Run
from tests.factories import PERSON, House, make_production
from tests.rule_engines import Engines, engines

TITLE = "Harbor Nights"
TOLD = {"name": "told", "when": "cell.changed", "do": [{"notify": {"to": "producers"}}]}
ONCE = {**TOLD, "name": "once", "per": "character", "once": True}
PATIENCE_S = 120.0
AHEAD = 200


def happen(house: House, run: Run, least: int, made: Engines) -> int:
    """Change priorities, again and again, until there were so many events and every engine has taken some in; how many."""
    give_up_at = time.monotonic() + PATIENCE_S
    before = sum(max(0, taken) for taken in made.taken)
    count = turn = 0
    while count < least or not all(taken > 0 for taken in made.taken):
        assert time.monotonic() < give_up_at, "an engine takes nothing in"
        if not made.are_ready or sum(made.taken) - before < count - AHEAD:  # they are behind
            time.sleep(0.01)
            continue
        turn += 1
        count += len(house.studio.submission.prioritise(run, Selection(), turn % 100 + 1, PERSON))
    return count


def check_each_once(house: House, count: int) -> None:
    """Every event has fired the one rule once, every character the other one; each effect has one message."""
    with house.studio.stores.read() as store:
        names = {row.name: row.id for row in store.connection.execute(select(triggers.c.name, triggers.c.id))}
        fired = store.connection.execute(select(trigger_firings.c.trigger_id, trigger_firings.c.event_seq)).all()
        sent = store.connection.execute(select(messages.c.firing_id, messages.c.effect_number)).all()
        effects = store.connection.execute(select(func.count()).select_from(trigger_effects)).scalar_one()
    told = Counter(seq for trigger_id, seq in fired if trigger_id == names["told"])
    assert told == Counter(event.seq for event in house.events("cell.changed")) and len(told) == count
    assert sum(trigger_id == names["once"] for trigger_id, _ in fired) == 3
    assert len(set(sent)) == len(sent) == effects == len(fired)


def prepared(house: House) -> Run:
    """A run, with two rules."""
    run = house.create(make_production(characters=3, scene_types=4, variants=4), auto_deliver=False)
    for spec in (TOLD, ONCE):
        house.studio.triggers.save(spec, project=TITLE, actor=PERSON)
    return run


def test_two_processes_fire_each_rule_once_for_an_event(house: House) -> None:
    run = prepared(house)
    with engines(house.folder, house.url, 2) as made:
        count = happen(house, run, 400, made)
        assert made.finish() == [0, 0]
        assert sum(made.taken) >= count
    check_each_once(house, count)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_events_fire_each_rule_once_though_an_engine_dies(house: House) -> None:
    run = prepared(house)
    with engines(house.folder, house.url, 2) as made:
        count = happen(house, run, 5_000, made)
        made.kill(0)
        made.start()
        count += happen(house, run, 5_000, made)
        assert made.finish() == [-9, 0, 0]
    check_each_once(house, count)
