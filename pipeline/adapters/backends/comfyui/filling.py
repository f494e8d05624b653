"""The graph of one attempt: a workflow with the values of the request in the places that it binds."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.adapters.backends.comfyui.numbers import row, table, text
from pipeline.domain.errors import Invalid, WorkFailed
from pipeline.domain.work import InputFile, Request

_STARTS = ("start", "still", "plate", "source")
_PICTURES: Mapping[str, Sequence[str]] = {"start_image": _STARTS, "source_image": ("source",), "plate_image": ("plate",)}
"""For each slot that takes a picture, the roles of the input files that may fill it, the best first."""


def filled(workflow: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The workflow's graph with `values` (slot -> value) written where its bindings say; the workflow stays as it is.

    A slot without a value keeps what the graph holds. Raises Invalid for a binding that leads nowhere or a value of another type.
    """
    graph = copy.deepcopy(dict(workflow["graph"]))
    for binding in map(table, workflow.get("bindings", ())):
        slot, node, name = (text(binding.get(key)) for key in ("slot", "node", "input"))
        if node not in graph or not isinstance(table(graph[node]).get("inputs"), dict) or not name:
            raise Invalid(f'The workflow binds "{slot}" to node "{node}", which it does not have.')
        if values.get(slot) is not None:
            graph[node]["inputs"][name] = _converted(slot, values[slot], text(binding.get("type")))
    return graph


def _converted(slot: str, value: Any, kind: str) -> Any:
    try:
        return {"integer": int, "number": float, "text": str, "image": str, "switch": bool}.get(kind, lambda same: same)(value)
    except (TypeError, ValueError) as error:
        raise Invalid(f'The workflow wants "{slot}" as {kind}, which {value!r:.60} is not.') from error


def checked_workflow(request: Request) -> dict[str, Any]:
    """The workflow among the parameters of a request. Raises WorkFailed("bad_input") where there is none that can be sent."""
    workflow = table(request.parameters.get("workflow"))
    graph = table(workflow.get("graph"))
    if not graph:
        raise WorkFailed("bad_input", 'The backend "comfyui" needs a workflow. Name one in the scene type or the production.')
    for node, facts in graph.items():
        if not isinstance(table(facts).get("inputs"), dict) or not text(table(facts).get("class_type")):
            raise WorkFailed(
                "bad_input", f'Node "{node}" of the workflow is no node of an API graph. Export it in the API format.'
            )
    return workflow


def pictures(workflow: Mapping[str, Any], request: Request) -> dict[str, InputFile]:
    """The input file for each slot of the workflow that takes a picture.

    Raises WorkFailed("bad_input") when the request has none for a slot.
    """
    found: dict[str, InputFile] = {}
    for binding in map(table, row(list(workflow.get("bindings", ())))):
        slot = text(binding.get("slot"))
        if binding.get("type") != "image" and slot not in _PICTURES:
            continue
        roles = _PICTURES.get(slot, (slot.removesuffix("_image"),))
        files = [file for role in roles for file in request.files(role)]
        if not files:
            raise WorkFailed("bad_input", f'The workflow needs a picture as "{slot}", and this job has none to give.')
        found[slot] = files[0]
    return found


def values_of(request: Request, uploaded: Mapping[str, str]) -> dict[str, Any]:
    """The values of every slot: the parameters of the request, those for slots `custom:NAME`, and names of uploaded pictures."""
    named = {name: value for name, value in request.parameters.items() if name != "workflow"}
    free = {f"custom:{name}": value for name, value in named.items() if isinstance(value, (str, int, float))}
    return named | free | dict(uploaded)


def with_prefix(graph: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The same graph, with every save node writing below `prefix`: nobody else's files are in the way, and nothing is taken
    from an earlier run's cache without being written anew."""
    for facts in graph.values():
        if isinstance(facts["inputs"].get("filename_prefix"), str):
            facts["inputs"]["filename_prefix"] = prefix
    return graph
