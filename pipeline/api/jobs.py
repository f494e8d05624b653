"""`/jobs`: units of work with their attempts and what their performers said."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import PlainTextResponse

from pipeline.api import paging
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Rest, Studio, routes
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import JobStatus

router = routes("jobs")


@router.get("/jobs", response_model=given.Page[given.Job])
def list_jobs(
    rest: Rest,
    run: Annotated[int | None, Query(ge=1, le=asked.LARGEST, description="Only jobs of this run.")] = None,
    status: Annotated[list[JobStatus] | None, Query(max_length=5, description="Only jobs in one of these statuses.")] = None,
    stage: Annotated[Stage | None, Query(description="Only jobs of this stage.")] = None,
    subject: Annotated[Literal["cell", "still", "delivery"] | None, Query(description="Only jobs of such a thing.")] = None,
    subject_id: Annotated[int | None, Query(ge=1, le=asked.LARGEST, description="Only jobs of this thing.")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> object:
    """Jobs, newest first."""
    found = rest.listings.jobs(
        paging.edge_of("job", cursor),
        limit,
        run_id=run,
        status=status or None,
        stage=stage,
        subject=subject,
        subject_id=subject_id,
    )
    return {**paging.page("job", found), "items": [_flat(dated) for dated in found.rows]}


@router.get("/jobs/{job_id}", response_model=given.JobWithAttempts)
def read_job(job_id: asked.Id, studio: Studio, rest: Rest) -> object:
    """One job with its attempts, oldest first, and why it waits while it is ready."""
    dated, attempts = rest.listings.job(job_id)
    return {**_flat(dated), "attempts": attempts, "waits": studio.reports.why(job_id)}


@router.get("/jobs/{job_id}/log", response_class=PlainTextResponse)
def read_log(job_id: asked.Id, studio: Studio) -> PlainTextResponse:
    """What happened to a job, as text: its attempts with what performers said, and its events."""
    return PlainTextResponse(studio.activity.log(job_id))


def _flat(dated: Any) -> dict[str, Any]:
    return {**vars(dated.job), **vars(dated)}
