"""Finding runs, characters and scenes by words."""

from __future__ import annotations

from pipeline.domain.search import words
from tests.factories import House, make_production


def found(house: House, text: str, **options: int) -> list[tuple[str, str]]:
    return [(result.kind, result.text) for result in house.studio.search.find(text, **options)]


def test_every_word_must_be_part_of_a_name_whatever_the_case(house: House) -> None:
    run = house.create(make_production())
    assert found(house, "C1 S2") == [("scene", "c1 / s2 / v1"), ("scene", "c1 / s2 / v2")]
    assert found(house, "harbor 1") == [("run", f"Harbor Nights, Run {run.number}")]
    assert found(house, "c1 elsewhere") == []


def test_nothing_asked_finds_the_newest_runs_alone(house: House) -> None:
    house.create(make_production())
    house.create(make_production(title="Glass Orchard"))
    assert found(house, " ") == [("run", "Glass Orchard, Run 1"), ("run", "Harbor Nights, Run 1")]


def test_of_each_kind_one_more_than_the_limit_is_found_at_most(house: House) -> None:
    house.create(make_production(characters=4))
    assert [kind for kind, _ in found(house, "c", limit=2)] == ["character"] * 3 + ["scene"] * 3


def test_characters_and_scenes_are_those_of_the_run_that_is_looked_at(house: House) -> None:
    first = house.create(make_production())
    house.create(make_production(title="Glass Orchard"))
    results = house.studio.search.find("v1", run_id=first.id)
    assert {result.run_id for result in results} == {first.id}


def test_what_a_query_holds_is_text_and_no_pattern(house: House) -> None:
    house.create(make_production())
    assert found(house, "%") == []
    assert found(house, "_1") == []


def test_the_separators_of_keys_part_words() -> None:
    assert words("Mara / finale") == ("Mara", "finale")
