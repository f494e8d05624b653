"""`GET /api/v1/production-runs/{id}/matrix`: the whole board as one compact document, and its layers."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from pipeline.api import schemas_asked as asked
from pipeline.domain import board

router = APIRouter(prefix="/api/v1/production-runs", tags=["production runs"])


@router.get(
    "/{run_id}/matrix",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}, 204: {"description": "No such run, asked for quietly."}},
)
def matrix(
    request: Request,
    run_id: asked.Id,
    layer: Annotated[Literal["", *board.LAYERS], Query(description="Only this column of numbers.")] = "",
    quiet: Annotated[bool, Query(description="Answer 204 where there is no such run: browsers complain of a 404.")] = False,
) -> Response:
    """Every cell of a run as columns, with an entry for each cell in matrix order.

    `seq` is the number of the newest event in the picture: events after it bring the picture up to date. Statuses are one
    letter a cell: `n`ot started, `q`ueued, `g`enerating, `r`eview, `a`pproved, re`j`ected, `f`ailed, `c`ancelled. A cell is
    blocked while it is queued and one of its needs is not approved.
    `need_sets` hold indices of `stills`, or `-1 - index` of an earlier cell.
    `keys` has only those that are not row / group / column. `ids` are pairs of (first, how many).
    """
    boards = request.app.state.studio.boards
    if quiet and not boards.has(run_id):
        return Response(status_code=204)
    if layer == "cost":
        unit, values = boards.costs(run_id)
        return _compact({"layer": layer, "unit": unit, "values": values})
    return _compact({"layer": layer, "values": boards.layer(run_id, layer)} if layer else _document(boards.sheet(run_id)))


@router.get("/{run_id}/live", response_class=Response, responses={200: {"content": {"application/json": {}}}})
def live(request: Request, run_id: asked.Id) -> Response:
    """What of a run is being made just now, for boards that ask every few seconds while something is.

    `running` has (cell id, share of the take, segment, segments, step, worker, since, cost until now, stage) of each scene.
    `waiting` has (cell id, why, when it is expected to begin or null) of those scenes of a fleet that wait for a worker and are
    near their turn. Times are seconds since 1970.
    """
    studio = request.app.state.studio
    found = studio.live_work.of(run_id)
    waiting = studio.fleet_pages.page().waiting if found.by_fleet else ()
    running = [
        [one.cell_id, round(one.share, 3), one.part, one.parts, one.step, one.worker, int(one.since.timestamp()),
         round(one.cost, 4), one.stage]
        for one in found.running
    ]  # fmt: skip
    why = [
        [one.subject_id, one.reason, int(one.starts_at.timestamp()) if one.starts_at else None]
        for one in waiting
        if one.run_id == run_id and one.subject == "cell"
    ]
    return _compact({"now": int(found.now.timestamp()), "running": running, "waiting": why})


def _compact(answer: dict[str, Any]) -> Response:
    return Response(json.dumps(answer, separators=(",", ":"), ensure_ascii=False), media_type="application/json")


def _document(sheet: Any) -> dict[str, Any]:
    run, layout = sheet.run, sheet.layout
    return {
        "run": {"id": run.id, "title": run.title, "number": run.number, "status": run.status.value},
        "seq": sheet.seq,
        "rows": [[row.name, row.kind, sheet.pictured.get(row.name) if row.kind == "character" else None] for row in layout.rows],
        "groups": layout.groups,
        "columns": [[column.group, column.name] for column in layout.columns],
        "cells": {
            "ids": sheet.ids_in_runs,
            "row": layout.at_row,
            "column": layout.at_column,
            "type": sheet.type_of,
            "keys": layout.names,
            "status": sheet.statuses,
            "since": sheet.since,
            "take": sheet.takes,
            "version": sheet.versions,
            "stale": sheet.stale,
            "reason": sheet.reasons,
            "needs": sheet.need_of,
        },
        "need_sets": sheet.need_sets,
        "stills": sheet.stills,
        "types": [[name, *sheet.costs[name], sheet.segments[name]] for name in sheet.type_names],
    }
