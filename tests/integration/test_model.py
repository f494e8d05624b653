"""The services against a plain model: whatever people, engines and crashes do in whatever order, both agree at each step."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from data.tables import metadata
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Conflict
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Job
from pipeline.domain.stages import Lane
from pipeline.domain.work import OutputFile, Result, Update, UpdateState
from tests.factories import EVERYTHING, HUMAN, PERSON, House, make_production
from tests.fakes import outputs_of, small_bytes
from tests.plain_model import SEGMENTS, Key, PlainRun, is_cell

ENGINES = ("first", "second")
PRODUCTION = make_production(characters=1, scene_types=2, variants=2, segments=SEGMENTS, approvals=HUMAN)
SCENES = st.sampled_from(["", "s1", "s2"])
FATES = st.sampled_from(["done", "done", "done", "done", "bad_input", "crashed", "lost"])


class StudioMachine(RuleBasedStateMachine):
    """Every rule does the same to the studio and to the model."""

    url: Callable[[Path], str]

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="stripboard-", dir=memory if memory.is_dir() else None))
        self.house = House(self.folder, type(self).url(self.folder))
        self.run = self.house.create(PRODUCTION, auto_deliver=False)
        self.model = PlainRun()
        self.alive: dict[str, str] = {}
        self.engines = 0
        for name in ENGINES:
            self.register(name)
        self.refused: list[tuple[int, str, str]] = []

    def register(self, name: str) -> str:
        """A new engine process in this role; the answer is its id."""
        self.engines += 1
        self.alive[name] = f"{name} {self.engines}"
        self.house.studio.leases.register(self.alive[name], host=socket.gethostname(), pid=1)
        return self.alive[name]

    def selected(self, scene: str) -> tuple[Selection, list[str]]:
        """All cells, or those of one scene type."""
        names = [name for name in self.model.cells() if scene in name]
        return (Selection(scene_types=(scene,)) if scene else EVERYTHING), names

    @initialize(rounds=st.integers(0, 12))
    def begin(self, rounds: int) -> None:
        """Most stories begin with everything asked for and some of it made."""
        if rounds:
            self.submit(Mode.ALL, "")
        self.work_on("first", rounds, [])
        self.accept_everything()

    # People -----------------------------------------------------------------------------------------------------

    @rule(mode=st.sampled_from(Mode), scene=SCENES)
    def submit(self, mode: Mode, scene: str) -> None:
        selection, names = self.selected(scene)
        receipt = self.house.studio.submission.submit(self.run, selection, mode, PERSON)
        assert set(receipt.accepted) == set(self.model.submit(names, mode.value))

    @rule(scene=SCENES)
    def approve(self, scene: str) -> None:
        selection, names = self.selected(scene)
        waiting = self.model.named("review", names)
        if waiting:
            assert set(self.house.studio.review.approve(self.run, selection, PERSON)) == set(waiting)
        else:
            with pytest.raises(Conflict):
                self.house.studio.review.approve(self.run, selection, PERSON)
        for name in waiting:
            self.model.approve(name)

    @rule(scene=SCENES)
    def reject(self, scene: str) -> None:
        selection, names = self.selected(scene)
        waiting = self.model.named("review", names)
        if waiting:
            self.house.studio.review.reject(self.run, selection, PERSON, reason="no")
        for name in waiting:
            self.model.reject(name)

    @rule(number=st.integers(0, 3))
    def withdraw(self, number: int) -> None:
        name = list(self.model.cells())[number]
        if self.model.things[name].status == "approved":
            self.house.studio.review.reject(self.run, Selection(keys=(name,)), PERSON, reason="changed")
            self.model.reject(name)

    @rule(variant=st.sampled_from(["c1 / v1", "c1 / v2"]), accept=st.sampled_from([True, True, False]))
    def judge_variant(self, variant: str, accept: bool) -> None:
        if self.model.things[f"variant {variant}"].status != "review":
            return
        if accept:
            self.house.studio.review.approve_variant(self.run, variant, PERSON)
            self.model.approve(f"variant {variant}")
        else:
            self.house.studio.review.reject_variant(self.run, variant, PERSON, reason="no")
            self.model.reject(f"variant {variant}")

    @rule(number=st.integers(0, 5))
    def undo(self, number: int) -> None:
        names = [*self.model.cells(), "variant c1 / v1", "variant c1 / v2"]
        key = names[number].removeprefix("variant ")
        if self.model.can_undo(names[number]):
            assert self.house.studio.review.undo(self.run, [key], PERSON) == [key]
            self.model.undo(names[number])
        else:
            with pytest.raises(Conflict):
                self.house.studio.review.undo(self.run, [key], PERSON)

    @rule()
    def accept_everything(self) -> None:
        for variant in ("c1 / v1", "c1 / v2"):
            self.judge_variant(variant, True)
        self.approve("")

    @rule()
    def retry(self) -> None:
        self.house.studio.review.retry(self.run, EVERYTHING, PERSON)
        self.model.retry()

    @rule()
    def rollback(self) -> None:
        expected = self.model.rollback()
        if expected:
            assert set(self.house.studio.review.rollback(self.run, EVERYTHING, PERSON)) == set(expected)
        else:
            with pytest.raises(Conflict):
                self.house.studio.review.rollback(self.run, EVERYTHING, PERSON)

    @rule(scene=st.sampled_from(["s1", "s2"]))
    def cancel_cells(self, scene: str) -> None:
        selection, names = self.selected(scene)
        self.remember_refused(self.model.taken_out(names))
        self.house.studio.submission.cancel(self.run, selection, PERSON)
        self.model.cancel_cells(names)

    @precondition(lambda self: self.model.status in ("running", "paused"))
    @rule(sure=st.integers(0, 3))
    def cancel_run(self, sure: int) -> None:
        if sure == 0:
            self.remember_refused(self.model.things)
            self.house.studio.runs.cancel(self.house.run(self.run), PERSON)
            self.model.cancel()

    @precondition(lambda self: self.model.status in ("running", "paused"))
    @rule()
    def pause_or_resume(self) -> None:
        if self.model.status == "running":
            self.house.studio.runs.pause(self.run, PERSON)
            self.model.status = "paused"
        self.house.studio.runs.resume(self.house.run(self.run), PERSON)
        self.model.status = "running"

    @precondition(lambda self: self.model.status == "running")
    @rule()
    def nothing_starts_while_paused(self) -> None:
        self.house.studio.runs.pause(self.run, PERSON)
        turn = self.house.studio.dispatch.turn(self.alive["first"], [], {Lane.CPU: 9, Lane.GENERATION: 9})
        assert turn.assignments == ()
        self.house.studio.runs.resume(self.house.run(self.run), PERSON)

    # Engines ----------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(ENGINES), room=st.integers(1, 4))
    def claim(self, name: str, room: int) -> None:
        self.house.clock.advance(60)
        engine = self.alive[name]
        turn = self.house.studio.dispatch.turn(engine, [], {Lane.CPU: room, Lane.GENERATION: room})
        for lane in Lane:
            claimed = [one for one in turn.assignments if one.lane is lane]
            assert len(claimed) == min(room, len(self.model.ready(lane.value)))
        jobs = self.stored_jobs()
        for one in turn.assignments:
            self.model.claim(jobs[one.job_id], engine, one.request.attempt_id)

    @rule(name=st.sampled_from(ENGINES), fates=st.lists(FATES, min_size=1, max_size=4))
    def report(self, name: str, fates: list[str]) -> None:
        engine = self.alive[name]
        ids = {key: job_id for job_id, key in self.stored_jobs().items()}
        ended = list(zip(self.model.running(engine).items(), fates, strict=False))
        reports = [(ids[key], self.update(key, attempt, fate)) for (attempt, key), fate in ended]
        turn = self.house.studio.dispatch.turn(engine, reports, {})
        assert (turn.over, turn.settled) == ((), len(reports))
        for (_, key), fate in ended:
            self.model.complete(key) if fate == "done" else self.model.fail(key, fate)

    @rule(name=st.sampled_from(ENGINES), rounds=st.integers(1, 12), fates=st.lists(FATES, max_size=12))
    def work_on(self, name: str, rounds: int, fates: list[str]) -> None:
        """Several turns of one engine; what is not said to go wrong goes well."""
        left = [*fates, *["done"] * 200]
        for _ in range(rounds):
            self.claim(name, 4)
            running = len(self.model.running(self.alive[name]))
            self.report(name, left[:running])
            del left[:running]

    @rule(rounds=st.integers(4, 12))
    def work_well(self, rounds: int) -> None:
        self.work_on("first", rounds, [])

    @precondition(lambda self: self.refused)
    @rule()
    def report_late(self) -> None:
        for job_id, attempt, engine in self.refused:
            update = Update(attempt, UpdateState.DONE, result=Result(outputs_of("scene_generation", "late")))
            turn = self.house.studio.dispatch.turn(engine, [(job_id, update)], {})
            assert (turn.over, turn.settled) == ((attempt,), 0)
        self.refused.clear()

    @rule(name=st.sampled_from(ENGINES))
    def heartbeat(self, name: str) -> None:
        self.house.clock.advance(10)
        engine = self.alive[name]
        running = dict.fromkeys([*self.model.running(engine), "unknown"], 1.0)
        assert self.house.studio.leases.heartbeat(engine, running).over == ("unknown",)

    @rule(dead=st.sampled_from(ENGINES))
    def die_and_be_adopted(self, dead: str) -> None:
        old = self.alive[dead]
        new = self.register(dead)
        self.remember_refused(self.model.things, owner=old)
        adopted = self.house.studio.leases.adopt(new, lambda engine_id, host, pid: engine_id != old)
        assert {one.attempt_id for one in adopted} == self.model.adopt(new, [old])

    @rule(name=st.sampled_from(ENGINES))
    def leave_and_come_back(self, name: str) -> None:
        self.house.studio.leases.leave(self.alive[name], "stopped")
        self.model.leave(self.alive[name])
        self.register(name)

    @rule()
    def crash_and_restart(self) -> None:
        self.house.die()
        self.house = House(self.folder, self.house.url, clock=self.house.clock)
        gone = dict(self.alive)
        first = self.register("first")
        self.register("second")
        adopted = self.house.studio.leases.adopt(first, lambda engine_id, host, pid: engine_id not in gone.values())
        assert {one.attempt_id for one in adopted} == self.model.adopt(first, gone.values())

    @rule()
    def the_safety_net_finds_nothing(self) -> None:
        assert self.house.studio.upkeep.catch_up() == 0

    # Both -------------------------------------------------------------------------------------------------------

    def remember_refused(self, names: Any, owner: str | None = None) -> None:
        """Attempts that are about to be taken away: what they report later counts for nothing."""
        ids = {key: job_id for job_id, key in self.stored_jobs().items()}
        for attempt, key in self.model.running(owner).items():
            taken_away = owner is not None or self.model.things[key[0]].status not in ("approved", "cancelled", "not_started")
            if key[0] in names and taken_away:
                self.refused.append((ids[key], attempt, self.model.jobs[key].owner))

    def update(self, key: Key, attempt: str, fate: str) -> Update:
        """What a performer says of an attempt that meets this fate; its files are stored."""
        if fate == "lost":
            return Update(attempt, UpdateState.LOST, reason="its process died")
        if fate != "done":
            return Update(attempt, UpdateState.FAILED, failure_class=fate, reason=fate)
        outputs = outputs_of(key[1], attempt)
        for output in outputs:
            self.store(output, small_bytes(attempt, output.role))
        return Update(attempt, UpdateState.DONE, result=Result(outputs, seconds=0.01))

    def store(self, output: OutputFile, content: bytes) -> None:
        """Put a file into the media store."""
        path = self.house.studio.media.path_of(output.sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def stored_jobs(self) -> dict[int, Key]:
        """The model's name of every stored job."""
        return {job.id: key for key, job in self.jobs_by_key().items()}

    def jobs_by_key(self) -> dict[Key, Job]:
        """Every stored job by the model's name for it."""
        view = self.house.studio.reports.matrix(self.run.id)
        names = {("cell", cell.id): cell.plan.key for cell in view.cells}
        names |= {("still", still.id): f"{still.kind.value} {still.key}" for still in view.stills}
        with self.house.studio.stores.read() as store:
            found = store.jobs.by_ids(list(store.connection.execute(text("SELECT id FROM jobs")).scalars()))
        return {(names[job.subject, job.subject_id], job.stage.value, job.take, job.part): job for job in found.values()}

    @invariant()
    def both_agree(self) -> None:
        view = self.house.studio.reports.matrix(self.run.id)
        stored = {cell.plan.key: (cell.status.value, cell.take, cell.approved_take) for cell in view.cells}
        stored |= {f"{still.kind.value} {still.key}": (still.status.value, still.take, None) for still in view.stills}
        assert stored == {name: (one.status, one.take, one.approved_take) for name, one in self.model.things.items()}
        jobs = {key: (job.status.value, job.tries) for key, job in self.jobs_by_key().items()}
        assert jobs == {key: (job.status, job.tries) for key, job in self.model.jobs.items()}
        assert self.house.run(self.run).status.value == self.model.status

    def teardown(self) -> None:
        self.house.check()
        self.house.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def drive(url: Callable[[Path], str], examples: int, steps: int) -> None:
    """Run the machine on databases made by `url`."""
    machine = type("Machine", (StudioMachine,), {"url": staticmethod(url)})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks, print_blob=True
        ),
    )


def sqlite_file(folder: Path) -> str:
    """A new database file."""
    return f"sqlite:///{folder / 'stripboard.db'}"


def emptied(url: str) -> Callable[[Path], str]:
    """The same database each time, with nothing in it."""

    def empty(folder: Path) -> str:
        from sqlalchemy import create_engine

        engine = create_engine(url)
        with engine.begin() as connection:
            metadata.drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        engine.dispose()
        return url

    return empty


def test_services_and_model_agree_on_sqlite() -> None:
    drive(sqlite_file, examples=40, steps=40)


def test_services_and_model_agree_on_postgresql(postgresql_url: str) -> None:
    drive(emptied(postgresql_url), examples=20, steps=40)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_services_and_model_agree_for_a_long_time_on_sqlite() -> None:
    drive(sqlite_file, examples=1500, steps=120)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_services_and_model_agree_for_a_long_time_on_postgresql(postgresql_url: str) -> None:
    drive(emptied(postgresql_url), examples=400, steps=120)


def test_the_model_knows_cells_from_stills() -> None:
    assert sorted(filter(is_cell, PlainRun().things)) == sorted(PlainRun().cells())
