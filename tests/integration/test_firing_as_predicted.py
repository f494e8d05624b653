"""What a simulation says is what then happens: firing for firing, in order, on boards and rules made by chance in a real store.

A person does something on a board that people and the engine have brought somewhere. Then the simulation is asked, from the
stored events that no rule has heard yet and with the work that is under way, what all of it comes to; and it is let happen. Each
firing is compared with the one that was foretold, in order: its rule, its depth, what it fires for, its branch, how many events
it has gathered, the jobs that it is charged, and each action with its names and whether it was done. No set of rules counts for
nothing: where nothing was foretold, nothing may fire.

One job is done at a time, since a simulation knows nothing of how long work takes; what rules wait for is over before work goes
on; QA says the same of everything, generation does not fail, and nobody decides anything meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from pipeline.domain.errors import Refused
from pipeline.domain.rules.loops import analyse
from tests.factories import PERSON, House, make_production, quick_folder
from tests.rule_sets import MOST_RULES, random_rule, read
from tests.rule_stand import Stand, Tally

EACH = 8
"""So many sets of rules are tried on one board."""
TITLE = "Harbor Nights"


def tried(house: House, first: int, count: int, verdict: str = "pass") -> Tally:
    """What so many sets of rules came to, every one as predicted."""
    total = Tally()
    for start in range(first, first + count, EACH):
        stand = Stand(house, start)
        for seed in range(start, min(first + count, start + EACH)):
            total.add(stand.as_predicted(seed, verdict))
        stand.leave()
    return total


def check_worth(found: Tally, count: int) -> None:
    """It was worth trying: rules fired, chains were deep, loops that state bounds were gone round."""
    assert found.graphs == count
    assert found.with_loops > 0.9 * count
    assert found.fired > 0.4 * count and found.firings > 3 * count
    assert found.deep > 0.08 * count and found.deepest > 3
    assert found.round > 0.03 * count
    assert found.most_rules > 0.8 * MOST_RULES


@contextmanager
def house_on(url: str) -> Iterator[House]:
    """A house on a database, sound in the end."""
    with quick_folder() as folder:
        house = House(folder, url)
        yield house
        house.check()
        house.close()


def test_what_is_predicted_happens_on_two_hundred_sets_of_rules(house: House) -> None:
    check_worth(tried(house, 0, 200), 200)


@pytest.mark.parametrize(("verdict", "first"), [("flag", 200), ("fail", 248)])
def test_what_is_predicted_happens_where_quality_checks_flag_or_fail_everything(
    sqlite_url: str, verdict: str, first: int
) -> None:
    with house_on(sqlite_url) as house:
        found = tried(house, first, 48, verdict)
        assert found.graphs == 48 and found.firings > 100


@pytest.fixture
def long_house(request: pytest.FixtureRequest, part: int) -> Iterator[House]:
    """A house for a part of the campaign: every twentieth on PostgreSQL, the others on SQLite."""
    with house_on(request.getfixturevalue("postgresql_url" if part % 20 == 19 else "sqlite_url")) as house:
        yield house


@pytest.mark.slow
@pytest.mark.timeout(20_000)
@pytest.mark.parametrize("part", range(40))
def test_what_is_predicted_happens_on_twenty_thousand_sets_of_rules(part: int, long_house: House) -> None:
    found = tried(long_house, 500 * (part + 1), 500)
    print(f"part {part}: {found}")  # the outcome of a campaign is read
    check_worth(found, 500)


def test_a_rule_is_refused_when_it_is_saved_exactly_where_it_closes_a_circle_that_nothing_bounds(house: House) -> None:
    house.create(make_production(title=TITLE))
    triggers = house.studio.triggers
    refused = 0
    for seed in range(6):
        chance = Random(f"saved {seed}")
        for number in range(12):
            spec = random_rule(chance, number)
            kept = [rule.rule for rule in triggers.all()]
            if analyse([*kept, read(spec, number)]).refused:
                refused += 1
                with pytest.raises(Refused, match="Nothing bounds the loop"):
                    triggers.save(spec, project=TITLE, actor=PERSON)
            else:
                triggers.save(spec, project=TITLE, actor=PERSON)
        assert analyse([rule.rule for rule in triggers.all()]).refused == ()
        for rule in triggers.all():
            triggers.remove(rule, PERSON)
    assert 10 < refused < 60
