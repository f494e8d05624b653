"""What a server says of its node classes (`/object_info`), read leniently: what is not understood demands nothing.

The forms of 0.3.64 and 0.33.0 are understood: a choice is a list of options in place of a type, or the type COMBO with `options`;
a dynamic combo has inputs of its own for each option, named `combo.input` in a graph.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
_DEEPEST = 8
_OURS = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")
"""What we call a picture that we send to a server: by its content."""


@dataclass(frozen=True)
class InputSchema:
    """One input of a class. `type` is ComfyUI's name; `options` is None where it is no choice, a limit where there is none."""

    name: str
    type: str
    is_required: bool
    options: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    is_upload: bool = False


@dataclass(frozen=True)
class NodeSchema:
    """One class: its inputs as they are for certain values of a node, what comes out of it, and whether graphs run for it."""

    declared: Mapping[str, Any]

    @property
    def outputs(self) -> tuple[Any, ...]:
        """The types of its outputs, in order."""
        found = self.declared.get("output")
        return tuple(found) if isinstance(found, list) else ()

    @property
    def is_output_node(self) -> bool:
        """Whether a server runs graphs for it."""
        return self.declared.get("output_node") is True

    def inputs(self, values: Mapping[str, Any]) -> tuple[InputSchema, ...]:
        """Its inputs, those that the chosen options of dynamic combos bring included."""
        return tuple(_inputs(self.declared.get("input"), values, prefix="", depth=0, flat=frozenset(_names(self.declared))))


def schema_of(schemas: Mapping[str, Any], class_type: str) -> NodeSchema | None:
    """The schema of a class; None when the server does not have it."""
    declared = schemas.get(class_type)
    return NodeSchema(declared) if isinstance(declared, Mapping) else None


def _names(declared: Mapping[str, Any]) -> Iterator[str]:
    groups = declared.get("input")
    for group in ("required", "optional"):
        entries = groups.get(group) if isinstance(groups, Mapping) else None
        yield from entries if isinstance(entries, Mapping) else ()


def _inputs(groups: Any, values: Mapping[str, Any], *, prefix: str, depth: int, flat: frozenset[str]) -> Iterator[InputSchema]:
    if not isinstance(groups, Mapping) or depth > _DEEPEST:
        return
    for group in ("required", "optional"):
        entries = groups.get(group)
        for name, spec in entries.items() if isinstance(entries, Mapping) else ():
            whole = f"{prefix}{name}"
            # A node that keeps an old flat input beside the dotted one takes graphs of either form.
            is_required = group == "required" and not (prefix and name in flat)
            schema = _input(whole, spec, is_required=is_required)
            if schema is None:
                continue
            yield schema
            if schema.type == DYNAMIC:
                chosen = _chosen(spec, values.get(whole))
                yield from _inputs(chosen, values, prefix=f"{whole}.", depth=depth + 1, flat=flat)


def without_our_uploads(catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """What a server can do, without the pictures that we have sent there.

    It lists them among the values of their inputs, and what it can do does not change with each of them.
    """
    return {name: _without_uploads(declared) for name, declared in catalogue.items()}


def _without_uploads(declared: Any) -> Any:
    groups = declared.get("input") if isinstance(declared, Mapping) else None
    if not isinstance(groups, Mapping):
        return declared
    kept = {
        group: {name: _spec_without_uploads(spec) for name, spec in entries.items()} if isinstance(entries, Mapping) else entries
        for group, entries in groups.items()
    }
    return {**declared, "input": kept}


def _spec_without_uploads(spec: Any) -> Any:
    schema = _input("", spec, is_required=False)
    if schema is None or not schema.is_upload:
        return spec
    kind, facts, *rest = spec
    if isinstance(kind, list):
        return [_others(kind), facts, *rest]
    return [kind, {**facts, "options": _others(facts["options"])}, *rest] if isinstance(facts.get("options"), list) else spec


def _others(names: list[Any]) -> list[Any]:
    return [name for name in names if not (isinstance(name, str) and _OURS.fullmatch(name))]


def _input(name: str, spec: Any, *, is_required: bool) -> InputSchema | None:
    if not isinstance(spec, Sequence) or isinstance(spec, str) or not spec:
        return None
    kind, facts = spec[0], spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
    is_upload = any(key.endswith("_upload") and value is True for key, value in facts.items() if isinstance(key, str))
    if isinstance(kind, list):
        return InputSchema(name, "COMBO", is_required, tuple(kind), is_upload=is_upload)
    if not isinstance(kind, str):
        return None
    return InputSchema(
        name, kind, is_required,
        options=_options(kind, facts), minimum=_limit(facts.get("min")), maximum=_limit(facts.get("max")), is_upload=is_upload,
    )  # fmt: skip


def _options(kind: str, facts: Mapping[str, Any]) -> tuple[Any, ...] | None:
    options = facts.get("options")
    if not isinstance(options, list):
        return None
    if kind == "COMBO":
        return None if facts.get("multiselect") is True else tuple(options)
    if kind == DYNAMIC:
        return tuple(option.get("key") for option in options if isinstance(option, Mapping))
    return None


def _chosen(spec: Any, value: Any) -> Any:
    """The inputs of the chosen option of a dynamic combo."""
    options = spec[1].get("options") if len(spec) > 1 and isinstance(spec[1], Mapping) else None
    for option in options if isinstance(options, list) else ():
        if isinstance(option, Mapping) and option.get("key") == value:
            return option.get("inputs")
    return None


def _limit(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None
