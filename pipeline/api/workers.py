"""`/workers`: the machines that generate, as a fleet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Studio, Who, routes
from pipeline.domain.fleet.workers import DEFAULT_PLACES
from pipeline.domain.workers import MOST_PLACES, Health, WorkerState
from pipeline.wiring_fleet import Standing

router = routes("workers")

Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Tags = Annotated[list[Tag], Field(max_length=20)]
Price = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Places = Annotated[int, Field(ge=1, le=MOST_PLACES)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x20\x7f]+$")]
WorkerName = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]


class WorkRecord(given.Given):
    """What a worker has shown with one kind of work; `aside_since` when it is set aside for it, with the reason."""

    work: str
    samples: int
    seconds_per_frame: float
    spread: float
    failures: int
    failure_class: str
    reason: str
    aside_since: datetime | None


class Worker(given.Given):
    """A worker as its last look found it; `busy` counts its jobs, `places` is how many it may have at once: one runs, the others
    wait at its server. `queue` is what its server had to do at the last look, `others` how much of that was somebody else's.
    Sizes in bytes. `pause_reason`: its cards have paused it.
    """

    id: int
    name: str
    url: str
    tags: list[str]
    cost_per_hour: float
    places: int
    state: WorkerState
    pause_reason: str
    busy: int
    queue: int
    others: int
    health: Health
    health_reason: str
    health_at: datetime | None
    looked_at: datetime | None
    gpu: str
    memory_bytes: int
    free_bytes: int
    model: str
    version: str
    records: list[WorkRecord]


class Workers(given.Given):
    """All workers, by name."""

    items: list[Worker]


class NewWorker(asked.Asked):
    """A worker to register: its address is scheme, host and port."""

    name: WorkerName
    url: Url
    tags: Tags = []
    cost_per_hour: Price = 0.0
    places: Places = DEFAULT_PLACES


class WorkerChange(asked.Asked):
    """What is to be different; what is left out stays."""

    name: WorkerName | None = None
    state: Literal["enabled", "paused", "draining"] | None = None
    tags: Tags | None = None
    cost_per_hour: Price | None = None
    places: Places | None = None


class KindOfWork(asked.Asked):
    """A kind of work, as a worker's `records` name it, or in words: `wan at 832x480`."""

    work: Annotated[str, StringConstraints(min_length=1, max_length=300)]


@router.get("/workers", response_model=Workers)
def list_workers(studio: Studio) -> object:
    """Every worker, by name."""
    return {"items": [_flat(standing) for standing in studio.workers.all()]}


@router.post("/workers", response_model=Worker, status_code=201)
def register_worker(body: NewWorker, studio: Studio, who: Who, key: Key = None) -> object:
    """Register a worker. It gets work once a look has found it well."""
    found = studio.workers.register(
        body.name, body.url, who, tags=body.tags, cost_per_hour=body.cost_per_hour, places=body.places
    )
    return _flat(studio.workers.standing(found.id))


@router.get("/workers/{worker_id}", response_model=Worker)
def read_worker(worker_id: asked.Id, studio: Studio) -> object:
    """One worker."""
    return _flat(studio.workers.standing(worker_id))


@router.patch("/workers/{worker_id}", response_model=Worker)
def change_worker(worker_id: asked.Id, body: WorkerChange, studio: Studio, who: Who, key: Key = None) -> object:
    """Enable, pause or drain a worker; give it another name, other tags, another price or more or fewer jobs at once."""
    worker = studio.workers.standing(worker_id).worker
    wanted = body.model_dump(include={"name", "tags", "cost_per_hour", "places"}, exclude_none=True)
    if wanted:
        studio.workers.edit(worker, who, **wanted)
    if body.state is not None:
        studio.workers.set_state(worker, WorkerState(body.state), who)
    return _flat(studio.workers.standing(worker_id))


@router.post("/workers/{worker_id}/take-back", response_model=Worker)
def take_back(worker_id: asked.Id, body: KindOfWork, studio: Studio, who: Who, key: Key = None) -> object:
    """Give a worker that was set aside for a kind of work such work again at once. 409 where it is not set aside for it."""
    studio.workers.take_back(studio.workers.standing(worker_id).worker, body.work, who)
    return _flat(studio.workers.standing(worker_id))


@router.delete("/workers/{worker_id}", status_code=204)
def remove_worker(worker_id: asked.Id, studio: Studio, who: Who, key: Key = None) -> None:
    """Forget a worker that has no work. 409 while it has."""
    studio.workers.remove(studio.workers.standing(worker_id).worker, who)


def _flat(standing: Standing) -> dict[str, object]:
    return {**vars(standing.worker), "busy": standing.busy, "records": standing.records}
