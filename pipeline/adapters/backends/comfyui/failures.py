"""Why a server refused or failed a job: our failure class, and a short sentence without paths and traces of its machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pipeline.adapters.backends.comfyui.numbers import row, table, text
from pipeline.domain.retries import FailureClass

_SAID_LIMIT = 2_000
_SHOWN_LIMIT = 240
_CURE = "A run keeps its graph: correct the workflow or its bindings, then `./stripboard run PATH --new`."
_NODES_SHOWN = 3

_TRACE = re.compile(r"Traceback \(most recent call last\).*|\bFile \"[^\"]*\", line \d+.*", re.DOTALL)
_PLACES = re.compile(
    r"""(?: \b[A-Za-z][A-Za-z0-9+.\-]*://\S+             # an address
        | \\\\[^\s'"<>|]+                                # a share of a Windows network
        | (?<![A-Za-z0-9])[A-Za-z]:[\\/][^\s'"<>|]*      # a path of Windows
        | (?<![\w.\-])~?/[^\s'"<>|,;()\[\]]+             # a path
        | (?<![\w])\.\.?/[^\s'"<>|,;()\[\]]+
        )(?:\ [^\s'"<>|,;()\[\]]*[/\\][^\s'"<>|,;()\[\]]*)*  # what follows a blank inside of it
    """,
    re.VERBOSE,
)
_MEMORY = re.compile(
    r"out\s*of\s*memory|can't allocate memory|cannot allocate memory|not enough memory|alloc_cpu|CUBLAS_STATUS_ALLOC", re.I
)
_MISSING = re.compile(r"no such file or directory|filenotfounderror|model .{0,80}not found|could not find .{0,80}model", re.I)
_LOADS = re.compile(r"(?<!un)(?<!up)load", re.I)
_LOADS_MEDIA = re.compile(r"load_?(?:image|mask|video|audio|latent)s?|(?:image|mask|video|audio|latent)s?_?load(?:er)?\b", re.I)
_NO_FILE = re.compile(r"no such file or directory|filenotfounderror|invalid image file", re.I)
_NO_SUCH_NODE = re.compile(r"does not exist|missing the class_type|not found", re.I)
_ABSENT = frozenset({"value_not_in_list"})


@dataclass(frozen=True)
class Failure:
    """What an attempt failed of. `lost_upload` says that the server does not find a picture that it was sent before."""

    failure_class: FailureClass
    reason: str
    lost_upload: bool = False


def shown(said: Any, limit: int = _SHOWN_LIMIT) -> str:
    """What a server said, fit for a person: one line, no paths, no addresses, no trace, at most `limit` characters."""
    words = "".join(char if char.isprintable() else " " for char in text(said, _SAID_LIMIT))
    words = _PLACES.sub("…", _TRACE.sub("", words))
    words = " ".join(words.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def node_name(said: Any) -> str:
    """The class of a node as a server calls it, without paths."""
    return "".join(re.findall(r"[\w .:+\-]", shown(said, 60))).strip() or "a node"


def refusal(status: int, data: Any) -> Failure:
    """Why POST /prompt was answered with another status than 200."""
    whole = table(data)
    error, nodes = table(whole.get("error")), table(whole.get("node_errors"))
    kind = text(error.get("type"))
    message = shown(error.get("message"))
    if status == 413:
        return Failure(FailureClass.BAD_INPUT, "The worker refused the workflow: it is larger than the worker takes.")
    if nodes:
        return node_faults(nodes)
    if kind == "missing_node_type" or (kind == "invalid_prompt" and _NO_SUCH_NODE.search(message)):
        missing = node_name(table(error.get("extra_info")).get("class_type")) if error.get("extra_info") else ""
        named = f' It is the node "{missing}".' if missing else ""
        return Failure(FailureClass.MISSING_MODEL, f"The worker lacks a node of the workflow: {message}{named}")
    if status == 400 and kind:
        details = shown(error.get("details"), 120)
        return Failure(
            FailureClass.BAD_INPUT, f"The worker refused the workflow: {message}" + (f" ({details})" if details else "")
        )
    return Failure(FailureClass.BACKEND_ERROR, f"The worker answered the workflow with HTTP status {status}.")


def node_faults(nodes: dict[str, Any]) -> Failure:
    """What is wrong with single nodes of a graph, by the `node_errors` of an answer."""
    kinds: set[str] = set()
    sentences: list[str] = []
    lost_upload = False
    for facts in map(table, nodes.values()):
        for fault in map(table, row(facts.get("errors"))):
            kinds.add(text(fault.get("type")))
            details = text(fault.get("details"), _SAID_LIMIT)
            lost_upload = lost_upload or ("custom_validation_failed" in kinds and "Invalid image file" in details)
            if len(sentences) < _NODES_SHOWN:
                sentences.append(
                    f"{node_name(facts.get('class_type'))}: {shown(fault.get('message'), 80)} ({shown(details, 120)})"
                )
    reason = "The worker refused the workflow. " + ("; ".join(sentences) or "It named nodes without a reason.")
    if kinds & _ABSENT:
        return Failure(FailureClass.MISSING_MODEL, reason)
    if lost_upload:
        return Failure(FailureClass.BACKEND_ERROR, reason, lost_upload=True)
    return Failure(FailureClass.BAD_INPUT, f"{reason.rstrip('.')}. {_CURE}")


def execution_failure(error: dict[str, Any]) -> Failure:
    """Why a job failed while it ran, by the `execution_error` of its history.

    A file that is not there is a missing model only where a node loads models. Where one loads pictures it is ours, to be sent
    again; elsewhere it says nothing of what is installed.
    """
    node = node_name(error.get("node_type"))
    kind, message = text(error.get("exception_type")), text(error.get("exception_message"), _SAID_LIMIT)
    told = f"{node} failed on the worker: {shown(message) or node_name(kind)}"
    if _MEMORY.search(kind) or _MEMORY.search(message):
        return Failure(FailureClass.OUT_OF_MEMORY, told)
    if _LOADS_MEDIA.search(node):
        is_gone = bool(_NO_FILE.search(kind) or _NO_FILE.search(message))
        return Failure(FailureClass.BACKEND_ERROR, told, lost_upload=is_gone)
    if _LOADS.search(node) and (_MISSING.search(kind) or _MISSING.search(message)):
        return Failure(FailureClass.MISSING_MODEL, told)
    return Failure(FailureClass.BACKEND_ERROR, told)
