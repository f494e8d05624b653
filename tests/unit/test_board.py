"""Where each cell of a run is drawn, and how the document about it is kept small."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import board
from pipeline.domain.board import Column, Place, Row
from pipeline.domain.statuses import CellStatus


def matrix(*, characters: int = 2, kinds: int = 2, variants: int = 2) -> list[Place]:
    names = product(range(characters), range(kinds), range(variants))
    return [Place(f"c{c} / s{s} / v{v}", f"s{s}", f"c{c}", f"v{v}") for c, s, v in names]


def test_characters_are_rows_and_variants_are_columns_within_their_scene_type():
    found = board.layout(matrix())
    assert found.rows == (Row("c0", "character"), Row("c1", "character"))
    assert found.groups == ("s0", "s1")
    assert found.columns == (Column(0, "v0"), Column(0, "v1"), Column(1, "v0"), Column(1, "v1"))
    assert found.at_row == [0, 0, 0, 0, 1, 1, 1, 1]
    assert found.at_column == [0, 1, 2, 3, 0, 1, 2, 3]


def test_keys_that_follow_from_the_place_are_not_repeated():
    odd = Place("c1 / s0 / v0 (2)", "s0", "c2", "v0")
    assert board.layout([*matrix(), odd]).names == {8: "c1 / s0 / v0 (2)"}


def test_a_run_without_variants_has_one_nameless_column_a_scene_type():
    found = board.layout([Place("Mara / dance", "dance", "Mara")])
    assert found.columns == (Column(0, ""),)
    assert found.names == {}


def test_shots_are_grouped_by_scene_number_and_template():
    shots = [
        Place("s001 hero_cu / Mara", "hero_cu", "Mara", scene_number=1, shot="s001_hero_cu"),
        Place("s002 hero_cu / Mara", "hero_cu", "Mara", scene_number=2, shot="s002_hero_cu"),
    ]
    found = board.layout(shots)
    assert found.groups == ("001 hero_cu", "002 hero_cu")
    assert found.names == {0: "s001 hero_cu / Mara", 1: "s002 hero_cu / Mara"}


def test_a_cell_without_a_character_stands_in_the_row_of_its_location():
    found = board.layout([Place("a", "wide", location="Harbor"), Place("b", "wide")])
    assert found.rows == (Row("Harbor", "location"), Row("no character", "location"))


def test_a_location_and_a_character_of_the_same_name_have_rows_of_their_own():
    found = board.layout([Place("a", "wide", character="Harbor"), Place("b", "wide", location="Harbor")])
    assert [row.kind for row in found.rows] == ["character", "location"]


def test_two_shots_that_would_share_a_place_get_a_column_more():
    twice = [Place(key, "cu", "Mara", "casual", scene_number=1, shot=key) for key in ("a", "b")]
    found = board.layout(twice)
    assert found.columns == (Column(0, "casual"), Column(0, "casual (2)"))
    assert found.at_column == [0, 1]


def test_nothing_is_laid_out_for_a_run_without_cells():
    assert board.layout([]) == board.Layout()


names = st.sampled_from(["a", "b", "c / a"])
places = st.builds(
    Place,
    key=st.text(max_size=4),
    scene_type=names,
    character=st.none() | names,
    variant=st.none() | names,
    location=st.none() | names,
    scene_number=st.none() | st.integers(0, 3),
)


@given(st.lists(places, max_size=40))
def test_no_two_cells_share_a_place_whatever_the_run_is_made_of(cells):
    found = board.layout(cells)
    spots = list(zip(found.at_row, found.at_column, strict=True))
    assert len(spots) == len(set(spots)) == len(cells)
    assert [column.group for column in found.columns] == sorted(column.group for column in found.columns)


@given(st.sets(st.integers(0, 60)))
def test_ids_come_back_from_their_pairs(ids):
    pairs = board.runs_of(sorted(ids))
    assert [first + step for first, count in pairs for step in range(count)] == sorted(ids)


def test_ids_stored_together_make_one_pair():
    assert board.runs_of([4, 5, 6, 9]) == [(4, 3), (9, 1)]


def test_equal_needs_are_listed_once():
    assert board.shared([(1, 2), (3,), (1, 2), ()]) == ([(1, 2), (3,), ()], [0, 1, 0, 2])


def test_every_status_has_a_letter_of_its_own():
    assert len(set(board.CODES.values())) == len(board.CODES) == len(CellStatus)


def test_the_margin_is_that_of_the_worst_measure():
    assert board.margin([(12, 10, "min"), (5, 10, "max")]) == 0.2
    assert board.margin([(8, 10, "min"), (5, 10, "max")]) == -0.2


def test_what_cannot_be_measured_is_as_far_outside_as_can_be():
    assert board.margin([(float("nan"), 10, "min"), (20, 10, "min")]) == -1


def test_a_measure_that_must_be_nought_and_is_says_nothing_about_the_margin():
    assert board.margin([(0, 0, "max")]) is None
    assert board.margin([(0, 0, "max"), (5, 10, "max")]) == 0.5
    assert board.margin([(1, 0, "max")]) == -1
