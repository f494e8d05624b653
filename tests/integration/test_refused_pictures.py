"""Source images that were refused: others in their place are checked anew, in the same run, and nothing else changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from components import board_hint
from pipeline.adapters import file_facts
from pipeline.domain.choices import Mode
from pipeline.domain.errors import WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Matrix, Production
from pipeline.domain.records import Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, RunStatus
from pipeline.domain.work import Request
from pipeline.services.runs import NewPictures
from tests.factories import EVERYTHING, HUMAN, PERSON, House, make_production
from tests.unit.test_frame_words import text

Again = Callable[[House, Run], object]
WAYS: list[Again] = [
    lambda house, run: house.studio.runs.resume(house.run(run), PERSON),
    lambda house, run: house.studio.runs.check_new_pictures(run, PERSON),
    lambda house, run: house.studio.review.retry(run, EVERYTHING, PERSON),
    lambda house, run: house.studio.review.retry(run, Selection(characters=("c2",)), PERSON),
    lambda house, run: house.studio.review.retry(run, Selection(keys=("c2 / s1 / v1",)), PERSON),
]
TWO = make_production(characters=2, scene_types=1, variants=1)


def draw(path: Path, content: str) -> None:
    """A picture with this content."""
    told = PngInfo()
    told.add_text("content", content)
    Image.new("RGB", (32, 32)).save(path, "PNG", pnginfo=told)


def content_of(path: Path) -> str:
    """What was drawn, or written by the house."""
    try:
        with Image.open(path) as image:
            return str(image.info["content"])
    except UnidentifiedImageError:
        return path.read_text(errors="replace")


def refuse(house: House, *bad: str) -> None:
    """From now on the check refuses pictures of this content."""

    def trouble(request: Request) -> None:
        for file in request.files("source"):
            if request.stage == Stage.SOURCE_QA and content_of(house.studio.media.path_of(file.sha256)) in bad:
                raise WorkFailed("bad_input", f"{file.label} is too blurred")

    house.hands.troubles = trouble


def stuck(house: House, production: Production = TWO) -> Run:
    """A run in which the picture of `c2` was refused; `c1` is approved."""
    refuse(house, "picture c2.png", "worse")
    run = house.start(production)
    house.work()
    assert house.stills(run)["source c2"].status is CellStatus.FAILED
    assert house.statuses(run) == {CellStatus.APPROVED: 1, CellStatus.QUEUED: 1}
    return run


def pictures(house: House, run: Run, stage: Stage) -> list[str]:
    """The content of the source images that the jobs of a stage read, oldest first."""
    inputs = [file for job in house.jobs(run, stage) for file in job.inputs if file.role in ("source", "still")]
    return [content_of(house.studio.media.path_of(file.sha256)) for file in inputs if "c2" in file.label]


@pytest.mark.parametrize("again", WAYS)
def test_another_picture_in_the_place_of_a_refused_one_is_checked_when_the_run_goes_on(house: House, again: Again) -> None:
    run = stuck(house)
    draw(house.folder / "c2.png", "better")
    again(house, run)
    house.rest()
    assert house.run(run).status is RunStatus.COMPLETED
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png", "better"]
    assert pictures(house, run, Stage.VARIANT_GENERATION) == ["better"], "what is made comes from the new picture"
    assert house.hands.count("scene_generation") == 4, "what was approved is not made again"


def test_scenes_that_are_submitted_later_have_the_new_picture_checked_and_say_so(house: House) -> None:
    refuse(house, "picture c2.png")
    run = house.create(make_production(characters=2, scene_types=3, variants=1))
    submit = house.studio.submission.submit
    submit(run, Selection(scene_types=("s1",)), Mode.MISSING, PERSON)
    house.work()
    draw(house.folder / "c2.png", "better")
    assert submit(run, Selection(characters=("c1",)), Mode.MISSING, PERSON).pictures == ()
    assert submit(run, Selection(scene_types=("s2",), characters=("c2",)), Mode.MISSING, PERSON).pictures == (
        "source c2, which is new",
    )
    assert submit(run, Selection(characters=("c2",)), Mode.MISSING, PERSON).pictures == ()
    house.work()
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png", "better"]
    assert house.statuses(run) == {CellStatus.APPROVED: 6}


def test_scenes_that_are_submitted_with_a_picture_that_cannot_be_taken_say_why(house: House) -> None:
    refuse(house, "picture c2.png")
    run = house.create(make_production(characters=2, scene_types=2, variants=1))
    house.studio.submission.submit(run, Selection(scene_types=("s1",)), Mode.MISSING, PERSON)
    house.work()
    (house.folder / "c2.png").unlink()
    [told] = house.studio.submission.submit(run, Selection(scene_types=("s2",)), Mode.MISSING, PERSON).pictures
    assert told.startswith("source c2 as it was: c2.png does not exist.")


# Pictures that have passed, and whose looks were all refused -------------------------------------------------------------


def wrong_person(house: House, production: Production | None = None) -> Run:
    """A run in which a person has refused every look of `c2`: the picture shows somebody else."""
    run = house.start(production or make_production(characters=2, scene_types=1, variants=2, approvals=HUMAN))
    house.work()
    for key in ("c2 / v1", "c2 / v2"):
        house.studio.review.reject_variant(run, key, PERSON, reason="somebody else")
    return run


AGAIN: list[Callable[[House, Run], list[str]]] = [
    lambda house, run: house.studio.review.retry(run, EVERYTHING, PERSON),
    lambda house, run: house.studio.review.retry(run, Selection(characters=("c2",)), PERSON),
]


@pytest.mark.parametrize("again", AGAIN)
def test_another_picture_is_taken_when_every_look_of_the_old_one_was_refused(
    house: House, again: Callable[[House, Run], list[str]]
) -> None:
    run = wrong_person(house)
    draw(house.folder / "c2.png", "the right one")
    assert again(house, run) == ["variant c2 / v1, from a new picture", "variant c2 / v2, from a new picture"]
    house.work()
    assert house.stills(run)["source c2"].status is CellStatus.APPROVED
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png", "the right one"]
    assert pictures(house, run, Stage.VARIANT_GENERATION)[-2:] == ["the right one"] * 2
    assert house.stills(run)["variant c1 / v1"].take == 1, "nobody else's looks are made again"
    for key in ("c1 / v1", "c1 / v2", "c2 / v1", "c2 / v2"):
        house.studio.review.approve_variant(run, key, PERSON)
    house.work()
    house.studio.review.approve(run, EVERYTHING, PERSON)
    house.rest()
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_new_picture_that_is_refused_stops_the_looks_until_it_is_replaced_too(house: House) -> None:
    run = wrong_person(house)
    refuse(house, "worse")
    for content in ("worse", "better"):
        draw(house.folder / "c2.png", content)
        house.studio.review.retry(run, EVERYTHING, PERSON)
        house.work()
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png", "worse", "better"]
    assert house.stills(run)["variant c2 / v1"].status is CellStatus.REVIEW


def test_a_picture_of_which_a_look_or_a_scene_is_kept_stays_and_that_is_told(house: House) -> None:
    run = wrong_person(house)
    house.studio.review.undo(run, ["c2 / v2"], PERSON)
    draw(house.folder / "c2.png", "another")
    [told] = house.studio.review.retry(run, EVERYTHING, PERSON)
    assert told.startswith("variant c2 / v1 from the old picture: what was made of it is kept")
    house.studio.review.approve_variant(run, "c2 / v2", PERSON)
    house.work()
    house.studio.review.reject_variant(run, "c2 / v1", PERSON, reason="no")
    house.studio.review.reject_variant(run, "c2 / v2", PERSON, reason="no, after all")
    assert len(house.studio.review.retry(run, EVERYTHING, PERSON)) == 2
    house.work()
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png"], "a scene was made of the old one"


def test_looks_that_are_asked_for_again_say_nothing_of_a_picture_that_is_the_same_or_gone(house: House) -> None:
    run = wrong_person(house)
    assert house.studio.review.retry(run, Selection(keys=("c2 / v1",)), PERSON) == ["variant c2 / v1"]
    (house.folder / "c2.png").unlink()
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["variant c2 / v2"]
    house.work()
    assert len(pictures(house, run, Stage.SOURCE_QA)) == 1


def test_two_people_who_ask_again_at_once_have_the_new_picture_checked_once(house: House) -> None:
    run = wrong_person(house)
    draw(house.folder / "c2.png", "another")
    with house.studio.stores.read():
        assert house.studio.review.retry(run, Selection(keys=("c2 / v1",)), PERSON) == ["variant c2 / v1, from a new picture"]
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["variant c2 / v2"]
    house.work()
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png", "another"]
    assert pictures(house, run, Stage.VARIANT_GENERATION)[-2:] == ["another"] * 2


# What everybody reads -----------------------------------------------------------------------------------------------------


def test_every_reader_sees_the_picture_that_counts(house: House) -> None:
    run = stuck(house)
    draw(house.folder / "c2.png", "better")
    [new] = house.studio.review.retry(run, EVERYTHING, PERSON)
    assert new == "source c2, which is new"
    house.work()
    source = house.stills(run)["source c2"]
    sha256 = house.studio.files.still(source.id, 0).sha256
    assert content_of(house.studio.media.path_of(sha256)) == "better"
    assert house.studio.files.character(run.id, 1).sha256 == sha256
    [delivery] = house.studio.deliveries.of_run(run)
    with house.studio.stores.read() as store:
        recipes = {file["character"]: file["recipe"]["sources"] for file in store.deliveries.plan(delivery.id)["files"]}
    assert recipes["c2"] == [sha256] != recipes["c1"]
    config = house.studio.runs.config(run.id)
    assert not house.studio.planning.has_changed(TWO, house.folder, config)
    assert {cell.step.value for cell in house.studio.planning.plan(TWO, house.folder).cells} == {"reuse"}
    following = house.start(TWO)
    house.work()
    assert house.run(following).status is RunStatus.COMPLETED
    assert house.hands.count("scene_generation") == 4


def test_the_same_picture_is_only_checked_again_when_that_is_asked_for(house: House) -> None:
    run = stuck(house)
    house.studio.runs.resume(house.run(run), PERSON)
    house.work()
    assert len(pictures(house, run, Stage.SOURCE_QA)) == 1
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["source c2"]
    house.work()
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png"] * 2
    assert house.stills(run)["source c2"].status is CellStatus.FAILED


def test_a_picture_that_is_refused_too_may_be_replaced_once_more(house: House) -> None:
    run = stuck(house)
    for content in ("worse", "better"):
        draw(house.folder / "c2.png", content)
        house.studio.runs.resume(house.run(run), PERSON)
        house.work()
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png", "worse", "better"]
    assert house.run(run).status is RunStatus.COMPLETED


def test_another_engine_works_with_the_new_picture_too(house: House) -> None:
    run = stuck(house)
    other = House(house.folder, house.url, clock=house.clock)
    other.studio.runs.config(run.id)  # it knows the run as it was made
    draw(house.folder / "c2.png", "better")
    house.studio.runs.resume(house.run(run), PERSON)
    other.work()
    other.close()
    assert pictures(house, run, Stage.VARIANT_GENERATION) == ["better"]
    assert house.run(run).status is RunStatus.COMPLETED


def test_cells_without_a_look_begin_with_the_new_picture(house: House) -> None:
    bare = make_production(characters=2, scene_types=1, variants=0)
    run = stuck(house, replace(bare, matrix=Matrix(("c1", "c2"), ("s1",), ())))
    draw(house.folder / "c2.png", "better")
    house.studio.runs.resume(house.run(run), PERSON)
    house.rest()
    assert set(pictures(house, run, Stage.SCENE_GENERATION)) == {"better"}


def test_approved_pictures_stay_as_they_were(house: House) -> None:
    run = stuck(house)
    draw(house.folder / "c1.png", "other")
    (house.folder / "c2.png").unlink()
    house.studio.runs.resume(house.run(run), PERSON)
    house.work()
    assert house.stills(run)["source c2"].status is CellStatus.FAILED, "a file that is gone replaces nothing"
    assert len(house.jobs(run, Stage.SOURCE_QA)) == 2


def test_who_was_refused_and_what_to_do_is_told(house: House) -> None:
    run = stuck(house)
    assert house.studio.reports.refused(run.id) == ["c2"]
    [unmet] = house.studio.reports.matrix(run.id).blocked.values()
    assert [str(one) for one in unmet] == ["variant image c2 / v1 is queued"]
    overview = house.studio.overview.of(run.id)
    assert overview.refused == 1
    hint = text(board_hint.hint(overview))
    assert "1 scene cannot go on: the source images of 1 character were refused. Replace the files, then retry." in hint


@pytest.mark.parametrize("first", ["c1", "c2"])
def test_a_picture_of_two_that_was_replaced_for_one_of_them_is_not_put_back_by_the_check_of_the_other(
    house: House, first: str
) -> None:
    refuse(house, "picture twin.png", "worse")
    characters = tuple(replace(character, source_images=("twin.png",)) for character in TWO.characters)
    run = house.start(replace(TWO, characters=characters))
    house.work()
    other = "c2" if first == "c1" else "c1"
    for content, chosen in (("worse", first), ("better", other)):
        draw(house.folder / "twin.png", content)
        house.studio.review.retry(run, Selection(characters=(chosen,)), PERSON)
        house.work()
        counted = house.studio.runs.config(run.id).sources["twin.png"].sha256
        assert content_of(house.studio.media.path_of(counted)) == content, f"the check of {chosen} is the newest"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"x" * 2_000, "c2.png is larger than 0 MiB. Save a smaller picture."),
        (b"no picture", "c2.png is not a picture. Replace it with a PNG, JPEG or WebP picture."),
        (None, "c2.png is not a regular file. Name a regular file."),
    ],
)
def test_what_a_new_run_would_not_take_leaves_the_old_picture_and_says_so(
    house: House, content: bytes | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_facts, "MAX_IMAGE_BYTES", 1_000)
    run = stuck(house)
    picture = house.folder / "c2.png"
    picture.unlink()
    os.mkfifo(picture) if content is None else picture.write_bytes(content)
    with patch.object(house.studio.media, "adopt", side_effect=AssertionError("nothing is copied")):
        assert house.studio.runs.check_new_pictures(run, PERSON) == NewPictures((), (told,))
        assert house.studio.review.retry(run, EVERYTHING, PERSON) == [f"source c2 as it was: {told}"]
    house.work()
    assert pictures(house, run, Stage.SOURCE_QA) == ["picture c2.png"] * 2


def test_only_what_is_chosen_and_differs_is_copied(house: House) -> None:
    refuse(house, "picture c1.png", "picture c2.png")
    run = house.start(TWO)
    house.work()
    draw(house.folder / "c1.png", "better")
    with patch.object(house.studio.media, "adopt", wraps=house.studio.media.adopt) as adopt:
        assert house.studio.review.retry(run, Selection(characters=("c2",)), PERSON) == ["source c2"]
        assert adopt.call_count == 0
        assert house.studio.review.retry(run, Selection(characters=("c1",)), PERSON) == ["source c1, which is new"]
        assert [call.args[0].name for call in adopt.call_args_list] == ["c1.png"]
    house.work()


def test_a_picture_that_is_named_twice_or_by_a_link_is_replaced_and_only_when_it_differs(house: House) -> None:
    refuse(house, "first")
    draw(house.folder / "real.png", "first")
    (house.folder / "c2.png").symlink_to("real.png")
    draw(house.folder / "other.png", "beside it")
    c1, c2 = TWO.characters
    run = house.start(replace(TWO, characters=(c1, replace(c2, source_images=("c2.png", "other.png", "c2.png")))))
    house.work()
    assert house.studio.runs.check_new_pictures(run, PERSON) == NewPictures((), ())
    draw(house.folder / "real.png", "second")
    assert house.studio.runs.check_new_pictures(run, PERSON) == NewPictures(("c2",), ())
    house.work()
    [*_, newest] = house.jobs(run, Stage.SOURCE_QA)
    assert [content_of(house.studio.media.path_of(file.sha256)) for file in newest.inputs] == ["second", "beside it", "second"]
    assert house.run(run).status is RunStatus.COMPLETED
