"""Proposes bindings for a graph: which inputs hold the start image, the prompts, the seed, the size …, how surely, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.domain.workflows.graphs import Graph, Node, link_of
from pipeline.domain.workflows.outputs import Saves, saves
from pipeline.domain.workflows.prompt_search import prompts
from pipeline.domain.workflows.slots import Binding, Kind, slot_named, type_of
from pipeline.domain.workflows.sources import Held, behind

SURE_ENOUGH = 0.6
"""From this confidence on a proposal is used where nobody has chosen."""

_IMAGE_LOADER = re.compile(r"load.*image|image.*load|^LoadImage", re.IGNORECASE)
_MASK = re.compile(r"mask", re.IGNORECASE)
_IMAGE_INPUTS = ("image", "image_path", "path", "filename")
_END = re.compile(r"\b(end|last|final)\b|end_|last_", re.IGNORECASE)
_START = re.compile(r"\b(start|first|init|initial|input)\b|start_|first_|init_", re.IGNORECASE)
_SOURCE = re.compile(
    r"\b(source|reference|ref|face|identity|character|person|style|pose)\b|ref_|reference_|ipadapter", re.IGNORECASE
)
_SIZES = re.compile(r"latent|tovideo|i2v|img2vid|image2video|videolatent|emptysd3|inpaintmodel", re.IGNORECASE)
_RESIZES = re.compile(r"scale|resize|crop|upscale", re.IGNORECASE)
_FRAME_INPUTS = ("length", "num_frames", "frames", "video_frames", "video_length", "frame_count", "total_frames", "frames_number")
_RATE_INPUTS = ("fps", "frame_rate")
_MODEL_INPUTS = ("unet_name", "ckpt_name", "diffusion_model", "model_name", "model")
_MODEL_LOADER = re.compile(r"unet|checkpoint|diffusion.?model|wanvideomodel|modelload", re.IGNORECASE)
_LATENT_CONDITIONING = re.compile(r"img2vid_conditioning", re.IGNORECASE)


@dataclass(frozen=True)
class Proposal:
    """A binding that seems right: `confidence` from 0 to 1, `reason` reads on after "because"."""

    binding: Binding
    confidence: float
    reason: str


def kind_of(graph: Graph) -> Kind:
    """What a graph seems to be for: a still where it saves pictures and no video.

    Where it saves neither, it is a segment if it loads a picture to begin with, or saves what is not known and may be a clip.
    """
    saved = {saves(node) for node in graph.output_nodes}
    if Saves.VIDEO in saved:
        return Kind.SEGMENT
    may_be_clip = Saves.UNKNOWN in saved or any(_loaded(node) for node in graph.live_nodes())
    return Kind.SEGMENT if may_be_clip and Saves.IMAGES not in saved else Kind.STILL


def detect(graph: Graph, kind: Kind | None = None) -> tuple[Proposal, ...]:
    """Bindings for a graph, the surest first; each input once. Without `kind` it is told by what the graph saves."""
    kind = kind or kind_of(graph)
    found = [
        *_images(graph, kind),
        *(_proposal(graph, *wording) for wording in prompts(graph)),
        *_numbers(graph, "seed", ("seed", "noise_seed"), 0.95, "it is named so"),
        *_sides(graph),
        *(_frames(graph) if kind is Kind.SEGMENT else ()),
        *_rates(graph),
        *_steps(graph),
        *_prefixes(graph),
        *_models(graph),
    ]
    best: dict[tuple[str, str], Proposal] = {}
    for proposal in sorted((one for one in found if one is not None), key=lambda one: -one.confidence):
        best.setdefault((proposal.binding.node, proposal.binding.input), proposal)
    return tuple(best.values())


def sure(proposals: Iterable[Proposal]) -> tuple[Binding, ...]:
    """The bindings of those proposals that may be used without asking."""
    return tuple(proposal.binding for proposal in proposals if proposal.confidence >= SURE_ENOUGH)


def _proposal(graph: Graph, slot: str, held: Held, confidence: float, reason: str) -> Proposal | None:
    """A proposal for an input, if its value is of a type that the slot takes. A fitting title makes it surer."""
    kind = type_of(slot, held.value(graph))
    known = slot_named(slot)
    if known is None or kind not in known.types:
        return None
    title = graph.nodes[held.node].title.casefold()
    if title and known.words.split(" ")[0] in title:
        confidence, reason = min(1.0, confidence + 0.1), f'{reason}, and its title is "{title}"'
    return Proposal(Binding(slot, held.node, held.input, kind), round(confidence, 2), reason)


def _numbers(graph: Graph, slot: str, names: Sequence[str], confidence: float, reason: str) -> Iterator[Proposal | None]:
    """Every live input of these names, followed to the node that holds the number."""
    for node in graph.live_nodes():
        for name in names:
            held = behind(graph, node, name)
            if held is not None:
                yield _proposal(graph, slot, held, confidence, reason)


# Pictures ---------------------------------------------------------------------------------------------------------


def _images(graph: Graph, kind: Kind) -> Iterator[Proposal | None]:
    loaders = [held for node in graph.live_nodes() if (held := _loaded(node)) is not None]
    usual = "start_image" if kind is Kind.SEGMENT else "source_image"
    slots = {held: _image_slot(graph, held) for held in loaders}
    free = [held for held, (slot, _) in slots.items() if not slot]
    for held, (slot, reason) in slots.items():
        if slot == "start_image" and kind is Kind.STILL:
            slot = "source_image"
        if slot:
            yield _proposal(graph, slot, held, 0.9, reason)
        elif len(loaders) == 1:
            yield _proposal(graph, usual, held, 0.85, "it is the only picture that is loaded")
        else:
            taken = usual in {one for one, _ in slots.values()}
            alone = len(free) == 1 and not taken
            yield _proposal(graph, usual, held, 0.7 if alone else 0.3, "it is one of several pictures that are loaded")


def _loaded(node: Node) -> Held | None:
    if not _IMAGE_LOADER.search(node.class_type) or _MASK.search(node.class_type):
        return None
    name = next((name for name in _IMAGE_INPUTS if isinstance(node.inputs.get(name), str)), None)
    return Held(node.id, name) if name else None


def _image_slot(graph: Graph, held: Held) -> tuple[str, str]:
    """The slot that title or use of a loaded picture tells, with the reason; empty when they tell nothing."""
    title = graph.nodes[held.node].title
    uses = list(_uses(graph, held.node))
    told = [(title, f'its title is "{title}"'), *((use, f"it goes into {use}") for use in uses)]
    for text, reason in told:
        for slot, pattern in (("end_image", _END), ("source_image", _SOURCE), ("start_image", _START)):
            if pattern.search(text):
                return slot, reason
    return "", ""


def _uses(graph: Graph, key: str) -> Iterator[str]:
    """The names of the inputs that a picture goes into, through nodes that only change its size."""
    pending, seen = [key], {key}
    while pending:
        source = pending.pop()
        for node in graph.live_nodes():
            for name, link in node.links():
                if link.node != source or node.id in seen:
                    continue
                if _RESIZES.search(node.class_type) or node.class_type == "Reroute":
                    seen.add(node.id)
                    pending.append(node.id)
                else:
                    yield f"{name} of {node.class_type}"


# Sizes and lengths ------------------------------------------------------------------------------------------------


def _sides(graph: Graph) -> Iterator[Proposal | None]:
    live = [node for node in graph.live_nodes() if "width" in node.inputs and "height" in node.inputs]
    latents = [node for node in live if _SIZES.search(node.class_type)]
    if latents:
        for node in latents:
            yield from _size(graph, node, 0.9, "it is the size of what is generated")
        return
    canvases = [node for node in live if not _RESIZES.search(node.class_type) and not _MASK.search(node.class_type)]
    if canvases:
        yield from _size(graph, max(canvases, key=_area), 0.65, "it is the largest canvas")
        return
    for node in live:
        alone = len(live) == 1
        yield from _size(graph, node, 0.6 if alone else 0.3, "it changes the size of the picture")


def _size(graph: Graph, node: Node, confidence: float, reason: str) -> Iterator[Proposal | None]:
    for slot in ("width", "height"):
        held = behind(graph, node, slot)
        if held is not None:
            yield _proposal(graph, slot, held, confidence, reason)


def _area(node: Node) -> float:
    sides = [side for name in ("width", "height") if isinstance(side := node.inputs[name], (int, float))]
    return sides[0] * sides[1] if len(sides) == 2 else 0.0


def _frames(graph: Graph) -> Iterator[Proposal | None]:
    live = list(graph.live_nodes())
    for node in live:
        generates = _SIZES.search(node.class_type) or "sampler" in node.class_type.casefold()
        for name in _FRAME_INPUTS:
            held = behind(graph, node, name)
            if held is not None and not isinstance(node.inputs.get("batch_index"), int):
                yield _proposal(graph, "frames", held, 0.9 if generates else 0.5, "it is named so")
        if node.class_type == "RepeatImageBatch":
            yield _proposal(graph, "frames", Held(node.id, "amount"), 0.7, "the picture is repeated this many times")
    if not any("length" in node.inputs or "amount" in node.inputs for node in live):
        for node in live:
            if "batch_size" in node.inputs and ("Empty" in node.class_type):
                yield _proposal(graph, "frames", Held(node.id, "batch_size"), 0.4, "a batch of pictures may be the frames")


def _rates(graph: Graph) -> Iterator[Proposal | None]:
    for node in graph.live_nodes():
        confidence = 0.4 if _LATENT_CONDITIONING.search(node.class_type) else 0.9
        for name in _RATE_INPUTS:
            held = behind(graph, node, name)
            if held is not None:
                yield _proposal(graph, "fps", held, confidence, "it is named so")


def _steps(graph: Graph) -> Iterator[Proposal | None]:
    for node in graph.live_nodes():
        held = behind(graph, node, "steps")
        if held is not None:
            parted = "end_at_step" in node.inputs
            reason = "it is named so" + (", but the sampler stops at a step of its own" if parted else "")
            yield _proposal(graph, "steps", held, 0.4 if parted else 0.85, reason)


def _prefixes(graph: Graph) -> Iterator[Proposal | None]:
    for node in graph.output_nodes:
        held = behind(graph, node, "filename_prefix")
        if held is not None and saves(node) is not Saves.NOTHING:
            yield _proposal(graph, "filename_prefix", held, 0.95, "it names the saved files")


def _models(graph: Graph) -> Iterator[Proposal | None]:
    held = [
        Held(node.id, name)
        for node in graph.live_nodes()
        if _MODEL_LOADER.search(node.class_type)
        for name in _MODEL_INPUTS
        if isinstance(node.inputs.get(name), str) and link_of(node.inputs[name]) is None
    ]
    for one in held:
        yield _proposal(graph, "model", one, 0.7 if len(held) == 1 else 0.4, "it loads the model")
