"""A delivery as values: what is still missing, the steps of packaging, and the manifest with its repeatable part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.blocking import cure
from pipeline.domain.errors import Unavailable
from pipeline.domain.names import listed
from pipeline.domain.records import Attempt, Delivery, Job
from pipeline.domain.resolver import Unmet
from pipeline.domain.statuses import DeliveryStatus, JobStatus

MANIFEST_FORMAT = "stripboard.delivery"
MANIFEST_VERSION = 1

STEPS = ("validate", "sign", "timelines", "contact sheet", "manifest", "media hash list", "checksums", "zip", "verify")
"""What packaging does, in order; progress notes use these words."""

# Folders and files of the package itself; media lie below `media/`, so no template can reach them.
MEDIA_FOLDER = "media"
POSTER_FOLDER = "posters"
TIMELINE_FOLDER = "timelines"
MHL_FOLDER = "ascmhl"
MANIFEST_NAME = "manifest.json"
CHECKSUMS_NAME = "SHA256SUMS"
CONTACT_SHEET_NAME = "contact_sheet.html"
CONTACT_PICTURE_NAME = "contact_sheet.png"

_DOCUMENTS_BYTES = 256_000
"""What a file adds at most to the documents, the contact sheet and its own credentials, in the folder and in the archive."""

_CURES = {
    "not_started": "has not been started. Submit it.",
    "queued": "waits in the queue. Let the run go on.",
    "generating": "is being generated. Wait for it.",
    "review": "waits for review. Approve or reject it.",
    "rejected": "was rejected. Submit it again with mode failed.",
    "failed": "failed. Retry it, or submit it again with mode failed.",
    "cancelled": "was cancelled. Submit it again, or leave it out of the delivery.",
}


UNDER_WAY = frozenset({"queued", "generating", "ready", "running"})
"""The statuses of cells and exports that are missing only until the run has gone on."""


@dataclass(frozen=True)
class CellState:
    """A cell as far as a delivery cares: `status` is the stored one, `waits_for` what keeps a queued cell from starting."""

    key: str
    status: str
    waits_for: Sequence[Unmet] = ()


@dataclass(frozen=True)
class Missing:
    """One cell that keeps a delivery from being made; `message` says why and what to do."""

    key: str
    status: str
    message: str


def room_needed(sizes: Sequence[int], *, done: int, at_once: int) -> int:
    """The bytes that packing files of these sizes takes: a signed copy of each, of which `done` bytes are there, the archive, and
    the `at_once` largest, unpacked again to be verified; with what documents take beside them."""
    media = sum(sizes)
    unpacked = sum(sorted(sizes, reverse=True)[:at_once])
    return 2 * media - min(done, media) + unpacked + _DOCUMENTS_BYTES * len(sizes)


class NotPlaced(Unavailable):
    """Some outputs could not be placed, or taken away; `reasons` has each with its cure, `placed` the files that were placed."""

    def __init__(self, placed: list[str], reasons: list[str]) -> None:
        more = f" And {len(reasons) - 1} more." if len(reasons) > 1 else ""
        super().__init__(f"Not every output could be placed. {reasons[0]}{more}")
        self.placed = placed
        self.reasons = reasons


@dataclass(frozen=True)
class DeliveryProgress:
    """How far the newest delivery of a run is: what it does just now, in words, and the share that is done, 0.0 to 1.0.

    `job_status` is that of its packaging; `reason` says why it was not made.
    """

    delivery: Delivery
    step: str
    fraction: float
    job_status: JobStatus
    reason: str


_STATUS_STEPS = {JobStatus.READY: "waits for a free slot", JobStatus.RUNNING: "begins", JobStatus.DONE: "sealed"}


def delivery_progress(delivery: Delivery, job: Job, attempt: Attempt | None) -> DeliveryProgress:
    """How far a delivery is, from its job and the newest attempt of it."""
    is_running = job.status is JobStatus.RUNNING and attempt is not None
    step = attempt.step.removeprefix("step: ") if attempt is not None and is_running else ""
    fraction = attempt.progress if attempt is not None and is_running else float(delivery.status is DeliveryStatus.SEALED)
    words = step or _STATUS_STEPS.get(job.status, delivery.status.value)
    return DeliveryProgress(delivery, words, fraction, job.status, delivery.reason or job.reason)


@dataclass(frozen=True)
class PackagedFile:
    """One media file of the package. `name` is its path inside; the `content_` fields are from before signing.

    `facts` describe it for people (cell, character, width, fps …), `recipe` says what made it (inputs, parameters, seed,
    tool versions, QA verdict …). `sealed_sha256` and `sealed_size_bytes` are those of the file as packed.
    """

    name: str
    role: str
    media_type: str
    content_sha256: str
    content_size_bytes: int
    sealed_sha256: str
    sealed_size_bytes: int
    unsigned_reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_signed(self) -> bool:
        """Whether it carries content credentials."""
        return not self.unsigned_reason


@dataclass(frozen=True)
class DeliveryPlan:
    """Everything the manifest is made from. `seal` holds what may differ between equal deliveries (times, ids, certificate)."""

    project: str
    author: str
    digital_source_type: str
    files: tuple[PackagedFile, ...]
    timeline: tuple[str, ...]
    timelines: Mapping[str, Any]
    tools: Mapping[str, str]
    seal: Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One thing that was checked: `area` (archive, checksums, manifest …), `subject` (a file name, or empty for the whole)."""

    area: str
    subject: str
    is_ok: bool
    message: str


@dataclass(frozen=True)
class VerificationReport:
    """Everything that was checked in a package, in order."""

    checks: tuple[Check, ...]

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""
        return all(check.is_ok for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.is_ok)


def readiness(cells: Iterable[CellState]) -> list[Missing]:
    """The cells that are not approved, in the order given; empty means that the delivery may be made."""
    return [Missing(cell.key, cell.status, f'Cell "{cell.key}" {_why(cell)}') for cell in cells if cell.status != "approved"]


def _why(cell: CellState) -> str:
    """Why a cell cannot be delivered, and the cure of the first thing that it waits for, if it does."""
    if cell.waits_for:
        return f"waits: {listed(map(str, cell.waits_for))}. {cure(cell.waits_for[0])}"
    return _CURES.get(cell.status, f"is {cell.status}.")


def manifest(plan: DeliveryPlan) -> dict[str, Any]:
    """The manifest as plain JSON values. Everything outside `seal` is equal for equal inputs."""
    files, sealed_files = [], {}
    for file in sorted(plan.files, key=lambda file: file.name):
        _, sealed_recipe = split_volatile(file.recipe)
        credentials = {"signed": True} if file.is_signed else {"signed": False, "reason": file.unsigned_reason}
        files.append({**described(file), "content_credentials": credentials})
        sealed_files[file.name] = {
            "sha256": file.sealed_sha256,
            "size_bytes": file.sealed_size_bytes,
            **({"recipe": sealed_recipe} if sealed_recipe else {}),
        }
    return {
        "format": MANIFEST_FORMAT,
        "format_version": MANIFEST_VERSION,
        "project": plan.project,
        "author": plan.author,
        "summary": _summary(plan),
        "digital_source_type": plan.digital_source_type,
        "files": files,
        "unsigned": {file.name: file.unsigned_reason for file in plan.files if not file.is_signed},
        "timeline": list(plan.timeline),
        "timelines": dict(plan.timelines),
        "tools": dict(plan.tools),
        "seal": {**plan.seal, "files": sealed_files},
    }


def described(file: PackagedFile) -> dict[str, Any]:
    """What the manifest, and the file's own content credentials, say of it: the repeatable facts and the recipe."""
    return {
        "name": file.name,
        "role": file.role,
        "media_type": file.media_type,
        "content_sha256": file.content_sha256,
        "content_size_bytes": file.content_size_bytes,
        **{key: value for key, value in file.facts.items() if value is not None},
        "recipe": split_volatile(file.recipe)[0],
    }


def repeatable_part(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without its seal: two deliveries of the same inputs are equal here, byte for byte as canonical JSON."""
    return {key: value for key, value in manifest.items() if key != "seal"}


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, two-space indent, a final newline and no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def split_volatile(recipe: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a recipe into what is the same each time and what is not: keys ending in `_at`, `_id` or `_seconds`, at any depth."""
    stable: dict[str, Any] = {}
    volatile: dict[str, Any] = {}
    for key, value in recipe.items():
        if key.endswith(("_at", "_id", "_seconds")) or key == "seconds":
            volatile[key] = value
        elif isinstance(value, Mapping):
            stable[key], inner = split_volatile(value)
            if inner:
                volatile[key] = inner
        else:
            stable[key] = value
    return stable, volatile


def checksum_lines(hashes: Mapping[str, str]) -> str:
    """The text of SHA256SUMS (GNU coreutils format, binary mode), sorted by name."""
    return "".join(f"{hashes[name]} *{name}\n" for name in sorted(hashes))


def parse_checksum_lines(text: str) -> dict[str, str]:
    """The other way round: name → hash. Raises ValueError with the first line that is not one."""
    hashes: dict[str, str] = {}
    for line in text.splitlines():
        digest, mark, name = line[:64], line[64:66], line[66:]
        if len(digest) != 64 or set(digest) - set("0123456789abcdef") or mark not in (" *", "  ") or not name:
            raise ValueError(f"not a line of SHA256SUMS: {line[:120]!r}")
        if name in hashes:
            raise ValueError(f"listed twice: {name[:120]!r}")
        hashes[name] = digest
    return hashes


def in_timeline_order(files: Sequence[Mapping[str, Any]], timeline: Sequence[str]) -> list[Mapping[str, Any]]:
    """Files sorted by the place of their `cell` in the timeline; cells that are not in it come last, by name."""
    places = {cell: place for place, cell in enumerate(timeline)}
    return sorted(files, key=lambda file: (places.get(str(file.get("cell")), len(places)), str(file.get("name"))))


def _summary(plan: DeliveryPlan) -> dict[str, Any]:
    clips = [file for file in plan.files if file.role == "export"]
    return {
        "cells": len({file.facts.get("cell") for file in clips}),
        "clips": len(clips),
        "files": len(plan.files),
        "unsigned_files": sum(not file.is_signed for file in plan.files),
        "characters": _names(clips, "character"),
        "scene_types": _names(clips, "scene_type"),
        "variants": _names(clips, "variant"),
        "formats": _names(clips, "format"),
        "frames": sum(int(file.facts.get("frames") or 0) for file in clips),
        "duration_s": round(sum(float(file.facts.get("duration_s") or 0.0) for file in clips), 3),
    }


def _names(files: Iterable[PackagedFile], key: str) -> list[str]:
    return sorted({str(file.facts[key]) for file in files if file.facts.get(key)})
