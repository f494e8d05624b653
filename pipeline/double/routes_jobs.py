"""The jobs API of newer releases: every job by one name for its state, and a cancel that does the right thing."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from pipeline.double.life import Life
from pipeline.double.routes import life_of

STATES = ("pending", "in_progress", "completed", "failed", "cancelled")
SHOWABLE = ("images", "video", "audio", "3d")


async def get_jobs(request: web.Request) -> web.Response:
    """GET /api/jobs: newest first, without graphs, in pages."""
    life, query = life_of(request), request.rel_url.query
    wanted = [word.strip() for word in query.get("status", "").split(",") if word.strip()]
    wrong = [word for word in wanted if word not in STATES]
    if wrong:
        message = f"Invalid status value(s): {', '.join(wrong)}. Valid values: {', '.join(STATES)}"
        return web.json_response({"error": message}, status=400)
    jobs = [job for job in _all(life) if not wanted or job["status"] in wanted]
    jobs.sort(key=lambda job: job["create_time"], reverse=query.get("sort_order", "desc") != "asc")
    offset = int(query.get("offset", 0))
    limit = int(query["limit"]) if "limit" in query else None
    page = jobs[offset:] if limit is None else jobs[offset : offset + limit]
    has_more = limit is not None and offset + len(page) < len(jobs)
    pagination = {"offset": offset, "limit": limit, "total": len(jobs), "has_more": has_more}
    return web.json_response({"jobs": page, "pagination": pagination})


async def get_job(request: web.Request) -> web.Response:
    """GET /api/jobs/{id}: one job, an ended one with everything known of it; 404 when unknown."""
    life, prompt_id = life_of(request), request.match_info["job_id"]
    for job in _all(life):
        if job["id"] == prompt_id:
            return web.json_response({**job, **_details(life, prompt_id)})
    return web.json_response({"error": "Job not found"}, status=404)


async def cancel_job(request: web.Request) -> web.Response:
    """POST /api/jobs/{id}/cancel."""
    return web.json_response({"cancelled": _cancel(life_of(request), request.match_info["job_id"])})


async def cancel_jobs(request: web.Request) -> web.Response:
    """POST /api/jobs/cancel: many at once."""
    life, body = life_of(request), await request.json()
    return web.json_response({"cancelled": [prompt_id for prompt_id in body["job_ids"] if _cancel(life, prompt_id)]})


def _cancel(life: Life, prompt_id: str) -> bool:
    if life.queue.delete(prompt_id):
        life.tell_status()  # once more, as the real server does here
        return True
    if life.queue.is_running(prompt_id):
        life.interrupted.set()
        return True
    return False


def _all(life: Life) -> list[dict[str, Any]]:
    """Every job, the newest of its kind first."""
    running, pending = life.queue.current()
    jobs = [_waiting(entry, "pending") for entry in sorted(pending, key=lambda entry: (entry[0], entry[1]))]
    jobs += [_waiting(entry, "in_progress") for entry in running]
    past = life.queue.past(most=None, offset=0)
    return jobs + [_ended(prompt_id, kept) for prompt_id, kept in reversed(past.items())]


def _waiting(entry: list[Any], state: str) -> dict[str, Any]:
    facts = {"id": entry[1], "status": state, "priority": entry[0], "create_time": entry[3].get("create_time")}
    return {**facts, "outputs_count": 0, "previewable_outputs_count": 0}


def _ended(prompt_id: str, kept: dict[str, Any]) -> dict[str, Any]:
    entry, status = kept["prompt"], kept["status"]
    messages = dict(reversed(status["messages"]))
    last_kind, last = status["messages"][-1]
    state = "completed" if status["completed"] else "cancelled" if last_kind == "execution_interrupted" else "failed"
    found = [
        (node_id, media, item)
        for node_id, output in kept["outputs"].items()
        for media, items in output.items()
        for item in items
        if isinstance(item, dict)
    ]
    showable = [each for each in found if each[1] in SHOWABLE]
    job = {
        "id": prompt_id,
        "status": state,
        "priority": entry[0],
        "create_time": entry[3].get("create_time"),
        "execution_start_time": messages["execution_start"]["timestamp"],
        "execution_end_time": last["timestamp"],
    }
    if state == "failed":
        job["execution_error"] = last
    job |= {"outputs_count": len(found), "previewable_outputs_count": len(showable)}
    if showable:
        node_id, media, item = showable[-1]
        job["preview_output"] = {**item, "nodeId": node_id, "mediaType": media}
    return job


def _details(life: Life, prompt_id: str) -> dict[str, Any]:
    kept = life.queue.one_past(prompt_id).get(prompt_id)
    if kept is None:
        return {}
    workflow = {"prompt": kept["prompt"][2], "extra_data": kept["prompt"][3]}
    return {"outputs": kept["outputs"], "execution_status": kept["status"], "workflow": workflow}
