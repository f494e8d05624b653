"""`/production-runs`: made from a production, listed, read, submitted, paused, resumed, ended, delivered."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query, Response

from pipeline.api import paging
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import PREFIX, Key, Rest, Studio, Who, routes, run_of
from pipeline.api.schemas_progress import Progress
from pipeline.domain.choices import Mode, RunOptions
from pipeline.domain.matrix import Selection
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import RunStatus

router = routes("production runs")
_KIND = "run"


@router.post("/production-runs", status_code=201, response_model=given.Run)
def create_run(body: asked.NewRun, response: Response, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Make a run of a production. Its files are sent to `/files` before, and named by their hash here.

    A production from outside sees nothing of this machine: a file that is not in `files` does not exist for it, and it
    must not name a program (`backend: command`).
    """
    with rest.intake.opened(body.yaml, body.files) as opened:
        production = opened.require()
        loaded = rest.intake.keep(opened, body.yaml, body.files)
    options = RunOptions(body.auto_approve, body.auto_deliver, Phase(body.until), body.priority)
    run = studio.runs.create(production, loaded.base_dir, options, who, must_be_covered=body.submit)
    if body.submit:
        studio.submission.submit(run, Selection(), Mode.MISSING, who)
        run = run_of(rest, run.id)
    response.headers["Location"] = f"{PREFIX}/production-runs/{run.id}"
    return run


@router.get("/production-runs", response_model=given.Page[given.Run])
def list_runs(
    rest: Rest,
    status: Annotated[RunStatus | None, Query(description="Only runs in this status.")] = None,
    project: Annotated[int | None, Query(ge=1, le=asked.LARGEST, description="Only runs of this project.")] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> object:
    """Runs, newest first."""
    found = rest.listings.runs(paging.edge_of(_KIND, cursor), limit, status=status, project_id=project)
    return paging.page(_KIND, found)


@router.get("/production-runs/{run_id}", response_model=given.Run)
def read_run(run_id: asked.Id, rest: Rest) -> object:
    """One run."""
    return run_of(rest, run_id)


@router.get("/production-runs/{run_id}/progress", response_model=Progress)
def read_progress(run_id: asked.Id, studio: Studio) -> object:
    """The run at this moment: counts, what is left, when it is likely done, and the decision that helps most."""
    return studio.overview.of(run_id)


@router.post("/production-runs/{run_id}/preview", response_model=given.Preview)
def preview_submission(run_id: asked.Id, body: asked.Submission, studio: Studio, rest: Rest, key: Key = None) -> object:
    """What a submission would accept, leave out and cost. Changes nothing."""
    return studio.submission.preview(run_of(rest, run_id), body.cells.selection(), body.chosen_mode())


@router.post("/production-runs/{run_id}/submit", response_model=given.Receipt)
def submit(run_id: asked.Id, body: asked.Submission, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Ask for cells. Either every accepted cell is queued, or none is: 403 when the budget does not cover them."""
    return studio.submission.submit(run_of(rest, run_id), body.cells.selection(), body.chosen_mode(), who)


@router.post("/production-runs/{run_id}/resubmit", response_model=given.Done)
def resubmit(run_id: asked.Id, body: asked.Resubmission, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Ask again for what failed or was rejected: cells, the variant images they need, and exports."""
    run, selection = run_of(rest, run_id), body.cells.selection()
    done = studio.review.retry(run, selection, who)
    receipt = studio.submission.submit(run, selection, Mode.FAILED, who)
    return {"done": [*done, *(f"scene {name}" for name in receipt.accepted)]}


@router.post("/production-runs/{run_id}/pause", response_model=given.Run)
def pause(run_id: asked.Id, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """No new work; what is under way is finished."""
    studio.runs.pause(run_of(rest, run_id), who)
    return run_of(rest, run_id)


@router.post("/production-runs/{run_id}/resume", response_model=given.Run)
def resume(
    run_id: asked.Id,
    studio: Studio,
    rest: Rest,
    who: Who,
    body: Annotated[asked.Going, Body(default_factory=asked.Going)],
    key: Key = None,
) -> object:
    """Go on; as a choice up to another phase."""
    studio.runs.resume(run_of(rest, run_id), who, until=body.phase(), auto_deliver=body.auto_deliver)
    return run_of(rest, run_id)


@router.post("/production-runs/{run_id}/cancel", response_model=given.Done)
def cancel(
    run_id: asked.Id,
    studio: Studio,
    rest: Rest,
    who: Who,
    body: Annotated[asked.Cancellation, Body(default_factory=asked.Cancellation)],
    key: Key = None,
) -> object:
    """End the run, or take some cells out of it. What is approved stays."""
    run = run_of(rest, run_id)
    if body.cells is not None:
        return {"done": studio.submission.cancel(run, body.cells.selection(), who)}
    studio.runs.cancel(run, who)
    return {"done": [f"run {run.name}"]}


@router.post("/production-runs/{run_id}/priority", response_model=given.Run)
def prioritise(run_id: asked.Id, body: asked.RunRanking, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Serve the run, or some of its cells, sooner or later than others."""
    run = run_of(rest, run_id)
    if body.cells is None:
        studio.runs.set_priority(run, body.priority, who)
    else:
        studio.submission.prioritise(run, body.cells.selection(), body.priority, who)
    return run_of(rest, run_id)


@router.post("/production-runs/{run_id}/approve", response_model=given.Done)
def approve(run_id: asked.Id, body: asked.Approvals, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Accept the newest take of every cell of the selection that is in review."""
    run, expected = run_of(rest, run_id), body.versions or None
    return {"done": studio.review.approve(run, body.cells.selection(), who, note=body.note, expected=expected)}


@router.post("/production-runs/{run_id}/reject", response_model=given.Done)
def reject(run_id: asked.Id, body: asked.Rejections, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Refuse the newest take of every cell of the selection that is in review."""
    run, selection, expected = run_of(rest, run_id), body.cells.selection(), body.versions or None
    return {"done": studio.review.reject(run, selection, who, reason=body.reason, note=body.note, expected=expected)}


@router.post("/production-runs/{run_id}/undo", response_model=given.Done)
def undo(run_id: asked.Id, body: asked.Undoing, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Take your newest decisions on these cells and variant images back, while nothing has started from them."""
    return {"done": studio.review.undo(run_of(rest, run_id), body.keys, who)}


@router.post("/production-runs/{run_id}/deliver", status_code=202, response_model=given.Delivery)
def deliver(run_id: asked.Id, response: Response, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Package everything approved; the sealed delivery where that is done already. 409 with the list in `missing` when not."""
    delivery = studio.deliveries.deliver(run_of(rest, run_id), who)
    response.headers["Location"] = f"{PREFIX}/deliveries/{delivery.id}"
    return delivery
