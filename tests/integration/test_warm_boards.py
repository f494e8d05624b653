"""A board that is kept warm is the one that would be read anew, whatever has happened, and whoever has done it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from random import Random

import pytest

from pipeline.domain.budget import Quantity, Scope
from pipeline.domain.choices import Mode
from pipeline.domain.errors import StripboardError, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Budget
from pipeline.domain.records import Run
from pipeline.domain.rules.snapshot import Board
from pipeline.domain.schedule import Schedule
from pipeline.domain.work import Measurement, Request
from pipeline.services.rule_snapshots import snapshot
from pipeline.services.runbooks import RunBooks
from pipeline.services.warm_boards import WarmBoards
from tests.factories import PERSON, House, make_production

GROUPS = [("run", None), ("character", "c1"), ("scene_type", "s2"), ("variant", "v1")]
RULES = (
    {"name": "again", "when": "cell.approved", "where": {"field": "attempts", "below": 3}, "do": [{"submit": {"mode": "all"}}]},
    {"name": "pause", "when": "cell.failed", "do": [{"pause": {"of": "scene_type"}}]},
    {"name": "look", "when": ["cell.review", "still.review"], "do": ["flag", "approve"]},
)


class Chance:
    """A house in which anything may happen; the same for the same seed."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.random = Random(seed)
        self.people = Approvals(self.random.choice(["auto", "human"]), "human")
        budget = Budget(gpu_hours=self.random.choice([None, 2.0, 50.0]))
        production = make_production(approvals=self.people, budget=budget, title=f"Any {seed}", segments=1)
        self.run = house.create(production, auto_deliver=self.random.random() < 0.5)
        self.engine = house.new_engine()
        house.hands.troubles = self.trouble
        if self.random.random() < 0.5:
            for rule in RULES:
                house.studio.triggers.approve(house.studio.triggers.save(rule, project=self.run.title, actor=PERSON), PERSON)

    def trouble(self, request: Request) -> None:
        """Work fails now and then, and what is measured differs."""
        value = self.random.uniform(0, 100)
        self.house.hands.measures = dict.fromkeys(("scene_qa", "variant_qa"), (Measurement("sharpness", value),))
        if self.random.random() < 0.05:
            raise WorkFailed("bad_input", "no")

    def step(self) -> None:
        """Something happens; what is not possible now does not."""
        deed = self.random.choice([self.turn] * 6 + [self.submit, self.submit, self.judge, self.judge, self.other, self.fire])
        with contextlib.suppress(StripboardError):
            deed()
        self.house.clock.advance(1)

    def turn(self) -> None:
        """The engine works a little."""
        for _ in range(self.random.randint(1, 6)):
            self.engine.turn()

    def fire(self) -> None:
        """Rules fire."""
        self.house.studio.firing.turn()

    def some(self) -> Selection:
        """One scene, or all of them."""
        keys = sorted(self.house.cells(self.run))
        return Selection(keys=(self.random.choice(keys),)) if self.random.random() < 0.7 else Selection()

    def submit(self) -> None:
        """People ask for scenes."""
        self.house.studio.submission.submit(self.now, self.some(), self.random.choice(list(Mode)), PERSON)

    def judge(self) -> None:
        """People judge scenes and pictures, or take a judgement back."""
        review, run = self.house.studio.review, self.now
        stills = [one.key for one in self.house.stills(run).values() if one.kind == "variant"]
        deeds: list[Callable[[], object]] = [
            lambda: review.approve(run, self.some(), PERSON),
            lambda: review.reject(run, self.some(), PERSON, reason="no"),
            lambda: review.approve_variant(run, self.random.choice(stills), PERSON),
            lambda: review.reject_variant(run, self.random.choice(stills), PERSON, reason="no"),
            lambda: review.undo(run, [*self.some().keys, *stills], PERSON),
            lambda: review.retry(run, self.some(), PERSON),
            lambda: review.rollback(run, self.some(), PERSON),
            lambda: review.mark_stale(run, {self.random.choice(sorted(self.house.cells(run))): "older"}, PERSON),
        ]
        self.random.choice(deeds)()

    def other(self) -> None:
        """People change what is around it."""
        studio, run, number = self.house.studio, self.now, self.random.randint(0, 3)
        deeds: list[Callable[[], object]] = [
            lambda: studio.runs.pause(run, PERSON),
            lambda: studio.runs.resume(run, PERSON, auto_deliver=bool(number % 2)),
            lambda: studio.submission.cancel(run, self.some(), PERSON),
            lambda: studio.schedules.put(run.project_id, Schedule(scene_types={"s1": number}), PERSON),
            lambda: studio.budgets.put(
                studio.budgets.subject(Scope.RUN, run.name), Quantity.GPU_SECONDS, PERSON, limit=3600.0 * (number + 1)
            ),
            lambda: studio.retakes.again(run, self.random.choice(sorted(self.house.cells(run))), PERSON),
            studio.upkeep.refresh_rates,
        ]
        self.random.choice(deeds)()

    @property
    def now(self) -> Run:
        """The run as it stands."""
        return self.house.run(self.run)


def compare(house: House, warm: WarmBoards, books: RunBooks, run: Run) -> None:
    """The warm board is the one that is read anew, its counts included."""
    warm.begin()
    with house.studio.stores.begin(house.clock.now()) as store:
        board = warm.board(store, run.id)
        fresh = snapshot(store, books, run.id)
    assert board.as_snapshot() == fresh
    anew = Board(fresh)
    assert [board.tally(*group) for group in GROUPS] == [anew.tally(*group) for group in GROUPS]
    assert (+board.queued.scenes, board.queued.needed) == (+anew.queued.scenes, anew.queued.needed)


def any_history(house: House, seed: int, steps: int) -> int:
    """Let anything happen, and compare after each of it; at how many events it ended."""
    chance = Chance(house, seed)
    books = RunBooks()
    warm = WarmBoards(books)
    for _ in range(steps):
        chance.step()
        with house.studio.stores.read() as store:
            books.measure(store, chance.run.id)
        compare(house, warm, books, chance.run)
    return len(house.events())


def test_a_warm_board_is_the_one_that_is_read_anew(house: House) -> None:
    assert any_history(house, 1, 40) + any_history(house, 2, 40) > 100


@pytest.mark.slow
def test_a_warm_board_is_the_one_that_is_read_anew_over_many_histories(house: House) -> None:
    assert sum(any_history(house, seed, 60) for seed in range(100, 130)) > 3_000


def test_what_a_transaction_has_done_itself_is_on_the_board_and_what_it_takes_back_is_not(house: House) -> None:
    run = house.start(make_production(approvals=Approvals("auto", "human")), auto_deliver=False)
    house.work()
    books = RunBooks()
    warm = WarmBoards(books)
    compare(house, warm, books, run)
    cell = next(iter(house.cells(run).values()))
    with contextlib.suppress(ZeroDivisionError), house.studio.stores.begin(house.clock.now()) as store:
        warm.begin()
        assert warm.board(store, run.id).cells[cell.id].status == "review"
        store.cells.mark_stale(cell, "older")
        store.journal.record("cell.stale", actor=PERSON, subject="cell", subject_id=cell.id, run_id=run.id)
        assert warm.board(store, run.id).cells[cell.id].is_stale
        raise ZeroDivisionError
    warm.forget()
    compare(house, warm, books, run)
