"""`/cells` and `/takes`: scenes of runs, listed, read and decided on one by one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Response

from pipeline.api import paging
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import IfMatch, Key, Outdated, Rest, Studio, Who, etag, expected_version, routes
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Conflict
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Cell, Run
from pipeline.domain.statuses import CellStatus

router = routes("cells")
Filter = Annotated[str | None, Query(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("/production-runs/{run_id}/cells", response_model=given.Page[given.Cell])
def list_cells(
    run_id: asked.Id,
    rest: Rest,
    status: Annotated[list[CellStatus] | None, Query(max_length=8, description="Only cells in one of these statuses.")] = None,
    character: Filter = None,
    scene_type: Filter = None,
    variant: Filter = None,
    stale: Annotated[bool | None, Query(description="Only cells whose origin has changed since, or only the others.")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> object:
    """The cells of a run, in matrix order."""
    found = rest.listings.cells(
        run_id,
        paging.edge_of("cell", cursor),
        limit,
        is_stale=stale,
        status=status or None,
        character=character,
        scene_type=scene_type,
        variant=variant,
    )
    return {**paging.page("cell", found), "items": [_flat(cell) for cell in found.rows]}


@router.get("/cells/{cell_id}", response_model=given.CellInFull)
def read_cell(cell_id: asked.Id, response: Response, studio: Studio) -> object:
    """One cell, with what it waits for. Its `ETag` is its version."""
    page = studio.cells.page(cell_id)
    response.headers.update(etag(page.cell.version))
    blocked = [{"kind": one.need.kind, "key": one.need.key, "status": one.status, "text": str(one)} for one in page.blocked_by]
    waits = [{**vars(one.reason), "job_id": one.job_id, "what": one.what} for one in page.waits]
    return {**_flat(page.cell), "run_name": page.run.name, "blocked_by": blocked, "waits": waits}


@router.post("/cells/{cell_id}/approve", response_model=given.Cell)
def approve_cell(
    cell_id: asked.Id,
    response: Response,
    studio: Studio,
    rest: Rest,
    who: Who,
    body: Annotated[asked.Approval, Body(default_factory=asked.Approval)],
    if_match: IfMatch = None,
    key: Key = None,
) -> object:
    """Accept the newest take of a cell in review."""
    run, cell, expected = _decided(rest, cell_id, if_match)
    try:
        studio.review.approve(run, _only(cell), who, note=body.note, expected=expected)
    except Conflict as error:
        raise _told(rest, error, cell, if_match) from error
    return _now(rest, cell_id, response)


@router.post("/cells/{cell_id}/reject", response_model=given.Cell)
def reject_cell(
    cell_id: asked.Id,
    body: asked.Rejection,
    response: Response,
    studio: Studio,
    rest: Rest,
    who: Who,
    if_match: IfMatch = None,
    key: Key = None,
) -> object:
    """Refuse the newest take of a cell in review, or withdraw its approval; a completed run is open again then."""
    run, cell, expected = _decided(rest, cell_id, if_match)
    try:
        studio.review.reject(run, _only(cell), who, reason=body.reason, note=body.note, expected=expected)
    except Conflict as error:
        raise _told(rest, error, cell, if_match) from error
    return _now(rest, cell_id, response)


@router.post("/cells/{cell_id}/retry", response_model=given.Done)
def retry_cell(cell_id: asked.Id, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Ask again for a cell that failed or was rejected, for the variant image it needs, and for its exports."""
    run, cell = rest.listings.cell(cell_id)
    done = studio.review.retry(run, _only(cell), who)
    receipt = studio.submission.submit(run, _only(cell), Mode.FAILED, who)
    return {"done": [*done, *(f"scene {name}" for name in receipt.accepted)]}


@router.post("/cells/{cell_id}/cancel", response_model=given.Done)
def cancel_cell(cell_id: asked.Id, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Take a cell out. One that is approved, cancelled or not started is left as it is, and `done` is empty."""
    run, cell = rest.listings.cell(cell_id)
    return {"done": studio.submission.cancel(run, _only(cell), who)}


@router.post("/cells/{cell_id}/priority", response_model=given.Done)
def prioritise_cell(cell_id: asked.Id, body: asked.Ranking, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Serve a cell sooner or later than others of its run."""
    run, cell = rest.listings.cell(cell_id)
    return {"done": studio.submission.prioritise(run, _only(cell), body.priority, who)}


@router.post("/cells/{cell_id}/rollback", response_model=given.Cell)
def roll_back_cell(
    cell_id: asked.Id,
    response: Response,
    studio: Studio,
    rest: Rest,
    who: Who,
    body: Annotated[asked.Return, Body(default_factory=asked.Return)],
    key: Key = None,
) -> object:
    """Back to an earlier approved take. Its exports follow."""
    run, cell = rest.listings.cell(cell_id)
    studio.review.rollback(run, _only(cell), who, take=body.take)
    return _now(rest, cell_id, response)


@router.post("/cells/{cell_id}/takes", status_code=202, response_model=given.TakeAsked)
def new_take(
    cell_id: asked.Id,
    studio: Studio,
    rest: Rest,
    who: Who,
    body: Annotated[asked.NewTake, Body(default_factory=asked.NewTake)],
    if_match: IfMatch = None,
    key: Key = None,
) -> object:
    """Ask for a new take of a cell that was made before. 409 while one is under way."""
    run, cell = rest.listings.cell(cell_id)
    expected = expected_version(if_match)
    try:
        wishes = {"from_segment": body.from_segment, "seed": body.seed, "prompt": body.prompt}
        number = studio.retakes.again(run, cell.plan.key, who, **wishes, expected=expected)
    except Conflict as error:
        raise _told(rest, error, cell, if_match) from error
    return {"number": number}


@router.get("/cells/{cell_id}/takes", response_model=given.Page[given.Take])
def list_takes(cell_id: asked.Id, rest: Rest, limit: paging.Limit = 100, cursor: paging.Cursor = None) -> object:
    """The takes of a cell, oldest first."""
    return paging.page("take", rest.listings.takes(cell_id, paging.edge_of("take", cursor), limit))


@router.get("/takes/{take_id}", response_model=given.Take)
def read_take(take_id: asked.Id, rest: Rest) -> object:
    """One take."""
    return rest.listings.take(take_id)


def _flat(cell: Cell) -> dict[str, Any]:
    return {**vars(cell.plan), **vars(cell)}


def _only(cell: Cell) -> Selection:
    return Selection(keys=(cell.plan.key,))


def _decided(rest: Any, cell_id: int, if_match: str | None) -> tuple[Run, Cell, dict[str, int] | None]:
    run, cell = rest.listings.cell(cell_id)
    version = expected_version(if_match)
    return run, cell, None if version is None else {cell.plan.key: version}


def _told(rest: Any, error: Conflict, cell: Cell, if_match: str | None) -> Conflict | Outdated:
    """A conflict because the cell has changed since it was seen is another one than a decision that cannot be made."""
    version = expected_version(if_match)
    _, now = rest.listings.cell(cell.id)
    return error if version is None or version == now.version else Outdated(str(error))


def _now(rest: Any, cell_id: int, response: Response) -> dict[str, Any]:
    _, cell = rest.listings.cell(cell_id)
    response.headers.update(etag(cell.version))
    return _flat(cell)
