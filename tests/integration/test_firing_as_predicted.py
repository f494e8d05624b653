"""What a simulation says is what then happens: firing for firing, in order, on rules made by chance in a real store.

One job is done at a time, since a simulation knows nothing of how long work takes. It follows what rules ask for: where the work
of the person who began wakes rules, too, there is nothing to compare.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.rules.loops import analyse
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.reading import read_rule
from pipeline.domain.stages import Lane
from pipeline.domain.statuses import CellStatus
from tests.factories import PERSON, House, make_production, quick_folder

TITLE = "Harbor Nights"
EVENTS = (
    "cell.queued", "cell.generating", "cell.review", "cell.approved", "cell.rejected", "cell.stale", "scene_qa.completed",
    "assembly.completed", "export.completed", "scene_generation.completed",
)  # fmt: skip
FIRST = ("cell.approved", "cell.rejected", "cell.stale", "cell.changed")
"""What a person does first."""
WHERE: tuple[dict[str, Any], ...] = (
    {"field": "character", "is": "c1"},
    {"field": "attempts", "at_most": 2},
    {"field": "depth", "at_most": 1},
    {"field": "by", "is_not": "person"},
    {"any": [{"field": "scene_type", "is": "s1"}, {"field": "character.all_approved", "is": True}]},
    {"not": {"field": "run.approved", "above": 2}},
    {"field": "scene_type.in_review", "at_least": 1},
)
DO: tuple[Any, ...] = (
    {"submit": {"mode": "all"}},
    {"submit": {"mode": "all", "scene_types": "all"}},
    {"submit": {"mode": "failed", "characters": "all"}},
    {"submit": {"characters": "all", "scene_types": ["s2"]}},
    {"notify": {"to": "producers"}},
    "approve",
    "flag",
)


def random_rule(chance: Random, number: int) -> dict[str, Any]:
    """Some rule about scenes."""
    rule: dict[str, Any] = {
        "name": f"rule {number}",
        "when": sorted({*chance.sample(EVENTS, chance.randint(1, 2)), *chance.sample(FIRST, chance.choice([0, 1]))}),
        "do": chance.sample(DO, chance.randint(1, 3)),
        "priority": chance.randint(0, 2),
        "per": chance.choice(["subject", "subject", "character", "run"]),
        "max_depth": chance.choice([1, 2, 10]),
        "order": chance.choice(["sequential", "parallel"]),
        "on_failure": chance.choice(["stop", "go_on"]),
        "once": chance.random() < 0.1,
    }
    if chance.random() < 0.2:
        rule |= {"if": {"field": "character.open", "at_most": 1}, "else": chance.sample(DO, 1)}
    return {**rule, "where": chance.choice(WHERE)} if chance.random() < 0.4 else rule


def bounded_rules(chance: Random) -> list[dict[str, Any]]:
    """Rules made by chance, without those that are none, and without those that could run in a circle which nothing bounds."""
    specs: list[dict[str, Any]] = []
    kept: list[Rule] = []
    for number in range(chance.randint(4, 16)):
        spec = random_rule(chance, number)
        rules = [*kept, *(replace(rule, age=number) for rule in read_rule(spec, project=TITLE).rules)]
        if len(rules) > len(kept) and not analyse(rules).refused:
            specs, kept = [*specs, spec], rules
    return specs


class Stand:
    """A run in which one set of rules after another is tried, each from wherever the last one has left it."""

    def __init__(self, house: House) -> None:
        self.house = house
        production = make_production(
            characters=2, scene_types=2, variants=1, segments=2, approvals=Approvals("auto", "human"), title=TITLE
        )
        self.run: Run = house.create(production, auto_deliver=False)
        self.engine = house.new_engine(parallel=1)

    def as_predicted(self, seed: int) -> int:
        """Predict what follows from what a person does, let it happen, and compare; how many firings there were."""
        studio = self.house.studio
        if self.house.statuses(self.run)[CellStatus.REVIEW] < 2:
            self._fill()
        with self._rules(Random(seed)):
            root = self._begin(Random(seed))
            course = studio.trigger_views.simulate(self.run.id, root)
            studio.firing.settle()
            for _ in range(500):
                if not self._do_one_job():
                    break
                studio.firing.settle()
        everything = studio.trigger_views.firings(run_id=self.run.id, limit=220)
        if any(one.firing.root > root for one in everything):
            return 0
        views = [one for one in everything if one.firing.root == root]
        fired = [(one.rule, one.firing.depth, one.firing.things, one.firing.branch) for one in reversed(views)]
        predicted = [(one.rule.name, one.depth, one.things, one.branch) for one in course.firings]
        assert fired == predicted, f"seed {seed}"
        return len(fired)

    def _fill(self) -> None:
        """All scenes are made, and wait for a person."""
        self.house.studio.submission.submit(self.run, Selection(), Mode.ALL, PERSON)
        self.house.work(self.engine)

    def _do_one_job(self) -> bool:
        """One job from its claim to its end, the one that is furthest along; whether there was any."""
        if not any(self._turn_with(lane) for lane in (Lane.CPU, Lane.GENERATION)):
            return False
        self._turn_with(None)
        return True

    def _turn_with(self, lane: Lane | None) -> bool:
        """A turn of the engine with room for one job of a lane, or for none; whether something moved."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.engine, "_free", lambda: {one: int(one is lane) for one in Lane})
            return self.engine.turn()

    @contextlib.contextmanager
    def _rules(self, chance: Random) -> Iterator[None]:
        """Rules made by chance, approved; removed afterwards."""
        specs = bounded_rules(chance)
        with self.house.studio.stores.begin(self.house.clock.now()) as store:
            now, seq = store.journal.now, store.journal.seq
            store.triggers.move_cursor(seq)
            for spec in specs:
                own = {"name": spec["name"], "spec": spec, "enabled": True, "origin": "people", "approved_by": "admin"}
                store.triggers.add(project_id=self.run.project_id, by="tester", from_seq=seq, now=now, **own)
        yield
        with self.house.studio.stores.begin(self.house.clock.now()) as store:
            for rule in store.triggers.live():
                store.triggers.remove(rule.id, store.journal.now)

    def _begin(self, chance: Random) -> int:
        """A person does something to a scene; the number of the event."""
        cells = self.house.cells(self.run)
        review = self.house.studio.review
        key = chance.choice(sorted(cells))
        one = Selection(keys=(key,))
        if cells[key].status is CellStatus.REVIEW and chance.random() < 0.7:
            review.approve(self.run, one, PERSON)
        elif cells[key].status in (CellStatus.REVIEW, CellStatus.APPROVED) and chance.random() < 0.5:
            review.reject(self.run, one, PERSON, reason="no")
        elif chance.random() < 0.5:
            self.house.studio.submission.prioritise(self.run, one, cells[key].priority % 20 + 1, PERSON)
        else:
            review.mark_stale(self.run, {key: f"changed before {chance.random()}"}, PERSON)
        return self.house.events(*FIRST)[-1].seq


def fired_as_predicted(house: House, first: int, count: int, each: int = 50) -> int:
    """Try so many sets of rules, `each` on a stand; how many firings there were."""
    total = 0
    for start in range(first, first + count, each):
        stand = Stand(house)
        total += sum(stand.as_predicted(seed) for seed in range(start, min(first + count, start + each)))
    return total


def test_what_is_predicted_happens(house: House) -> None:
    assert fired_as_predicted(house, 0, 20) >= 10


def test_what_is_predicted_happens_on_two_hundred_sets_of_rules(sqlite_url: str) -> None:
    with quick_folder() as folder:
        house = House(folder, f"sqlite:///{folder / 'stripboard.db'}")
        assert fired_as_predicted(house, 100, 200) >= 150
        house.check()
        house.close()


@pytest.mark.slow
@pytest.mark.timeout(20_000)
@pytest.mark.parametrize("part", range(20))
def test_what_is_predicted_happens_on_twenty_thousand_sets_of_rules(part: int) -> None:
    with quick_folder() as folder:
        house = House(folder, f"sqlite:///{folder / 'stripboard.db'}")
        assert fired_as_predicted(house, 1000 * (part + 1), 1000) >= 700
        house.check()
        house.close()
