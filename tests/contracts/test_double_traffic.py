"""The double against every recording of the real server, of both releases: same requests, same answers, same messages.

What cannot be replayed to the letter: times (a job that the recording catches in the middle of a node is held there), real
weights (the sampler's pictures are others, their frames are the same), signals (SIGTERM, SIGINT and kill -9 of the process are
a stop and a kill of the double here; `test_double_process.py` sends real ones), and lists of jobs from before the scenario.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from pipeline.double import DoubleServer
from tests.comfyui_replay import MODELS, Replay, recordings

SCENARIOS = [(version, name) for version in ("0.33.0", "0.3.64") for name in sorted(recordings(version))]

BEFORE = {"s02_cached_resubmit": ("s01_image_success",)}
"""Scenarios that find something of an earlier one in the node cache."""

RACES = {("0.3.64", "s06_validation")}
"""Recordings in which small jobs overtook requests."""


@pytest.mark.parametrize(("version", "scenario"), SCENARIOS)
def test_the_double_answers_as_the_real_server_did(version: str, scenario: str, tmp_path: Path) -> None:
    """Statuses, headers, bodies, and the order and content of WebSocket messages."""
    home = tmp_path / "comfyui"
    with DoubleServer(home, version=version, speed=1e9, models=MODELS, previews="latent2rgb") as server:
        for name in ("example.png", "input.png"):
            Image.linear_gradient("L").convert("RGB").save(home / "input" / name)
        for name in (*BEFORE.get(scenario, ()), scenario):
            replay = Replay(server, recordings(version)[name]["events"], is_steady=(version, name) not in RACES)
            asyncio.run(replay.run())
        assert replay.compared >= 4
