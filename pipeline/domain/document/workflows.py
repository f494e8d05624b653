"""The workflow of a scene type, a variant or a location: a path alone, a path with bindings, or a registered one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.workflows.library import Reference, reference_of


@dataclass(frozen=True)
class WrittenWorkflow:
    """What a document says of one workflow; `file` is None where it says nothing."""

    file: str | None = None
    bindings: Mapping[str, str] = field(default_factory=dict)


def read(value: Any) -> WrittenWorkflow:
    """The workflow of a checked value."""
    if isinstance(value, str):
        return WrittenWorkflow(value)
    if isinstance(value, Mapping) and "registered" in value:
        return WrittenWorkflow(str(Reference(value["registered"], value.get("version"))), value.get("bindings", {}))
    if not isinstance(value, Mapping) or "file" not in value:
        return WrittenWorkflow()
    return WrittenWorkflow(value["file"], value.get("bindings", {}))


def written(file: str | None, bindings: Mapping[str, str]) -> Any:
    """The value to write; the path alone where there are no bindings."""
    reference = reference_of(file)
    if reference is not None:
        number = {} if reference.number is None else {"version": reference.number}
        return {"registered": reference.name, **number, **({"bindings": dict(bindings)} if bindings else {})}
    return {"file": file, "bindings": dict(bindings)} if file and bindings else file
