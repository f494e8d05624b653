"""Validates and signs the media of a package, remembering in a journal what is done, so that a new attempt goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.adapters.packaging.archive import CHUNK
from pipeline.adapters.packaging.certificates import Signer
from pipeline.adapters.packaging.content_credentials import SIGNABLE, FileSigner
from pipeline.adapters.packaging.order import OrderedFile, differences, measure
from pipeline.adapters.packaging.threads import each
from pipeline.domain.delivery import PackagedFile, canonical_json, described
from pipeline.domain.errors import WorkFailed
from pipeline.domain.retries import FailureClass

AGENT_VERSION = "1.0"
_SHOWN = 8  # how many broken files one message names

Report = Callable[[int, int], None]


class Signing:
    """Works on one package folder. `journal` is a file of JSON lines that outlives a failed attempt."""

    def __init__(self, root: Path, journal: Path, signer: Signer, *, digital_source_type: str) -> None:
        self._root, self._journal = root, journal
        self._signer = FileSigner(signer, digital_source_type=digital_source_type, agent_version=AGENT_VERSION)
        self._identity = [signer.fingerprint, digital_source_type, version("c2pa-python")]
        self._done = _read_journal(journal)

    def validate(self, files: Sequence[OrderedFile], *, report: Report) -> list[dict[str, Any]]:
        """Decode every file and compare it with what is said of it; returns the facts, stated and measured.

        Raises WorkFailed that names every broken file (the first few in full): `lost_input` where one is gone or is not what was
        stored, else `bad_input`.
        """
        facts, problems, is_lost = [], [], False
        for file, measured in zip(files, each(self._measured, files, report=report), strict=True):
            if isinstance(measured, WorkFailed):
                problems.append(f"{_named(file)}: {measured}")
                is_lost |= measured.failure_class == FailureClass.LOST_INPUT
                continue
            key = f"facts:{file.sha256}"
            if key not in self._done:
                self._note(key, measured)
            is_gif = file.media_type == "image/gif"
            problems += [f"{_named(file)}: {text}" for text in differences(file.facts, measured, is_gif=is_gif)]
            # A GIF's own rate is an average of hundredths of a second; the stated one is what was asked for.
            facts.append({**measured, **({"fps": file.facts["fps"]} if is_gif and file.facts.get("fps") else {})})
        if problems:
            more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            cure = "`retry` makes again what is lost." if is_lost else "Export them again."
            told = f"The delivery was not packed. {'; '.join(problems[:_SHOWN])}{more}. {cure}"
            raise WorkFailed(FailureClass.LOST_INPUT if is_lost else FailureClass.BAD_INPUT, told)
        return [{**file.facts, **own} for file, own in zip(files, facts, strict=True)]

    def sign(self, files: Sequence[OrderedFile], facts: Sequence[dict[str, Any]], *, report: Report) -> list[PackagedFile]:
        """Put every file into the package folder, signed where its format allows; done ones are left as they are."""
        packed = []
        for number, (file, own) in enumerate(zip(files, facts, strict=True)):
            report(number, len(files))
            packed.append(self._place(file, own))
        return packed

    def _measured(self, file: OrderedFile) -> dict[str, Any] | WorkFailed:
        """The facts of a file, or why it cannot be delivered; any failure that is not its own is raised. Called by threads."""
        if not file.source.is_file():
            return WorkFailed(FailureClass.LOST_INPUT, "the stored file is gone")
        known = self._done.get(f"facts:{file.sha256}")
        if known is not None:
            return dict(known)
        try:
            self._check_hash(file)
            return measure(file)
        except WorkFailed as error:
            if error.failure_class not in (FailureClass.BAD_INPUT, FailureClass.LOST_INPUT):
                raise
            return error

    def _check_hash(self, file: OrderedFile) -> None:
        with file.source.open("rb") as source:
            if hashlib.file_digest(source, "sha256").hexdigest() != file.sha256:
                raise WorkFailed(FailureClass.LOST_INPUT, "the stored file has changed since it was approved")

    def _place(self, file: OrderedFile, facts: dict[str, Any]) -> PackagedFile:
        reason = "" if file.media_type in SIGNABLE else f"{file.media_type} has no place for content credentials"
        packed = PackagedFile(
            name=file.name,
            role=file.role,
            media_type=file.media_type,
            content_sha256=file.sha256,
            content_size_bytes=file.source.stat().st_size,
            sealed_sha256="",
            sealed_size_bytes=0,
            unsigned_reason=reason,
            facts=facts,
            recipe=file.recipe,
        )
        said = described(packed)
        key = "sealed:" + hashlib.sha256(canonical_json([self._identity, said]).encode()).hexdigest()
        target = self._root / file.name
        done = self._done.get(key)
        if done is None or not target.is_file() or target.stat().st_size != done["size_bytes"]:
            self._write(file, target, said, is_signed=not reason)
            done = {"sha256": _sha256(target), "size_bytes": target.stat().st_size}
            self._note(key, done)
        return replace(packed, sealed_sha256=done["sha256"], sealed_size_bytes=done["size_bytes"])

    def _write(self, file: OrderedFile, target: Path, said: dict[str, Any], *, is_signed: bool) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        if is_signed:
            self._signer.sign(file.source, partial, title=target.name, media_type=file.media_type, recipe=said)
        else:
            with file.source.open("rb") as reading, partial.open("wb") as writing:
                while data := reading.read(CHUNK):
                    writing.write(data)
        partial.replace(target)

    def _note(self, key: str, value: dict[str, Any]) -> None:
        self._done[key] = value
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, value]) + "\n")


def _named(file: OrderedFile) -> str:
    cell = file.facts.get("cell")
    return f'"{file.name}"' + (f" of scene {cell}" if cell else "")


def _read_journal(path: Path) -> dict[str, dict[str, Any]]:
    """What earlier attempts noted; a last line cut short by a crash is dropped."""
    done: dict[str, dict[str, Any]] = {}
    if not path.is_file():
        return done
    lines = path.read_text("utf-8", errors="replace").split("\n")
    for line in lines[:-1]:
        try:
            key, value = json.loads(line)
        except ValueError:
            continue
        done[key] = value
    if lines[-1]:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")
    return done


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
