"""The nodes that a graph is run for, told by their class names: which save a video or pictures, which save nothing to fetch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol


class Saves(StrEnum):
    """What an output node leaves on its server."""

    VIDEO = "video"
    IMAGES = "images"
    OTHER = "other"  # audio, latents, models: nothing that a scene is made of
    UNKNOWN = "unknown"  # it seems to save; its class is not known here
    NOTHING = "nothing"  # a preview, a message: gone at the next start, or never a file


class NodeLike(Protocol):
    """What is looked at of a node."""

    @property
    def class_type(self) -> str:
        """The name of its class."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Its inputs by name."""
        ...


_KNOWN = {
    "SaveVideo": Saves.VIDEO,
    "SaveWEBM": Saves.VIDEO,
    "SaveAnimatedWEBP": Saves.VIDEO,
    "SaveAnimatedPNG": Saves.VIDEO,
    "VHS_VideoCombine": Saves.VIDEO,
    "ADE_AnimateDiffCombine": Saves.VIDEO,
    "SaveImage": Saves.IMAGES,
    "SaveImageAdvanced": Saves.IMAGES,
    "SaveSVGNode": Saves.OTHER,
    "SaveLatent": Saves.OTHER,
    "SaveAudio": Saves.OTHER,
    "SaveAudioMP3": Saves.OTHER,
    "SaveAudioOpus": Saves.OTHER,
    "SaveGLB": Saves.OTHER,
    "SaveLoRA": Saves.OTHER,
    "SaveImageWebsocket": Saves.NOTHING,
}
_NOTHING = re.compile(r"preview|websocket|^show|display", re.IGNORECASE)
_VIDEO = re.compile(r"video|webm|webp|gif|animat|mp4", re.IGNORECASE)
_IMAGES = re.compile(r"image|png|jpe?g|exr", re.IGNORECASE)
_SAVES = re.compile(r"^save|save(?=[A-Z_ ]|$)|_save|combine$|export|write", re.IGNORECASE)
_OTHER = re.compile(r"latent|audio|model|checkpoint|lora|mesh|glb|clip|vae|text|string|caption|metadata", re.IGNORECASE)


def saves(node: NodeLike) -> Saves:
    """What a node leaves behind if it is an output node. Classes of custom nodes are judged by their name."""
    kind = node.class_type
    if kind in _KNOWN:
        return _KNOWN[kind]
    if _NOTHING.search(kind):
        return Saves.NOTHING
    if "filename_prefix" not in node.inputs and not _SAVES.search(kind):
        return Saves.NOTHING
    for pattern, saved in ((_VIDEO, Saves.VIDEO), (_IMAGES, Saves.IMAGES), (_OTHER, Saves.OTHER)):
        if pattern.search(kind):
            return saved
    return Saves.UNKNOWN


def is_output(node: NodeLike, *, is_used: bool) -> bool:
    """Whether a server would run the graph for this node. `is_used`: another node takes an output of it."""
    if node.class_type in _KNOWN or node.class_type.startswith(("Preview", "Save")):
        return True
    if is_used:
        return False
    return bool("filename_prefix" in node.inputs or _SAVES.search(node.class_type) or _NOTHING.search(node.class_type))
