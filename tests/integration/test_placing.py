"""What lies in the output folders: every export that counts, and nothing of ours that counts no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.delivery import NotPlaced
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Run
from pipeline.domain.statuses import RunStatus
from tests.factories import EVERYTHING, PERSON, House, make_production

FIRST = Selection(keys=("c1 / s1 / v1",))


def delivered(house: House, **wishes: int) -> Run:
    """A run with one character and look, delivered, its exports placed."""
    run = house.start(make_production(**{"characters": 1, "scene_types": 2, "variants": 1} | wishes))
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    house.studio.deliveries.place_outputs(run)
    return run


def placed(house: House) -> list[str]:
    """The files of the output folder, by name."""
    return sorted(path.name.split(".")[0] for path in (house.folder / "out").rglob("*") if path.is_file())


def another_take(house: House, run: Run) -> None:
    house.studio.submission.submit(run, FIRST, Mode.ALL, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED


def test_an_export_of_a_take_that_counts_no_more_is_taken_away(house: House) -> None:
    run = delivered(house)
    assert placed(house) == ["s1_v1_t01", "s2_v1_t01"]
    another_take(house, run)
    house.studio.deliveries.place_outputs(run)
    assert placed(house) == ["s1_v1_t02", "s2_v1_t01"]

    house.studio.review.rollback(run, FIRST, PERSON)
    house.work()
    house.studio.deliveries.place_outputs(run)
    assert placed(house) == ["s1_v1_t01", "s2_v1_t01"]

    house.studio.review.reject(run, FIRST, PERSON, reason="too dark")
    house.studio.submission.cancel(run, FIRST, PERSON)
    house.work()
    house.studio.deliveries.place_new()
    assert placed(house) == ["s2_v1_t01"], "left out of the delivery, it is out of the folder too"


def test_what_a_person_has_changed_or_put_there_stays(house: House) -> None:
    run = delivered(house)
    [ours] = (house.folder / "out").rglob("s1_v1_t01*")
    ours.write_bytes(ours.read_bytes()[:-1] + b"!")
    own = ours.with_name("notes.txt")
    own.write_text("mine")
    another_take(house, run)
    house.studio.deliveries.place_outputs(run)
    assert placed(house) == ["notes", "s1_v1_t01", "s1_v1_t02", "s2_v1_t01"]


def test_a_link_at_the_place_of_an_old_take_stays(house: House) -> None:
    run = delivered(house)
    [ours] = (house.folder / "out").rglob("s1_v1_t01*")
    ours.rename(house.folder / "elsewhere.mp4")
    ours.symlink_to(house.folder / "elsewhere.mp4")
    another_take(house, run)
    house.studio.deliveries.place_outputs(run)
    assert ours.is_symlink()


def test_what_another_run_into_the_folder_has_approved_stays(house: House) -> None:
    first = delivered(house)
    delivered(house)
    another_take(house, first)
    house.studio.deliveries.place_outputs(first)
    assert placed(house) == ["s1_v1_t01", "s1_v1_t02", "s2_v1_t01"]


def test_every_output_is_tried_and_what_failed_is_told_with_its_cure(house: House) -> None:
    run = house.start(make_production(characters=2, scene_types=2, variants=1))
    house.work()
    (house.folder / "out").mkdir()
    (house.folder / "out" / "c1").write_text("in the way")

    with pytest.raises(NotPlaced) as raised:
        house.studio.deliveries.place_outputs(run)

    assert [Path(path).parent.name for path in raised.value.placed] == ["c2", "c2"]
    assert len(raised.value.reasons) == 2
    assert all('out/c1" is a file where a folder is wanted: move it away' in reason for reason in raised.value.reasons)
    assert "And 1 more." in str(raised.value)
    assert house.studio.deliveries.place_new() == 0
    (house.folder / "out" / "c1").unlink()
    house.clock.advance(61)
    assert house.studio.deliveries.place_new() == 1
    assert len(placed(house)) == 4


def test_a_folder_where_a_file_is_wanted_is_told_so(house: House) -> None:
    run = delivered(house, scene_types=1)
    [ours] = (house.folder / "out").rglob("s1_v1_t01*")
    ours.unlink()
    ours.mkdir()
    with pytest.raises(NotPlaced, match="It is a folder where a file is wanted"):
        house.studio.deliveries.place_outputs(run)


def test_a_file_that_is_in_place_is_not_written_again(house: House) -> None:
    run = delivered(house, scene_types=1)
    [ours] = (house.folder / "out").rglob("s1_v1_t01*")
    before = ours.stat().st_ino
    assert house.studio.deliveries.place_outputs(run) == [ours]
    assert ours.stat().st_ino == before
    ours.write_bytes(b"changed")
    house.studio.deliveries.place_outputs(run)
    assert ours.read_bytes() != b"changed"


def test_all_takes_of_a_scene_but_the_approved_one_go(house: House) -> None:
    run = delivered(house, scene_types=1)
    another_take(house, run)
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    house.studio.deliveries.place_outputs(run)
    assert placed(house) == ["s1_v1_t03"]
