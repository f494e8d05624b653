"""Boards made by chance in a real store, on which sets of rules are tried: what is predicted, and what then happens."""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.errors import StripboardError, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Production
from pipeline.domain.records import Run
from pipeline.domain.rules.assumptions import Assumption
from pipeline.domain.rules.chains import Course
from pipeline.domain.rules.model import LIMITS, Fuel
from pipeline.domain.rules.planning import Spent
from pipeline.domain.rules.stored import StoredFiring, StoredRule
from pipeline.domain.rules.vocabulary import EVENTS
from pipeline.domain.stages import Lane
from pipeline.domain.statuses import RunStatus
from pipeline.domain.work import Measurement
from tests.factories import PERSON, House, make_production
from tests.fakes import failing
from tests.rule_sets import random_rules

_MOST_JOBS = 3000
_MOST_CELLS = 6
"""Most boards have no more scenes: what is asked for there is soon done."""

_CANDIDATES = ("candidate 1", "candidate 2")
MEASURES: dict[str, dict[str, tuple[Measurement, ...]]] = {
    "pass": {},
    "flag": {
        "source_qa": (Measurement("sharpness", 1, "image 1"),),
        "variant_qa": tuple(Measurement("sharpness", 1, subject) for subject in _CANDIDATES),
        "scene_qa": (Measurement("flicker", 0.5, "scene"),),
    },
    "fail": {
        "source_qa": (Measurement("min_side_px", 12, "image 1"),),
        "variant_qa": tuple(Measurement("black_fraction", 0.99, subject) for subject in _CANDIDATES),
        "scene_qa": (Measurement("black_frames", 0.9, "scene"),),
    },
}
"""What is measured for a verdict, by stage."""
Told = tuple[Any, ...]
"""A firing as it is compared."""


@dataclass
class Tally:
    """What many sets of rules came to."""

    graphs: int = 0
    fired: int = 0
    """Sets of which some rule fired."""
    firings: int = 0
    with_loops: int = 0
    round: int = 0
    """Sets of which some rule fired because of one of its own firings."""
    deep: int = 0
    deepest: int = 0
    most_rules: int = 0

    def add(self, other: Tally) -> None:
        """Count these, too."""
        for name in ("graphs", "fired", "firings", "with_loops", "round", "deep"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.deepest, self.most_rules = max(self.deepest, other.deepest), max(self.most_rules, other.most_rules)


def random_board(chance: Random, title: str) -> Production:
    """1 to 4 characters, 1 to 3 scene types, 1 or 2 variants and segments, and gates of people or automatic ones."""
    while True:
        several = {"characters": 4, "scene_types": 3, "variants": 2, "segments": 2, "candidates": 2}
        shape = {name: chance.randint(1, most) for name, most in several.items()}
        if shape["characters"] * shape["scene_types"] * shape["variants"] <= _MOST_CELLS or chance.random() < 0.02:
            break
    approvals = Approvals(chance.choice(["auto", "human"]), chance.choice(["auto", "auto", "human"]))
    return make_production(**shape, outputs=chance.choice([0, 1, 1, 2]), approvals=approvals, title=title)


class Person:
    """Does something to a run, whatever is possible there by chance."""

    def __init__(self, house: House, run: Run, chance: Random) -> None:
        self._house = house
        self._run = run
        self._chance = chance

    def act(self) -> str:
        """Do one thing; its name."""
        while True:
            deed = self._chance.choice(_DEEDS)
            with contextlib.suppress(StripboardError):
                deed(self)
                return deed.__name__

    @property
    def _key(self) -> str:
        return self._chance.choice(sorted(self._house.cells(self._run)))

    def _some(self) -> Selection:
        keys = sorted(self._house.cells(self._run))
        return Selection(keys=tuple(sorted(self._chance.sample(keys, self._chance.choice([1, min(2, len(keys)), len(keys)])))))

    def _picture(self) -> str:
        stills = sorted(key.removeprefix("variant ") for key in self._house.stills(self._run) if key.startswith("variant "))
        return self._chance.choice(stills)

    def submit(self) -> None:
        receipt = self._house.studio.submission.submit(self._run, self._some(), self._chance.choice(list(Mode)), PERSON)
        if not receipt.accepted:
            raise StripboardError("nothing to do")

    def approve(self) -> None:
        self._house.studio.review.approve(self._run, self._some(), PERSON)

    def reject(self) -> None:
        self._house.studio.review.reject(self._run, Selection(keys=(self._key,)), PERSON, reason="no")

    def approve_picture(self) -> None:
        self._house.studio.review.approve_variant(self._run, self._picture(), PERSON)

    def reject_picture(self) -> None:
        self._house.studio.review.reject_variant(self._run, self._picture(), PERSON, reason="no")

    def prioritise(self) -> None:
        selection, priority = self._some(), self._chance.randint(-2, 2)
        if not self._house.studio.submission.prioritise(self._run, selection, priority, PERSON):
            raise StripboardError("nothing to do")

    def mark_stale(self) -> None:
        self._house.studio.review.mark_stale(self._run, {self._key: f"changed {self._chance.random()}"}, PERSON)

    def retry(self) -> None:
        if not self._house.studio.review.retry(self._run, Selection(), PERSON):
            raise StripboardError("nothing to do")

    def cancel(self) -> None:
        if not self._house.studio.submission.cancel(self._run, Selection(keys=(self._key,)), PERSON):
            raise StripboardError("nothing to do")

    def retake(self) -> None:
        self._house.studio.retakes.again(self._run, self._key, PERSON)

    def pause(self) -> None:
        self._house.studio.runs.pause(self._house.run(self._run), PERSON)

    def resume(self) -> None:
        self._house.studio.runs.resume(self._house.run(self._run), PERSON)


_DEEDS: tuple[Callable[[Person], None], ...] = (
    *[Person.submit] * 3, *[Person.approve] * 5, *[Person.reject] * 2, *[Person.approve_picture] * 4, Person.reject_picture,
    Person.prioritise, Person.mark_stale, Person.retry, Person.cancel, Person.retake, Person.pause, *[Person.resume] * 2,
)  # fmt: skip


class Stand:
    """A run on a board made by chance: one set of rules after another is tried there, each from wherever the last has left it."""

    def __init__(self, house: House, number: int) -> None:
        self.house = house
        house.hands.measures = {}
        chance = Random(f"board {number}")
        production = random_board(chance, f"Harbor Nights {number}")
        self.run: Run = house.create(production, auto_deliver=chance.random() < 0.5)
        self.engine = house.new_engine(parallel=1)
        self._are_waiting = False
        self._walk(chance)

    def _walk(self, chance: Random) -> None:
        """People and the engine have brought the board somewhere."""
        person = Person(self.house, self.run, chance)
        self.house.studio.submission.submit(self.run, Selection(), Mode.MISSING, PERSON)
        for _ in range(chance.randint(0, 12)):
            self.house.hands.troubles = failing(
                "scene_generation", lambda: WorkFailed("bad_input", "no"), times=int(chance.random() < 0.2)
            )
            if chance.random() < 0.9:
                self.house.work(self.engine)
            person.act()
        self.house.hands.troubles = lambda request: None

    def as_predicted(self, seed: int, verdict: str = "pass") -> Tally:
        """Predict what follows from what a person does, let it happen, and compare; what it came to.

        `verdict` is what QA makes of everything meanwhile.
        """
        self.house.hands.measures = dict(MEASURES[verdict])
        specs, loops = random_rules(Random(seed))
        chance = Random(f"person {seed}")
        person = Person(self.house, self.run, chance)
        if self.house.run(self.run).status is RunStatus.PAUSED:
            person.resume()
        self._are_waiting = any("wait_s" in spec for spec in specs)
        with self._rules(specs) as rules:
            before = self._newest()
            deed = person.act()
            delivered = set(self._deliveries())
            course = self.predict(Assumption(verdict=verdict))
            self._let_happen()
            happened = self._firings(before)
        names, parcels = {rule.id: rule.name for rule in rules}, self._new_deliveries(delivered)
        fired, foretold = [told(one, names, parcels) for one in happened], predicted(course)
        assert fired == foretold, f"seed {seed}: {deed}: {difference(fired, foretold)}"
        return tally(rules, happened, course, loops)

    def predict(self, assumption: Assumption) -> Course:
        """All that would follow from what has happened and has not been held against the rules yet."""
        with self.house.studio.stores.read() as store:
            pending = [event.seq for event in store.journal.after(store.triggers.cursor(), 10_000) if event.type in EVENTS]
        return self.house.studio.trigger_views.simulate(self.run.id, pending, assumption=assumption, goes_on=True)

    def _let_happen(self) -> None:
        """Fire, wait and work until all is quiet; what rules wait for comes before work goes on."""
        self._fire()
        for _ in range(_MOST_JOBS):
            if not self._do_one_job():
                return
            self._fire()
        raise AssertionError("it does not come to rest")

    def _fire(self) -> None:
        firing = self.house.studio.firing
        firing.settle()
        while self._are_waiting and (due := firing.next_due()) is not None:
            self.house.clock.advance((due - self.house.clock.now()).total_seconds())
            firing.settle()

    def _do_one_job(self) -> bool:
        """One job from its claim to its end, the one that is furthest along; whether there was any."""
        lanes = (Lane.CPU, Lane.GENERATION) if self._has_checks() else (Lane.GENERATION,)
        if not any(self._turn_with(lane) for lane in lanes):
            return False
        if self.engine.busy:
            self._turn_with(None)
        return True

    def _has_checks(self) -> bool:
        """Whether a check, an assembly, an export or a package is ready: asking is cheaper than a turn of the engine."""
        given = {"limit": 1, "max_rank": 99, "now": self.house.clock.now(), "free_seconds": math.inf, "free_bytes": math.inf}
        with self.house.studio.stores.read() as store:
            return bool(store.jobs.ready(self.run.id, Lane.CPU, **given))

    def _turn_with(self, lane: Lane | None) -> bool:
        """A turn of the engine with room for one job of a lane, or for none; whether something moved."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.engine, "_free", lambda: {one: int(one is lane) for one in Lane})
            return self.engine.turn()

    @contextlib.contextmanager
    def _rules(self, specs: list[dict[str, Any]]) -> Iterator[list[StoredRule]]:
        """These rules, approved; removed afterwards. They hear of nothing that was before."""
        studio = self.house.studio
        with studio.stores.begin(self.house.clock.now()) as store:
            now, seq = store.journal.now, store.journal.seq
            for spec in specs:
                own = {"name": spec["name"], "spec": spec, "enabled": True, "origin": "people", "approved_by": "admin"}
                store.triggers.add(project_id=self.run.project_id, by="tester", from_seq=seq, now=now, **own)
        studio.firing.settle()
        yield studio.triggers.all()
        with studio.stores.begin(self.house.clock.now()) as store:
            for rule in store.triggers.live():
                store.triggers.remove(rule.id, store.journal.now)

    def _newest(self) -> int:
        with self.house.studio.stores.read() as store:
            return max((one.id for one in store.firings.latest(1)), default=0)

    def _deliveries(self) -> list[int]:
        with self.house.studio.stores.read() as store:
            return [one.id for one in store.deliveries.every(self.run.id)]

    def _new_deliveries(self, before: set[int]) -> dict[str, str]:
        """The numbers that a simulation gives to deliveries that are made meanwhile, by their own."""
        fresh = [key for key in self._deliveries() if key not in before]
        return {str(key): str(-number) for number, key in enumerate(fresh, 1)}

    def _firings(self, after: int) -> list[StoredFiring]:
        with self.house.studio.stores.read() as store:
            found = store.firings.latest(5_000, run_id=self.run.id)
        return [one for one in reversed(found) if one.id > after]

    def leave(self) -> None:
        """Nothing goes on here any more."""
        run = self.house.run(self.run)
        if run.status in (RunStatus.RUNNING, RunStatus.PAUSED):
            self.house.studio.runs.cancel(run, PERSON)


def told(one: StoredFiring, names: dict[int, str], parcels: dict[str, str]) -> Told:
    """A firing that has happened."""
    things = tuple((kind, parcels.get(name, name) if kind == "delivery" else name) for kind, name in one.things)
    effects = tuple((effect.kind, effect.names, effect.state in ("done", "waiting")) for effect in one.effects)
    return names[one.trigger_id], one.depth, things, one.branch, len(one.events), one.jobs, effects


def predicted(course: Course) -> list[Told]:
    """The firings that were foretold."""
    found: list[Told] = []
    for number, one in enumerate(course.firings):
        effects = tuple(
            (effect.action.kind.value, effect.names, not effect.refusal and (number, effect.number) not in course.undone)
            for effect in one.effects
        )
        found.append((one.rule.name, one.depth, one.things, one.branch, len(one.events), one.spent.jobs, effects))
    return found


def difference(fired: list[Told], foretold: list[Told]) -> str:
    """Where what happened leaves what was foretold."""
    number = next((n for n, (one, other) in enumerate(zip(fired, foretold, strict=False)) if one != other), None)
    at = min(len(fired), len(foretold)) if number is None else number
    return f"firing {at} of {len(fired)} and {len(foretold)}: {fired[at : at + 1]}, foretold {foretold[at : at + 1]}"


def tally(rules: list[StoredRule], happened: list[StoredFiring], course: Course, loops: int) -> Tally:
    """What it came to; every chain has kept within its depth and its fuel."""
    by_id = {rule.id: rule.rule for rule in rules}
    spent: dict[tuple[int, int], Spent] = defaultdict(Spent)
    total: dict[int, Spent] = defaultdict(Spent)
    for one in happened:
        rule, used = by_id[one.trigger_id], Spent(1, one.jobs, one.gpu_seconds)
        assert one.depth <= min(rule.max_depth, LIMITS.max_depth)
        spent[one.root, one.trigger_id] += used
        total[one.root] += used
        assert is_within(spent[one.root, one.trigger_id], rule.fuel)
        assert is_within(total[one.root], LIMITS.fuel)
    deepest = max((one.depth for one in happened), default=0)
    return Tally(
        1, bool(happened), len(happened), loops > 0, goes_round(course), deepest > 2, deepest=deepest, most_rules=len(rules)
    )  # fmt: skip


def is_within(spent: Spent, fuel: Fuel) -> bool:
    """Whether no more was used up than there is."""
    return spent.firings <= fuel.firings and spent.jobs <= fuel.jobs and spent.gpu_seconds <= fuel.gpu_seconds


def goes_round(course: Course) -> bool:
    """Whether some rule fired because of a firing of its own."""
    above: list[set[str]] = []
    for number, firing in enumerate(course.firings):
        wakers = course.what_woke(number)
        above.append(set().union(*({course.firings[one].rule.id} | above[one] for one in wakers)) if wakers else set())
        if firing.rule.id in above[-1]:
            return True
    return False
