"""The model files that a graph names, and the folder of a server that each belongs into."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.workflows.graphs import Graph, Node

_FILE = re.compile(r"\.(safetensors|sft|ckpt|pt|pt2|pth|bin|gguf|onnx|engine)\Z", re.IGNORECASE)
_FOLDERS_BY_CLASS = (
    (re.compile(r"clip_?vision", re.IGNORECASE), "clip_vision"),
    (re.compile(r"upscale_?model", re.IGNORECASE), "upscale_models"),
    (re.compile(r"control_?net", re.IGNORECASE), "controlnet"),
    (re.compile(r"ip_?adapter", re.IGNORECASE), "ipadapter"),
    (re.compile(r"vae", re.IGNORECASE), "vae"),
    (re.compile(r"lora", re.IGNORECASE), "loras"),
)
_FOLDERS_BY_INPUT = (
    (re.compile(r"ckpt|checkpoint", re.IGNORECASE), "checkpoints"),
    (re.compile(r"unet|diffusion", re.IGNORECASE), "diffusion_models"),
    (re.compile(r"vae", re.IGNORECASE), "vae"),
    (re.compile(r"lora", re.IGNORECASE), "loras"),
    (re.compile(r"clip_vision", re.IGNORECASE), "clip_vision"),
    (re.compile(r"clip|text_?encoder|t5", re.IGNORECASE), "text_encoders"),
    (re.compile(r"control_?net", re.IGNORECASE), "controlnet"),
    (re.compile(r"ip_?adapter", re.IGNORECASE), "ipadapter"),
    (re.compile(r"style_model", re.IGNORECASE), "style_models"),
    (re.compile(r"gligen", re.IGNORECASE), "gligen"),
    (re.compile(r"hypernetwork", re.IGNORECASE), "hypernetworks"),
    (re.compile(r"upscale", re.IGNORECASE), "upscale_models"),
)


@dataclass(frozen=True)
class ModelFile:
    """A model file that an input names. `folder` lies in `models/` of a server; empty where the name of the input tells none."""

    node: str
    class_type: str
    input: str
    file: str
    folder: str

    @property
    def place(self) -> str:
        """Where the file belongs: `models/loras/`."""
        return place_of(self.class_type, self.input)


def model_files(graph: Graph) -> tuple[ModelFile, ...]:
    """Every model file that a live node names, in the order of the graph."""
    return tuple(_named(graph.live_nodes()))


def is_model_file(value: object) -> bool:
    """Whether a value looks like the name of a model file."""
    return isinstance(value, str) and _FILE.search(value) is not None


def folder_of(class_type: str, name: str) -> str:
    """The folder of models that this input of this class reads, by the names that ComfyUI's own loaders have; else empty."""
    for table, text in ((_FOLDERS_BY_CLASS, class_type), (_FOLDERS_BY_INPUT, name)):
        folder = next((folder for pattern, folder in table if pattern.search(text)), "")
        if folder:
            return folder
    return ""


def place_of(class_type: str, name: str) -> str:
    """Where a file that this input of this class names belongs: `models/loras/`, or in words."""
    folder = folder_of(class_type, name)
    return f"models/{folder}/" if folder else "the folder of models that its node reads"


def _named(nodes: Iterable[Node]) -> Iterable[ModelFile]:
    for node in nodes:
        for name, value in node.inputs.items():
            if is_model_file(value):
                yield ModelFile(node.id, node.class_type, name, value, folder_of(node.class_type, name))
