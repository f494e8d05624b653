"""Puts values into the slots of a workflow, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline.domain.errors import Invalid
from pipeline.domain.issues import shorten
from pipeline.domain.workflows.plain_values import LARGEST_NUMBER, fault_of_text
from pipeline.domain.workflows.slots import CUSTOM, IMAGE_SLOTS, Binding, Range, ValueType, is_slot, slot_named
from pipeline.domain.workflows.workflow import Workflow

NEEDED = (*IMAGE_SLOTS, "prompt", "seed")
"""A workflow with one of these slots is never sent with what the graph happens to hold there."""
_PARAMETERS = ("prompt", "negative_prompt", "seed", "width", "height", "frames", "fps", "steps", "model")


def values_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a request's own parameters have for slots; `custom:NAME` takes the parameter NAME if it is a plain value.

    Pictures and the file name prefix are for whoever talks to the server to add.
    """
    named = {name: parameters[name] for name in _PARAMETERS if parameters.get(name) is not None}
    free = {f"{CUSTOM}{name}": value for name, value in parameters.items() if isinstance(value, (str, int, float))}
    return named | {name: value for name, value in free.items() if is_slot(name)}


def filled(workflow: Workflow, values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the graph with the values in its slots, to be sent as it is. Values for slots that it does not have are left out.

    Raises Invalid for a value of the wrong type or out of range, and for a missing picture, prompt or seed.
    """
    missing = [slot for slot in NEEDED if slot in workflow.slots and values.get(slot) is None]
    if missing:
        slot = slot_named(missing[0])
        raise Invalid(f"The workflow {workflow.name} needs {slot.with_article if slot else missing[0]}, and there is none.")
    graph = workflow.graph.to_json()
    for binding in workflow.bindings:
        value = values.get(binding.slot)
        if value is not None:
            graph[binding.node]["inputs"][binding.input] = converted(binding, value)
    return graph


def converted(binding: Binding, value: Any) -> Any:
    """One value as the input of a binding takes it: text stays text whatever it holds. Raises Invalid where it does not fit."""
    slot = slot_named(binding.slot)
    if slot is None:
        raise Invalid(f'There is no slot "{shorten(binding.slot)}".')
    if binding.type in (ValueType.TEXT, ValueType.IMAGE):
        return _text(slot.words, value, may_be_empty=binding.type is ValueType.TEXT)
    if binding.type is ValueType.SWITCH:
        if not isinstance(value, bool):
            raise Invalid(f"The {slot.words} must be true or false, not {shorten(repr(value))}.")
        return value
    number = _number(slot.words, value, slot.range)
    if binding.type is ValueType.NUMBER:
        return float(number)
    if number != math.floor(number):
        raise Invalid(f"The {slot.words} must be a whole number here, not {number}.")
    return int(number)


def _text(words: str, value: Any, *, may_be_empty: bool) -> str:
    if not isinstance(value, str):
        raise Invalid(f"The {words} must be text, not {shorten(repr(value))}.")
    fault = fault_of_text(value)
    if fault or not (may_be_empty or value.strip()):
        raise Invalid(f"The {words} {fault or 'is empty.'}")
    return value


def _number(words: str, value: Any, limits: Range | None) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Invalid(f"The {words} must be a number, not {shorten(repr(value))}.")
    low, high = (limits.minimum, limits.maximum) if limits else (-LARGEST_NUMBER, LARGEST_NUMBER)
    if not low <= value <= high:
        raise Invalid(f"The {words} must be from {low:g} to {high:g}, not {value:g}.")
    return value
