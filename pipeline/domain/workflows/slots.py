"""The slots of a workflow: places that values of a request go into, and the inputs of a graph that stand behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a workflow makes: a segment from a start image, or a still (a variant image, a plate)."""

    SEGMENT = "segment"
    STILL = "still"


class ValueType(StrEnum):
    """What an input holds. `image` is the name of a file on the server."""

    IMAGE = "image"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    SWITCH = "switch"


@dataclass(frozen=True)
class Range:
    """From `minimum` to `maximum`, both included."""

    minimum: float
    maximum: float


@dataclass(frozen=True)
class Slot:
    """One place for a value: the types that an input behind it may have, and the range of numbers."""

    name: str
    types: tuple[ValueType, ...]
    words: str
    range: Range | None = None

    @property
    def with_article(self) -> str:
        """In words: `an end image`."""
        return f"{'an' if self.words[0] in 'aeiou' else 'a'} {self.words}"


@dataclass(frozen=True)
class Binding:
    """One input of one node that takes the value of a slot. A slot may stand for several inputs."""

    slot: str
    node: str
    input: str
    type: ValueType

    def to_json(self) -> dict[str, str]:
        """As it travels in a request."""
        return {"slot": self.slot, "node": self.node, "input": self.input, "type": self.type.value}


_IMAGE = (ValueType.IMAGE,)
_TEXT = (ValueType.TEXT,)
_NUMERIC = (ValueType.INTEGER, ValueType.NUMBER)
_SIDE = Range(16, 16_384)
SLOTS: Mapping[str, Slot] = {
    slot.name: slot
    for slot in (
        Slot("start_image", _IMAGE, "start image"),
        Slot("source_image", _IMAGE, "source image"),
        Slot("end_image", _IMAGE, "end image"),
        Slot("prompt", _TEXT, "prompt"),
        Slot("negative_prompt", _TEXT, "negative prompt"),
        Slot("seed", _NUMERIC, "seed", Range(0, 2**64 - 1)),
        Slot("width", _NUMERIC, "width", _SIDE),
        Slot("height", _NUMERIC, "height", _SIDE),
        Slot("frames", _NUMERIC, "number of frames", Range(1, 16_384)),
        Slot("fps", _NUMERIC, "frames per second", Range(0.01, 1_000)),
        Slot("filename_prefix", _TEXT, "file name prefix"),
        Slot("steps", _NUMERIC, "sampling steps", Range(1, 10_000)),
        Slot("model", _TEXT, "model file"),
    )
}
IMAGE_SLOTS = ("start_image", "source_image", "end_image")
CUSTOM = "custom:"
_CUSTOM_NAME = re.compile(r"custom:[a-z][a-z0-9_]{0,39}\Z")


def is_slot(name: str) -> bool:
    """Whether `slot_named` knows it."""
    return name in SLOTS or _CUSTOM_NAME.match(name) is not None


def slot_named(name: str) -> Slot | None:
    """The slot of this name; `custom:` and a name of letters, digits and _ is a slot of any type."""
    if _CUSTOM_NAME.match(name):
        return Slot(name, tuple(ValueType), name.removeprefix(CUSTOM))
    return SLOTS.get(name)


def type_of(slot: str, value: Any) -> ValueType | None:
    """The type that an input behind this slot has, told by the value it holds in the graph; None for no plain value."""
    if isinstance(value, bool):
        return ValueType.SWITCH
    if isinstance(value, int):
        return ValueType.INTEGER
    if isinstance(value, float):
        return ValueType.NUMBER
    if isinstance(value, str):
        return ValueType.IMAGE if slot in IMAGE_SLOTS else ValueType.TEXT
    return None
