"""The graph of one attempt: the workflow of its request, with the values and pictures of the request in its slots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pipeline.domain.errors import Invalid, WorkFailed
from pipeline.domain.work import InputFile, Request
from pipeline.domain.workflows.filling import filled, values_of
from pipeline.domain.workflows.findings import WorkflowInvalid
from pipeline.domain.workflows.slots import IMAGE_SLOTS
from pipeline.domain.workflows.workflow import Workflow, from_json

_PICTURES: Mapping[str, Sequence[str]] = {"start_image": ("start", "still", "plate", "source"), "source_image": ("source",)}
"""For each slot that takes a picture, the roles of the input files that may fill it, the best first."""


def workflow_of(request: Request) -> Workflow:
    """The workflow of a request. Raises WorkFailed("bad_input") where there is none that can be sent."""
    value = request.parameters.get("workflow")
    if not value:
        raise WorkFailed("bad_input", 'The backend "comfyui" needs a workflow. Name one in the scene type or the production.')
    try:
        return _read(json.dumps(value))
    except (WorkflowInvalid, TypeError, ValueError) as error:
        raise WorkFailed("bad_input", str(error)) from error


@lru_cache(maxsize=64)
def _read(text: str) -> Workflow:
    """The jobs of a run come with a few graphs, and reading one costs more than anything else here."""
    return from_json(json.loads(text))


def pictures(workflow: Workflow, request: Request) -> dict[str, InputFile]:
    """The input file for each slot of the workflow that takes a picture.

    Raises WorkFailed("bad_input") when the request has none for a slot.
    """
    found: dict[str, InputFile] = {}
    for slot in (slot for slot in IMAGE_SLOTS if slot in workflow.slots):
        files = [file for role in _PICTURES.get(slot, ()) for file in request.files(role)]
        if not files:
            raise WorkFailed("bad_input", f'The workflow needs a picture as "{slot}", and this job has none to give.')
        found[slot] = files[0]
    return found


def graph_of(workflow: Workflow, request: Request, *, uploaded: Mapping[str, str], frames: int) -> dict[str, Any]:
    """The graph to send. `uploaded` names the pictures on the server, by slot; `frames` is how many to ask for.

    Every save node writes below a prefix of the attempt's own: nobody else's files are in the way, and nothing is taken from
    an earlier run's cache without being written anew. Raises WorkFailed("bad_input") for values that do not fit.
    """
    prefix = f"stripboard/{request.attempt_id}/out"
    asked = {"frames": frames} if frames else {}
    try:
        graph = filled(workflow, values_of(request.parameters) | asked | {"filename_prefix": prefix} | dict(uploaded))
    except Invalid as error:
        raise WorkFailed("bad_input", str(error)) from error
    for facts in graph.values():
        if isinstance(facts["inputs"].get("filename_prefix"), str):
            facts["inputs"]["filename_prefix"] = prefix
    return graph


def classes_of_length(workflow: Workflow) -> list[str]:
    """The node classes whose schemas say which numbers of frames a clip may have."""
    return workflow.classes_of("frames")
