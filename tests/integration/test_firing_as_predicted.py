"""What a simulation says is what then happens: firing for firing, in order, on rules made by chance in a real store."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.errors import Refused
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.services.rule_keeping import InvalidRule
from tests.factories import PERSON, House, make_production

TITLE = "Harbor Nights"
EVENTS = ("cell.queued", "cell.generating", "cell.review", "cell.approved", "scene_qa.completed", "export.completed")
WHERE: tuple[dict[str, Any], ...] = (
    {"field": "character", "is": "c1"},
    {"field": "attempts", "at_most": 2},
    {"field": "depth", "at_most": 1},
    {"any": [{"field": "scene_type", "is": "s1"}, {"field": "character.all_approved", "is": True}]},
    {"not": {"field": "run.approved", "above": 2}},
)
DO: tuple[Any, ...] = (
    {"submit": {"mode": "all"}},
    {"submit": {"mode": "all", "scene_types": "all"}},
    {"submit": {"characters": "all", "scene_types": ["s2"]}},
    {"notify": {"to": "producers"}},
    "approve",
    "flag",
)


def random_rule(chance: Random, number: int) -> dict[str, Any]:
    """Some rule about scenes."""
    rule: dict[str, Any] = {
        "name": f"rule {number}",
        "when": chance.sample(EVENTS, chance.randint(1, 2)),
        "do": chance.sample(DO, chance.randint(1, 3)),
        "priority": chance.randint(0, 2),
        "per": chance.choice(["subject", "subject", "character", "run"]),
        "max_depth": chance.choice([1, 2, 10]),
        "order": chance.choice(["sequential", "parallel"]),
        "once": chance.random() < 0.1,
    }
    return {**rule, "where": chance.choice(WHERE)} if chance.random() < 0.6 else rule


def keep_some(house: House, chance: Random, title: str) -> None:
    """Save rules made by chance; those that could run in a circle are refused, which is right."""
    for number in range(chance.randint(2, 8)):
        try:
            rule = house.studio.triggers.save(random_rule(chance, number), project=title, actor=PERSON)
        except (Refused, InvalidRule):
            continue
        house.studio.triggers.approve(rule, PERSON)


def as_predicted(house: House, seed: int) -> int:
    """Predict what follows from the approval of a scene, let it happen, and compare; how many firings there were."""
    chance = Random(seed)
    production = make_production(
        characters=2, scene_types=2, variants=1, segments=1, approvals=Approvals("auto", "human"), title=f"{TITLE} {seed}"
    )
    run = house.create(production, auto_deliver=False)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    engine = house.new_engine(parallel=1)
    house.work(engine)
    keep_some(house, chance, run.title)
    house.studio.review.approve(run, Selection(keys=(chance.choice(sorted(house.cells(run))),)), PERSON)
    approved = house.events("cell.approved")[-1]
    course = house.studio.trigger_views.simulate(run.id, approved.seq)
    for _ in range(300):
        house.studio.firing.settle()
        if not engine.turn():
            break
    views = house.studio.trigger_views.firings(root=approved.seq, limit=500)
    fired = [(one.rule, one.firing.depth, one.firing.things, one.firing.branch) for one in reversed(views)]
    predicted = [(one.rule.name, one.depth, one.things, one.branch) for one in course.firings]
    assert fired == predicted, f"seed {seed}"
    return len(fired)


def test_what_is_predicted_happens(house: House) -> None:
    assert sum(as_predicted(house, seed) for seed in range(20)) >= 20


@pytest.mark.slow
def test_what_is_predicted_happens_over_many_rule_sets(house: House) -> None:
    assert sum(as_predicted(house, seed) for seed in range(1000, 1300)) >= 300
