"""What servers made is read in processes of its own, and a file that ends such a process ends nothing else."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.adapters.executors.pool import Done
from pipeline.adapters.executors.processes import ProcessExecutor
from pipeline.adapters.media.video import probe
from pipeline.domain.work import InputFile, UpdateState
from pipeline.double import DoubleServer
from tests.comfyui import STILL_GRAPH, Watched, segment_request, still_request
from tests.media_factories import character


def fall(*arguments: object) -> None:
    """What a decoder does that follows a bad pointer."""
    os._exit(139)


class Doomed(ProcessExecutor):
    """Readers of which the first so many that take in a result end over it."""

    def __init__(self, deaths: int) -> None:
        super().__init__(2)
        self.deaths = deaths

    def start(self, done: Done, function: Callable[..., Any], *arguments: Any) -> None:
        """Taking in is the one task that has some of its arguments already."""
        if isinstance(function, partial) and self.deaths:
            self.deaths, function = self.deaths - 1, fall
        super().start(done, function, *arguments)


def test_a_segment_is_read_in_a_process_and_published_from_there(tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    start = InputFile(**(vars(character(tmp_path, "Mara", 64)) | {"role": "start"}))
    with DoubleServer(tmp_path / "server", is_instant=True) as server:
        with Watched(tmp_path, readers=ProcessExecutor(2)) as house:
            update = house.performed(segment_request(server.url, start))
            assert set(multiprocessing.active_children()) - before
        assert not set(multiprocessing.active_children()) - before
    assert update.state is UpdateState.DONE and update.result is not None, update
    [segment] = update.result.files("segment")
    assert probe(house.path(segment.sha256), count=True)["frames"] == 12


def test_a_file_that_ends_the_process_that_reads_it_is_a_corrupt_output_and_nothing_else_fails(tmp_path: Path) -> None:
    with DoubleServer(tmp_path / "server", is_instant=True) as server, Watched(tmp_path, readers=Doomed(1)) as house:
        lost = house.performed(still_request(server.url))
        again = house.performed(still_request(server.url, seed=6))
    assert (lost.state, lost.failure_class) == (UpdateState.FAILED, "corrupt_output")
    assert lost.reason == "What gpu-1 made ended the process that read it (exit code 139)."
    assert again.state is UpdateState.DONE


def test_a_failure_while_reading_keeps_its_class_and_reason(tmp_path: Path) -> None:
    with DoubleServer(tmp_path / "server", is_instant=True) as server, Watched(tmp_path, readers=ProcessExecutor(1)) as house:
        update = house.performed(still_request(server.url, graph=STILL_GRAPH, width=80))
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "corrupt_output")
    assert "asked for still.png of 80x48, got 8x8" in update.reason
