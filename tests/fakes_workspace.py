"""A Workspace on a plain folder, for tests of stage functions."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from pipeline.domain.errors import Cancelled, NotFound
from pipeline.domain.work import InputFile, OutputFile


class FakeWorkspace:
    """Publishes into `root/store`; remembers progress; raises Cancelled once `cancel_after` reports have been made."""

    def __init__(self, root: Path, *, cancel_after: int | None = None) -> None:
        self.root, self.cancel_after = root, cancel_after
        self.reports: list[tuple[float, str]] = []
        for folder in ("scratch", "kept", "store"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    @property
    def kept(self) -> Path:
        return self.root / "kept"

    def publish(
        self, path: Path, *, role: str, media_type: str, label: str = "", facts: dict[str, Any] | None = None
    ) -> OutputFile:
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        shutil.move(path, self.root / "store" / sha256)
        return OutputFile(role=role, sha256=sha256, size_bytes=len(data), media_type=media_type, label=label, facts=facts or {})

    def publish_content(self, content: bytes, *, role: str, media_type: str, facts: dict[str, Any] | None = None) -> OutputFile:
        path = self.scratch / role
        path.write_bytes(content)
        return self.publish(path, role=role, media_type=media_type, facts=facts)

    def stored(self, sha256: str) -> Path:
        path = self.root / "store" / sha256
        if not path.exists():
            raise NotFound(f"No stored file {sha256}.")
        return path

    def report(self, fraction: float, note: str = "") -> None:
        self.reports.append((fraction, note))
        if self.cancel_after is not None and len(self.reports) > self.cancel_after:
            raise Cancelled

    def input_of(self, output: OutputFile, role: str, label: str = "") -> InputFile:
        """A published file as the input of the next stage."""
        path = str(self.stored(output.sha256))
        return InputFile(role=role, sha256=output.sha256, path=path, media_type=output.media_type, label=label)
