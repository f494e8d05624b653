"""Finds in a recording where jobs must stand still: at the nodes at which the recording has a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.double.gates import Gate


@dataclass
class Hold:
    """A job that must stand at a node while requests are sent: from the first of them to the last, which releases it."""

    submit: int
    first: int
    node_id: str
    class_type: str
    point: str
    release: int
    gate: Gate | None = None


def holds(events: list[dict[str, Any]]) -> list[Hold]:
    """Where the recording has a request, or a kill, in the middle of a node."""
    submits: dict[str, int] = {}
    graphs: dict[str, Any] = {}
    asked: list[int] = []
    at: dict[str, tuple[str, int]] = {}
    found: dict[tuple[str, str], Hold] = {}
    for index, event in enumerate(events):
        if event["channel"] == "http" and event["direction"] == "request":
            asked.append(index)
        if event["channel"] == "http" and event["direction"] == "response" and is_submit(event) and event["status"] == 200:
            request = _request_of(events, index)
            prompt_id = event["body"]["prompt_id"]
            submits[prompt_id], graphs[prompt_id] = request, events[request]["body"]["prompt"]
        if is_act(event) or (event["channel"] == "http" and event["direction"] == "request"):
            for prompt_id, (node_id, steps) in at.items():
                if prompt_id not in submits:
                    continue
                key = (prompt_id, node_id)
                class_type = graphs[prompt_id][node_id]["class_type"]
                point = f"step {steps}" if steps else _item(events, index, prompt_id, node_id, graphs[prompt_id])
                hold = found.setdefault(key, Hold(submits[prompt_id], index, node_id, class_type, point, index))
                hold.release = index
        if is_act(event):
            at.clear()
        _follow(event, at)
        body = event.get("body")
        if event["channel"] == "ws" and isinstance(body, dict) and list(body.get("data") or ()) == ["node"]:
            # A reconnect into a running job: it stands at this node until the client has been told so.
            prompt_id, node_id = list(submits)[-1], body["data"]["node"]
            class_type = graphs[prompt_id][node_id]["class_type"]
            connect = max(number for number, other in enumerate(events[:index]) if other.get("direction") == "connect")
            found[prompt_id, node_id] = Hold(submits[prompt_id], connect, node_id, class_type, "item 0", index)
    return list(found.values())


def _follow(event: dict[str, Any], at: dict[str, tuple[str, int]]) -> None:
    """Keep in `at` the node that each running job is at, and how many steps it has told."""
    if event["channel"] != "ws" or event["direction"] != "in" or "type" not in event["body"]:
        return
    kind, data = event["body"]["type"], event["body"]["data"]
    prompt_id = data.get("prompt_id")
    if kind == "progress_state":
        running = [node_id for node_id, node in data["nodes"].items() if node["state"] == "running"]
        before = at.pop(prompt_id, ("", 0))
        if running:
            at[prompt_id] = before if before[0] == running[0] else (running[0], 0)
    elif kind == "progress" and prompt_id in at:
        at[prompt_id] = (at[prompt_id][0], at[prompt_id][1] + 1)
    elif kind in ("execution_success", "execution_error", "execution_interrupted"):
        at.pop(prompt_id, None)


def _item(events: list[dict[str, Any]], index: int, prompt_id: str, node_id: str, graph: Any) -> str:
    """The call of a node to hold: the last one when an interrupt was noticed only by the node after it."""
    for event in events[index:]:
        body = event.get("body")
        is_end = event["channel"] == "ws" and isinstance(body, dict) and body.get("type") == "execution_interrupted"
        if is_end and body["data"]["prompt_id"] == prompt_id and body["data"]["node_id"] != node_id:
            lists = [node for node in graph.values() if node["class_type"] == "RebatchImages"]
            sizes = [node["inputs"]["batch_size"] for node in graph.values() if node["class_type"] == "EmptyImage"]
            return f"item {sizes[0] - 1}" if lists else "item 0"
    return "item 0"


def is_submit(event: dict[str, Any]) -> bool:
    """Whether this is a POST of a graph, or its answer."""
    return event["method"] == "POST" and event["path"] == "/prompt"


def is_act(event: dict[str, Any]) -> bool:
    """A remark of the recording that something was done to the process."""
    return event["channel"] == "note" and isinstance(event["body"], str) and "is sent signal" in event["body"]


def _request_of(events: list[dict[str, Any]], response: int) -> int:
    """The request that a response answers: the last one before it with its method and path."""
    wanted = (events[response]["method"], events[response]["path"])
    return max(
        index
        for index, event in enumerate(events[:response])
        if event["channel"] == "http" and event["direction"] == "request" and (event["method"], event["path"]) == wanted
    )
