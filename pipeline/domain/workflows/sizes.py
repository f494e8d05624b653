"""Numbers of frames and sizes that a graph can make, and the cheap numbers of a test shot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.domain.errors import Invalid
from pipeline.domain.workflows.graphs import Graph, link_of
from pipeline.domain.workflows.workflow import Workflow

LEAST_SIDE = 256
LEAST_FRAMES = 5
SIDE_STEP = 16


@dataclass(frozen=True)
class FrameRule:
    """Numbers of frames that a node makes: `step` × k + `rest`; what is asked beyond is cut down to one of them."""

    step: int = 1
    rest: int = 0

    def up(self, frames: int) -> int:
        """The least allowed number that is not less."""
        return max(self.rest or self.step, -(-(frames - self.rest) // self.step) * self.step + self.rest)

    def down(self, frames: int) -> int:
        """The largest allowed number that is not more, but at least the least one."""
        return max(self.rest or self.step, (frames - self.rest) // self.step * self.step + self.rest)


ANY = FrameRule()
_RULES = (
    (re.compile(r"ltxv|cosmos", re.IGNORECASE), FrameRule(8, 1)),
    (re.compile(r"mochi", re.IGNORECASE), FrameRule(6, 1)),
    (re.compile(r"wan|hunyuan|cogvideo|framepack", re.IGNORECASE), FrameRule(4, 1)),
)


def frame_rule(workflow: Workflow, schemas: Mapping[str, Any] | None = None) -> FrameRule:
    """What the nodes behind the slot `frames` can make, told by their class; a server's schemas say it more surely.

    A node that takes its number from there by a link counts too. Of several rules the coarsest holds.
    """
    graph = workflow.graph
    bound = {(binding.node, binding.input) for binding in workflow.bindings if binding.slot == "frames"}
    rules = [_rule_of(graph, node, name, schemas or {}) for node, name in (*bound, *_takers(graph, {node for node, _ in bound}))]
    return max(rules, key=lambda rule: rule.step, default=ANY)


def needed_frames(workflow: Workflow, frames: int, schemas: Mapping[str, Any] | None = None) -> int:
    """How many frames to ask for so that at least this many are made; whoever takes the clip keeps the first `frames`."""
    return frame_rule(workflow, schemas).up(frames)


def preview(
    workflow: Workflow, values: Mapping[str, Any], share: float, schemas: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Values for a cheap test shot: width, height and frames times `share` (above 0, at most 1), all else as it is.

    Sides become multiples of 16 of at least 256 (never more than asked), with the shape kept as far as that allows; frames at
    least 5 (never more than asked), of a number that the graph makes. Raises Invalid for another share.
    """
    if not 0 < share <= 1:
        raise Invalid(f"A test shot has a share of the size above 0 and up to 1, not {share:g}.")
    reduced = dict(values)
    sides = {name: values[name] for name in ("width", "height") if isinstance(values.get(name), (int, float))}
    if sides:
        fitting = min(1.0, max(share, LEAST_SIDE / min(sides.values())))
        reduced |= {name: _side(side, fitting) for name, side in sides.items()}
    frames = values.get("frames")
    if isinstance(frames, int) and not isinstance(frames, bool):
        wanted = min(frames, max(LEAST_FRAMES, round(frames * share)))
        reduced["frames"] = frame_rule(workflow, schemas).down(wanted)
    return reduced


def _side(side: float, share: float) -> int:
    if share == 1:
        return int(side)
    steps = min(round(side * share / SIDE_STEP), int(side) // SIDE_STEP)
    return max(1, steps) * SIDE_STEP


def _takers(graph: Graph, sources: set[str]) -> list[tuple[str, str]]:
    return [(node.id, name) for node in graph.live_nodes() for name, link in node.links() if link.node in sources]


def _rule_of(graph: Graph, node_id: str, name: str, schemas: Mapping[str, Any]) -> FrameRule:
    node = graph.nodes[node_id]
    known = _declared(schemas.get(node.class_type), name)
    if known is not None:
        return known
    is_number = link_of(node.inputs.get(name)) is not None or isinstance(node.inputs.get(name), (int, float))
    fitting = (rule for pattern, rule in _RULES if is_number and pattern.search(node.class_type))
    return next(fitting, ANY)


def _declared(schema: Any, name: str) -> FrameRule | None:
    """The rule that the schema of a node states: from its least value on in steps."""
    groups = schema.get("input") if isinstance(schema, Mapping) else None
    for group in ("required", "optional"):
        entries = groups.get(group) if isinstance(groups, Mapping) else None
        spec = entries.get(name) if isinstance(entries, Mapping) else None
        if not isinstance(spec, list) or len(spec) < 2 or spec[0] != "INT" or not isinstance(spec[1], Mapping):
            continue
        step, least = spec[1].get("step", 1), spec[1].get("min", 0)
        if isinstance(step, int) and isinstance(least, int) and step > 0:
            return FrameRule(step, least % step)
    return None
