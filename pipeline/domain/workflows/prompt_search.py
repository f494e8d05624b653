"""Finds the prompts of a graph: back from the samplers' `positive` and `negative` to the texts that are encoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.domain.workflows.graphs import Graph, Link, Node
from pipeline.domain.workflows.sources import Held, behind

_TEXT_INPUTS = ("text", "prompt", "text_g", "text_l", "clip_l", "clip_g", "t5xxl", "llama", "positive_prompt", "string")
_ENCODER = re.compile(r"text.*encode|encode.*text|cliptext|prompt", re.IGNORECASE)
_SIDES = {"positive": "prompt", "negative": "negative_prompt"}
_POSITIVE = re.compile(r"positive", re.IGNORECASE)
_NEGATIVE = re.compile(r"negative", re.IGNORECASE)
_PASSED_ON = re.compile(r"cond|positive|negative|guider|embeds", re.IGNORECASE)


class Wording(NamedTuple):
    """A text that seems to be a prompt: its slot, where it is held, how sure that is, and why."""

    slot: str
    held: Held
    confidence: float
    reason: str


def prompts(graph: Graph) -> tuple[Wording, ...]:
    """The prompts of a graph. A text that is both sides of a sampler is the prompt alone."""
    found: dict[Held, Wording] = {}
    for wording in (*_from_samplers(graph), *_by_name(graph)):
        known = found.get(wording.held)
        if known is None or (known.slot == "negative_prompt" and wording.slot == "prompt" and wording.confidence > 0.9):
            found[wording.held] = wording
    if not found:
        found = {wording.held: wording for wording in _by_title(graph)}
    return tuple(found.values())


def _from_samplers(graph: Graph) -> Iterator[Wording]:
    for side, slot in _SIDES.items():
        for node in graph.live_nodes():
            for name, link in node.links():
                if name == side or (name == "conditioning" and side == "positive" and "guider" in node.class_type.casefold()):
                    for held in _encoded(graph, link, side):
                        yield Wording(slot, held, 0.95, f'it is behind "{name}" of {node.class_type}')


def _encoded(graph: Graph, start: Link, side: str) -> Iterator[Held]:
    """The texts behind a conditioning. A node that passes both sides on gives its output 0 from positive, 1 from negative."""
    pending, seen = [(start, side)], set()
    while pending:
        link, side = pending.pop()
        if (link, side) in seen:
            continue
        seen.add((link, side))
        node = graph.nodes[link.node]
        texts = list(_texts(graph, node))
        if texts:
            yield from texts
            continue
        links = dict(node.links())
        if "positive" in links and "negative" in links:
            passed = "positive" if link.slot == 0 else "negative"
            pending.append((links[passed], passed))
        else:
            pending += [(further, side) for name, further in links.items() if len(links) == 1 or _PASSED_ON.search(name)]


def _texts(graph: Graph, node: Node) -> Iterator[Held]:
    """The texts that a node encodes; none for one that only passes a conditioning on."""
    if not _ENCODER.search(node.class_type):
        return
    for name in _TEXT_INPUTS:
        held = behind(graph, node, name)
        if held is not None and isinstance(held.value(graph), str):
            yield held


def _by_name(graph: Graph) -> Iterator[Wording]:
    """Inputs that say it themselves, as in nodes that encode both prompts at once."""
    for node in graph.live_nodes():
        for name in ("positive_prompt", "negative_prompt"):
            held = behind(graph, node, name)
            if held is not None and isinstance(held.value(graph), str):
                yield Wording("prompt" if name == "positive_prompt" else name, held, 0.9, "it is named so")


def _by_title(graph: Graph) -> Iterator[Wording]:
    """Where no sampler leads to a text: titles, and a text that is the only one."""
    texts = [held for node in graph.live_nodes() for held in _texts(graph, node)]
    for held in texts:
        title = graph.nodes[held.node].title
        if _NEGATIVE.search(title):
            yield Wording("negative_prompt", held, 0.8, f'its title is "{title}"')
        elif _POSITIVE.search(title):
            yield Wording("prompt", held, 0.8, f'its title is "{title}"')
        elif len(texts) == 1:
            yield Wording("prompt", held, 0.65, "it is the only text that is encoded")
