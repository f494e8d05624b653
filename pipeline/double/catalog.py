"""What the server knows of each node class: its schema, as `/object_info` shows it, with the files that are there now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.double.folders import Folders

FILE_INPUTS = {
    ("CLIPLoader", "clip_name"): "text_encoders",
    ("UNETLoader", "unet_name"): "diffusion_models",
    ("CheckpointLoaderSimple", "ckpt_name"): "checkpoints",
    ("LoadImage", "image"): "input",
}
"""Inputs whose choices are the files of a folder: of models, or the input folder."""


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    return json.loads((Path(__file__).parent / "schemas.json").read_text(encoding="utf-8"))


class Catalog:
    """The node classes of one release on one server."""

    def __init__(self, version: str, folders: Folders, models: Mapping[str, tuple[str, ...]]) -> None:
        self._schemas = _schemas()[version]
        self._folders = folders
        self._models = models

    def names(self) -> list[str]:
        """Every class."""
        return list(self._schemas)

    def schema(self, name: str, *, has_choices: bool = True) -> dict[str, Any] | None:
        """The schema of a class with today's files as choices, to read only; None when there is no such class.

        Whoever needs no choices spares the reading of a folder.
        """
        if name not in self._schemas:
            return None
        if not has_choices or not any(name == class_name for class_name, _ in FILE_INPUTS):
            return self._schemas[name]
        schema = self._schemas[name]
        required = dict(schema["input"]["required"])
        for (class_name, input_name), folder in FILE_INPUTS.items():
            if class_name == name:
                there = self._folders.input_files() if folder == "input" else list(self._models.get(folder, ()))
                required[input_name] = [there, *required[input_name][1:]]
        return {**schema, "input": {**schema["input"], "required": required}}

    def is_known(self, name: Any) -> bool:
        """Whether there is such a class."""
        return name in self._schemas

    def output_types(self, name: str) -> list[str]:
        """What nodes of this class give, slot by slot. Raises KeyError when there is no such class."""
        return self._schemas[name]["output"]

    def is_output(self, name: str) -> bool:
        """Whether nodes of this class are what a graph is run for."""
        return bool(self._schemas[name]["output_node"])

    def takes_lists(self, name: str) -> bool:
        """Whether a node of this class gets whole lists instead of being called once an item."""
        return name == "RebatchImages"

    def gives_lists(self, name: str) -> list[bool]:
        """Of each output: whether it is a list of items."""
        return self._schemas[name]["output_is_list"]

    def is_taken(self, class_type: str, name: str, value: Any) -> bool:
        """Whether a node of this class gets to see this input; what its schema has no room for is dropped in silence."""
        inputs = self._schemas[class_type]["input"]
        known = {**inputs["required"], **inputs.get("optional", {})}
        dynamic = {key: config[1]["options"] for key, config in known.items() if config[0] == "COMFY_DYNAMICCOMBO_V3"}
        if name in dynamic:
            return any(option["key"] == value for option in dynamic[name])
        # What lies below a choice may also be given without its dotted name.
        return name in known or (bool(dynamic) and name.rsplit(".", 1)[-1] in _below(dynamic))

    def hidden_inputs(self, name: str) -> list[str]:
        """Inputs that the server fills in itself and shows when a node fails."""
        hidden = self._schemas[name]["input"].get("hidden", {})
        return [key for key, value in hidden.items() if isinstance(value, str)]


def _below(dynamic: Mapping[str, list[dict[str, Any]]]) -> set[str]:
    """The names of all inputs that some choice brings along."""
    return {name for options in dynamic.values() for option in options for name in option["inputs"].get("required", {})}
