"""Stored files that are gone or damaged: told by what they are, made anew as they were, and never handed on as good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.delivery import NotPlaced
from pipeline.domain.errors import FileLost, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Output, Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus, RunStatus
from pipeline.domain.work import Request
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fakes import failing

KEY = "c1 / s1 / v1"


def made(house: House, run: Run, stage: Stage, role: str) -> list[Output]:
    """What jobs of a stage have made in one role, oldest first."""
    with house.studio.stores.read() as store:
        found = store.outputs.of_cells([cell.id for cell in house.cells(run).values()], stage)
    return sorted((one for one in found if one.role == role), key=lambda one: one.id)


def path_of(house: House, output: Output) -> Path:
    return house.studio.media.path_of(output.file.sha256)


def damage(house: House, output: Output) -> None:
    """Other bytes, as many."""
    path = path_of(house, output)
    path.write_bytes(b"!" + path.read_bytes()[1:])


def failed_for_want_of_a_segment(house: House) -> tuple[Run, Output]:
    """A run whose scene has lost its first segment before it was put together, and that segment."""
    run = house.create(make_production(characters=1, scene_types=1, variants=1))

    def lose(request: Request) -> None:
        if request.stage == "scene_qa":
            path_of(house, made(house, run, Stage.SCENE_GENERATION, "segment")[0]).unlink(missing_ok=True)

    house.hands.troubles = lose
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    house.hands.troubles = lambda request: None
    return run, made(house, run, Stage.SCENE_GENERATION, "segment")[0]


def test_a_scene_that_lacks_a_segment_says_so_and_is_made_again_as_it_was_with_the_other_one_reused(house: House) -> None:
    run, segment = failed_for_want_of_a_segment(house)
    cell = house.cells(run)[KEY]
    assert cell.status is CellStatus.FAILED
    assert f"gone from the media store: segment 1 ({segment.file.sha256})" in cell.reason
    before = house.hands.count("scene_generation")
    house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
    house.rest()
    assert house.run(run).status is RunStatus.COMPLETED
    assert house.hands.count("scene_generation") == before + 1
    assert made(house, run, Stage.SCENE_GENERATION, "segment")[-2].file == segment.file
    assert house.cells(run)[KEY].approved_take == 2


def test_a_damaged_file_that_cannot_be_used_is_set_aside_and_made_again(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))

    def look(request: Request) -> None:
        if request.stage == "assembly" and not seen:
            seen.append(made(house, run, Stage.SCENE_GENERATION, "segment")[1])
            damage(house, seen[0])
            raise WorkFailed("bad_input", f'Video "{path_of(house, seen[0]).name}" cannot be opened.')

    seen: list[Output] = []
    house.hands.troubles = look
    house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    assert f"damaged in the media store: segment 2 ({seen[0].file.sha256})" in house.cells(run)[KEY].reason
    house.studio.submission.submit(run, EVERYTHING, Mode.FAILED, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert house.studio.media.check(seen[0].file.sha256, seen[0].file.size_bytes) == ""


def test_what_is_wrong_with_a_stored_file_is_told_of_what_it_is(house: House) -> None:
    trouble: list[Request] = []

    def refuse(request: Request) -> None:
        if request.stage == "assembly":
            trouble.append(request)
            raise WorkFailed("bad_input", f'Video "{Path(request.inputs[1].path).name}" is too long.')

    house.hands.troubles = refuse
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert house.cells(run)[KEY].reason == f'Video "segment 2" ({trouble[0].inputs[1].sha256}) is too long.'


def delivered(house: House) -> Run:
    """A run of two scenes, delivered and placed."""
    run = house.start(make_production(characters=1, scene_types=2, variants=1))
    house.work()
    house.studio.deliveries.place_outputs(run)
    return run


def placed(house: House) -> list[Path]:
    """The files of the output folder."""
    return [path for path in (house.folder / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("role", ["segment", "scene", "export"])
def test_a_delivered_scene_of_which_a_file_is_gone_is_made_again_as_it_was_by_retry(house: House, role: str) -> None:
    run = delivered(house)
    stage = {"segment": Stage.SCENE_GENERATION, "scene": Stage.ASSEMBLY, "export": Stage.EXPORT}[role]
    before = len(house.hands.performed)
    file = made(house, run, stage, role)[0]
    path_of(house, file).unlink()
    asked = house.studio.review.retry(run, EVERYTHING, PERSON)
    assert asked == [f"scene {KEY}, of which a stored file is gone"]
    house.rest()
    assert house.run(run).status is RunStatus.COMPLETED
    again = [request.stage for request in house.hands.performed[before:]]
    assert [name for name in again if name != "scene_qa"] == [stage.value, "delivery"]
    assert path_of(house, file).is_file()
    house.studio.deliveries.place_outputs(run)
    assert len(placed(house)) == 2
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_a_stored_export_that_is_damaged_or_gone_is_not_placed_and_what_is_told_makes_it_again(
    house: House, is_there: bool
) -> None:
    run = delivered(house)
    shutil.rmtree(house.folder / "out")
    export = made(house, run, Stage.EXPORT, "export")[0]
    damage(house, export) if is_there else path_of(house, export).unlink()
    with pytest.raises(NotPlaced, match=f"export of scene {KEY} is gone or damaged. `./stripboard retry {run.id}` makes it"):
        house.studio.deliveries.place_outputs(run)
    assert len(placed(house)) == 1, "the other one is"
    house.studio.review.retry(run, EVERYTHING, PERSON)
    house.work()
    assert len(house.studio.deliveries.place_outputs(run)) == len(placed(house)) == 2
    assert house.studio.media.check(export.file.sha256, export.file.size_bytes) == ""


def test_a_damaged_package_is_not_placed_and_another_one_can_be_made(house: House) -> None:
    run = delivered(house)
    sealed = house.studio.deliveries.sealed(run)
    path = house.studio.media.path_of(sealed.package_sha256 or "")
    whole = path.read_bytes()
    path.write_bytes(b"!" + whole[1:])
    with pytest.raises(FileLost, match=f"`./stripboard deliver {run.id} --again` makes another one"):
        house.studio.deliveries.place(run, sealed)
    house.studio.deliveries.deliver(run, PERSON, again=True)
    house.work()
    assert house.studio.deliveries.place(run, house.studio.deliveries.sealed(run)).is_file()
    path.write_bytes(whole)


def test_a_delivery_whose_files_are_damaged_fails_and_retry_makes_them_and_the_delivery(house: House) -> None:
    run = delivered(house)
    export = made(house, run, Stage.EXPORT, "export")[0]
    damage(house, export)
    house.hands.troubles = failing("delivery", lambda: WorkFailed("lost_input", "changed"))
    house.studio.deliveries.deliver(run, PERSON, again=True)
    house.work()
    assert house.studio.reports.failures(run.id) == ["delivery 2 failed: changed"]
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == [f"scene {KEY}, of which a stored file is gone"]
    house.work()
    assert [one.status for one in house.studio.deliveries.of_run(run)][1:] == [DeliveryStatus.FAILED, DeliveryStatus.SEALED]


def test_a_delivery_that_has_failed_is_packed_again_by_retry(house: House) -> None:
    house.hands.troubles = failing("delivery", lambda: WorkFailed("bad_input", "no certificate"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == ["delivery 1"]
    house.work()
    assert [one.status for one in house.studio.deliveries.of_run(run)] == [DeliveryStatus.SEALED]
    assert house.run(run).status is RunStatus.COMPLETED
    assert house.studio.review.retry(run, EVERYTHING, PERSON) == []


def file_faults(house: House) -> list[str]:
    """What the doctor finds wrong with stored files."""
    return [fault.removeprefix("I4: ") for fault in house.studio.invariants.check() if fault.startswith("I4: ")]


def test_the_doctor_says_whose_a_lost_file_is_and_its_cure_works(house: House) -> None:
    run = delivered(house)
    gone, bad = made(house, run, Stage.SCENE_GENERATION, "segment")[0], made(house, run, Stage.EXPORT, "export")[1]
    path_of(house, gone).unlink()
    damage(house, bad)
    told = {fault.split(":")[0].split()[1]: fault for fault in file_faults(house)}
    cure = f"`./stripboard retry {run.id}` makes it again."
    assert told[gone.file.sha256].endswith(f"is missing: segment 1 of scene {KEY} in run Harbor Nights #1. {cure}")
    about = "export 1 of scene c1 / s2 / v1 in run Harbor Nights #1"
    assert told[bad.file.sha256].endswith(f": {about}. Remove it, `rm {path_of(house, bad)}`, then {cure}")
    path_of(house, bad).unlink()
    assert len(house.studio.review.retry(run, EVERYTHING, PERSON)) == 2
    house.work()
    assert file_faults(house) == []


def test_the_doctor_says_of_pictures_that_a_new_run_has_them_again(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    run = house.start(production)
    house.work()
    with house.studio.stores.read() as store:
        [look] = store.outputs.of_stills([still.id for still in store.stills.of_run(run.id)])
    path_of(house, look).unlink()
    source = house.studio.runs.config(run.id).sources["c1.png"]
    house.studio.media.path_of(source.sha256).unlink()
    told = sorted(file_faults(house), key=lambda fault: "given" in fault)
    assert {fault.split(": ")[1].split(".")[0] for fault in told} == {
        "still 1 of picture c1 / v1 in run Harbor Nights #1", "a file that a person gave",
    }  # fmt: skip
    assert all("`./stripboard run PATH --new`" in fault for fault in told)
    house.start(production)
    house.work()
    assert file_faults(house) == []


def test_of_a_take_that_counts_no_more_the_doctor_says_that_only_a_backup_has_it(house: House) -> None:
    run = delivered(house)
    export = made(house, run, Stage.EXPORT, "export")[0]
    house.studio.submission.submit(run, Selection(keys=(KEY,)), Mode.ALL, PERSON)
    house.work()
    content = path_of(house, export).read_bytes()
    path_of(house, export).unlink()
    [told] = file_faults(house)
    assert told.endswith("Nothing that counts needs it; only a backup restores it.")
    path_of(house, export).write_bytes(content)
