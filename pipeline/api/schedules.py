"""`/projects/{id}/schedule`, `start-after` and `deadline` of a run: when work may start, when it is due, how much at once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Rest, Studio, Who, routes, run_of
from pipeline.domain.errors import Invalid
from pipeline.domain.schedule import LEAST_SHARE, MOST_SHARE, Schedule, quiet_hours, to_plain

router = routes("schedules")

AtOnce = Annotated[int, Field(ge=1, le=10_000)]
OfScenes = Annotated[int, Field(ge=0, le=10_000)]
Share = Annotated[float, Field(ge=LEAST_SHARE, le=MOST_SHARE, allow_inf_nan=False)]
Window = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$")]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_+/-]*$")]
_DAY = r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_ZONE = r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
Moment = Annotated[str, StringConstraints(pattern=rf"^{_DAY}T{_CLOCK}{_ZONE}$")]


class GivenSchedule(given.Given):
    """When generation may start, and how much of it at once; null is no limit. `share` weighs it against other projects."""

    quiet_hours: str | None = None
    time_zone: str | None = None
    parallel: int | None = None
    scene_types: dict[str, int] = {}
    share: float = 1.0


class NewSchedule(asked.Asked):
    """The whole schedule: what is left out is not limited. `quiet_hours` is a window of each day, like `22:00-07:00`.

    A scene type that a rule has paused has 0, which may be sent back.
    """

    quiet_hours: Window | None = None
    time_zone: Zone = "UTC"
    parallel: AtOnce | None = None
    scene_types: Annotated[dict[asked.Name, OfScenes], Field(max_length=1000)] = {}
    share: Share = 1.0


class StartAfter(asked.Asked):
    """A moment with its time zone, like `2026-12-01T08:00+01:00`; null starts at once."""

    at: Moment | None


class Deadline(asked.Asked):
    """A moment with its time zone, like `2026-12-01T08:00+01:00`; null is never."""

    at: Moment | None


@router.get("/projects/{project_id}/schedule", response_model=GivenSchedule)
def read_schedule(project_id: asked.Id, studio: Studio) -> object:
    """When the generation of a project may start, and how much of it at once."""
    found, _ = studio.schedules.project(project_id)
    return to_plain(studio.schedules.of(found))


@router.put("/projects/{project_id}/schedule", response_model=GivenSchedule)
def set_schedule(project_id: asked.Id, body: NewSchedule, studio: Studio, who: Who, key: Key = None) -> object:
    """Set the schedule of a project. What is being generated goes on."""
    quiet = quiet_hours(body.quiet_hours, body.time_zone) if body.quiet_hours else None
    return to_plain(studio.schedules.put(project_id, Schedule(quiet, body.parallel, body.scene_types, body.share), who))


@router.post("/production-runs/{run_id}/start-after", response_model=given.Run)
def start_after(run_id: asked.Id, body: StartAfter, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Let no generation of a run start before a moment."""
    studio.schedules.start_after(run_of(rest, run_id), _moment(body.at) if body.at else None, who)
    return run_of(rest, run_id)


@router.post("/production-runs/{run_id}/deadline", response_model=given.Run)
def set_deadline(run_id: asked.Id, body: Deadline, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Say when a run is due: as it comes near, its jobs go first."""
    studio.schedules.deadline(run_of(rest, run_id), _moment(body.at) if body.at else None, who)
    return run_of(rest, run_id)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f'"{text}" is no day and time: {error}.') from error
