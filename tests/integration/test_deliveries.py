"""Deliveries: nothing leaves before everything is approved, and what leaves is exactly that."""

from __future__ import annotations

import json
import zipfile

import pytest

from pipeline.cli import driving
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Conflict, NotFound, Unavailable, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import ENGINE
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import CellStatus, DeliveryStatus, JobStatus, RunStatus
from pipeline.services.advance import Advance
from pipeline.services.deliveries import NotDeliverable
from pipeline.services.sealing import Sealing
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fakes import failing

REVIEWED = Approvals("auto", "human")


def test_a_run_is_delivered_by_itself_once_everything_is_approved_and_exported(house: House) -> None:
    run = house.start(make_production(characters=1, outputs=2))
    house.work()
    [delivery] = house.studio.deliveries.of_run(run)
    assert (delivery.status, house.run(run).status) == (DeliveryStatus.SEALED, RunStatus.COMPLETED)
    with zipfile.ZipFile(house.studio.media.path_of(delivery.package_sha256 or "")) as package:
        names = package.namelist()
        manifest = json.loads(package.read("manifest.json"))
    assert len(manifest) == 8
    assert len(names) == len(set(names))
    assert {entry["take"] for entry in manifest} == {1}


def test_a_run_that_does_not_deliver_by_itself_waits_to_be_asked(house: House) -> None:
    run = house.start(make_production(characters=1), auto_deliver=False)
    house.work()
    assert house.studio.deliveries.of_run(run) == []
    assert house.studio.deliveries.missing(run) == []
    with pytest.raises(NotFound, match="no sealed delivery yet"):
        house.studio.deliveries.sealed(run)
    house.studio.deliveries.deliver(run, PERSON)
    with pytest.raises(Conflict, match="being packaged already"):
        house.studio.deliveries.deliver(run, PERSON)
    house.work()
    assert house.studio.deliveries.sealed(run).number == 1


def test_a_run_goes_on_after_a_package_while_other_scenes_of_it_are_made(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1, approvals=REVIEWED), auto_deliver=False)
    house.work()
    first, second = sorted(house.cells(run))
    house.studio.review.approve(run, Selection(keys=(first,)), PERSON)
    house.work()
    with house.studio.stores.begin(house.clock.now()) as store:
        Sealing(Advance(store, house.studio.books, ENGINE)).deliver(store.runs.by_ids([run.id])[run.id])
    house.studio.review.reject(run, Selection(keys=(second,)), PERSON, reason="again")
    house.studio.submission.submit(run, Selection(keys=(second,)), Mode.FAILED, PERSON)
    house.work()
    assert [one.status for one in house.studio.deliveries.of_run(run)] == [DeliveryStatus.SEALED]
    assert house.cells(run)[second].status is CellStatus.REVIEW


def test_delivering_again_what_is_sealed_already_makes_nothing_unless_it_is_asked_for(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    [sealed] = house.studio.deliveries.of_run(run)
    assert house.studio.deliveries.deliver(run, PERSON) == sealed
    assert house.run(run).status is RunStatus.COMPLETED
    house.studio.deliveries.deliver(run, PERSON, again=True)
    house.work()
    assert [one.status for one in house.studio.deliveries.of_run(run)] == [DeliveryStatus.SEALED] * 2
    assert house.run(run).status is RunStatus.COMPLETED


def test_delivering_lifts_the_phase_that_a_run_was_to_stop_at(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False, until=Phase.EXPORT)
    house.work()
    house.studio.deliveries.deliver(run, PERSON)
    house.work()
    assert house.studio.deliveries.sealed(run).number == 1
    assert house.run(run).until == Phase.FINALIZE


def test_what_is_missing_is_listed_whole(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=2, variants=1, approvals=REVIEWED))
    house.studio.submission.submit(run, Selection(scene_types=("s1",)), Mode.MISSING, PERSON)
    house.work()
    with pytest.raises(NotDeliverable, match="2 missing") as raised:
        house.studio.deliveries.deliver(run, PERSON)
    assert [(one.key, one.status) for one in raised.value.missing] == [
        ("c1 / s1 / v1", "review"),
        ("c1 / s2 / v1", "not_started"),
    ]


def test_a_run_with_nothing_approved_cannot_be_delivered(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.studio.submission.cancel(run, EVERYTHING, PERSON)
    with pytest.raises(Conflict, match="no approved cell"):
        house.studio.deliveries.deliver(run, PERSON)


def test_a_failed_packaging_is_told_and_can_be_asked_for_again(house: House) -> None:
    house.hands.troubles = failing("delivery", lambda: WorkFailed("bad_input", "no certificate"))
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    [delivery] = house.studio.deliveries.of_run(run)
    assert (delivery.status, delivery.reason) == (DeliveryStatus.FAILED, "no certificate")
    assert house.studio.reports.failures(run.id) == ["delivery 1 failed: no certificate"]
    house.studio.deliveries.deliver(run, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert [one.status for one in house.studio.deliveries.of_run(run)] == [DeliveryStatus.FAILED, DeliveryStatus.SEALED]


def test_two_runs_of_one_production_seal_packages_with_the_same_clips(house: House) -> None:
    hashes = []
    for _ in range(2):
        run = house.start(make_production(characters=1))
        house.work()
        with zipfile.ZipFile(house.studio.media.path_of(house.studio.deliveries.sealed(run).package_sha256 or "")) as package:
            hashes.append({name: package.read(name) for name in package.namelist() if name != "manifest.json"})
    assert hashes[0] == hashes[1]


def test_a_new_take_is_in_the_next_delivery_and_not_in_the_one_before(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    first = house.studio.deliveries.sealed(run)
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    second = house.studio.deliveries.sealed(run)
    assert (first.number, second.number) == (1, 2)
    assert first.package_sha256 != second.package_sha256
    assert house.studio.media.check(first.package_sha256 or "", first.size_bytes) == ""


def test_packages_and_exports_are_placed_where_people_look(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1))
    house.work()
    delivery = house.studio.deliveries.sealed(run)
    target = house.studio.deliveries.place(run, delivery)
    assert target.name == "Harbor-Nights-run1-delivery1.zip"
    assert target.stat().st_size == delivery.size_bytes
    placed = house.studio.deliveries.place_outputs(run)
    assert len(set(placed)) == 2
    assert all(path.is_file() and path.is_relative_to(house.folder / "out") for path in placed)


def test_what_is_sealed_is_placed_once_whoever_drove_the_run(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=2, variants=1))
    house.work()
    deliveries = house.studio.deliveries
    assert (deliveries.place_new(), deliveries.place_new()) == (1, 0)
    [delivery] = house.studio.deliveries.of_run(run)
    assert delivery.placed_at == house.clock.now()
    assert [path.name for path in house.studio.settings.deliveries_root.iterdir()] == ["Harbor-Nights-run1-delivery1.zip"]
    assert len([path for path in (house.folder / "out").rglob("*") if path.is_file()]) == 2


def test_a_delivery_that_cannot_be_placed_keeps_no_other_waiting_and_is_tried_again_later(house: House) -> None:
    first = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    (house.folder / "out").write_text("in the way")
    house.start(make_production(characters=1, scene_types=1, variants=1, outputs=0, title="Another"))
    house.work()
    deliveries = house.studio.deliveries
    assert (deliveries.place_new(), deliveries.place_new()) == (1, 0)
    (house.folder / "out").unlink()
    assert deliveries.place_new() == 0, "not at once"
    house.clock.advance(61)
    assert deliveries.place_new() == 1
    assert house.studio.deliveries.sealed(first).placed_at is not None


def test_a_folder_that_cannot_be_written_is_named(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    house.studio.settings.deliveries_root.write_text("in the way")
    with pytest.raises(Unavailable, match="could not be written"):
        house.studio.deliveries.place(run, house.studio.deliveries.sealed(run))


def test_resuming_a_run_whose_packaging_fails_adds_no_deliveries(house: House) -> None:
    house.hands.troubles = failing("delivery", lambda: WorkFailed("bad_input", "no certificate"), times=3)
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    for _ in range(3):
        house.studio.runs.resume(house.run(run), PERSON)
        house.work()
    assert [one.status for one in house.studio.deliveries.of_run(run)] == [DeliveryStatus.SEALED]
    assert house.run(run).status is RunStatus.COMPLETED


def test_a_packaging_can_be_cancelled_and_taken_up_again(house: House) -> None:
    house.backend.holds = lambda request: request.stage == "delivery"
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    house.work()
    assert driving.packaging(house.studio, run.id, house.studio.reports.progress(run.id)) == "packaging: begins 0%"
    cancelled = house.studio.deliveries.cancel(run, PERSON)
    assert (cancelled.status, cancelled.reason) == (DeliveryStatus.FAILED, "cancelled by tester")
    progress = house.studio.deliveries.progress(run)
    assert progress is not None
    assert (progress.job_status, progress.reason, progress.fraction) == (JobStatus.CANCELLED, "cancelled by tester", 0.0)
    house.clock.advance(10)
    house.backend.release()
    house.work()
    assert house.run(run).status is RunStatus.RUNNING
    with pytest.raises(Conflict, match="nothing to cancel"):
        house.studio.deliveries.cancel(run, PERSON)
    house.studio.deliveries.deliver(run, PERSON)
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    assert [one.status for one in house.studio.deliveries.of_run(run)] == [DeliveryStatus.FAILED, DeliveryStatus.SEALED]
    house.check()


def test_a_run_without_a_delivery_has_no_progress_of_one(house: House) -> None:
    run = house.start(make_production())
    assert house.studio.deliveries.progress(run) is None
    assert driving.packaging(house.studio, run.id, house.studio.reports.progress(run.id)) == ""


def test_a_production_without_outputs_delivers_its_scenes_as_they_were_assembled(house: House) -> None:
    run = house.start(make_production(outputs=0))
    house.work()
    [delivery] = house.studio.deliveries.of_run(run)
    assert delivery.status is DeliveryStatus.SEALED
    with house.studio.stores.read() as store:
        files = store.deliveries.plan(delivery.id)["files"]
        cells = store.cells.of_run(run.id)
        scenes = {output.file.sha256 for cell in cells for output in store.outputs.of("cell", cell.id, None, "scene")}
        [job] = store.jobs.of("delivery", delivery.id)
    assert {(file["role"], file["format"]) for file in files} == {("export", "scenes")}
    assert {file.sha256 for file in job.inputs if file.role == "export"} == scenes
    assert house.studio.deliveries.place_outputs(run) == []
