"""What goes on: jobs under way and just ended, the log of one, and what people should know of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from data.store import Store, Stores
from pipeline.domain.activity import JobRow, Notice, log_text, stage_words
from pipeline.domain.budget import ACTION_WORDS, QUANTITY_WORDS, Action, Budget
from pipeline.domain.errors import NotFound
from pipeline.domain.records import Attempt, Event, Job, Run
from pipeline.domain.rules.messages import Message
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus
from pipeline.domain.workers import Health, Worker, WorkerState
from pipeline.ports import Clock
from pipeline.services.runbooks import RunBooks

_LOOKED_BACK = 600
_OF_EACH_TYPE = 200
_FROM_RULES = 20
_ACTIVE = (RunStatus.RUNNING, RunStatus.PAUSED)
_SICK = {
    Health.AWAY: "does not answer",
    Health.WEDGED: "answers and works on nothing",
    Health.STRANGE: "answers as no ComfyUI server does",
}


class Activity:
    """Reads jobs and notices. The cost goes with what is shown, not with what has happened."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock

    def jobs(self, run_id: int | None = None, limit: int = 50) -> list[JobRow]:
        """Running jobs, the one that has run longest first, then those that moved last; of one run when given."""
        with self._stores.read() as store:
            running = [job for job in store.jobs.running() if run_id in (None, job.run_id)]
            recent = _recent_jobs(store, run_id, limit)
            known = {job.id: job for job in running}
            others = [job for job in store.jobs.by_ids(recent).values() if job.id not in known]
            attempts = _newest_attempts(store, [*running, *others])
            order = {job_id: place for place, job_id in enumerate(recent)}
            running.sort(key=lambda job: (attempts[job.id].started_at, job.id))
            others.sort(key=lambda job: order[job.id])
            shown = [*running, *others][:limit]
            keys = _keys(store, shown)
            runs = store.runs.by_ids(list({job.run_id for job in shown}))
        return [_row(job, runs[job.run_id], keys[job.subject, job.subject_id], attempts.get(job.id)) for job in shown]

    def counts(self) -> Mapping[JobStatus, int]:
        """How many jobs of all runs are ready and how many run."""
        with self._stores.read() as store:
            return store.tallies.open_everywhere()

    def log(self, job_id: int) -> str:
        """What is known of a job as text: its attempts with what performers said, and its events. Raises NotFound."""
        with self._stores.read() as store:
            job = store.jobs.by_ids([job_id]).get(job_id)
            if job is None:
                raise NotFound(f"There is no job {job_id}.")
            key = _keys(store, [job])[job.subject, job.subject_id]
            told = [event for event in store.journal.of(job.subject, job.subject_id) if event.data.get("job") == job_id]
            story = sorted([*store.journal.of("job", job_id), *told], key=lambda event: event.seq)
            return log_text(job, key, store.jobs.attempts_of([job_id]), story)

    def notices(self, limit: int = 50) -> list[Notice]:
        """What waits for people now, a line a run and kind, workers that need a person; then, the newest first, failures that
        nobody has overcome, levels of budgets that are reached, what rules tell, and sealed deliveries, however old they are."""
        with self._stores.read() as store:
            runs = {run.id: run for run in store.runs.all()}
            waiting = [notice for run in runs.values() if run.status in _ACTIVE for notice in self._waiting(store, run)]
            told = _without_overtaken(_newest_of_each(store.journal.noted(_OF_EACH_TYPE)))
            standing = _standing(store, told)
            notices = [_told(event, runs[event.run_id], standing) for event in told if event.run_id in runs]
            reached = [event for event in told if _is_of_budget(event)]
            budgets = {budget.id: budget for budget in store.budgets.all()} if reached else {}
            levels = [notice for event in reached if (notice := _level(event, budgets.get(event.subject_id)))]
            workers = [sick for worker in store.workers.all() if (sick := _of_worker(worker, self._clock.now()))]
            sent = store.messages.latest(_FROM_RULES, states=("sent", "dead"))
        rules = [_from_rule(message, runs) for message in sent if message.kind == "in_app" or message.state == "dead"]
        lately = [*levels, *rules, *(notice for notice in notices if notice is not None)]
        lately.sort(key=lambda notice: notice.at, reverse=True)
        return [*waiting, *workers, *lately][:limit]

    def _waiting(self, store: Store, run: Run) -> list[Notice]:
        found = []
        for subject, key, count, first_id, at in store.tallies.in_review(run.id):
            what = "variant image" if subject == "still" else "scene"
            text = f"{what} {key} waits for a decision" if count == 1 else f"{count:,} {what}s wait for a decision"
            found.append(Notice("waiting", text, at or self._clock.now(), run.id, run.name, subject, first_id, count))
        return found


def _recent_jobs(store: Store, run_id: int | None, limit: int) -> list[int]:
    """The jobs that the newest events tell of, the newest first."""
    found: dict[int, None] = {}
    for event in store.journal.latest(max(_LOOKED_BACK, 4 * limit), run_id=run_id):
        job_id = event.subject_id if event.subject == "job" else event.data.get("job")
        if isinstance(job_id, int):
            found.setdefault(job_id)
        if len(found) >= limit:
            break
    return list(found)


def _newest_attempts(store: Store, jobs: Sequence[Job]) -> dict[int, Attempt]:
    return {attempt.job_id: attempt for attempt in store.jobs.attempts_of([job.id for job in jobs])}


def _keys(store: Store, jobs: Iterable[Job]) -> dict[tuple[str, int], str]:
    """What each job's subject is called."""
    ids: dict[str, list[int]] = {"cell": [], "still": [], "delivery": []}
    for job in jobs:
        ids[job.subject].append(job.subject_id)
    keys = {("cell", cell.id): cell.plan.key for cell in store.cells.by_ids(ids["cell"]).values()}
    keys |= {("still", still.id): still.key for still in store.stills.by_ids(ids["still"]).values()}
    keys |= {("delivery", key): f"delivery {store.deliveries.by_id(key).number}" for key in dict.fromkeys(ids["delivery"])}
    return keys


def _row(job: Job, run: Run, key: str, attempt: Attempt | None) -> JobRow:
    is_running = job.status is JobStatus.RUNNING
    since = None if attempt is None else attempt.started_at if is_running else attempt.ended_at or attempt.started_at
    return JobRow(
        job_id=job.id,
        run_id=run.id,
        run_name=run.name,
        stage=job.stage,
        words=stage_words(job),
        subject=job.subject,
        subject_id=job.subject_id,
        key=key,
        status=job.status,
        since=since or run.created_at,
        progress=attempt.progress if attempt is not None and is_running else float(job.status is JobStatus.DONE),
        step=attempt.step.removeprefix("step: ") if attempt is not None and is_running else "",
        worker=attempt.worker if attempt is not None else "",
        reason=job.reason,
        attempt=attempt.number if attempt is not None else 0,
        price=job.price if is_running else 0.0,
        cost=attempt.cost if attempt is not None else 0.0,
    )


def _newest_of_each(events: Iterable[Event]) -> list[Event]:
    """One event a subject: what happened to it last; of a budget one a level."""
    found: dict[tuple[str, int, float | None], Event] = {}
    for event in events:
        found.setdefault((event.subject, event.subject_id, event.data.get("at_percent")), event)
    return list(found.values())


def _without_overtaken(told: Sequence[Event]) -> list[Event]:
    """A delivery that was not made is no news once a later one of its run is sealed."""
    sealed = {(event.run_id, event.seq) for event in told if event.type == "delivery.sealed"}
    newest = {run_id: max(seq for run, seq in sealed if run == run_id) for run_id, _ in sealed}
    failed = [event for event in told if event.subject == "delivery" and event.type != "delivery.sealed"]
    overtaken = {event.seq for event in failed if event.seq < newest.get(event.run_id, 0)}
    return [event for event in told if event.seq not in overtaken]


def _standing(store: Store, told: Sequence[Event]) -> dict[tuple[str, int], tuple[str, CellStatus]]:
    """The names of these cells and stills, and where they stand now."""
    cells = store.cells.by_ids([event.subject_id for event in told if event.subject == "cell"])
    stills = store.stills.by_ids([event.subject_id for event in told if event.subject == "still"])
    found = {("cell", cell.id): (cell.plan.key, cell.status) for cell in cells.values()}
    return found | {("still", still.id): (still.key, still.status) for still in stills.values()}


def _is_of_budget(event: Event) -> bool:
    return event.subject == "budget"


def _from_rule(message: Message, runs: Mapping[int, Run]) -> Notice:
    """What a rule tells people here, or that a message of it could not be delivered."""
    text = str(message.payload.get("text") or message.payload.get("title") or "A rule has fired.")
    if message.state == "dead":
        text = f"a message to {message.target} was given up: {message.last_error}"
    run = runs.get(message.run_id or 0)
    name = str(message.payload.get("rule") or "a rule")
    return Notice("rule", text, message.created_at, message.run_id or 0, run.name if run else name, "message", message.id)


def _of_worker(worker: Worker, now: datetime) -> Notice | None:
    """That a worker which should take work does not, until somebody sees to it."""
    if worker.pause_reason:
        told = f"worker {worker.name} has been paused by its card: {worker.pause_reason}"
    elif worker.state is WorkerState.ENABLED and worker.health in _SICK:
        told = f"worker {worker.name} {_SICK[worker.health]}"
    else:
        return None
    return Notice("worker", told, worker.health_at or now, 0, "fleet", "worker", worker.id)


def _level(event: Event, budget: Budget | None) -> Notice | None:
    """That so much of a budget is spent, and what came of it; None where that is not so any more."""
    if budget is None or event.data["at_percent"] not in [level.at_percent for level in budget.thresholds[: budget.fired]]:
        return None
    action = Action(event.data["action"])
    text = f"{event.data['at_percent']:g} % of {QUANTITY_WORDS[event.data['quantity']]} is spent: {ACTION_WORDS[action]}"
    return Notice("budget", text, event.at, event.run_id or 0, budget.name, event.subject, event.subject_id, seq=event.seq)


def _told(event: Event, run: Run, standing: Mapping[tuple[str, int], tuple[str, CellStatus]]) -> Notice | None:
    """The notice of an event; None for a failure that is overcome."""
    reason = event.data.get("reason", "")
    if event.subject == "delivery":
        number = event.data.get("number")
        name = f"delivery {number}" if number else "a delivery"
        if event.type == "delivery.sealed":
            return _notice("sealed", f"{name} is sealed and can be fetched", event, run)
        return _notice("failed", f"{name} was not made: {reason}", event, run)
    if (event.subject, event.subject_id) not in standing:
        return None
    key, status = standing[event.subject, event.subject_id]
    if status is not CellStatus.FAILED:
        return None
    what = "scene" if event.subject == "cell" else event.data.get("kind", "still")
    return _notice("failed", f"{what} {key} failed" + (f": {reason}" if reason else ""), event, run)


def _notice(kind: str, text: str, event: Event, run: Run) -> Notice:
    return Notice(kind, text, event.at, run.id, run.name, event.subject, event.subject_id, seq=event.seq)
