"""Whether the bindings of a graph can work, and whether a workflow has what its kind needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.domain.issues import Severity, shorten
from pipeline.domain.names import did_you_mean, listed
from pipeline.domain.workflows.detection import detect, sure
from pipeline.domain.workflows.findings import Finding
from pipeline.domain.workflows.graphs import Graph, link_of
from pipeline.domain.workflows.made import MEASURED, ignores
from pipeline.domain.workflows.outputs import Saves, saves
from pipeline.domain.workflows.slots import IMAGE_SLOTS, SLOTS, Binding, Kind, ValueType, slot_named, type_of

_MOST_PLACES = 3
_SIDES = {"width", "height"}
_NUMBERS = frozenset(name for name, slot in SLOTS.items() if ValueType.INTEGER in slot.types)
_NUMERIC = {ValueType.INTEGER, ValueType.NUMBER}
_WANTED: Mapping[Kind, tuple[tuple[str, Severity, str], ...]] = {
    Kind.SEGMENT: (
        ("start_image", Severity.ERROR, "It takes no start image, so a segment cannot begin where the one before it ended."),
        ("prompt", Severity.WARNING, "It takes no prompt, so what a scene says has no effect."),
        ("seed", Severity.WARNING, "It takes no seed, so a retake may give the same picture and a repetition another one."),
        ("width", Severity.WARNING, "It takes no width; its clips have the size that the graph says."),
        ("height", Severity.WARNING, "It takes no height; its clips have the size that the graph says."),
        ("frames", Severity.WARNING, "It takes no number of frames; its clips are as long as the graph says."),
        ("fps", Severity.INFO, "It takes no frame rate."),
    ),
    Kind.STILL: (
        ("prompt", Severity.WARNING, "It takes no prompt, so what a variant says has no effect."),
        ("seed", Severity.WARNING, "It takes no seed, so all candidates may be the same picture."),
        ("width", Severity.WARNING, "It takes no width; its pictures have the size that the graph says."),
        ("height", Severity.WARNING, "It takes no height; its pictures have the size that the graph says."),
    ),
}


def check(graph: Graph, bindings: Sequence[Binding], kind: Kind) -> tuple[Finding, ...]:
    """Everything that keeps these bindings from working, and what a workflow of this kind lacks."""
    found = [finding for binding in bindings for finding in _faults(graph, binding)]
    found += _taken_twice(bindings)
    found += _mistaken(bindings, sure(detect(graph, kind)))
    bound = {binding.slot for binding in bindings}
    for slot, severity, told in _WANTED[kind]:
        if slot not in bound:
            found.append(Finding(severity, told, f"{cure_of(graph, kind, (slot,))}.", slot=slot))
    found += _results(graph, kind)
    return tuple(found)


def _mistaken(bindings: Sequence[Binding], seen: Iterable[Binding]) -> Iterator[Finding]:
    """Warnings for what is bound to an input that is another thing by its name: a seed to the steps, a picture to a prompt."""
    others = {(one.node, one.input): one.slot for one in seen}
    for one in bindings:
        other = others.get((one.node, one.input), one.slot)
        if other == one.slot or one.slot not in SLOTS:
            continue
        are_numbers = {one.slot, other} <= _NUMBERS
        if are_numbers or (one.slot in IMAGE_SLOTS) != (other in IMAGE_SLOTS):
            told = f"The {SLOTS[one.slot].words} is bound to what seems to be the {SLOTS[other].words}."
            cure = f"See that {one.node}.{one.input} is the input that you mean."
            yield Finding(Severity.WARNING, told, cure, one.node, one.input, one.slot)


def cure_of(graph: Graph, kind: Kind, slots: Sequence[str]) -> str:
    """What to bind so that these slots have an effect, without a full stop at the end."""
    places = {slot: _places(graph, kind, slot) for slot in slots}
    if not all(places.values()) and set(slots) <= _SIDES and _places(graph, kind, slots[0], may_be_in_vain=True):
        return f"Add an ImageScale node at the end, and bind {' and '.join(slots)} to it"
    return "Bind " + " and ".join(f"{slot} to {place or 'the input that takes it'}" for slot, place in places.items())


def _places(graph: Graph, kind: Kind, slot: str, *, may_be_in_vain: bool = False) -> str:
    """The inputs that may be meant by a slot, where any look like it; without those that do not decide what comes out."""
    outputs = result_nodes(graph, kind)
    likely = [one.binding for one in detect(graph, kind) if one.binding.slot == slot]
    if slot in MEASURED and not may_be_in_vain:
        likely = [one for one in likely if not ignores(graph, outputs, [one], slot)]
    return " or ".join(f"{one.node}.{one.input}" for one in likely[:_MOST_PLACES])


def result_nodes(graph: Graph, kind: Kind) -> tuple[str, ...]:
    """The ids of the output nodes whose files are the result. A clip is a video where one is saved, else the saved pictures."""
    saved = {node.id: saves(node) for node in graph.output_nodes}
    first = Saves.VIDEO if kind is Kind.SEGMENT else Saves.IMAGES
    others = (Saves.UNKNOWN, Saves.IMAGES) if kind is Kind.SEGMENT else (Saves.UNKNOWN,)
    for wanted in (first, *others):
        nodes = tuple(key for key, what in saved.items() if what is wanted)
        if nodes:
            return nodes
    return ()


def _faults(graph: Graph, binding: Binding) -> Iterator[Finding]:
    def error(message: str, cure: str) -> Finding:
        return Finding(Severity.ERROR, message, cure, binding.node, binding.input, binding.slot)

    slot = slot_named(binding.slot)
    if slot is None:
        cure = did_you_mean(binding.slot[:80], SLOTS, cure="") or f"Slots are {', '.join(SLOTS)} and custom:NAME."
        yield error(f'There is no slot "{shorten(binding.slot)}".', cure)
        return
    node = graph.nodes.get(binding.node)
    if node is None:
        cure = did_you_mean(binding.node[:80], graph.nodes if len(graph.nodes) <= 12 else (), cure="Look the id up in the graph.")
        yield error(f'The {slot.words} is bound to node "{shorten(binding.node, 30)}", which does not exist.', cure)
        return
    if binding.input not in node.inputs:
        plain = [name for name, value in node.inputs.items() if link_of(value) is None]
        told = f'The {slot.words} is bound to "{shorten(binding.input)}" of {node.words}, which has no such input.'
        yield error(told, did_you_mean(binding.input[:80], plain, cure=f"It has: {listed(plain)}."))
        return
    value = node.inputs[binding.input]
    link = link_of(value)
    if link is not None:
        told = f'The {slot.words} is bound to "{shorten(binding.input)}" of {node.words}, which is linked to node {link.node}.'
        yield error(told, f"Bind an input of node {shorten(link.node, 30)}, or remove the link.")
    elif binding.type not in slot.types:
        yield error(f"The {slot.words} cannot go into an input of type {binding.type}.", f"Use {_or(slot.types)}.")
    elif not _agrees(binding, type_of(binding.slot, value)):
        told = f'The {slot.words} is bound to "{shorten(binding.input)}" of {node.words}, which holds {_held(value)}.'
        yield error(told, f"Bind it to an input that holds {_or((binding.type,))}.")
    elif binding.node not in graph.reachable:
        told = f"The {slot.words} is bound to {node.words}, which no output needs, so it has no effect."
        yield Finding(Severity.WARNING, told, "Bind a node that is used.", binding.node, binding.input, binding.slot)


def _agrees(binding: Binding, held: ValueType | None) -> bool:
    """Whether an input that holds a value of this type can take the binding's. Custom pictures are names, so texts."""
    if held is binding.type:
        return True
    if {held, binding.type} <= _NUMERIC:
        return True
    return binding.type is ValueType.IMAGE and held is ValueType.TEXT


def _held(value: object) -> str:
    if isinstance(value, bool):
        return "a switch"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return f'the text "{shorten(value, 30)}"' if isinstance(value, str) else "no plain value"


def _or(types: Iterable[ValueType]) -> str:
    names = {"image": "an image name", "text": "text", "integer": "a whole number", "number": "a number", "switch": "a switch"}
    return " or ".join(names[kind.value] for kind in types)


def _taken_twice(bindings: Sequence[Binding]) -> Iterator[Finding]:
    taken: dict[tuple[str, str], str] = {}
    for binding in bindings:
        first = taken.setdefault((binding.node, binding.input), binding.slot)
        if first != binding.slot:
            place = f'Input "{shorten(binding.input)}" of node {shorten(binding.node, 30)}'
            told = f"{place} is bound twice: to {first} and {binding.slot}."
            yield Finding(Severity.ERROR, told, "Keep one of them.", binding.node, binding.input, binding.slot)


def _results(graph: Graph, kind: Kind) -> Iterator[Finding]:
    nodes = [graph.nodes[key] for key in result_nodes(graph, kind)]
    if not nodes:
        wanted = "SaveVideo" if kind is Kind.SEGMENT else "SaveImage"
        what = "a clip" if kind is Kind.SEGMENT else "a picture"
        told = f"It saves nothing that {what} could be taken from; previews do not count."
        yield Finding(Severity.ERROR, told, f"Add a {wanted} node.")
        return
    if kind is Kind.SEGMENT and saves(nodes[0]) is Saves.IMAGES:
        told = "It saves single pictures, not a video; each frame is fetched by itself."
        yield Finding(Severity.WARNING, told, "Add a CreateVideo and a SaveVideo node.", nodes[0].id)
    if len(nodes) > 1:
        told = f"It saves more than one result: nodes {listed(node.id for node in nodes)}. The first one counts."
        yield Finding(Severity.WARNING, told, "Keep one output node.", nodes[1].id)
