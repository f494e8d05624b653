"""Small productions and a command line for the journeys of this folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.adapters import yaml_files
from pipeline.adapters.media.samples import draw_character
from tests.commands import PROGRAM, commands

ROOT = Path(__file__).resolve().parents[2]
SMALL: dict[str, Any] = {
    "title": "Small",
    "seed": 3,
    "defaults": {"fps": 6, "resolution": "256x144", "duration_s": 1},
    "characters": [
        {"name": "Mara", "source_images": ["assets/mara.png"]},
        {"name": "Ivo", "source_images": ["assets/ivo.png"]},
    ],
    "variants": [{"name": "formal", "prompt": "evening suit"}],
    "locations": [{"name": "Quay", "preset": "harbor"}],
    "scene_types": [
        {"name": "dance", "prompt": "{character} dances", "segments": 2},
        {"name": "walk", "prompt": "{character} walks", "camera": "pan_right"},
    ],
    "matrix": {"characters": "all", "scene_types": "all", "variants": "all"},
    "approvals": {"variants": "auto", "scenes": "auto"},
    "outputs": [{"format": "preview_360p", "path": "output/"}],
}


@cache
def portrait(name: str) -> bytes:
    """The drawn picture of a character, made once a test session."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "portrait.png"
        draw_character(name, path, (512, 512))
        return path.read_bytes()


@dataclass
class Desk:
    """A home of Stripboard, a folder to work in, and the command line."""

    home: Path
    folder: Path

    def write(self, name: str = "small", **changes: Any) -> Path:
        """A production folder; `changes` replace keys of the small production, None removes one."""
        body = {key: value for key, value in (SMALL | changes).items() if value is not None}
        folder = self.folder / name
        (folder / "assets").mkdir(parents=True, exist_ok=True)
        for character in body["characters"]:
            for image in character.get("source_images", ()):
                (folder / image).write_bytes(portrait(character["name"]))
        (folder / "production.yaml").write_text(yaml_files.dump_data({"production": body}), encoding="utf-8")
        return folder

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        """Start a command; the caller waits."""
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def call(self, *arguments: str | Path, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command that has to end with this code."""
        line = [str(argument) for argument in arguments]
        done = commands.run(line, folder=self.folder, environment=self.environment(environment), timeout_s=180)
        assert done.returncode == code, f"{arguments} ended with {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        """The JSON that a command prints; nothing else may be on its standard output."""
        return json.loads(self.call(*arguments, "--json", code=code).stdout)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """What the command sees: our home, threads (nothing to spawn), and this checkout."""
        kept = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "NO_COLOR", "FORCE_COLOR")}
        ours = {"STRIPBOARD_HOME": str(self.home), "STRIPBOARD_EXECUTOR": "threads", "PYTHONPATH": str(ROOT)}
        return {**kept, **ours, "STRIPBOARD_PARALLEL": "2", **more}

    def stop_at(self, process: subprocess.Popen[str], text: str, number: signal.Signals) -> tuple[int, str, str]:
        """Send a signal once the command has printed this; the answer is its code and its outputs."""
        assert process.stdout is not None
        seen = ""
        until = time.monotonic() + 60
        while text not in seen and time.monotonic() < until:
            line = process.stdout.readline()
            assert line, f"it ended before it printed {text!r}: {seen}{process.stderr.read() if process.stderr else ''}"
            seen += line
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return process.returncode, seen + out, err
