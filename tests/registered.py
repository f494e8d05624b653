"""Registered workflows, for tests: graphs put into files and imported."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from pipeline.domain.workflows.library import RegisteredWorkflow
from pipeline.wiring import Studio
from pipeline.wiring_workflows import Imported
from tests import workflow_graphs
from tests.factories import PERSON

SEGMENT: dict[str, Any] = workflow_graphs.recorded("video_from_image_mp4")["prompt"]
STILL: dict[str, Any] = workflow_graphs.recorded("image_noise_composite")["prompt"]
SCHEMAS: dict[str, Any] = workflow_graphs.schemas("0.33.0")


def changed(graph: dict[str, Any], node: str, **inputs: Any) -> dict[str, Any]:
    """A copy of a graph with other inputs of one node."""
    copy = deepcopy(graph)
    copy[node]["inputs"].update(inputs)
    return copy


def import_graph(studio: Studio, folder: Path, graph: Any = SEGMENT, name: str = "Wan i2v", **options: Any) -> Imported:
    """Import a graph under a name."""
    path = folder / "graph.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    return studio.workflows.import_file(name, path, PERSON, **options)


def registered(studio: Studio, folder: Path, graph: Any = SEGMENT, name: str = "Wan i2v", **options: Any) -> RegisteredWorkflow:
    """The same; the answer is the name with its versions."""
    return studio.workflows.by_id(import_graph(studio, folder, graph, name, **options).version.workflow_id)
