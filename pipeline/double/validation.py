"""Whether a graph may be queued: every check of the real server, in its order and in its words (PROTOCOL, submit)."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.double.catalog import Catalog
from pipeline.double.folders import Folders

LONGEST_LIST_SHOWN = 20
OUTPUTS_FAILED = "Prompt outputs failed validation"


@dataclass(frozen=True)
class Verdict:
    """What is said of a graph: an error, or the output nodes to run. `node_errors` may be there in either case."""

    error: dict[str, Any] | None = None
    outputs: list[str] = field(default_factory=list)
    node_errors: dict[str, Any] = field(default_factory=dict)


def problem(kind: str, message: str, details: str = "", **extra: Any) -> dict[str, Any]:
    """One error as the server writes it."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def validate(graph: Any, *, catalog: Catalog, folders: Folders, is_strict: bool, targets: list[str] | None) -> Verdict:
    """Check a graph. Numbers written as text are converted in place. Anything but a graph raises, which becomes a bare 500."""
    outputs = []
    for node_id in graph:
        node = graph[node_id]
        missing = _missing_class(node, node_id, catalog, is_strict)
        if missing:
            return Verdict(error=missing)
        if catalog.is_output(node["class_type"]) and (targets is None or node_id in targets):
            outputs.append(node_id)
    if not outputs:
        return Verdict(error=problem("prompt_no_outputs", "Prompt has no outputs"))
    return _Checker(graph, catalog, folders, is_strict).verdict(outputs)


def _missing_class(node: Any, node_id: str, catalog: Catalog, is_strict: bool) -> dict[str, Any] | None:
    has_class = "class_type" in node
    if has_class and catalog.is_known(node["class_type"]):
        return None
    class_type = node["class_type"] if has_class else None
    where = f"Node ID '#{node_id}'"
    if not is_strict:
        said = f"Cannot execute because node {class_type} does not exist."
        return problem(
            "invalid_prompt", said if has_class else "Cannot execute because a node is missing the class_type property.", where
        )
    title = node.get("_meta", {}).get("title", class_type if has_class else f"Node ID '#{node_id}'")
    said = (
        f"Node '{title}' not found. The custom node may not be installed."
        if has_class
        else f"Node '{title}' has no class_type. The workflow may be corrupted or a custom node is missing."
    )
    return problem("missing_node_type", said, where, node_id=node_id, class_type=class_type, node_title=title)


class _Checker:
    """The checks of one graph, node by node from its outputs backwards."""

    def __init__(self, graph: Mapping[str, Any], catalog: Catalog, folders: Folders, is_strict: bool) -> None:
        self.graph, self.catalog, self.folders, self.is_strict = graph, catalog, folders, is_strict
        self.checked: dict[str, tuple[bool, list[dict[str, Any]]]] = {}
        self.path: list[str] = []

    def verdict(self, outputs: list[str]) -> Verdict:
        good: list[str] = []
        said: list[str] = []
        node_errors: dict[str, Any] = {}
        for output in outputs:
            try:
                is_good, reasons = self.check(output)
            except _Endless:
                is_good, reasons = False, []
            except Exception as error:
                is_good, reasons = False, [_exception("exception_during_validation", "Exception when validating node", error)]
                self.checked[output] = (False, reasons)
            if is_good:
                good.append(output)
                continue
            said += [f"{reason['message']}: {reason['details']}" for reason in reasons]
            self._blame(node_errors, output)
        if not good:
            details = "\n".join(said)
            return Verdict(error=problem("prompt_outputs_failed_validation", OUTPUTS_FAILED, details), node_errors=node_errors)
        return Verdict(outputs=good, node_errors=node_errors)

    def _blame(self, node_errors: dict[str, Any], output: str) -> None:
        """Every node with reasons so far, whichever output it was found for, is said to spoil this output too."""
        for node_id, (is_good, reasons) in self.checked.items():
            if not is_good and reasons:
                class_type = self.graph[node_id]["class_type"]
                entry = node_errors.setdefault(node_id, {"errors": reasons, "dependent_outputs": [], "class_type": class_type})
                entry["dependent_outputs"].append(output)

    def check(self, node_id: str) -> tuple[bool, list[dict[str, Any]]]:
        if node_id in self.checked:
            return self.checked[node_id]
        if node_id in self.path:
            return self._cycle(node_id)
        self.path.append(node_id)
        try:
            result = self._check_inputs(node_id)
        finally:
            self.path.pop()
        return self.checked.setdefault(node_id, result)

    def _cycle(self, node_id: str) -> tuple[bool, list[dict[str, Any]]]:
        if not self.is_strict:
            raise _Endless
        nodes = self.path[self.path.index(node_id) :]
        shown = " -> ".join(f"{each} ({self.graph[each]['class_type']})" for each in [*nodes, node_id])
        for each in nodes:
            error = problem("dependency_cycle", "Dependency cycle detected", shown, node_id=each, cycle_nodes=nodes)
            self.checked[each] = (False, [error])
        return self.checked[node_id]

    def _check_inputs(self, node_id: str) -> tuple[bool, list[dict[str, Any]]]:
        inputs = self.graph[node_id]["inputs"]
        class_type = self.graph[node_id]["class_type"]
        is_image = class_type == "LoadImage"
        # Choices of pictures are shown with a bad link only: a name is looked up by itself.
        schema = self.catalog.schema(class_type, has_choices=not is_image or isinstance(inputs.get("image"), list)) or {}
        is_good, errors = True, []
        for group in ("required", "optional"):
            for name, config in schema["input"].get(group, {}).items():
                if name not in inputs:
                    if group == "required" and not _is_unchecked(config):
                        errors.append(problem("required_input_missing", "Required input is missing", name, input_name=name))
                elif isinstance(inputs[name], list):
                    is_good &= self._check_link(inputs[name], name, config, errors)
                else:
                    _check_value(inputs, name, config, errors, is_file=is_image)
        if is_image and not errors:
            errors += self._check_image(inputs.get("image"))
        return is_good and not errors, errors

    def _check_link(self, link: list[Any], name: str, config: list[Any], errors: list[dict[str, Any]]) -> bool:
        told = _told(config)
        if len(link) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            errors.append(problem("bad_linked_input", message, name, input_name=name, input_config=told, received_value=link))
            return True
        other = link[0]
        received = self.catalog.output_types(self.graph[other]["class_type"])[link[1]]
        if config[0] != "*" and received != "*" and received != config[0]:
            details = f"{name}, received_type({received}) mismatch input_type({config[0]})"
            message = "Return type mismatch between linked nodes"
            facts = {"input_name": name, "input_config": told, "received_type": received, "linked_node": link}
            errors.append(problem("return_type_mismatch", message, details, **facts))
            return True
        try:
            return self.check(other)[0]
        except _Endless:
            raise
        except Exception as error:
            found = _exception("exception_during_inner_validation", "Exception when validating inner node", error)
            facts = {"input_name": name, "input_config": told, "exception_message": str(error), **found["extra_info"]}
            found["extra_info"] = {**facts, "linked_node": link}
            self.checked[other] = (False, [found])
            return False

    def _check_image(self, name: Any) -> list[dict[str, Any]]:
        if isinstance(name, list) or self.folders.annotated(str(name)).is_file():
            return []
        details = f"image - Invalid image file: {name}"
        return [problem("custom_validation_failed", "Custom validation failed for node", details, input_name="image")]


class _Endless(Exception):
    """A cycle in a release that runs into it blindly."""


def _check_value(inputs: dict[str, Any], name: str, config: list[Any], errors: list[dict[str, Any]], *, is_file: bool) -> None:
    kind, limits, value = config[0], config[1] if len(config) > 1 else {}, inputs[name]
    told = _told(config)
    makers = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
    if isinstance(kind, str) and kind in makers:
        try:
            value = inputs[name] = makers[kind](value)
        except Exception as error:
            message = f"Failed to convert an input value to a {kind} value"
            facts = {"input_name": name, "input_config": told, "received_value": value, "exception_message": str(error)}
            errors.append(problem("invalid_input_type", message, f"{name}, {value}, {error}", **facts))
            return
    facts = {"input_name": name, "input_config": told, "received_value": value}
    if "min" in limits and value < limits["min"]:
        message = f"Value {value} smaller than min of {limits['min']}"
        errors.append(problem("value_smaller_than_min", message, name, **facts))
    elif "max" in limits and value > limits["max"]:
        message = f"Value {value} bigger than max of {limits['max']}"
        errors.append(problem("value_bigger_than_max", message, name, **facts))
    elif not is_file:
        _check_choice(value, name, config, told, errors)


def _check_choice(value: Any, name: str, config: list[Any], told: list[Any], errors: list[dict[str, Any]]) -> None:
    choices = config[0] if isinstance(config[0], list) else config[1].get("options") if config[0] == "COMBO" else None
    if choices is None or value in choices:
        return
    is_long = len(choices) > LONGEST_LIST_SHOWN
    shown = f"(list of length {len(choices)})" if is_long else str(choices)
    facts = {"input_name": name, "input_config": None if is_long else told, "received_value": value}
    errors.append(problem("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {shown}", **facts))


def _is_unchecked(config: list[Any]) -> bool:
    """The newer inputs whose parts are dotted names: nothing inside them is looked at before the node runs."""
    return config[0] == "COMFY_DYNAMICCOMBO_V3"


def _told(config: list[Any]) -> list[Any]:
    return [config[0], config[1] if len(config) > 1 else {}]


def _exception(kind: str, message: str, error: Exception) -> dict[str, Any]:
    return problem(
        kind,
        message,
        str(error),
        exception_type=f"{type(error).__name__}",
        traceback=traceback.format_tb(error.__traceback__),
    )
