"""Runs one job: the nodes in order, what is said meanwhile, and how it ends (PROTOCOL, order of messages)."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from typing import Any

from pipeline.double.cache import Made
from pipeline.double.job import Interrupted, Job, KilledServer
from pipeline.double.life import Life
from pipeline.double.nodes import node_of
from pipeline.double.order import Order, is_link
from pipeline.double.progress import Progress


class Execution:
    """One run of a graph. Afterwards `result` and `status` are what the history keeps."""

    def __init__(self, life: Life, *, prompt_id: str, graph: dict[str, Any], extra_data: dict[str, Any], ticket: int) -> None:
        self.life, self.prompt_id, self.graph = life, prompt_id, graph
        self.client_id: str | None = extra_data.get("client_id")
        self.ticket = ticket
        self.executed: list[str] = []
        self.cached: list[str] = []
        self.outcome = "success"
        self._messages: list[tuple[str, dict[str, Any]]] = []
        self._outputs: dict[str, Any] = {}
        self._meta: dict[str, Any] = {}
        self._now: dict[str, list[list[Any]]] = {}
        strict = life.version.is_strict
        self._progress = Progress(life.sockets, prompt_id=prompt_id, client_id=self.client_id, is_thinned=strict)
        wanted = extra_data.get("preview_method") if strict else None
        previews = (wanted or life.setup.previews) != "none"
        self._job = Job(life, prompt_id=prompt_id, graph=graph, extra_data=extra_data, progress=self._progress, previews=previews)

    @property
    def result(self) -> dict[str, Any]:
        """Outputs and where they come from."""
        return {"outputs": self._outputs, "meta": self._meta}

    @property
    def status(self) -> dict[str, Any]:
        """The verdict with its messages."""
        is_good = self.outcome == "success"
        told = [[kind, data] for kind, data in self._messages]
        return {"status_str": "success" if is_good else "error", "completed": is_good, "messages": told}

    def run(self, outputs: list[str]) -> None:
        """Run until the end, a failure or an interrupt. Raises KilledServer when the life ends meanwhile."""
        self.life.interrupted.clear()
        self.life.sockets.client_id = self.client_id
        self.life.sockets.last_node = None
        self._tell("execution_start", {})
        self.life.cache.begin(self.graph, self.life.folders, self.ticket)
        self.cached = [node_id for node_id in self.graph if self.life.cache.get(node_id) is not None]
        self._tell("execution_cached", {"nodes": self.cached})
        order = Order(self.graph, self.life.catalog, lambda node_id: self.life.cache.get(node_id) is not None)
        for node_id in outputs:
            order.add(node_id)
        while (node_id := order.next()) is not None:
            if not self._node(node_id):
                break
            order.finish(node_id)
        else:
            self._tell("execution_success", {})
        self.life.sockets.last_node = None

    def _node(self, node_id: str) -> bool:
        """Run one node, or take what is cached; whether the job goes on."""
        made = self.life.cache.get(node_id)
        if made is not None:
            self._show(node_id, made)
            self._progress.finish_cached(node_id)
            return True
        class_type = self.graph[node_id]["class_type"]
        self._progress.start(node_id)
        self.life.sockets.last_node = node_id
        self._tell_owner("executing", {"node": node_id, "display_node": node_id, "prompt_id": self.prompt_id})
        inputs: dict[str, list[Any]] = {}
        try:
            inputs = self._inputs(node_id)
            made = self._call(node_id, class_type, inputs)
        except KilledServer:
            raise
        except Interrupted:
            self.outcome = "interrupted"
            told = {"node_id": node_id, "node_type": class_type, "executed": list(self.executed)}
            self._tell("execution_interrupted", told, to_all=True)
            return False
        except Exception as error:
            self.outcome = "error"
            self._tell("execution_error", self._failure(node_id, class_type, error, inputs))
            return False
        self.life.cache.put(node_id, made)
        self._show(node_id, made)
        self._progress.finish(node_id)
        self.executed.append(node_id)
        return True

    def _inputs(self, node_id: str) -> dict[str, list[Any]]:
        """Each input as a list of items."""
        found: dict[str, list[Any]] = {}
        class_type = self.graph[node_id]["class_type"]
        for name, value in self.graph[node_id]["inputs"].items():
            if not self.life.catalog.is_taken(class_type, name, value):
                continue
            if is_link(value):
                made = self.life.cache.get(value[0])
                found[name] = made.outputs[value[1]] if made else self._now[value[0]][value[1]]
            else:
                found[name] = [value]
        return found

    def _call(self, node_id: str, class_type: str, inputs: dict[str, list[Any]]) -> Made:
        node = node_of(class_type, self.life.setup.is_instant)
        gives_lists = self.life.catalog.gives_lists(class_type)
        columns: list[list[Any]] = [[] for _ in gives_lists]
        shown: dict[str, list[Any]] = {}
        has_shown = False
        for index, values in enumerate(_calls(inputs, self.life.catalog.takes_lists(class_type))):
            answer = self._job.call(node, node_id=node_id, class_type=class_type, index=index, values=values)
            for column, value, is_list in zip(columns, answer.outputs, gives_lists, strict=False):
                column.extend(value if is_list else [value])
            has_shown |= answer.shown is not None
            for key, items in (answer.shown or {}).items():
                shown.setdefault(key, []).extend(items)
        self._now[node_id] = columns
        return Made(columns, shown if has_shown else None)

    def _show(self, node_id: str, made: Made) -> None:
        if made.shown is None:
            return
        self._outputs[node_id] = made.shown
        self._meta[node_id] = {"node_id": node_id, "display_node": node_id, "parent_node": None, "real_node_id": node_id}
        told = {"node": node_id, "display_node": node_id, "output": made.shown, "prompt_id": self.prompt_id}
        self._tell_owner("executed", told)

    def _failure(self, node_id: str, class_type: str, error: Exception, inputs: dict[str, list[Any]]) -> dict[str, Any]:
        kind = type(error)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        hidden = self.life.catalog.hidden_inputs(class_type)
        values = {"prompt": str(self.graph), "extra_pnginfo": None}
        shown = {name: [_written(value) for value in items] for name, items in inputs.items()}
        return {
            "node_id": node_id,
            "node_type": class_type,
            "executed": list(self.executed),
            "exception_message": f"{error}\n",
            "exception_type": f"{module}{kind.__qualname__}",
            "traceback": traceback.format_tb(error.__traceback__),
            "current_inputs": {**shown, **{name: [values.get(name)] for name in hidden}},
            "current_outputs": list(self.graph),
        }

    def _tell(self, kind: str, data: dict[str, Any], *, to_all: bool = False) -> None:
        """A message that the history keeps; without an owner it is said to nobody, or `to_all`."""
        stamped = {"prompt_id": self.prompt_id, **data, "timestamp": int(time.time() * 1000)}
        if kind == "execution_cached":
            stamped = {"nodes": data["nodes"], "prompt_id": self.prompt_id, "timestamp": stamped["timestamp"]}
        self._messages.append((kind, stamped))
        if self.client_id is not None or to_all:
            self.life.sockets.say(kind, stamped, self.client_id)

    def _tell_owner(self, kind: str, data: dict[str, Any]) -> None:
        if self.client_id is not None:
            self.life.sockets.say(kind, data, self.client_id)


def _calls(inputs: dict[str, list[Any]], takes_lists: bool) -> Iterator[dict[str, Any]]:
    """The inputs of each call of a node: once an item of its longest list, shorter lists repeating their last."""
    if takes_lists:
        yield inputs
        return
    longest = max((len(items) for items in inputs.values()), default=1)
    for index in range(longest):
        yield {name: items[min(index, len(items) - 1)] for name, items in inputs.items()}


def _written(value: Any) -> Any:
    """A value as an error report shows it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    text = str(value)
    return f"tensor({text})" if hasattr(value, "shape") else text
