"""What comes out of a graph, as far as its nodes tell it with certainty: the size, the number of frames and their rate.

Only nodes whose doing is known exactly are read: what scales, crops, repeats and saves pictures. What decodes latents is not,
since the size of its pictures depends on the model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from pipeline.domain.workflows.graphs import Graph, Node, link_of
from pipeline.domain.workflows.slots import IMAGE_SLOTS, Binding

_HOLDERS = ("PrimitiveInt", "PrimitiveFloat")
_FILLED_TO = 16
"""VHS_VideoCombine may fill sides up to what its format needs; multiples of this stay as they are."""

MEASURED = ("width", "height", "frames", "fps")
"""The slots whose values a result must have exactly."""
TRIED: tuple[Mapping[str, int], ...] = (
    {"width": 64, "height": 64, "frames": 25, "fps": 7},
    {"width": 4096, "height": 4096, "frames": 961, "fps": 97},
)
"""Small and large values that every node takes: whatever has the size of both follows what it is given."""


@dataclass(frozen=True)
class Made:
    """What comes out of a node. Sides in pixels, the rate in frames per second; None for what is not certain."""

    width: float | None = None
    height: float | None = None
    frames: float | None = None
    fps: float | None = None


_UNKNOWN = Made()


def made(graph: Graph, outputs: Collection[str], bindings: Collection[Binding], asked: Mapping[str, float]) -> Made:
    """What the result nodes `outputs` give when the slots have the values `asked`; nothing is known where they differ.

    A slot without a value in `asked` leaves what follows from it unknown.
    """
    slots = {(one.node, one.input): one.slot for one in bindings}
    found = {_made_by(graph, graph.nodes[key], slots, asked) for key in outputs}
    return found.pop() if len(found) == 1 else _UNKNOWN


def ignores(graph: Graph, outputs: Collection[str], bindings: Collection[Binding], slot: str) -> bool:
    """Whether it is certain that what comes out is not always what this slot (a side, the frames, the rate) is given."""
    results = [(values[slot], getattr(made(graph, outputs, bindings, values), slot)) for values in TRIED]
    return any(result not in (None, value) for value, result in results)


def _made_by(graph: Graph, last: Node, slots: Mapping[tuple[str, str], str], asked: Mapping[str, float]) -> Made:
    """Follows the pictures back to where they begin, then forward through what is done to them."""
    way = [last]
    while (link := link_of(way[-1].inputs.get(_NODES.get(way[-1].class_type, _OTHER)[0]))) is not None:
        if link.slot:
            return _UNKNOWN
        way.append(graph.nodes[link.node])
    known = _UNKNOWN
    for node in reversed(way):
        _, does = _NODES.get(node.class_type, _OTHER)
        known = does(known, _Inputs(graph, node, slots, asked))
    return known


@dataclass(frozen=True)
class _Inputs:
    """The inputs of a node, with the values of a request in their slots."""

    graph: Graph
    node: Node
    slots: Mapping[tuple[str, str], str]
    asked: Mapping[str, float]

    def number(self, name: str) -> float | None:
        """The number in an input, or in the primitive node that it is linked to; None where that is not certain."""
        node, link = self.node, link_of(self.node.inputs.get(name))
        if link is not None:
            node, name = self.graph.nodes[link.node], "value"
            if node.class_type not in _HOLDERS:
                return None
        slot = self.slots.get((node.id, name))
        value = self.asked.get(slot) if slot else node.inputs.get(name)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def is_off(self, name: str) -> bool:
        """Whether a switch or number is left out, or off."""
        return link_of(value := self.node.inputs.get(name)) is None and not value


# What nodes do ----------------------------------------------------------------------------------------------------


def _unknown(_known: Made, _inputs: _Inputs) -> Made:
    return _UNKNOWN


def _kept(known: Made, _inputs: _Inputs) -> Made:
    return known


def _loaded(_known: Made, inputs: _Inputs) -> Made:
    """A file of the server's may hold several pictures; one that a request brings holds one, of any size."""
    return Made(frames=1) if inputs.slots.get((inputs.node.id, "image")) in IMAGE_SLOTS else _UNKNOWN


def _canvas(_known: Made, inputs: _Inputs) -> Made:
    return Made(inputs.number("width"), inputs.number("height"), inputs.number("batch_size"))


def _picture(_known: Made, inputs: _Inputs) -> Made:
    return Made(inputs.number("width"), inputs.number("height"), 1)


def _film(_known: Made, inputs: _Inputs) -> Made:
    return Made(inputs.number("width"), inputs.number("height"), inputs.number("frames"))


def _scaled(known: Made, inputs: _Inputs) -> Made:
    """A side of 0 follows the other one."""
    width, height = inputs.number("width"), inputs.number("height")
    return replace(known, width=width, height=height) if width and height else replace(known, width=None, height=None)


def _cropped(known: Made, inputs: _Inputs) -> Made:
    return replace(
        known,
        width=_piece(known.width, inputs.number("x"), inputs.number("width")),
        height=_piece(known.height, inputs.number("y"), inputs.number("height")),
    )


def _piece(side: float | None, start: float | None, wanted: float | None) -> float | None:
    """How long a piece of a side is that begins at `start`: never more than what is left."""
    if side is None or start is None or wanted is None:
        return None
    return min(wanted, side - min(start, side - 1))


def _repeated(known: Made, inputs: _Inputs) -> Made:
    amount = inputs.number("amount")
    return replace(known, frames=known.frames * amount if known.frames and amount else None)


def _timed(known: Made, inputs: _Inputs) -> Made:
    return replace(known, fps=inputs.number("fps"))


def _pictures(known: Made, inputs: _Inputs) -> Made:
    """Single pictures have no rate: they are put together at the one that is asked for."""
    return replace(known, fps=inputs.asked.get("fps"))


def _combined(known: Made, inputs: _Inputs) -> Made:
    """VHS_VideoCombine: there and back, or in a loop, its frames are others."""
    width, height = (side if side and side % _FILLED_TO == 0 else None for side in (known.width, known.height))
    is_once = inputs.is_off("pingpong") and inputs.is_off("loop_count")
    return Made(width, height, known.frames if is_once else None, inputs.number("frame_rate"))


_NODES: Mapping[str, tuple[str, Callable[[Made, _Inputs], Made]]] = {
    "LoadImage": ("", _loaded),
    "EmptyImage": ("", _canvas),
    "StripboardImageToVideo": ("", _film),
    "StripboardImageToImage": ("", _picture),
    "StripboardTextToImage": ("", _picture),
    "ImageScale": ("image", _scaled),
    "ImageCrop": ("image", _cropped),
    "RepeatImageBatch": ("image", _repeated),
    "ImageAddNoise": ("image", _kept),
    "ImageBlur": ("image", _kept),
    "ImageSharpen": ("image", _kept),
    "ImageInvert": ("image", _kept),
    "ImageQuantize": ("image", _kept),
    "ImageCompositeMasked": ("destination", _kept),
    "CreateVideo": ("images", _timed),
    "SaveVideo": ("video", _kept),
    "SaveWEBM": ("images", _timed),
    "SaveAnimatedWEBP": ("images", _timed),
    "SaveImage": ("images", _pictures),
    "VHS_VideoCombine": ("images", _combined),
}
"""By class: the input that pictures come in by, empty where they begin, and what becomes of them."""
_OTHER = ("", _unknown)
