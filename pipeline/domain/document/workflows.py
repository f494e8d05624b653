"""The workflow of a scene type, a variant or a location: a path alone, or a path with bindings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class WrittenWorkflow:
    """What a document says of one workflow; `file` is None where it says nothing."""

    file: str | None = None
    bindings: Mapping[str, str] = field(default_factory=dict)


def read(value: Any) -> WrittenWorkflow:
    """The workflow of a checked value."""
    if isinstance(value, str):
        return WrittenWorkflow(value)
    if not isinstance(value, Mapping) or "file" not in value:
        return WrittenWorkflow()
    return WrittenWorkflow(value["file"], value.get("bindings", {}))


def written(file: str | None, bindings: Mapping[str, str]) -> Any:
    """The value to write; the path alone where there are no bindings."""
    return {"file": file, "bindings": dict(bindings)} if file and bindings else file
