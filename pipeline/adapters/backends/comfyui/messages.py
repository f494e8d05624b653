"""What comes over a server's socket, as small values; anything else is None. Nothing here raises."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pipeline.adapters.backends.comfyui.answers import MadeFile, files_of
from pipeline.adapters.backends.comfyui.numbers import finite, row, table, text

_TEXT_LIMIT = 4_000_000
_METADATA_LIMIT = 64_000
_PREVIEW = 4
_ENDS = frozenset({"execution_success", "execution_error", "execution_interrupted"})
_STATES = re.compile(r'\{"type": "progress_state", "data": \{"prompt_id": "([0-9a-f-]{36})", "nodes": ')


@dataclass(frozen=True)
class NodeState:
    """How far one node is: `value` of `maximum`, 0 to 1 for nodes without steps. `parent` made it at run time, if any did."""

    node: str
    value: float
    maximum: float
    is_finished: bool
    parent: str = ""


@dataclass(frozen=True)
class Begun:
    """The server has taken the job from its queue."""

    job: str


@dataclass(frozen=True)
class Cached:
    """These nodes need not run: the server still has what they made."""

    job: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class States:
    """The state of all nodes that have begun, each time in full."""

    job: str
    nodes: tuple[NodeState, ...]


@dataclass(frozen=True)
class Unread:
    """A frame with the states of all nodes, in full, so that of many only the newest need be read: by `states_of`."""

    job: str
    frame: str


@dataclass(frozen=True)
class Step:
    """One node is at `value` of `maximum`."""

    job: str
    node: str
    value: float
    maximum: float


@dataclass(frozen=True)
class Executing:
    """The node that runs; an empty node means that the job has ended and its history is written."""

    job: str
    node: str


@dataclass(frozen=True)
class Made:
    """A node has left these files."""

    job: str
    files: tuple[MadeFile, ...]


@dataclass(frozen=True)
class Ending:
    """The job is about to end. The history is not yet written, so this is no reason to read it."""

    job: str


@dataclass(frozen=True)
class Preview:
    """A picture of an unfinished result, in whatever format the server chose."""

    job: str
    picture: bytes


Message = Begun | Cached | States | Unread | Step | Executing | Made | Ending | Preview


def parse(frame: str | bytes) -> Message | None:
    """One frame of the socket as a message about a job; None when it says nothing about one or cannot be read."""
    if isinstance(frame, bytes):
        return _parse_binary(frame)
    if len(frame) > _TEXT_LIMIT:
        return None
    states = _STATES.match(frame)
    return Unread(states[1], frame) if states else _parse_text(frame)


def states_of(unread: Unread) -> States | None:
    """What it says, if it can be read."""
    message = _parse_text(unread.frame)
    return message if isinstance(message, States) and message.job == unread.job else None


def _parse_text(frame: str) -> Message | None:
    try:
        whole = table(json.loads(frame))
    except (ValueError, RecursionError):
        return None
    data = table(whole.get("data"))
    job = text(data.get("prompt_id"))
    return _message(text(whole.get("type")), job, data) if job else None


def _message(kind: str, job: str, data: dict[str, Any]) -> Message | None:
    if kind == "execution_start":
        return Begun(job)
    if kind == "execution_cached":
        return Cached(job, tuple(node for node in row(data.get("nodes")) if isinstance(node, str)))
    if kind == "progress_state":
        return States(job, tuple(_node_state(node, table(state)) for node, state in table(data.get("nodes")).items()))
    if kind == "progress":
        return Step(job, text(data.get("node")), finite(data.get("value")), finite(data.get("max")))
    if kind == "executing" and "node" in data:
        return Executing(job, "" if data["node"] is None else text(data["node"]) or "?")
    if kind == "executed":
        return Made(job, files_of({text(data.get("node")): data.get("output")}))
    return Ending(job) if kind in _ENDS else None


def _node_state(node: str, state: dict[str, Any]) -> NodeState:
    return NodeState(
        node=node,
        value=finite(state.get("value")),
        maximum=finite(state.get("max")),
        is_finished=state.get("state") == "finished",
        parent=text(state.get("parent_node_id")),
    )


def _parse_binary(frame: bytes) -> Preview | None:
    """Only previews that name their job (type 4: length of the metadata, the metadata as JSON, the picture) are of use."""
    length = int.from_bytes(frame[4:8])
    if int.from_bytes(frame[:4]) != _PREVIEW or len(frame) < 8 + length or length > _METADATA_LIMIT:
        return None
    try:
        metadata = table(json.loads(frame[8 : 8 + length]))
    except (ValueError, RecursionError):
        return None
    job = text(metadata.get("prompt_id"))
    return Preview(job, frame[8 + length :]) if job else None
