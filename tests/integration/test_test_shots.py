"""Test shots: asked for, made small at one worker, measured, judged; over a restart, and when workers are in trouble."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import wiring_shots
from pipeline.domain.errors import Invalid, NotFound, Refused
from pipeline.domain.records import StoredFile
from pipeline.domain.telemetry.readings import Reading
from pipeline.domain.work import Request, Update, UpdateState, Wedged
from pipeline.domain.workers import Health, WorkerState
from pipeline.domain.workflows.editing import Place, places_of
from pipeline.domain.workflows.library import Judgement, RegisteredWorkflow, ShotStatus, TestShot
from pipeline.domain.workflows.shots import Wishes
from pipeline.domain.workflows.views import State
from pipeline.double import DoubleServer
from pipeline.engine.shots import ShotDriver
from pipeline.ports import GeneratorBackend
from pipeline.wiring_fleet import build_workers
from tests.comfyui import Watched, eventually
from tests.factories import PERSON
from tests.fleet import WELL, WORKFLOWS, FleetHouse
from tests.registered import SCHEMAS, SEGMENT, STILL, import_graph, registered


class Script:
    """A performer that does what a test says: `answers` by number of the try; what is not there runs on."""

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self.cancelled: list[str] = []
        self.answers: dict[int, Update] = {}

    def submit(self, request: Request) -> None:
        """Note it."""
        self.sent.append(request)

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        """What the test has put in."""
        order = [request.attempt_id for request in self.sent]
        return [self._stand(key, order.index(key) if key in order else -1) for key in attempt_ids]

    def _stand(self, key: str, number: int) -> Update:
        known = self.answers.get(number, Update(key, UpdateState.RUNNING, 0.5, "step: sampler 3 of 6"))
        return replace(known, attempt_id=key)

    def cancel(self, attempt_id: str) -> None:
        """Note it."""
        self.cancelled.append(attempt_id)


class ShotHouse(FleetHouse):
    """A house with test shots."""

    def driver(self, backend: GeneratorBackend) -> ShotDriver:
        """What carries test shots through."""
        studio = self.studio
        return wiring_shots.build_driver(
            studio.settings, studio.test_shots, media=studio.media, spool=studio.spool, forget=studio.upkeep.forget,
            backend=backend,
        )  # fmt: skip

    def have(self, *names: str) -> RegisteredWorkflow:
        """Workers that can run what is registered as `Wan i2v`."""
        self.add(*names, catalogue=SCHEMAS)
        return registered(self.studio, self.folder)

    def ask(self, workflow: RegisteredWorkflow, wishes: Wishes | None = None, **options: object) -> TestShot:
        """Ask for one of the default version."""
        version = self.studio.workflows.version(workflow)
        return self.studio.test_shots.ask(version, PERSON, wishes=wishes, **options)


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[ShotHouse]:
    """A house; every promise holds at the end."""
    found = ShotHouse(tmp_path, database_url)
    found.gives_graphs = False
    yield found
    found.check()
    found.close()


# Asking -----------------------------------------------------------------------------------------------------------


def test_a_test_shot_is_small_short_and_goes_to_the_cheapest_that_can(house: ShotHouse) -> None:
    house.add("dear", cost_per_hour=9.0, catalogue=SCHEMAS)
    house.add("cheap", cost_per_hour=0.5, catalogue=SCHEMAS)
    house.add("unable", catalogue={"SaveImage": SCHEMAS["SaveImage"]})
    workflow = registered(house.studio, house.folder)

    shot = house.ask(workflow)

    own = SEGMENT["3"]["inputs"]
    assert shot.worker == "cheap" and shot.status is ShotStatus.QUEUED
    assert shot.parameters["width"] == own["width"], "it takes no width: what comes last in the graph is what it makes"
    assert shot.parameters["frames"] == SEGMENT["4"]["inputs"]["amount"] / 4
    assert shot.source is not None and house.studio.files.opened(shot.source.sha256).path.is_file()


def test_wishes_are_taken_where_the_workflow_takes_them(house: ShotHouse) -> None:
    workflow = house.have("gpu-1")
    with pytest.raises(Invalid, match=r"The workflow takes no width\. Bind width"):
        house.ask(workflow, Wishes(width=320))
    version = house.studio.workflows.version(workflow)
    places = places_of(house.studio.workflows.page(workflow).workflow)
    sized = [*places, Place("width", "3", "width"), Place("height", "3", "height")]
    house.studio.workflows.correct(version, sized, PERSON)
    shot = house.ask(workflow, Wishes(seed=7, width=320, height=192, frames=9))
    assert [shot.parameters[name] for name in ("seed", "width", "height", "frames")] == [7, 320, 192, 9]
    with pytest.raises(Invalid, match="must be even"):
        house.ask(workflow, Wishes(width=333))
    with pytest.raises(Invalid, match="share of the size above 0"):
        house.ask(workflow, Wishes(share=2.0))
    with pytest.raises(Invalid, match="seed must be from"):
        house.ask(workflow, Wishes(seed=-1))


def test_without_an_able_worker_it_is_refused_with_what_to_install(house: ShotHouse) -> None:
    workflow = registered(house.studio, house.folder)
    with pytest.raises(Refused, match=r"There is no worker yet\. Add one"):
        house.ask(workflow)
    house.add("bare", catalogue={"SaveImage": SCHEMAS["SaveImage"]})
    with pytest.raises(Refused, match="bare: install the custom nodes for"):
        house.ask(workflow)
    with pytest.raises(Refused, match="bare cannot run Wan i2v, version 1: install"):
        house.ask(workflow, worker="BARE")
    with pytest.raises(NotFound, match='no worker "other"'):
        house.ask(workflow, worker="other")
    house.add("gpu-1", catalogue=SCHEMAS)
    house.studio.workers.set_state(house.worker("gpu-1").worker, WorkerState.PAUSED, PERSON)
    with pytest.raises(Refused, match="it is paused"):
        house.ask(workflow)


def test_a_workflow_that_is_unfinished_or_wants_an_end_image_gets_none(house: ShotHouse) -> None:
    house.have("gpu-1")
    graph = {**SEGMENT, "9": {"class_type": "LoadImage", "inputs": {"image": "end.png"}}}
    found = import_graph(house.studio, house.folder, graph, "Ends").version
    workflow = house.studio.workflows.by_id(found.workflow_id)
    places = [*places_of(house.studio.workflows.page(workflow).workflow), Place("end_image", "9", "image")]
    ends = house.studio.workflows.correct(found, dict.fromkeys(places), PERSON).version
    with pytest.raises(Invalid, match="takes an end image"):
        house.studio.test_shots.ask(ends, PERSON)


# Performing -------------------------------------------------------------------------------------------------------


def test_how_far_it_is_can_be_seen_and_one_worker_makes_one_at_a_time(house: ShotHouse) -> None:
    workflow = house.have("gpu-1")
    first, second = house.ask(workflow), house.ask(workflow, Wishes(seed=2))
    script = Script()
    driver = house.driver(script)
    driver.turn()
    driver.turn()
    assert [request.job_key for request in script.sent] == [f"shot-{first.id}"]
    seen = house.studio.test_shots.find(first.id)
    assert (seen.status, seen.progress, seen.step) == (ShotStatus.RUNNING, 0.5, "step: sampler 3 of 6")

    script.answers[0] = Update("", UpdateState.FAILED, failure_class="out_of_memory", reason="the card is full")
    driver.turn()

    failed = house.studio.test_shots.find(first.id)
    assert (failed.status, failed.reason, failed.failure_class) == (ShotStatus.FAILED, "the card is full", "out_of_memory")
    assert script.sent[1].job_key == f"shot-{second.id}"
    house.studio.test_shots.cancel(second.id, PERSON)
    driver.turn()
    assert script.cancelled == [script.sent[1].attempt_id]
    assert house.studio.test_shots.find(second.id).reason == "cancelled by tester"


def test_one_that_its_worker_has_lost_is_tried_again_a_few_times(house: ShotHouse) -> None:
    shot = house.ask(house.have("gpu-1"))
    script = Script()
    script.answers = {number: Update("", UpdateState.LOST, reason="it was restarted") for number in range(9)}
    driver = house.driver(script)
    while driver.turn():
        pass
    found = house.studio.test_shots.find(shot.id)
    assert (found.status, found.tries, found.reason) == (ShotStatus.FAILED, 3, "it was restarted")
    assert len({request.attempt_id for request in script.sent}) == 3


def stopped_by_a_look(house: ShotHouse, script: Script) -> set[str]:
    """What the only server, which has all that was ever sent, is asked to stop when it is looked at now."""
    url = house.worker("gpu-1").worker.url
    sent = frozenset(request.attempt_id for request in script.sent)
    house.servers.sightings[url] = replace(WELL, catalogue=SCHEMAS, jobs=sent)
    house.servers.stopped.clear()
    house.studio.workers.look()
    return {job_id for _, job_id in house.servers.stopped}


def test_a_try_that_was_given_up_is_stopped_where_it_is_seen_and_the_newest_is_not(house: ShotHouse) -> None:
    house.ask(house.have("gpu-1"))
    script = Script()
    script.answers = {0: Update("", UpdateState.LOST, reason="it was restarted")}
    driver = house.driver(script)
    driver.turn()
    lost = script.sent[0].attempt_id
    assert stopped_by_a_look(house, script) == set(), "it runs"
    driver.turn()
    assert len(script.sent) == 2 and stopped_by_a_look(house, script) == {lost}


def test_tries_of_shots_that_are_over_are_looked_for_a_day_and_only_among_the_newest(
    house: ShotHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow, script = house.have("gpu-1"), Script()
    driver = house.driver(script)
    for _ in range(2):
        house.ask(workflow)
        driver.turn()
        house.clock.advance(3601)
        driver.turn()
    first, second = [request.attempt_id for request in script.sent]
    assert stopped_by_a_look(house, script) == {first, second}
    with monkeypatch.context() as patch:
        patch.setattr("data.repositories.test_shots._LOOKED_THROUGH", 1)
        assert stopped_by_a_look(house, script) == {second}
    house.clock.advance(23.5 * 3600)
    assert stopped_by_a_look(house, script) == {second}
    house.clock.advance(3600)
    assert stopped_by_a_look(house, script) == set()


def test_one_that_finds_its_worker_running_nothing_keeps_work_from_it(house: ShotHouse) -> None:
    house.ask(house.have("gpu-1"))
    script = Script()
    wedged = Wedged("gpu-1", "gpu-1 accepts jobs but runs none.")
    script.answers = {0: Update("", UpdateState.FAILED, failure_class="worker_gone", reason=wedged.reason, wedged=wedged)}
    driver = house.driver(script)
    while driver.turn():
        pass
    worker = house.worker("gpu-1").worker
    assert (worker.health, worker.why_not) == (Health.WEDGED, "it is wedged: gpu-1 accepts jobs but runs none.")


def test_one_waits_for_a_worker_that_is_away_and_fails_with_one_that_is_gone(house: ShotHouse) -> None:
    workflow = house.have("gpu-1")
    shot = house.ask(workflow)
    house.studio.workers.set_state(house.worker("gpu-1").worker, WorkerState.PAUSED, PERSON)
    script = Script()
    driver = house.driver(script)
    assert driver.turn() and not script.sent
    assert house.studio.test_shots.find(shot.id).step == "waits: it is paused"
    with pytest.raises(Exception, match="has a test shot under way"):
        house.studio.workflows.remove(workflow, PERSON)
    house.studio.workers.remove(house.worker("gpu-1").worker, PERSON)
    assert not driver.turn()
    assert "is there no more" in house.studio.test_shots.find(shot.id).reason
    house.studio.workflows.remove(workflow, PERSON)
    assert house.studio.workflows.all() == []


def test_one_that_never_ends_is_given_up(house: ShotHouse) -> None:
    shot = house.ask(house.have("gpu-1"))
    script = Script()
    driver = house.driver(script)
    driver.turn()
    house.clock.advance(3601)
    driver.turn()
    found = house.studio.test_shots.find(shot.id)
    assert (found.status, found.failure_class, len(script.cancelled)) == (ShotStatus.FAILED, "timeout", 1)


# With a server ----------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DoubleServer]:
    """A server that works at once."""
    with DoubleServer(tmp_path / "double", is_instant=True) as found:
        yield found


@pytest.fixture
def served(house: ShotHouse, server: DoubleServer) -> RegisteredWorkflow:
    """The house has this server as its one worker; the workflow of the demo is registered."""
    house.studio = house.studio.with_services(workers=build_workers(house.studio.stores, house.clock))
    house.studio.workers.register("gpu-1", server.url, PERSON, cost_per_hour=3600.0)
    house.studio.workers.look()
    path = WORKFLOWS / "image_to_video.json"
    version = house.studio.workflows.import_file("Demo", path, PERSON).version
    return house.studio.workflows.by_id(version.workflow_id)


def carried(house: ShotHouse, shot: TestShot, driver: ShotDriver) -> TestShot:
    """The test shot when it has ended."""

    def has_ended() -> bool:
        driver.turn()
        return not house.studio.test_shots.find(shot.id).is_open

    eventually(has_ended)
    return house.studio.test_shots.find(shot.id)


def test_a_test_shot_is_made_measured_seen_and_makes_a_version_the_default(
    house: ShotHouse, server: DoubleServer, served: RegisteredWorkflow
) -> None:
    shot = house.ask(served, Wishes(prompt="she turns", share=0.5))
    card = Reading(0, "H100", house.clock.now(), memory_used_bytes=7_000, memory_bytes=80_000)
    with Watched(house.studio.settings.home) as watched:
        driver = house.driver(watched.backend)
        driver.turn()
        with house.studio.stores.begin(house.clock.now()) as store:
            store.telemetry.add(house.worker("gpu-1").worker.id, [card])
        done = carried(house, shot, driver)

    assert done.status is ShotStatus.DONE, done.reason
    assert done.result is not None and done.poster is not None
    assert (done.facts["width"], done.facts["height"], done.facts["frames"]) == (448, 256, 12)
    assert house.studio.files.opened(done.result.sha256).file.media_type == "video/mp4"
    measured = {one.name for one in done.measurements}
    assert {"sharpness", "flicker", "frozen_frames"} <= measured
    assert done.memory_bytes == 7_000 and done.cost == pytest.approx(done.seconds)

    version = house.studio.workflows.version(served)
    assert house.studio.workflows.page(served).shown.state is State.TRIED
    house.studio.workflows.judge(version, Judgement.GOOD, PERSON)
    page = house.studio.workflows.page(served)
    assert page.shown.state is State.GOOD and page.view.workflow.default_number == 1 and page.shots == (done,)
    house.studio.workflows.judge(version, Judgement.BAD, PERSON)
    assert house.studio.workflows.page(served).view.workflow.default_number is None
    assert [entry["event"] for entry in server.ledger.lines()].count("began") == 1


def test_one_of_a_graph_with_a_size_of_its_own_says_that_scenes_may_be_refused(
    house: ShotHouse, served: RegisteredWorkflow
) -> None:
    follows = house.ask(served)
    places = [one for one in places_of(house.studio.workflows.page(served).workflow) if one.slot not in ("width", "height")]
    fixed = house.studio.workflows.correct(house.studio.workflows.version(served), places, PERSON).version
    with Watched(house.studio.settings.home) as watched:
        driver = house.driver(watched.backend)
        done, told = (carried(house, shot, driver) for shot in (follows, house.studio.test_shots.ask(fixed, PERSON)))
    assert (done.status, told.status, done.reason) == (ShotStatus.DONE, ShotStatus.DONE, "")
    assert told.reason == "the graph decides the size by itself: clips that are asked for otherwise are refused"


def test_after_a_restart_it_is_found_again_and_not_made_twice(
    house: ShotHouse, server: DoubleServer, served: RegisteredWorkflow
) -> None:
    shot = house.ask(served)
    with Watched(house.studio.settings.home) as first:
        house.driver(first.backend).turn()
        eventually(lambda: bool(server.ledger.lines()))
    house.studio.upkeep.clear_folders()
    assert house.studio.test_shots.find(shot.id).status is ShotStatus.RUNNING

    with Watched(house.studio.settings.home) as second:
        done = carried(house, shot, house.driver(second.backend))

    assert (done.status, done.tries) == (ShotStatus.DONE, 1), done.reason
    house.check()
    house.studio.workflows.remove(served, PERSON)
    assert [entry["event"] for entry in server.ledger.lines()].count("began") == 1


def test_a_still_is_made_from_a_picture_that_a_person_brings(house: ShotHouse, served: RegisteredWorkflow) -> None:
    version = house.studio.workflows.import_file("Looks", WORKFLOWS / "image_to_image.json", PERSON).version
    drawn = house.ask(served).source
    assert drawn is not None
    brought = StoredFile(drawn.sha256, drawn.size_bytes, drawn.media_type)
    shot = house.studio.test_shots.ask(version, PERSON, source=brought)
    with Watched(house.studio.settings.home) as watched:
        driver = house.driver(watched.backend)
        done = carried(house, shot, driver)
        carried(house, house.ask(served), driver)
    assert done.status is ShotStatus.DONE, done.reason
    assert done.result is not None and done.result.media_type == "image/png"
    assert {one.name for one in done.measurements} >= {"sharpness", "exposure_low"}


def test_a_text_to_image_graph_needs_no_picture(house: ShotHouse) -> None:
    house.add("gpu-1", catalogue=SCHEMAS)
    workflow = registered(house.studio, house.folder, STILL, "Stills")
    shot = house.ask(workflow)
    assert shot.source is None and "frames" not in shot.parameters
