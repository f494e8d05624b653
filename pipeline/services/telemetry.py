"""What the cards of workers tell: stored, held against the limits, shown, and thinned with age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from data.store import Store, Stores
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Actor
from pipeline.domain.telemetry import history
from pipeline.domain.telemetry.limits import Card, Level, Threshold, Verdict, is_graver, judge
from pipeline.domain.telemetry.readings import Reading, aligned, of_cards
from pipeline.domain.workers import Health, Worker, WorkerState
from pipeline.ports import Clock, GpuProbe

_CARDS = Actor("system", "telemetry")
_LOOK_COUNTS_AFTER = timedelta(seconds=60)
_CARDS_A_TURN = 20
_MOST_DROPPED = 5000


@dataclass(frozen=True)
class Taken:
    """What became of readings that were sent: stored, or left out (known already, too old, or from the future)."""

    stored: int
    left_out: int


class Telemetry:
    """Every verb on readings. `probe` reads this machine's cards; `is_here` tells whether an address is this machine's."""

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        *,
        thresholds: Sequence[Threshold],
        probe: GpuProbe,
        is_here: Callable[[str], bool],
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._thresholds = thresholds
        self._probe = probe
        self._is_here = is_here
        self._thinned_up_to = (0, -1)

    @property
    def thresholds(self) -> Sequence[Threshold]:
        """The limits of this installation."""
        return self._thresholds

    # Reading ----------------------------------------------------------------------------------------------------

    def latest(self) -> Mapping[int, list[Card]]:
        """Every card with its newest reading, by the number of its worker; `Reading.is_current` tells whether it is now."""
        with self._stores.read() as store:
            found = store.telemetry.latest()
        return {worker_id: [Card(reading, verdict) for verdict, reading in cards] for worker_id, cards in found.items()}

    def history(self, worker: Worker, *, since: datetime, until: datetime, points: int) -> list[Reading]:
        """What the cards of a worker told from one time to another: at most so many readings of each, by card and time."""
        with self._stores.read() as store:
            found = store.telemetry.between(worker.id, since, until)
        return history.sampled(found, since=since, until=until, points=points)

    # Storing ----------------------------------------------------------------------------------------------------

    def take(self, worker: Worker, readings: Sequence[Reading], sent_at: datetime | None = None) -> Taken:
        """Store what a worker's agent sends. Raises NotFound when the worker is gone."""
        now = self._clock.now()
        with self._stores.begin(now) as store:
            found = store.workers.by_id(worker.id)
            if found is None:
                raise NotFound(f'There is no worker "{worker.name}" any more.')
            stored = self._store(store, found, aligned(readings, sent_at, now), store.workers.busy())
        return Taken(stored, len(readings) - stored)

    def keep_looks(self, seen: Iterable[Worker]) -> None:
        """Store the memory that looks found, for workers of which nobody has told more in the last minute.

        Not of those that are wedged: they stay so while their server is away, and then what is known of it is old.
        """
        now = self._clock.now()
        looked = {worker.id: worker for worker in seen if worker.memory_bytes and worker.health is Health.WELL}
        if not looked:
            return
        with self._stores.begin(now) as store:
            busy, told = store.workers.busy(), _told_of(store, now)
            for worker in store.workers.all():
                if worker.id in looked and worker.id not in told:
                    self._store(store, worker, [_of_look(looked[worker.id], now)], busy)

    def read_here(self) -> None:
        """Read the cards of this machine for the workers whose servers run on it, by what these say of their card."""
        now = self._clock.now()
        found = self._probe.read(now)
        if not found:
            return
        with self._stores.read() as store:
            here = {worker.id for worker in store.workers.all() if worker.gpu and self._is_here(worker.url)}
        if not here:
            return
        with self._stores.begin(now) as store:
            busy = store.workers.busy()
            for worker in store.workers.all():
                if worker.id in here:
                    self._store(store, worker, of_cards(found, worker.gpu), busy)

    def _store(self, store: Store, worker: Worker, readings: Sequence[Reading], busy: Mapping[str, int]) -> int:
        stored = store.telemetry.add(worker.id, readings)
        if not stored:
            return 0
        before = store.telemetry.verdicts(worker.id)
        now = judge(stored, self._thresholds, before=before, is_busy=worker.name in busy)
        store.telemetry.keep_verdicts(worker.id, now.values(), before.keys())
        _act(store, worker, before, now)
        return len(stored)

    # Upkeep -----------------------------------------------------------------------------------------------------

    def thin(self) -> int:
        """Forget readings that need not be kept: of the next cards in turn, a bounded number. The answer is how many."""
        now = self._clock.now()
        dropped: list[int] = []
        with self._stores.read() as store:
            cards = store.telemetry.cards(self._thinned_up_to, _CARDS_A_TURN)
            for card in cards:
                rows = store.telemetry.times(card, now)
                dropped += [rows[position][0] for position in history.to_drop([at for _, at in rows], now)]
                if len(dropped) >= _MOST_DROPPED:
                    break
                self._thinned_up_to = card
        if len(cards) < _CARDS_A_TURN and len(dropped) < _MOST_DROPPED:
            self._thinned_up_to = (0, -1)
        if dropped:
            with self._stores.begin(now) as store:
                store.telemetry.drop(dropped[:_MOST_DROPPED])
        return len(dropped[:_MOST_DROPPED])


def _told_of(store: Store, now: datetime) -> set[int]:
    """The workers whose cards an agent or the driver tells of: these know more than memory, which is all a look knows."""
    return {
        worker_id
        for worker_id, cards in store.telemetry.latest().items()
        if any(now - each.at < _LOOK_COUNTS_AFTER and (each.temperature_c, each.use) != (None, None) for _, each in cards)
    }


def _of_look(worker: Worker, now: datetime) -> Reading:
    used = max(0, worker.memory_bytes - worker.free_bytes)
    return Reading(0, worker.gpu, now, memory_used_bytes=used, memory_bytes=worker.memory_bytes)


def _act(store: Store, worker: Worker, before: Mapping[int, Verdict], now: Mapping[int, Verdict]) -> None:
    """Warn and pause when a card has become worse; let a worker go on that its cards have paused, once none of them is so."""
    for device, verdict in now.items():
        was = before[device].level if device in before else Level.FINE
        if not is_graver(verdict.level, was):
            continue
        if verdict.level is Level.WARN:
            _record(store, worker, "worker.warned", verdict)
        elif worker.state is WorkerState.ENABLED:
            store.workers.change(worker.id, state=WorkerState.PAUSED, pause_reason=verdict.words)
            _record(store, worker, "worker.paused", verdict)
            return
    standing = {**before, **now}
    if worker.pause_reason and not any(verdict.level is Level.PAUSE for verdict in standing.values()):
        store.workers.change(worker.id, state=WorkerState.ENABLED, pause_reason="")
        _record(store, worker, "worker.enabled", next(iter(now.values())))


def _record(store: Store, worker: Worker, type: str, verdict: Verdict) -> None:
    told = {"name": worker.name, "device": verdict.device, "card": verdict.name, "reason": verdict.words or "it has cooled down"}
    store.journal.record(type, actor=_CARDS, subject="worker", subject_id=worker.id, data=told)
