"""`/workflows`: registered workflows with their versions, what each worker lacks for them, and their test shots."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Query, Request
from pydantic import Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from pipeline import wiring_workflows
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api import schemas_workflows as shapes
from pipeline.api.asking import Key, Studio, Who, WiredStudio, routes
from pipeline.domain.records import Actor
from pipeline.domain.workflows.editing import Place
from pipeline.domain.workflows.library import Judgement
from pipeline.domain.workflows.slots import Kind

router = routes("workflows")
_OCTETS = "application/octet-stream"
_BODY = {"required": True, "content": {_OCTETS: {"schema": {"type": "string", "format": "binary", "minLength": 1}}}}
Named = Annotated[str, Query(min_length=1, max_length=80, description="The name that it is kept under.")]
FileName = Annotated[str, Query(max_length=200, description="What the file is called, for messages.")]
Noted = Annotated[str, Query(max_length=2000, description="Why, for people.")]
OfKind = Annotated[Kind | None, Query(description="What it makes; without it that is told by what the graph saves.")]
VersionNumber = Annotated[int, InPath(ge=1, le=2**31 - 1)]
Other = Annotated[int, Query(ge=1, le=2**31 - 1)]


class Correction(asked.Asked):
    """Another version of `base`: exactly these bindings and, where given, these result nodes and another kind."""

    base: asked.Number
    bindings: Annotated[list[shapes.AskedPlace], Field(max_length=1000)]
    outputs: Annotated[list[shapes.NodeId], Field(min_length=1, max_length=100)] | None = None
    kind: Annotated[Kind, Field(strict=False)] | None = None
    note: Annotated[str, StringConstraints(max_length=2000)] = ""


class Verdict(asked.Asked):
    """What a person says of a version after its test shots; a good one becomes the default of its name."""

    judgement: Annotated[Judgement, Field(strict=False)]


class WorkflowChange(asked.Asked):
    """An archived workflow is out of sight, and no new run can be made with it."""

    archived: bool


class Workflow(given.Given):
    """A name with its versions, the newest first; `default` is the number that productions get that name none."""

    id: int
    name: str
    default: int
    archived_at: datetime | None
    created_at: datetime
    versions: list[shapes.Version]


class Workflows(given.Given):
    """All workflows, by name."""

    items: list[Workflow]


@router.get("/workflows", response_model=Workflows)
def list_workflows(studio: Studio, archived: Annotated[bool, Query(description="Archived ones too.")] = False) -> object:
    """Every registered workflow, by name; of each default version how every worker stands to it."""
    return {"items": [_flat(view) for view in studio.workflows.all(with_archived=archived)]}


@router.post("/workflows", status_code=201, response_model=shapes.Imported, openapi_extra={"requestBody": _BODY})
async def import_workflow(
    request: Request, studio: Studio, who: Who, name: Named, file: FileName = "", kind: OfKind = None, note: Noted = "",
    key: Key = None,
) -> object:  # fmt: skip
    """Import a graph as the next version of a name: the body is a file that ComfyUI wrote.

    It is JSON in API format, a PNG, WebP, MP4 or WebM. What does the same as a version before is no new one (`is_new`).
    Bindings are found by themselves; `findings` say what is lacking, and POST to `/versions` corrects them.
    """
    return await run_in_threadpool(_import, studio, await request.body(), who, name=name, origin=file, kind=kind, note=note)


def _import(
    studio: WiredStudio, content: bytes, who: Actor, *, name: str, origin: str, kind: Kind | None, note: str
) -> dict[str, Any]:
    found = wiring_workflows.import_content(studio, content, who, name=name, origin=origin, kind=kind, note=note)
    return _imported(studio, found)


@router.get("/workflows/{workflow_id}", response_model=Workflow)
def read_workflow(workflow_id: asked.Id, studio: Studio) -> object:
    """One workflow."""
    return _flat(studio.workflows.page(studio.workflows.by_id(workflow_id)).view)


@router.patch("/workflows/{workflow_id}", response_model=Workflow)
def change_workflow(workflow_id: asked.Id, body: WorkflowChange, studio: Studio, who: Who, key: Key = None) -> object:
    """Archive a workflow, or take it back."""
    workflow = studio.workflows.by_id(workflow_id)
    studio.workflows.archive(workflow, who, is_archived=body.archived)
    return _flat(studio.workflows.page(workflow).view)


@router.delete("/workflows/{workflow_id}", status_code=204)
def remove_workflow(workflow_id: asked.Id, studio: Studio, who: Who, key: Key = None) -> None:
    """Forget a workflow with all its versions. 409 when a run was made with it: archive it instead."""
    studio.workflows.remove(studio.workflows.by_id(workflow_id), who)


@router.get("/workflows/{workflow_id}/difference", response_model=shapes.Difference)
def compare_versions(workflow_id: asked.Id, old: Other, new: Other, studio: Studio) -> object:
    """What has changed from one version to another."""
    workflow = studio.workflows.by_id(workflow_id)
    found = studio.workflows.compare(studio.workflows.version(workflow, old), studio.workflows.version(workflow, new))
    return shapes.difference(found)


@router.post("/workflows/{workflow_id}/versions", status_code=201, response_model=shapes.Imported)
def correct_version(workflow_id: asked.Id, body: Correction, studio: Studio, who: Who, key: Key = None) -> object:
    """Correct bindings: the same graph with exactly these, as the next version. 422 where that cannot work."""
    version = studio.workflows.version(studio.workflows.by_id(workflow_id), body.base)
    places = [Place(place.slot, place.node, place.input) for place in body.bindings]
    found = studio.workflows.correct(version, places, who, outputs=body.outputs, kind=body.kind, note=body.note)
    return _imported(studio, found)


@router.get("/workflows/{workflow_id}/versions/{number}", response_model=shapes.WholeVersion)
def read_version(workflow_id: asked.Id, number: VersionNumber, studio: Studio) -> object:
    """One version: its graph, bindings, every input that may be bound, what each worker lacks, its test shots."""
    return shapes.whole(studio.workflows.page(studio.workflows.by_id(workflow_id), number))


@router.patch("/workflows/{workflow_id}/versions/{number}", response_model=shapes.WholeVersion)
def judge_version(
    workflow_id: asked.Id, number: VersionNumber, body: Verdict, studio: Studio, who: Who, key: Key = None
) -> object:
    """Say what came of trying it. 409 while no test shot of it has succeeded."""
    workflow = studio.workflows.by_id(workflow_id)
    studio.workflows.judge(studio.workflows.version(workflow, number), body.judgement, who)
    return shapes.whole(studio.workflows.page(workflow, number))


@router.post("/workflows/{workflow_id}/versions/{number}/shots", status_code=201, response_model=shapes.Shot)
def ask_for_shot(
    workflow_id: asked.Id, number: VersionNumber, body: shapes.NewShot, studio: Studio, who: Who, key: Key = None
) -> object:
    """Ask for a test shot on one worker, else on the cheapest that can. 403, with what to install, where none can."""
    version = studio.workflows.version(studio.workflows.by_id(workflow_id), number)
    source = wiring_workflows.stored_picture(studio, body.source) if body.source else None
    found = studio.test_shots.ask(version, who, wishes=body.wishes(), source=source, worker=body.worker)
    return shapes.shot(found)


@router.get("/test-shots/{shot_id}", response_model=shapes.Shot)
def read_shot(shot_id: asked.Id, studio: Studio) -> object:
    """One test shot: how far it is, and what came of it. `/media/files/…` gives its files by their hash."""
    return shapes.shot(studio.test_shots.find(shot_id))


@router.delete("/test-shots/{shot_id}", response_model=shapes.Shot)
def cancel_shot(shot_id: asked.Id, studio: Studio, who: Who, key: Key = None) -> object:
    """Give a test shot up. One that has ended stays as it is."""
    return shapes.shot(studio.test_shots.cancel(shot_id, who))


def _flat(view: Any) -> dict[str, Any]:
    own = view.workflow
    return {
        "id": own.id, "name": own.name, "default": view.default.version.number, "archived_at": own.archived_at,
        "created_at": own.created_at, "versions": [shapes.version(one) for one in view.versions],
    }  # fmt: skip


def _imported(studio: WiredStudio, found: wiring_workflows.Imported) -> dict[str, Any]:
    workflow = studio.workflows.by_id(found.version.workflow_id)
    page = studio.workflows.page(workflow, found.version.number)
    proposals = [{**one.binding.to_json(), "confidence": one.confidence, "reason": one.reason} for one in found.proposals]
    return {"is_new": found.is_new, "workflow_id": workflow.id, "proposals": proposals, **shapes.whole(page)}
