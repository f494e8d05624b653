"""Workers as they are stored: registered, looked at, changed, removed, each with its event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import settings, wiring
from pipeline.domain.errors import Conflict, Invalid, NotFound, Unavailable
from pipeline.domain.fleet import records
from pipeline.domain.workers import Health, Sighting, WorkerState, WorkRecord
from pipeline.wiring import Studio
from pipeline.wiring_fleet import load_workers
from tests.factories import PERSON
from tests.fakes import FakeClock
from tests.fleet import WELL, PretendedServers


@pytest.fixture
def servers() -> PretendedServers:
    """Nothing answers until a test says so."""
    return PretendedServers()


@pytest.fixture
def studio(tmp_path: Path, database_url: str, servers: PretendedServers) -> Iterator[Studio]:
    """A studio over these servers."""
    environment = {"STRIPBOARD_HOME": str(tmp_path / "home"), "DATABASE_URL": database_url}
    found = wiring.build_studio(settings.load(environment), clock=FakeClock(), servers=servers)
    yield found
    assert found.invariants.check() == []
    found.close()


def events(studio: Studio) -> list[tuple[str, str]]:
    """What happened, and who did it."""
    return [(event.type, event.actor) for event in studio.reports.events(0)]


def test_a_worker_takes_work_while_looks_find_it_well_and_none_before_the_first(
    studio: Studio, servers: PretendedServers
) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1:8188", PERSON, tags=["48gb"], cost_per_hour=2.5)
    assert (worker.may_work, worker.why_not) == (False, "it was not seen yet")

    [away] = studio.workers.look()

    assert (away.health, away.may_work, away.why_not) == (Health.AWAY, False, "it is away: connection refused")
    servers.sightings[worker.url] = WELL
    [well] = studio.workers.look()
    assert (well.may_work, well.gpu, well.memory_bytes, well.tags) == (True, "H100", 80_000, ("48gb",))
    assert [type for type, _ in events(studio)] == ["worker.registered", "worker.away", "worker.well"]


def test_looking_again_at_the_same_tells_nothing_new(studio: Studio, servers: PretendedServers) -> None:
    servers.sightings["http://gpu-1:8188"] = WELL
    studio.workers.register("gpu-1", "gpu-1", PERSON)
    studio.workers.look()
    before = events(studio)

    studio.workers.look()

    assert events(studio) == before


def test_a_name_and_an_address_stand_for_one_worker(studio: Studio) -> None:
    studio.workers.register("gpu-1", "gpu-1", PERSON)

    with pytest.raises(Conflict, match="another name"):
        studio.workers.register("GPU-1", "gpu-2", PERSON)
    with pytest.raises(Conflict, match='the worker "gpu-1" already'):
        studio.workers.register("other", "http://gpu-1:8188/", PERSON)


def test_a_scan_registers_what_answers_and_says_why_not_of_the_rest(studio: Studio, servers: PretendedServers) -> None:
    servers.sightings |= {"http://10.0.0.1:8188": WELL, "http://10.0.0.3:8188": WELL}
    studio.workers.register("old", "10.0.0.3", PERSON)

    scan = studio.workers.scan(["10.0.0.1", "10.0.0.2", "10.0.0.3", "ftp://x"], PERSON)

    assert [(worker.name, worker.health) for worker in scan.registered] == [("10.0.0.1-8188", Health.WELL)]
    assert scan.left_out["http://10.0.0.2:8188"] == "connection refused"
    assert '"old" already' in scan.left_out["http://10.0.0.3:8188"]
    assert "not the address" in scan.left_out["ftp://x"]


def test_pausing_draining_and_enabling_are_told_once(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)

    for state in (WorkerState.PAUSED, WorkerState.PAUSED, WorkerState.DRAINING, WorkerState.ENABLED):
        worker = studio.workers.set_state(worker, state, PERSON)

    told = [type for type, _ in events(studio)]
    assert told == ["worker.registered", "worker.paused", "worker.draining", "worker.enabled"]
    servers.sightings[worker.url] = WELL
    [seen] = studio.workers.look()
    assert seen.may_work


def test_a_removed_worker_is_gone_and_its_name_free(studio: Studio, servers: PretendedServers) -> None:
    servers.sightings["http://gpu-1:8188"] = WELL
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    studio.workers.look()

    studio.workers.remove(worker, PERSON)

    assert studio.workers.all() == []
    with pytest.raises(NotFound):
        studio.workers.set_state(worker, WorkerState.PAUSED, PERSON)
    studio.workers.register("gpu-1", "gpu-1", PERSON)


def test_a_file_registers_workers_and_changes_those_that_are_there(studio: Studio, tmp_path: Path) -> None:
    studio.workers.register("gpu-1", "gpu-1", PERSON, cost_per_hour=1.0)
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "workers:\n- {name: gpu-1, url: 'http://other:8188', tags: [80gb], cost_per_hour: 2.5}\n- {name: gpu-2, url: 'b:8188'}\n"
    )
    studio.workers.apply(load_workers(path), PERSON)
    studio.workers.apply(load_workers(path), PERSON)
    found = {one.worker.name: one.worker for one in studio.workers.all()}
    assert {name: (one.url, one.tags, one.cost_per_hour) for name, one in found.items()} == {
        "gpu-1": ("http://other:8188", ("80gb",), 2.5), "gpu-2": ("http://b:8188", (), 0.0),
    }  # fmt: skip
    assert [type for type, _ in events(studio)] == ["worker.registered", "worker.moved", "worker.edited", "worker.registered"]


def test_what_a_file_does_not_give_of_a_worker_stays_as_it_is(studio: Studio, tmp_path: Path) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON, cost_per_hour=2.5, tags=["h100"], places=3)
    studio.workers.set_state(worker, WorkerState.PAUSED, PERSON)
    path = tmp_path / "fleet.yaml"
    path.write_text("- {name: gpu-1, url: 'http://moved:8188', places: 1}\n")
    [found] = studio.workers.apply(load_workers(path), PERSON)
    assert (found.url, found.tags, found.cost_per_hour, found.places) == ("http://moved:8188", ("h100",), 2.5, 1)
    assert found.state is WorkerState.PAUSED, "a person has paused it"


def test_this_machine_under_its_other_name_is_the_same_server(studio: Studio) -> None:
    studio.workers.register("gpu-1", "http://127.0.0.1:8188", PERSON)
    with pytest.raises(Conflict, match='is the worker "gpu-1" already'):
        studio.workers.register("gpu-2", "http://localhost:8188", PERSON)
    studio.workers.register("gpu-2", "http://localhost:8189", PERSON)


def test_a_file_of_workers_with_a_taken_address_registers_none(studio: Studio, tmp_path: Path) -> None:
    studio.workers.register("gpu-1", "gpu-1", PERSON)
    path = tmp_path / "fleet.yaml"
    path.write_text("- {name: gpu-2, url: 'gpu-2:8188'}\n- {name: gpu-3, url: 'gpu-1:8188'}\n")
    with pytest.raises(Conflict, match="gpu-1"):
        studio.workers.apply(load_workers(path), PERSON)
    assert [one.worker.name for one in studio.workers.all()] == ["gpu-1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "no list of workers"),
        ("workers: 3", "no list of workers"),
        ("- gpu-1", "Worker 1: it is no mapping"),
        ("- {name: gpu-1}", "needs a name and a url"),
        ("- {name: gpu-1, url: 'a:1', tag: x}", "no key tag. Known: name, url, tags, cost_per_hour"),
        ("- {name: gpu-1, url: 'a:1', tags: 48gb}", "tags must be a list"),
        ("- {name: gpu-1, url: 'a:1', cost_per_hour: dear}", "cost_per_hour must be a number"),
        ("- {name: gpu-1, url: 'http://169.254.169.254'}", "Worker 1: "),
        (
            "- {name: gpu-1, url: 'a:1'}\n- {name: GPU-1, url: 'a:1'}",
            'Two workers have the name "gpu-1". Two workers have the address',
        ),
        ("- {name: gpu-1, url: 'a:1'", "cannot be read"),
    ],
)
def test_a_file_of_workers_is_refused_with_what_is_wrong(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    with pytest.raises(Invalid) as refused:
        load_workers(path)
    assert told in str(refused.value) and str(path) in str(refused.value)


def test_an_unknown_worker_is_answered_with_the_nearest(studio: Studio) -> None:
    studio.workers.register("gpu-1", "gpu-1", PERSON)

    with pytest.raises(NotFound, match='"gpu-1"'):
        studio.workers.find("gpu1")


def test_what_equal_servers_can_do_is_stored_once(studio: Studio, servers: PretendedServers) -> None:
    for name in ("a", "b"):
        servers.sightings[f"http://{name}:8188"] = WELL
        studio.workers.register(name, name, PERSON)

    first, second = studio.workers.look()

    assert first.catalogue_sha256 == second.catalogue_sha256 != ""
    with studio.stores.read() as store:
        assert store.workers.catalogue(first.catalogue_sha256) == {"SaveImage": {}}


def test_pictures_that_we_have_sent_change_nothing_in_what_a_server_can_do(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    keys = []
    for sent in ([], [f"{'a' * 64}.png"], [f"{'a' * 64}.png", f"{'b' * 64}.png"]):
        inputs = {"image": [["own.png", *sent], {"image_upload": True}]}
        newer = {"image": ["COMBO", {"options": ["own.png", *sent], "image_upload": True}]}
        catalogue = {"LoadImage": {"input": {"required": inputs}}, "LoadNew": {"input": {"required": newer}}}
        servers.sightings[worker.url] = replace(WELL, catalogue=catalogue)
        studio.clock.advance(3600)
        keys.append(studio.workers.look()[0].catalogue_sha256)
    assert len(set(keys)) == 1
    with studio.stores.read() as store:
        assert store.workers.catalogue(keys[0])["LoadImage"]["input"]["required"]["image"][0] == ["own.png"]


def test_of_what_a_server_could_do_before_nothing_is_kept(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = WELL
    [before] = studio.workers.look()
    servers.sightings[worker.url] = replace(WELL, catalogue={"Other": {}})
    studio.clock.advance(3600)
    [after] = studio.workers.look()
    with studio.stores.read() as store:
        assert store.workers.catalogue(before.catalogue_sha256) == {}
        assert store.workers.catalogue(after.catalogue_sha256) == {"Other": {}}


def test_a_worker_that_had_nothing_to_do_for_a_while_is_asked_once_to_forget_its_model(
    studio: Studio, servers: PretendedServers
) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = WELL
    studio.workers.look()
    with studio.stores.begin(studio.clock.now()) as store:
        store.workers.change(worker.id, model="wan2.2")
    assert studio.idle_workers.free() == 0
    studio.clock.advance(599)
    assert studio.idle_workers.free() == 0, "the next job may want it"
    studio.clock.advance(1)
    assert studio.idle_workers.free() == 1
    assert (servers.freed, studio.workers.find("gpu-1").model) == ([worker.url], "")
    studio.clock.advance(3600)
    assert studio.idle_workers.free() == 0


def test_a_worker_with_work_of_anybody_keeps_its_model(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = replace(WELL, queue=1)
    studio.workers.look()
    with studio.stores.begin(studio.clock.now()) as store:
        store.workers.change(worker.id, model="wan2.2")
    for _ in range(3):
        assert studio.idle_workers.free() == 0
        studio.clock.advance(3600)
    assert servers.freed == []


def test_a_wedged_worker_gets_nothing_and_a_test_says_what_is_wrong(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = Sighting(Health.WEDGED, "jobs wait and nothing runs")
    servers.broken[worker.url] = "the tiny picture did not come"

    [seen] = studio.workers.look()

    assert not seen.may_work
    with pytest.raises(Unavailable, match="tiny picture"):
        studio.workers.test(worker)


def test_what_ran_nothing_works_again_when_a_test_has_come_through_and_not_before(
    studio: Studio, servers: PretendedServers
) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = Sighting(Health.WEDGED, "jobs wait and nothing runs")
    servers.broken[worker.url] = "the tiny picture did not come"
    studio.workers.look()

    servers.sightings.clear()
    assert [one.health for one in studio.workers.look()] == [Health.WEDGED], "a moment without an answer proves nothing"
    servers.sightings[worker.url] = WELL
    [seen] = studio.workers.look_again()
    assert (seen.may_work, seen.why_not) == (False, "it is wedged: jobs wait and nothing runs")
    assert studio.workers.test_those_aside() == 0 and not studio.workers.find("gpu-1").may_work

    servers.broken.clear()
    assert studio.workers.test_those_aside() == 1
    assert studio.workers.find("gpu-1").may_work
    assert [type for type, _ in events(studio)] == ["worker.registered", "worker.wedged", "worker.well"]


@pytest.mark.parametrize("verb", ["look_again", "test"])
def test_a_person_who_has_restarted_a_server_need_not_wait_for_its_test(
    studio: Studio, servers: PretendedServers, verb: str
) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = Sighting(Health.WEDGED, "jobs wait and nothing runs")
    [wedged] = studio.workers.look()
    servers.sightings[worker.url] = WELL

    getattr(studio.workers, verb)(*([wedged] if verb == "test" else []))

    assert studio.workers.find("gpu-1").may_work


def set_aside(studio: Studio, failure_class: str, work: str = "dance") -> str:
    """The first worker is kept from some work after three failures; its test is due in a minute."""
    [worker] = studio.workers.look()
    with studio.stores.begin(studio.clock.now()) as store:
        record = WorkRecord(worker.id, work)
        for _ in range(3):
            record = records.failed(record, failure_class, "it failed", store.journal.now)
        store.workers.keep_record(record, is_new=True)
    return work


def asides(studio: Studio) -> list[str]:
    """What workers are kept from."""
    return [record.work for standing in studio.workers.all() for record in standing.records if record.aside_since]


def test_a_worker_that_was_set_aside_comes_back_when_a_test_succeeds(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = WELL
    set_aside(studio, "backend_error")
    servers.broken[worker.url] = "still broken"

    assert studio.workers.test_those_aside() == 0, "the test is not due yet"
    studio.clock.advance(61)  # type: ignore[attr-defined]
    assert studio.workers.test_those_aside() == 0
    assert asides(studio) == ["dance"]

    servers.broken.clear()
    assert studio.workers.test_those_aside() == 0, "after a failed test the next one comes later"
    studio.clock.advance(121)  # type: ignore[attr-defined]
    assert studio.workers.test_those_aside() == 1
    assert asides(studio) == []


def test_the_test_of_a_busy_worker_is_put_off_and_speaks_for_nothing(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = WELL
    set_aside(studio, "backend_error")
    studio.clock.advance(61)  # type: ignore[attr-defined]
    servers.busy.add(worker.url)
    [before] = studio.workers.all()

    for _ in range(3):
        assert studio.workers.test_those_aside() == 0
    assert studio.workers.all() == [before], "no failure is counted, and the next test comes no later"

    servers.busy.clear()
    assert studio.workers.test_those_aside() == 1


def test_a_worker_without_a_model_comes_back_when_what_it_can_do_has_changed(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = WELL
    set_aside(studio, "missing_model")
    studio.clock.advance(3600)  # type: ignore[attr-defined]
    assert studio.workers.test_those_aside() == 0 and asides(studio) == ["dance"]

    servers.sightings[worker.url] = replace(WELL, catalogue={"SaveImage": {}, "Wan": {}})
    studio.workers.look()

    assert asides(studio) == []


def test_a_person_takes_a_worker_back(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = WELL
    work = set_aside(studio, "backend_error")

    studio.workers.take_back(worker, work, PERSON)

    assert asides(studio) == []
    with pytest.raises(Conflict, match=r'not set aside for ".+", but for nothing'):
        studio.workers.take_back(worker, work, PERSON)


def test_a_kind_of_work_is_named_as_people_read_it(studio: Studio, servers: PretendedServers) -> None:
    worker = studio.workers.register("gpu-1", "gpu-1", PERSON)
    servers.sightings[worker.url] = WELL
    set_aside(studio, "backend_error", "comfyui|scene_generation|wan#0f3a99c1d2e4|832x480")
    with pytest.raises(Conflict, match='not set aside for "another", but for "wan at 832x480"'):
        studio.workers.take_back(worker, "another", PERSON)

    studio.workers.take_back(worker, "wan at 832x480", PERSON)

    assert asides(studio) == []
