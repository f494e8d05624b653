"""The folders of one attempt, and the record of its result that outlives its process."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cattrs

from pipeline.adapters import small_files
from pipeline.adapters.storage.media_store import MediaStore, nothing
from pipeline.domain.work import OutputFile, Request, Result

_CODEC = cattrs.Converter()


PREVIEW = "preview.jpg"
"""The newest picture of an unfinished attempt, in its folder."""
_RESULT = "result.json"
_KEPT = frozenset({_RESULT})
_LOOKS = 4
"""So often a spare folder is looked for before a new one is made."""
_LOOKED_AT = "preview.wanted"
_LOOKED_AT_S = 15.0


class Spool:
    """Where attempts work. Each has a folder `attempts/<id>`; each job a folder `jobs/<key>` that outlives attempts.

    A finished attempt leaves `result.json` in its folder: whoever asks after a crash learns the result without doing the
    work again. `ledger.jsonl` lists every start of work, apart from the database.

    The folder of an attempt whose end is in the database waits in `spare` for another one to take it, with its `result.json`:
    making and removing files by the thousand is what a disk is slow at (ext4 looks at every one that was removed within a
    minute before it makes another). So whoever reads that file checks whose it is.
    """

    def __init__(self, root: Path, media_root: Path, checkpoint: Callable[[str], None] = nothing) -> None:
        self.root = root
        self.media = MediaStore(media_root, checkpoint)
        self._checkpoint = checkpoint
        self._spare: list[str] = []

    def attempt_folder(self, attempt_id: str) -> Path:
        """The folder of one attempt."""
        return Path(f"{self.root}/attempts/{attempt_id}")

    def job_folder(self, job_key: str) -> Path:
        """The folder of one job."""
        return Path(f"{self.root}/jobs/{job_key}")

    def begin(self, request: Request) -> None:
        """Make the attempt's folder, or take a spare one, and enter the start in the ledger."""
        folder = self.attempt_folder(request.attempt_id)
        if not self._has_taken_spare(folder):
            folder.mkdir(parents=True, exist_ok=True)
        entry = {
            "attempt": request.attempt_id,
            "job": request.job_key,
            "stage": request.stage,
            "fingerprint": request.fingerprint,
        }
        line = (json.dumps(entry, sort_keys=True) + "\n").encode()
        with small_files.opened(f"{self.root}/ledger.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT) as ledger:
            os.write(ledger, line)
        self._checkpoint("spool.begun")

    def keep_result(self, attempt_id: str, result: Result) -> None:
        """Store the result durably, whole or not at all."""
        temporary = self.attempt_folder(attempt_id) / "result.part"
        small_files.write(temporary, _text_of(attempt_id, result), durably=True)
        self._checkpoint("spool.result")
        temporary.replace(temporary.with_name(_RESULT))
        self._checkpoint("spool.kept")

    def leave_result(self, attempt_id: str, result: Result) -> None:
        """Store a result that can be fetched again: what a crash cuts short is none."""
        self._checkpoint("spool.result")
        small_files.overwrite(self.attempt_folder(attempt_id) / _RESULT, _text_of(attempt_id, result))
        self._checkpoint("spool.kept")

    def result(self, attempt_id: str) -> Result | None:
        """The result an attempt has left, if any; one that was cut short is none."""
        try:
            text = (self.attempt_folder(attempt_id) / _RESULT).read_text(encoding="utf-8")
            left = json.loads(text)
            return _CODEC.structure(left["result"], Result) if left["attempt_id"] == attempt_id else None
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return None

    def newest_preview(self, attempt_id: str) -> bytes | None:
        """The newest picture of an unfinished attempt as JPEG, and a word to its performer that somebody looks."""
        folder = self.attempt_folder(attempt_id)
        try:
            (folder / _LOOKED_AT).touch()
            return (folder / PREVIEW).read_bytes()
        except OSError:
            return None

    def is_preview_wanted(self, attempt_id: str) -> bool:
        """Whether somebody has asked for pictures of an attempt lately; most of the time nobody does, and none is made."""
        try:
            looked_at = (self.attempt_folder(attempt_id) / _LOOKED_AT).stat().st_mtime
        except OSError:
            return False
        return time.time() - looked_at < _LOOKED_AT_S

    def forget(self, attempt_id: str) -> None:
        """Give up the attempt's folder: its end is in the database."""
        self._checkpoint("spool.forget")
        folder = self.attempt_folder(attempt_id)
        try:
            small_files.clear_folder(folder, but=_KEPT)
            self._set_aside(folder)
        except FileNotFoundError:
            return  # most work leaves none
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)

    def _set_aside(self, folder: Path) -> None:
        spare = Path(f"{self.root}/spare/{folder.name}")
        try:
            folder.rename(spare)
        except FileNotFoundError:
            spare.parent.mkdir(exist_ok=True)
            folder.rename(spare)

    def _has_taken_spare(self, folder: Path) -> bool:
        """Other processes take from the same ones: who is late takes the next."""
        spare = Path(f"{self.root}/spare")
        for _ in range(_LOOKS):
            try:
                self._spare = self._spare or os.listdir(spare)  # noqa: PTH208 - names are enough
                (spare / self._spare.pop()).rename(folder)
            except IndexError:
                return False
            except OSError:
                continue
            return True
        return False

    def forget_job(self, job_key: str) -> None:
        """Remove the job's folder: the job has ended."""
        _remove(self.job_folder(job_key))

    def ledger(self) -> Iterator[dict[str, str]]:
        """Every start of work ever made here; a line that a crash cut short is left out."""
        path = self.root / "ledger.jsonl"
        if not path.is_file():
            return
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("}\n"):
                    yield json.loads(line)

    def attempts(self) -> list[str]:
        """The attempts that have a folder."""
        return self._names("attempts")

    def jobs(self) -> list[str]:
        """The keys of the jobs that have a folder."""
        return self._names("jobs")

    def _names(self, kind: str) -> list[str]:
        folder = self.root / kind
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _remove(folder: Path) -> None:
    """Most work leaves no folder, or a flat one with a few files, and every settled job comes here."""
    if not small_files.remove_folder(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _text_of(attempt_id: str, result: Result) -> bytes:
    return json.dumps({"attempt_id": attempt_id, "result": _CODEC.unstructure(result)}).encode()


class AttemptWorkspace:
    """The `Workspace` of one attempt (see `pipeline.ports`)."""

    def __init__(self, spool: Spool, request: Request, report: Callable[[float, str], None]) -> None:
        self._spool = spool
        self._report = report
        self.scratch = spool.attempt_folder(request.attempt_id)
        self._job_key = request.job_key

    @property
    def kept(self) -> Path:
        """The folder of the job, which few jobs need: it is made here."""
        folder = self._spool.job_folder(self._job_key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def publish(
        self, path: Path, *, role: str, media_type: str, label: str = "", facts: dict[str, Any] | None = None
    ) -> OutputFile:
        """Move a finished file into the media store, durably."""
        sha256, size = self._spool.media.take(path)
        return OutputFile(role=role, sha256=sha256, size_bytes=size, media_type=media_type, label=label, facts=facts or {})

    def publish_content(self, content: bytes, *, role: str, media_type: str, facts: dict[str, Any] | None = None) -> OutputFile:
        """Store a small file that is in memory, durably."""
        sha256 = self._spool.media.put(content, self.scratch / f"{role}.part")
        return OutputFile(role=role, sha256=sha256, size_bytes=len(content), media_type=media_type, facts=facts or {})

    def stored(self, sha256: str) -> Path:
        """Where a stored file lies."""
        return self._spool.media.stored(sha256)

    def report(self, fraction: float, note: str = "") -> None:
        """Tell progress; raises Cancelled when the attempt was asked to stop."""
        self._report(fraction, note)
