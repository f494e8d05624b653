"""`/files` and `/assessments`: what is sent before a run is made, and what a production would cost."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Rest, Studio, routes

router = routes("files")
_OCTETS = "application/octet-stream"
_BODY = {"required": True, "content": {_OCTETS: {"schema": {"type": "string", "format": "binary", "minLength": 1}}}}


@router.post("/files", status_code=201, response_model=given.StoredFile, openapi_extra={"requestBody": _BODY})
async def send_file(request: Request, rest: Rest, key: Key = None) -> object:
    """Send a picture, a screenplay or another file of a production: its content is the body. The answer names it by its hash.

    It is kept for an hour, and for good once a run is made from it. The same file sent twice is stored once.
    """
    return await run_in_threadpool(rest.intake.take_file, await request.body(), _OCTETS)


@router.post("/assessments", response_model=given.Assessment)
def assess(body: asked.Source, studio: Studio, rest: Rest, key: Key = None) -> object:
    """Everything that is wrong with a production, and the time and disk it would take. Changes nothing."""
    with rest.intake.opened(body.yaml, body.files) as loaded:
        if not loaded.is_valid:
            return {"is_valid": False, "issues": loaded.issues, "estimate": None}
        estimate = studio.planning.estimate(loaded.require(), loaded.base_dir)
        return {"is_valid": True, "issues": loaded.issues, "estimate": estimate}
