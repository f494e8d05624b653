"""Workers of the fleet: registered, looked at, paused, drained, removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from data.store import Store, Stores
from pipeline.domain import workers
from pipeline.domain.cost_keys import told_apart, work_words
from pipeline.domain.errors import Conflict, Invalid, NotFound, Unavailable
from pipeline.domain.fleet import records
from pipeline.domain.fleet.workers import DEFAULT_PLACES
from pipeline.domain.names import did_you_mean, fold, listed
from pipeline.domain.records import Actor
from pipeline.domain.workers import Health, NewWorker, Sighting, Worker, WorkerState, WorkRecord
from pipeline.ports import Clock, Servers
from pipeline.services import given_up, sighted

_READ_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Standing:
    """A worker as people see it: how many attempts it has, and what it has shown with each kind of work."""

    worker: Worker
    busy: int
    records: tuple[WorkRecord, ...]


@dataclass(frozen=True)
class Scan:
    """What a scan of addresses came to: the workers that are new, and of every other address why not."""

    registered: tuple[Worker, ...]
    left_out: Mapping[str, str]


class Workers:
    """Every verb on workers. `servers` asks the servers behind them."""

    def __init__(self, stores: Stores, clock: Clock, servers: Servers) -> None:
        self._stores = stores
        self._clock = clock
        self._servers = servers
        self._there: dict[int, frozenset[str]] = {}

    # Reading ----------------------------------------------------------------------------------------------------

    def all(self) -> list[Standing]:
        """Every worker with its standing, by name."""
        with self._stores.read() as store:
            found, busy, records = store.workers.all(), store.workers.busy(), store.workers.records()
        return [
            Standing(worker, busy.get(worker.name, 0), tuple(one for one in records if one.worker_id == worker.id))
            for worker in found
        ]

    def standing(self, worker_id: int) -> Standing:
        """One worker with its standing. Raises NotFound."""
        for standing in self.all():
            if standing.worker.id == worker_id:
                return standing
        raise NotFound(f"There is no worker {worker_id}.")

    def find(self, name: str) -> Worker:
        """The worker of this name, else of this number. Raises NotFound with the nearest name."""
        with self._stores.read() as store:
            found = store.workers.all()
        for worker in [*(one for one in found if fold(one.name) == fold(name)), *(one for one in found if str(one.id) == name)]:
            return worker
        raise NotFound(f'There is no worker "{name}". {did_you_mean(name, [worker.name for worker in found])}'.rstrip())

    # Changing ---------------------------------------------------------------------------------------------------

    def register(
        self,
        name: str,
        url: str,
        actor: Actor,
        *,
        tags: Sequence[str] = (),
        cost_per_hour: float = 0.0,
        places: float = DEFAULT_PLACES,
    ) -> Worker:
        """Add a worker; it gets work once a look has found it well. Raises Invalid, or Conflict when it is there already."""
        new = workers.checked(name, url, tags=tags, cost_per_hour=cost_per_hour, places=places)
        with self._stores.begin(self._clock.now()) as store:
            return self._add(store, new, actor)

    @staticmethod
    def _add(store: Store, new: NewWorker, actor: Actor) -> Worker:
        every = store.workers.all()
        _refuse_taken(new.name, every)
        for known in every:
            if workers.is_same_server(known.url, new.url):
                raise Conflict(f'{new.url} is the worker "{known.name}" already.')
        worker = store.workers.add(new, store.journal.now)
        sighted.tell(store, worker, "worker.registered", actor, url=worker.url)
        return worker

    def place(self, name: str, url: str, actor: Actor, *, cost_per_hour: float = 0.0) -> Worker:
        """The worker of this name, now at this address: registered when it is new. Raises as `register` does."""
        new = workers.checked(name, url, cost_per_hour=cost_per_hour)
        with self._stores.begin(self._clock.now()) as store:
            known = {fold(worker.name): worker for worker in store.workers.all()}
            worker = known.get(fold(new.name))
            if worker is None:
                return self._add(store, new, actor)
            return self._moved(store, worker, new.url, known.values(), actor)

    def apply(self, wanted: Sequence[NewWorker], actor: Actor) -> list[Worker]:
        """Register these workers, all of them or none; those that are there by name become as they are given here.

        What is not given of one stays as it is: its price, say. So does its state, unless its cards have paused it and it moves.

        Raises Conflict where an address is another worker's.
        """
        with self._stores.begin(self._clock.now()) as store:
            return [self._applied(store, new, actor) for new in wanted]

    def _applied(self, store: Store, new: NewWorker, actor: Actor) -> Worker:
        known = {fold(worker.name): worker for worker in store.workers.all()}
        worker = known.get(fold(new.name))
        if worker is None:
            return self._add(store, new, actor)
        worker = self._moved(store, worker, new.url, known.values(), actor)
        before = {name: getattr(worker, name) for name in ("tags", "cost_per_hour", "places")}
        wanted = {name: getattr(new, name) for name in before.keys() & new.given}
        if wanted != {name: before[name] for name in wanted}:
            _edit(store, worker, replace(new, **(before | wanted)), actor)
        return _still_there(store, worker)

    @staticmethod
    def _moved(store: Store, worker: Worker, url: str, every: Iterable[Worker], actor: Actor) -> Worker:
        if any(workers.is_same_server(other.url, url) and other.id != worker.id for other in every):
            raise Conflict(f"{url} is another worker already.")
        if worker.url != url:
            fresh: dict[str, Any] = {"health": Health.UNKNOWN, "model": ""}
            if worker.pause_reason:  # other cards may be cooler
                fresh |= {"state": WorkerState.ENABLED, "pause_reason": ""}
            store.workers.change(worker.id, url=url, **fresh)
            store.telemetry.clear_verdicts(worker.id)
            sighted.tell(store, worker, "worker.moved", actor, url=url)
        return _still_there(store, worker)

    def set_state(self, worker: Worker, state: WorkerState, actor: Actor) -> Worker:
        """Enable, pause or drain a worker, whatever its cards made of it before. What runs there goes on in any case."""
        with self._stores.begin(self._clock.now()) as store:
            found = _still_there(store, worker)
            if found.state is not state or found.pause_reason:
                store.workers.change(worker.id, state=state, pause_reason="")
                sighted.tell(store, worker, f"worker.{state.value}", actor)
            return _still_there(store, worker)

    def edit(
        self,
        worker: Worker,
        actor: Actor,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        cost_per_hour: float | None = None,
        places: float | None = None,
    ) -> Worker:
        """Give a worker another name, other tags, another price or other places.

        What it has done and does goes on under the new name. The price counts for attempts that end from now on. With fewer
        places than it has jobs nothing is stopped: it gets nothing new until there is room. Raises Invalid, or Conflict where
        another worker has the name.
        """
        with self._stores.begin(self._clock.now()) as store:
            found = _still_there(store, worker)
            new = workers.checked(
                found.name if name is None else name,
                found.url,
                tags=found.tags if tags is None else tags,
                cost_per_hour=found.cost_per_hour if cost_per_hour is None else cost_per_hour,
                places=found.places if places is None else places,
            )
            if new.name != found.name:
                _rename(store, found, new.name, actor)
            if any(given is not None for given in (tags, cost_per_hour, places)):
                _edit(store, worker, new, actor)
            return _still_there(store, worker)

    def remove(self, worker: Worker, actor: Actor) -> None:
        """Forget a worker. Raises Conflict while it has work: drain it first."""
        with self._stores.begin(self._clock.now()) as store:
            found = _still_there(store, worker)
            busy = store.workers.busy().get(found.name, 0)
            if busy:
                jobs = "1 job" if busy == 1 else f"{busy} jobs"
                drain = "Remove" if found.state is WorkerState.DRAINING else "Drain it, and remove"
                raise Conflict(f'"{found.name}" has {jobs}. {drain} it when they have ended.')
            sighted.tell(store, found, "worker.removed", actor, name=found.name)
            store.workers.remove(found.id)
            store.workers.drop_catalogues()

    def take_back(self, worker: Worker, work: str, actor: Actor) -> None:
        """A worker that was set aside for a kind of work, named by its cost key or in words, gets such work again at once."""
        with self._stores.begin(self._clock.now()) as store:
            _still_there(store, worker)
            shown = [one for one in store.workers.records() if one.worker_id == worker.id]
            told = told_apart(one.work for one in shown)
            aside = [one for one in shown if one.aside_since]
            meant = [one for one in aside if work in (one.work, told[one.work], work_words(one.work))]
            if not meant:
                kinds = listed(f'"{told[one.work]}"' for one in aside)
                raise Conflict(f'"{worker.name}" is not set aside for "{work}", but for {kinds or "nothing"}.')
            for record in meant:
                store.workers.keep_record(records.taken_back(record), is_new=False)
                sighted.tell(store, worker, "worker.taken_back", actor, work=record.work)

    # Looking ----------------------------------------------------------------------------------------------------

    def look(self, only: Sequence[Worker] | None = None) -> list[Worker]:
        """Look at the servers of all workers, or of these, and store what was found; a change of health is an event.

        Attempts that have ended here and are still there are stopped, for nobody waits for what they make.
        """
        with self._stores.read() as store:
            every = store.workers.all()
        wanted = {worker.id for worker in (every if only is None else only)}
        looked_at = _with_those_beside(wanted, every)
        at = self._clock.now()
        unread = {worker.url for worker in looked_at if _should_be_read(worker, at)}
        sightings = self._servers.look([worker.url for worker in looked_at], unread) if looked_at else {}
        if not sightings:
            return []
        with self._stores.begin(self._clock.now()) as store:
            present = {worker.id: worker for worker in store.workers.all()}
            seen = [present[worker.id] for worker in looked_at if worker.id in present]
            ours = sighted.ours(store, sightings.values(), self._clock.now())
            for worker in seen:
                sighting = sightings[worker.url]
                sighted.keep(store, worker, sighting, there=self._there_at_first(worker, sighting), ours=ours)
            found = [now for worker in seen if worker.id in wanted and (now := store.workers.by_id(worker.id))]
        self._stop_given_up(sightings)
        return found

    def _stop_given_up(self, sightings: Mapping[str, Sighting]) -> None:
        if any(sighting.jobs for sighting in sightings.values()):
            with self._stores.read() as store:
                left = given_up.still_there(store, sightings, self._clock.now())
            if left:
                self._servers.stop(left)

    def _there_at_first(self, worker: Worker, sighting: Sighting) -> frozenset[str]:
        """What an occupied worker had to do when it was first looked at since."""
        if worker.health is not Health.OCCUPIED:
            self._there.pop(worker.id, None)
            return frozenset()
        return self._there.setdefault(worker.id, sighting.jobs)

    def scan(self, urls: Sequence[str], actor: Actor, *, tags: Sequence[str] = ()) -> Scan:
        """Look at these addresses and register every server that is well and not known yet."""
        left_out: dict[str, str] = {}
        addresses = []
        for url in urls:
            try:
                addresses.append(workers.checked_url(url))
            except Invalid as error:
                left_out[url] = str(error)
        sightings = self._servers.look(list(dict.fromkeys(addresses)))
        registered = []
        for url, sighting in sightings.items():
            if sighting.health is not Health.WELL:
                left_out[url] = sighting.reason or sighting.health.value
                continue
            try:
                registered.append(self.register(_name_of(url), url, actor, tags=tags))
            except Conflict as error:
                left_out[url] = str(error)
        return Scan(tuple(self.look(registered)), left_out)

    def look_again(self, only: Sequence[Worker] | None = None) -> list[Worker]:
        """As `look`, for a person who has mended something: what is wedged is tested, too, if its server has nothing to do."""
        seen = self.look(only)
        urls = {worker.url for worker in seen if worker.health is Health.WEDGED}
        answers = self._servers.test_idle(urls) if urls else {}
        return [self._recover(worker) if answers.get(worker.url) == "" else worker for worker in seen]

    def test_those_aside(self) -> int:
        """Try out workers that run nothing, and those that are set aside and whose time has come; how many take work again.

        All are tried at once, and each only while its server has nothing to do: else later, without a verdict. One that lacks a
        node or a model needs more than a test: it comes back when what it can do has changed.
        """
        now = self._clock.now()
        with self._stores.read() as store:
            workers = {worker.id: worker for worker in store.workers.all() if worker.state is not WorkerState.PAUSED}
            wedged = [worker for worker in workers.values() if worker.health is Health.WEDGED]
            able = {key: worker for key, worker in workers.items() if worker.may_work}
            due = [
                record
                for record in store.workers.records()
                if record.test_at and record.test_at <= now and record.worker_id in able and not records.needs_install(record)
            ]
        urls = {worker.url for worker in wedged} | {able[record.worker_id].url for record in due}
        answers = self._servers.test_idle(urls) if urls else {}
        back = [self._recover(worker) for worker in wedged if answers.get(worker.url) == ""]
        tested = [record for record in due if able[record.worker_id].url in answers]
        for record in tested:
            worker = able[record.worker_id]
            self._after_test(worker, record.work, works=not answers[worker.url])
        return len(back) + sum(not answers[able[record.worker_id].url] for record in tested)

    def _after_test(self, worker: Worker, work: str, *, works: bool) -> None:
        with self._stores.begin(self._clock.now()) as store:
            record = store.workers.record(worker.id, work)
            if record is None or record.aside_since is None:
                return
            if works:
                store.workers.keep_record(records.taken_back(record), is_new=False)
                sighted.tell(store, worker, "worker.taken_back", sighted.LOOKS, work=work)
            else:
                store.workers.keep_record(records.failed_test(record, store.journal.now), is_new=False)

    def _recover(self, worker: Worker) -> Worker:
        """A test has come through: a worker that ran nothing works again, probably in a new process with nothing loaded."""
        with self._stores.begin(self._clock.now()) as store:
            found = store.workers.by_id(worker.id)
            if found is None or found.health is not Health.WEDGED or found.url != worker.url:
                return found or worker
            values = {"health": Health.WELL, "health_reason": "", "health_at": store.journal.now, "model": ""}
            store.workers.change(worker.id, **values)
            sighted.tell(store, worker, "worker.well", sighted.LOOKS, **{"from": Health.WEDGED.value, "reason": ""})
            return _still_there(store, worker)

    def test(self, worker: Worker) -> None:
        """Let a worker do something tiny from end to end. Raises Unavailable with what went wrong."""
        reason = self._servers.test(worker.url)
        if reason:
            raise Unavailable(f'"{worker.name}" does not work: {reason}')
        self._recover(worker)


def _with_those_beside(wanted: Collection[int], every: Sequence[Worker]) -> list[Worker]:
    """Beside one that was never looked at, all that are well: whether two share an output folder is seen with both."""
    has_new = any(worker.id in wanted and worker.read_at is None for worker in every)
    return [worker for worker in every if worker.id in wanted or (has_new and worker.health is Health.WELL)]


def _should_be_read(worker: Worker, now: datetime) -> bool:
    """Whether it is time to ask what a server can do: never asked, back again, or long ago."""
    is_old = worker.read_at is None or now - worker.read_at > _READ_AGAIN
    return is_old or worker.health is not Health.WELL


def _name_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}-{parts.port}"


def _still_there(store: Store, worker: Worker) -> Worker:
    found = store.workers.by_id(worker.id)
    if found is None:
        raise NotFound(f'There is no worker "{worker.name}" any more.')
    return found


def _refuse_taken(name: str, every: Iterable[Worker]) -> None:
    taken = next((worker.name for worker in every if fold(worker.name) == fold(name)), None)
    if taken is not None:
        raise Conflict(f'There is a worker "{taken}" already. Choose another name.')


def _rename(store: Store, worker: Worker, name: str, actor: Actor) -> None:
    _refuse_taken(name, (other for other in store.workers.all() if other.id != worker.id))
    store.workers.rename(worker, name)
    sighted.tell(store, worker, "worker.renamed", actor, to=name)


def _edit(store: Store, worker: Worker, new: NewWorker, actor: Actor) -> None:
    values = {"tags": list(new.tags), "cost_per_hour": new.cost_per_hour, "places": new.places}
    store.workers.change(worker.id, **values)
    sighted.tell(store, worker, "worker.edited", actor, **values)
