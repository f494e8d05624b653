"""Test shots: a version tried small and short on one worker, before a whole column is spent on it.

Each is one row: stored before anything is sent, so that it goes on after a restart. Its request goes to the same performer that
makes scenes; it belongs to no run and spends no budget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from data.store import Store, Stores
from pipeline.domain.errors import Conflict, NotFound, Refused
from pipeline.domain.fingerprints import canonical
from pipeline.domain.names import fold
from pipeline.domain.records import Actor, StoredFile
from pipeline.domain.stages import Stage
from pipeline.domain.work import InputFile, Measurement, Place, Request, Result, Update, UpdateState
from pipeline.domain.workflows.fit import Fit, cheapest
from pipeline.domain.workflows.following import caution
from pipeline.domain.workflows.library import ShotStatus, TestShot, WorkflowVersion
from pipeline.domain.workflows.shots import Wishes, shot_values
from pipeline.domain.workflows.slots import IMAGE_SLOTS, Kind
from pipeline.ports import Clock, Media
from pipeline.services import registered, wedged

BACKEND = "comfyui"
LONGEST = timedelta(hours=1)
_MOST_TRIES = 3
_MOST_OPEN = 50
_HOUR_S = 3600
_TOLD = 4
_STAGES = {Kind.SEGMENT: Stage.SCENE_GENERATION, Kind.STILL: Stage.VARIANT_GENERATION}
_RESULTS = {Kind.SEGMENT: "segment", Kind.STILL: "still"}


class TestShots:
    """Asks for test shots, hands them out and takes their results in.

    `size_of` reads (width, height) of a picture, raising Invalid for what is none; `draw` makes a picture to start from where
    nobody brings one; `new_id` makes ids of attempts.
    """

    __test__ = False  # not a class of tests

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        *,
        media: Media,
        size_of: Callable[[Path], tuple[int, int]],
        draw: Callable[[], StoredFile],
        new_id: Callable[[], str],
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._media = media
        self._size_of = size_of
        self._draw = draw
        self._new_id = new_id
        self._fits = registered.Fits()

    # People -----------------------------------------------------------------------------------------------------

    def ask(
        self,
        version: WorkflowVersion,
        actor: Actor,
        *,
        wishes: Wishes | None = None,
        source: StoredFile | None = None,
        worker: str | None = None,
    ) -> TestShot:
        """Ask for a test shot on this worker, else on the cheapest that is able; `source` is the picture that goes in.

        Raises Invalid for a workflow or wishes that cannot work, NotFound for an unknown worker, Refused when none is able.
        """
        with self._stores.read() as store:
            workflow = registered.workflow_of(store, version)
            fit = self._chosen(store, version, worker)
            schemas = store.workers.catalogue(fit.worker.catalogue_sha256)
        needs_picture = any(slot in workflow.slots for slot in IMAGE_SLOTS)
        picture = (source or self._draw()) if needs_picture else None
        size = self._size_of(self._media.path_of(picture.sha256)) if picture else None
        values = shot_values(workflow, wishes or Wishes(), source_size=size, schemas=schemas)
        with self._stores.begin(self._clock.now()) as store:
            if version.id not in store.workflows.versions_by_ids([version.id]):
                raise NotFound(f"{version.words} has just been removed.")
            if len(store.test_shots.open()) >= _MOST_OPEN:
                raise Conflict(f"{_MOST_OPEN} test shots are under way already. Wait for some, or cancel them.")
            if picture is not None:
                store.outputs.add_import(picture, store.journal.now)
            shot = store.test_shots.add(
                version.id, worker=fit.worker.name, actor=str(actor), parameters=values, source=picture, now=store.journal.now
            )
            _record(store, version, "workflow.shot_asked", actor, shot=shot.id, worker=shot.worker)
        return shot

    def find(self, shot_id: int) -> TestShot:
        """One by its number. Raises NotFound."""
        with self._stores.read() as store:
            found = store.test_shots.by_id(shot_id)
        if found is None:
            raise NotFound(f"There is no test shot {shot_id}.")
        return found

    def cancel(self, shot_id: int, actor: Actor) -> TestShot:
        """Give one up; its worker is asked to stop. One that has ended stays as it is."""
        with self._stores.begin(self._clock.now()) as store:
            shot = store.test_shots.by_id(shot_id)
            if shot is None:
                raise NotFound(f"There is no test shot {shot_id}.")
            if not shot.is_open:
                return shot
            self._end(store, shot, ShotStatus.CANCELLED, actor=actor, reason=f"cancelled by {actor}")
        return self.find(shot_id)

    def _chosen(self, store: Store, version: WorkflowVersion, worker: str | None) -> Fit:
        fits = self._fits.of(store, [version])[version.id]
        if worker is None:
            found = cheapest(fits, store.workers.busy())
            if found is None:
                told = "; ".join(f"{fit.worker.name}: {fit.words}" for fit in fits[:_TOLD])
                raise Refused(
                    f"No worker can run {version.words} now. {told}."
                    if fits
                    else "There is no worker yet. Add one on the page of the fleet, or with `./stripboard workers add`."
                )
            return found
        fit = next((one for one in fits if fold(one.worker.name) == fold(worker)), None)
        if fit is None:
            raise NotFound(f'There is no worker "{worker[:80]}".')
        if not fit.is_ready:
            raise Refused(f"{fit.worker.name} cannot run {version.words}: {fit.words}.")
        return fit

    # Performing -------------------------------------------------------------------------------------------------

    def running(self) -> list[TestShot]:
        """Those that are at a worker, or were when the program ended."""
        with self._stores.read() as store:
            return [shot for shot in store.test_shots.open() if shot.status is ShotStatus.RUNNING]

    def again(self, shots: Sequence[TestShot]) -> list[Request]:
        """The requests of running ones once more, for a performer that does not know them: the program was started anew."""
        with self._stores.read() as store:
            at = {worker.name: Place(worker.name, worker.url) for worker in store.workers.all()}
            here = [(shot, shot.attempt_id, at[shot.worker]) for shot in shots if shot.worker in at and shot.attempt_id]
            return [replace(self._request(store, *each), is_again=True) for each in here]

    def has_open(self) -> bool:
        """Whether there is anything to do."""
        with self._stores.read() as store:
            return bool(store.test_shots.open())

    def begin(self) -> list[Request]:
        """Start those whose worker takes work and has no other test shot; the requests, to be sent."""
        with self._stores.read() as store:
            if not any(shot.status is ShotStatus.QUEUED for shot in store.test_shots.open()):
                return []
        requests = []
        with self._stores.begin(self._clock.now()) as store:
            shots = store.test_shots.open()
            taken = {shot.worker for shot in shots if shot.status is ShotStatus.RUNNING}
            workers = {worker.name: worker for worker in store.workers.all()}
            for shot in (one for one in shots if one.status is ShotStatus.QUEUED and one.worker not in taken):
                worker = workers.get(shot.worker)
                if worker is None:
                    self._end(store, shot, ShotStatus.FAILED, reason=f"the worker {shot.worker} is there no more")
                elif not worker.may_work:
                    self._wait(store, shot, f"waits: {worker.why_not}")
                else:
                    taken.add(shot.worker)
                    attempt_id = self._new_id()
                    store.test_shots.begin(shot.id, attempt_id, store.journal.now)
                    requests.append(self._request(store, shot, attempt_id, Place(worker.name, worker.url)))
        return requests

    def note(self, news: Mapping[int, tuple[float, str]]) -> None:
        """Store how far some are: by number of the test shot the share done, and what it does just now."""
        with self._stores.begin(self._clock.now()) as store:
            for shot_id, (progress, step) in news.items():
                store.test_shots.change(shot_id, progress=progress, step=step[:200])

    def settle(self, shot: TestShot, update: Update, measurements: Sequence[Measurement] = ()) -> None:
        """Take the end of a try in. One that its worker has lost is tried again, a few times."""
        with self._stores.begin(self._clock.now()) as store:
            wedged.set_aside(store, [update])
            current = store.test_shots.by_id(shot.id)
            if current is None or current.attempt_id != update.attempt_id or not current.is_open:
                return
            if update.state is UpdateState.LOST and current.tries < _MOST_TRIES:
                self._wait(store, current, "is tried again: its worker has lost it")
            elif update.result is not None:
                self._take_in(store, current, update.result, measurements)
            else:
                reason = update.reason or "its worker has lost it"
                self._end(store, current, ShotStatus.FAILED, reason=reason, failure_class=update.failure_class)

    def is_late(self, shot: TestShot) -> bool:
        """Whether one runs for so long that it is given up."""
        return shot.started_at is not None and self._clock.now() - shot.started_at > LONGEST

    @staticmethod
    def _wait(store: Store, shot: TestShot, step: str) -> None:
        if shot.status is not ShotStatus.QUEUED or shot.step != step:
            store.test_shots.change(shot.id, status=ShotStatus.QUEUED, step=step, progress=0.0)

    def _request(self, store: Store, shot: TestShot, attempt_id: str, place: Place) -> Request:
        version = store.workflows.versions_by_ids([shot.version_id])[shot.version_id]
        parameters = {**shot.parameters, "workflow": dict(store.workflows.content(version.id))}
        source = shot.source
        inputs = (InputFile("source", source.sha256, self._media.name_of(source.sha256), source.media_type),) if source else ()
        fingerprint = hashlib.sha256(canonical([BACKEND, parameters, source.sha256 if source else ""]).encode()).hexdigest()
        stage = _STAGES[version.kind].value
        return Request(
            attempt_id, f"shot-{shot.id}", stage, BACKEND, fingerprint, inputs=inputs, parameters=parameters, place=place
        )

    def _take_in(self, store: Store, shot: TestShot, result: Result, measurements: Sequence[Measurement]) -> None:
        version = store.workflows.versions_by_ids([shot.version_id])[shot.version_id]
        kind = version.kind
        files = {output.role: output for output in result.outputs}
        stored = {
            role: StoredFile(output.sha256, output.size_bytes, output.media_type)
            for role, output in files.items()
            if role in (_RESULTS[kind], "last_frame")
        }
        for file in stored.values():
            store.outputs.add_import(file, store.journal.now)
        made = files.get(_RESULTS[kind])
        worker = next((one for one in store.workers.all() if one.name == shot.worker), None)
        self._end(
            store, shot, ShotStatus.DONE, seconds=result.seconds, progress=1.0,
            reason=caution(registered.draft_of(store, version)), result=stored.get(_RESULTS[kind]),
            poster=stored.get("last_frame"), facts=dict(made.facts) if made else {}, measurements=list(measurements),
            cost=result.seconds / _HOUR_S * (worker.cost_per_hour if worker else 0.0),
            memory_bytes=_memory(store, worker.id, shot, store.journal.now) if worker else 0,
        )  # fmt: skip

    @staticmethod
    def _end(store: Store, shot: TestShot, status: ShotStatus, *, actor: Actor | None = None, **values: Any) -> None:
        store.test_shots.change(shot.id, status=status, ended_at=store.journal.now, step="", **values)
        version = store.workflows.versions_by_ids([shot.version_id])[shot.version_id]
        who = actor or Actor("system", "engine")
        _record(store, version, f"workflow.shot_{status.value}", who, shot=shot.id, worker=shot.worker)


def _memory(store: Store, worker_id: int, shot: TestShot, now: Any) -> int:
    """The most that a card of the worker had in use meanwhile; 0 when its cards told nothing."""
    readings = store.telemetry.between(worker_id, shot.started_at or now, now)
    return max((reading.memory_used_bytes or 0 for reading in readings), default=0)


def _record(store: Store, version: WorkflowVersion, event: str, actor: Actor, **data: object) -> None:
    told = {"version": version.number, **data}
    store.journal.record(event, actor=actor, subject="workflow", subject_id=version.workflow_id, data=told)
