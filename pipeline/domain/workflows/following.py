"""Whether what a workflow makes has the size, the length and the rate that a request asks for: anything else is refused.

What the graph says by itself is concluded where that is certain (see `made`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.issues import Severity
from pipeline.domain.workflows.bindings import cure_of
from pipeline.domain.workflows.findings import Finding
from pipeline.domain.workflows.made import TRIED, ignores, made
from pipeline.domain.workflows.sizes import needed_frames
from pipeline.domain.workflows.slots import SLOTS, Kind
from pipeline.domain.workflows.workflow import Workflow


class Aspect(StrEnum):
    """What of a result must be exactly as it was asked for."""

    SIZE = "size"
    LENGTH = "length"
    RATE = "rate"


SLOTS_OF: Mapping[Aspect, tuple[str, ...]] = {
    Aspect.SIZE: ("width", "height"),
    Aspect.LENGTH: ("frames",),
    Aspect.RATE: ("fps",),
}
_ASPECTS: Mapping[Kind, tuple[Aspect, ...]] = {Kind.SEGMENT: tuple(Aspect), Kind.STILL: (Aspect.SIZE,)}
_RESULTS: Mapping[Kind, str] = {Kind.SEGMENT: "clips", Kind.STILL: "pictures"}
_OR: Mapping[Kind, str] = {Kind.SEGMENT: ", or let the scene type ask for {found}", Kind.STILL: ""}


@dataclass(frozen=True)
class Asked:
    """What a request asks for. Sides in pixels, the rate in frames per second; of stills only the sides count."""

    width: int
    height: int
    frames: int = 1
    fps: float = 1.0


def shortfalls(workflow: Workflow, asked: Asked) -> Iterator[Finding]:
    """What of the asked a workflow does not make: an error where that is certain, a warning where the graph does not tell."""
    values = vars(asked) | {"frames": needed_frames(workflow, asked.frames)}
    result = vars(made(workflow.graph, workflow.outputs, workflow.bindings, values))
    things = _RESULTS[workflow.kind]
    for aspect in _ASPECTS[workflow.kind]:
        slots = SLOTS_OF[aspect]
        wanted = _words(aspect, values)
        if any(result[slot] not in (None, values[slot]) for slot in slots):
            cure, found = cure_of(workflow.graph, workflow.kind, slots), _words(aspect, result)
            told = f"Its {things} have {found}, not {wanted} as asked for, so each would be refused after it was made."
            yield Finding(Severity.ERROR, told, f"{cure}{_OR[workflow.kind].format(found=found)}.")
        elif any(result[slot] is None and slot not in workflow.slots for slot in slots):
            free = " and no ".join(SLOTS[slot].words for slot in slots if slot not in workflow.slots)
            told = f"It takes no {free}; {things} of another {aspect} than {wanted} are refused after they were made."
            yield Finding(Severity.WARNING, told, f"{cure_of(workflow.graph, workflow.kind, slots)}.")


def unfollowed(workflow: Workflow) -> tuple[Aspect, ...]:
    """What of a request has no effect on the result, or not always the one that is asked for."""
    found = made(workflow.graph, workflow.outputs, workflow.bindings, TRIED[0])
    return tuple(
        aspect
        for aspect in _ASPECTS[workflow.kind]
        for slots in [SLOTS_OF[aspect]]
        if any(ignores(workflow.graph, workflow.outputs, workflow.bindings, slot) for slot in slots)
        or any(slot not in workflow.slots and getattr(found, slot) is None for slot in slots)
    )


def caution(workflow: Workflow) -> str:
    """What a test shot does not show: that scenes may be refused for what the graph decides. Empty where it follows in all."""
    aspects = unfollowed(workflow)
    if not aspects:
        return ""
    what = " and ".join(f"the {aspect}" for aspect in aspects)
    return f"the graph decides {what} by itself: {_RESULTS[workflow.kind]} that are asked for otherwise are refused"


def _words(aspect: Aspect, values: Mapping[str, float | None]) -> str:
    sides, frames, fps = (values["width"], values["height"]), values["frames"], values["fps"]
    if aspect is Aspect.SIZE:
        return "x".join("?" if side is None else f"{side:g}" for side in sides)
    return f"{frames:g} frames" if aspect is Aspect.LENGTH else f"{fps:g} fps"
