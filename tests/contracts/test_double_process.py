"""The double as a process of its own: `python -m pipeline.double`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 4, "color": 1}},
    "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 31, "sigma": 10.0}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "p"}},
}


@contextmanager
def process(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running double and its address, ended at the end whatever happens."""
    command = [sys.executable, "-m", "pipeline.double", "--port", "0", "--home", str(home), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def test_its_first_line_is_its_address_and_it_ends_on_sigterm(tmp_path: Path) -> None:
    """A clean end, with temp files wiped."""
    with process(tmp_path, "--version", "0.3.64", "--name", "left", "--gpu-name", "NVIDIA L4") as (running, url):
        stats = requests.get(f"{url}/system_stats", timeout=20).json()
        assert stats["system"]["comfyui_version"] == "0.3.64"
        assert "NVIDIA L4" in stats["devices"][0]["name"]
        (tmp_path / "temp" / "x.png").write_bytes(b"x")
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    assert not (tmp_path / "temp" / "x.png").exists()


def test_a_killed_process_leaves_its_ledger(tmp_path: Path) -> None:
    """What had begun is written down before its first node, and has no end."""
    with process(tmp_path, "--speed", "0.0001") as (running, url):
        prompt_id = requests.post(f"{url}/prompt", json={"prompt": GRAPH}, timeout=20).json()["prompt_id"]
        while not requests.get(f"{url}/queue", timeout=20).json()["queue_running"]:
            pass
        while not (tmp_path / "ledger.jsonl").exists():
            pass
        running.send_signal(signal.SIGKILL)
        running.wait(20)
    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [(line["event"], line["prompt_id"]) for line in lines] == [("began", prompt_id)]
