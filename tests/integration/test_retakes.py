"""Another take by a person's wish: what is good is kept, what is asked for is new, and nothing is made twice."""

from __future__ import annotations

import json
import zipfile

import pytest

from pipeline.domain.errors import Conflict, NotFound, Refused, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Budget
from pipeline.domain.records import Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from tests.factories import PERSON, House, make_production
from tests.fakes import failing

KEY = "c1 / s1 / v1"
ONLY = Selection(keys=(KEY,))


def in_review(house: House, segments: int = 3) -> Run:
    """A run of one cell whose first take waits for a person."""
    run = house.start(
        make_production(characters=1, scene_types=1, variants=1, segments=segments, approvals=Approvals("auto", "human"))
    )
    house.work()
    return run


def segments(house: House, run: Run, take: int) -> list[str]:
    """What the take was assembled from."""
    [job] = [job for job in house.jobs(run, Stage.ASSEMBLY) if job.take == take]
    return [file.sha256 for file in job.inputs]


def test_a_take_from_segment_three_keeps_the_two_before_it_and_makes_one(house: House) -> None:
    run = in_review(house)
    made = house.hands.count("scene_generation")
    assert house.studio.retakes.again(run, KEY, PERSON, from_segment=3) == 2
    house.work()
    assert house.hands.count("scene_generation") == made + 1
    first, second = segments(house, run, 1), segments(house, run, 2)
    assert (second[:2], second[2] != first[2]) == (first[:2], True)
    assert house.cells(run)[KEY].status is CellStatus.REVIEW


def test_a_take_that_keeps_nothing_is_all_new(house: House) -> None:
    run = in_review(house)
    house.studio.retakes.again(run, KEY, PERSON)
    house.work()
    assert not set(segments(house, run, 1)) & set(segments(house, run, 2))


def test_kept_segments_are_kept_through_several_takes(house: House) -> None:
    run = in_review(house)
    house.studio.retakes.again(run, KEY, PERSON, from_segment=2)
    house.work()
    house.studio.retakes.again(run, KEY, PERSON, from_segment=3)
    house.work()
    one, two, three = (segments(house, run, take) for take in (1, 2, 3))
    assert three[:2] == [one[0], two[1]]
    with house.studio.stores.read() as store:
        seeds = {take.number: take for take in store.takes.of_cell(house.cells(run)[KEY].id)}
    assert seeds[3].kept == [[1, seeds[1].seed], [2, seeds[2].seed]]


def test_a_seed_of_ones_own_reaches_the_performer_and_every_new_segment(house: House) -> None:
    run = in_review(house)
    house.studio.retakes.again(run, KEY, PERSON, from_segment=2, seed=4711)
    house.work()
    new = [request.parameters for request in house.hands.performed if request.stage == "scene_generation"][3:]
    assert [(one["segment"], one["take"], one["seed"]) for one in new] == [(2, 2, 4711), (3, 2, 4711)]


def test_words_of_ones_own_reach_every_new_segment_and_stay_with_what_is_kept_of_them(house: House) -> None:
    run = in_review(house)
    written = house.cells(run)[KEY].plan.prompt
    house.studio.retakes.again(run, KEY, PERSON, from_segment=2, prompt="in the rain")
    house.work()
    asked = [request.parameters for request in house.hands.performed if request.stage == "scene_generation"]
    assert [one["prompt"] for one in asked] == [written] * 3 + ["in the rain"] * 2

    made = house.hands.count("scene_generation")
    house.studio.retakes.again(run, KEY, PERSON, from_segment=3)
    house.work()
    assert house.hands.count("scene_generation") == made + 1, "the segment in the rain was kept, not made again"
    two, three = segments(house, run, 2), segments(house, run, 3)
    assert three[:2] == two[:2] and three[2] != two[2]
    with house.studio.stores.read() as store:
        takes = {take.number: take for take in store.takes.of_cell(house.cells(run)[KEY].id)}
    assert takes[2].prompt == "in the rain" and takes[3].prompt == ""
    assert takes[3].kept == [[1, takes[1].seed], [2, takes[2].seed, "in the rain"]]
    house.check()


def test_asking_in_the_words_of_the_production_is_asking_in_no_words_of_ones_own(house: House) -> None:
    run = in_review(house)
    house.studio.retakes.again(run, KEY, PERSON, prompt=f" {house.cells(run)[KEY].plan.prompt} ")
    house.work()
    with house.studio.stores.read() as store:
        assert [take.prompt for take in store.takes.of_cell(house.cells(run)[KEY].id)] == ["", ""]


def test_the_manifest_says_which_segments_were_kept(house: House) -> None:
    run = in_review(house, segments=2)
    house.studio.retakes.again(run, KEY, PERSON, from_segment=2, seed=4711)
    house.work()
    house.studio.review.approve(run, ONLY, PERSON)
    house.work()
    delivery = house.studio.deliveries.sealed(run)
    with zipfile.ZipFile(house.studio.media.path_of(delivery.package_sha256 or "")) as package:
        [entry] = json.loads(package.read("manifest.json"))
    [kept] = entry["recipe"]["kept"]
    assert (kept["segment"], kept["take"], entry["recipe"]["seed"]) == (1, 1, 4711)
    assert entry["recipe"]["parameters"]["seed"] == kept["seed"]


def test_a_failed_take_gives_what_it_has_made(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no"), segment=3)
    run = in_review(house)
    assert house.cells(run)[KEY].status is CellStatus.FAILED
    house.studio.retakes.again(run, KEY, PERSON, from_segment=3)
    house.work()
    assert house.cells(run)[KEY].status is CellStatus.REVIEW
    assert {job.status for job in house.jobs(run) if job.take == 1 and job.stage is Stage.SCENE_GENERATION and job.part == 3} == {
        JobStatus.CANCELLED
    }


def test_segments_that_were_never_made_cannot_be_kept(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no"), segment=2)
    run = in_review(house)
    with pytest.raises(Conflict, match="finished 1 of its first 2"):
        house.studio.retakes.again(run, KEY, PERSON, from_segment=3)


def test_what_is_under_way_is_left_alone(house: House) -> None:
    house.backend.holds = lambda request: request.stage == "scene_generation"
    run = in_review(house)
    with pytest.raises(Conflict, match="is generating"):
        house.studio.retakes.again(run, KEY, PERSON)
    house.backend.release()
    house.work()


def test_whoever_looked_at_an_older_version_is_told(house: House) -> None:
    run = in_review(house)
    version = house.cells(run)[KEY].version
    house.studio.review.reject(run, ONLY, PERSON, reason="jump")
    with pytest.raises(Conflict, match="it is rejected now"):
        house.studio.retakes.again(run, KEY, PERSON, expected=version)
    assert house.cells(run)[KEY].take == 1


def test_a_segment_that_the_scene_does_not_have_is_not_found(house: House) -> None:
    run = in_review(house)
    with pytest.raises(NotFound, match="3 segments"):
        house.studio.retakes.again(run, KEY, PERSON, from_segment=9)


def test_a_cell_whose_picture_was_refused_waits_for_another_one(house: House) -> None:
    run = in_review(house)
    house.studio.review.reject_variant(run, "c1 / v1", PERSON, reason="wrong coat")
    with pytest.raises(Conflict, match="not approved"):
        house.studio.retakes.again(run, KEY, PERSON, from_segment=2)
    assert house.cells(run)[KEY].status is CellStatus.REVIEW


def test_the_budget_is_asked_first(house: House) -> None:
    budget = Budget(gpu_hours=0.001)
    production = make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human"), budget=budget)
    run = house.start(production)
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        store.runs.change(run.id, limit_seconds=house.run(run).spent_seconds + 1e-9)
    with pytest.raises(Refused, match="Raise its budget"):
        house.studio.retakes.again(run, KEY, PERSON)


def test_a_completed_run_goes_on_and_a_paused_one_stays_paused(house: House) -> None:
    run = in_review(house)
    house.studio.review.approve(run, ONLY, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    house.studio.retakes.again(run, KEY, PERSON, from_segment=2)
    assert house.run(run).status is RunStatus.RUNNING
    house.work()
    house.studio.runs.pause(house.run(run), PERSON)
    house.studio.retakes.again(run, KEY, PERSON)
    assert house.run(run).status is RunStatus.PAUSED
    house.studio.runs.resume(house.run(run), PERSON)
    house.work()
