"""The stage `delivery`: validated media become a sealed package, step by step, going on where an attempt broke off."""

from __future__ import annotations

import hashlib
import platform
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.packaging import contact_picture, contact_sheet, media_hash_list, timelines
from pipeline.adapters.packaging.archive import write_zip
from pipeline.adapters.packaging.certificates import Signer, load_signer
from pipeline.adapters.packaging.order import Order, read_order
from pipeline.adapters.packaging.signing import Signing
from pipeline.adapters.packaging.threads import MOST
from pipeline.adapters.packaging.verify import verify
from pipeline.domain.delivery import (
    CHECKSUMS_NAME,
    CONTACT_PICTURE_NAME,
    CONTACT_SHEET_NAME,
    MANIFEST_NAME,
    MHL_FOLDER,
    STEPS,
    DeliveryPlan,
    PackagedFile,
    canonical_json,
    checksum_lines,
    in_timeline_order,
    manifest,
    repeatable_part,
    room_needed,
)
from pipeline.domain.errors import WorkFailed
from pipeline.domain.naming import slug
from pipeline.domain.sizes import size
from pipeline.domain.work import Request, Result
from pipeline.ports import Workspace

# Where each step begins, as a fraction of the whole.
_STARTS = dict(zip(STEPS, (0.0, 0.25, 0.45, 0.47, 0.55, 0.57, 0.6, 0.65, 0.75), strict=True))
_LIBRARIES = ("av", "Pillow", "c2pa-python", "OpenTimelineIO", "ascmhl", "cryptography")


@dataclass(frozen=True)
class _Packing:
    """What every step needs: the order, the signer, the folder that becomes the package, and how to tell progress."""

    order: Order
    parameters: Mapping[str, Any]
    signer: Signer
    root: Path
    workspace: Workspace

    @property
    def delivery(self) -> Mapping[str, Any]:
        return self.parameters.get("delivery") or {}

    @property
    def project(self) -> str:
        return str(self.delivery.get("project") or "Untitled")

    def report(self, step: str, done: int = 0, total: int = 1) -> None:
        """Tell where the step is."""
        later = [start for start in _STARTS.values() if start > _STARTS[step]]
        end = min(later, default=1.0)
        note = f"step: {step}" + (f" ({done + 1} of {total})" if total > 1 else "")
        self.workspace.report(_STARTS[step] + (end - _STARTS[step]) * done / max(1, total), note)


def package(request: Request, workspace: Workspace) -> Result:
    """Make the `package` (application/zip) of a delivery from its `export`, `sprite_sheet` and `poster` inputs.

    Parameters: `delivery` {number, project, run}, `author`, `created_at` (ISO 8601), `files` (see `order.read_order`),
    `timeline` (cells in order), `digital_source_type`, `credentials_dir`, `certificate` {chain_path, key_path} or nothing.
    What is signed stays in `workspace.kept` until the job is done, so another attempt goes on from there.
    Raises WorkFailed: `bad_input` for files that are not what the order says, `lost_input` for those that are not what was
    stored, `disk_full`, `corrupt_output`, `backend_error`.
    """
    started = time.monotonic()
    parameters = request.parameters
    folder = parameters.get("credentials_dir")
    signer = load_signer(credentials_dir=Path(str(folder)) if folder else None, studio=parameters.get("certificate"))
    order = read_order(request)
    project = slug(str((parameters.get("delivery") or {}).get("project") or "")) or "delivery"
    packing = _Packing(order, parameters, signer, workspace.kept / "package" / project, workspace)
    with library_errors("backend_error", "The delivery cannot be packed"):
        packing.root.mkdir(parents=True, exist_ok=True)
        _check_room(packing)
        document, packed = _pack(packing)
        archive = workspace.scratch / "package.zip"
        write_zip(packing.root, archive, report=lambda done, total: packing.report("zip", done, total))
        _check(packing, archive)
    values = _values(packing, document, packed)
    facts = {"files": len(packed), "clips": sum(file.role == "export" for file in packed), "signed": values["signed"]}
    output = workspace.publish(archive, role="package", media_type="application/zip", label=values["name"], facts=facts)
    workspace.report(1.0, "delivered")
    return Result(outputs=(output,), values=values, seconds=time.monotonic() - started)


def _pack(packing: _Packing) -> tuple[dict[str, Any], list[PackagedFile]]:
    """All steps up to the finished folder: the manifest, and what it lists."""
    journal = packing.workspace.kept / "journal.jsonl"
    signing = Signing(packing.root, journal, packing.signer, digital_source_type=_source_type(packing))
    facts = signing.validate(packing.order.files, report=lambda done, total: packing.report("validate", done, total))
    packed = signing.sign(packing.order.files, facts, report=lambda done, total: packing.report("sign", done, total))
    packing.report("timelines")
    clips = [_facts(file) for file in packed if file.role == "export"]
    documents = timelines.write_timelines(packing.project, clips, packing.order.timeline)
    packing.report("contact sheet")
    _write_documents(packing, documents)
    _write_sheet(packing, packed, sorted(documents))
    packing.report("manifest")
    document = _manifest(packing, packed, sorted(documents))
    (packing.root / MANIFEST_NAME).write_text(canonical_json(document), encoding="utf-8")
    packing.report("media hash list")
    _remove_strangers(packing, packed, documents)
    media_hash_list.write_history(packing.root, author=str(packing.parameters.get("author") or ""))
    packing.report("checksums")
    known = {file.name: file.sealed_sha256 for file in packed}
    names = [path.relative_to(packing.root).as_posix() for path in packing.root.rglob("*") if path.is_file()]
    hashes = {name: known.get(name) or _sha256(packing.root / name) for name in names}
    (packing.root / CHECKSUMS_NAME).write_text(checksum_lines(hashes), encoding="utf-8")
    return document, packed


def _check_room(packing: _Packing) -> None:
    """Fail early, with both numbers, rather than late."""
    sizes = [file.source.stat().st_size for file in packing.order.files if file.source.is_file()]
    done = sum(path.stat().st_size for path in packing.root.rglob("*") if path.is_file())
    needed, free = room_needed(sizes, done=done, at_once=MOST), shutil.disk_usage(packing.root).free
    if free < needed:
        raise WorkFailed(
            "disk_full", f"The delivery needs {size(needed)} of room, and {size(free)} are free. Free some space and resume."
        )


def _write_documents(packing: _Packing, documents: Mapping[str, str]) -> None:
    for name, text in documents.items():
        path = packing.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _write_sheet(packing: _Packing, packed: list[PackagedFile], timeline_names: list[str]) -> None:
    media = [_facts(file) for file in packed if file.role != "poster"]
    ordered = in_timeline_order(sorted(media, key=lambda entry: entry["role"]), packing.order.timeline)
    number, created = packing.delivery.get("number"), _created_at(packing)[:10]
    cells = len({entry.get("cell") for entry in media})
    parts = [f"Delivery {number}" if number else "", created, f"{cells} scenes", str(packing.parameters.get("author") or "")]
    sheet = contact_sheet.lay_out(
        title=packing.project,
        subtitle=" · ".join(part for part in parts if part),
        files=ordered,
        posters=packing.order.posters,
    )
    links = [MANIFEST_NAME, CHECKSUMS_NAME, CONTACT_PICTURE_NAME, *timeline_names]
    page = contact_sheet.render_page(sheet, documents=links)
    (packing.root / CONTACT_SHEET_NAME).write_text(page, encoding="utf-8")
    contact_picture.draw(sheet, packing.root / CONTACT_PICTURE_NAME, find=lambda name: packing.root / name)


def _manifest(packing: _Packing, packed: list[PackagedFile], timeline_names: list[str]) -> dict[str, Any]:
    seal = {
        "delivery": {key: value for key, value in packing.delivery.items() if key != "project"},
        "created_at": _created_at(packing),
        "certificate": packing.signer.describe(),
        "time_stamp": "none: signed offline, without a time stamp authority",
        "documents": [MANIFEST_NAME, CONTACT_SHEET_NAME, CONTACT_PICTURE_NAME, CHECKSUMS_NAME, *timeline_names],
    }
    written = (
        {"written": True, "files": timeline_names} if timelines.HAS_OTIO else {"written": False, "reason": timelines.MISSING}
    )
    plan = DeliveryPlan(
        project=packing.project,
        author=str(packing.parameters.get("author") or ""),
        digital_source_type=_source_type(packing),
        files=tuple(packed),
        timeline=packing.order.timeline,
        timelines=written,
        tools=_tools(),
        seal=seal,
    )
    return manifest(plan)


def _remove_strangers(packing: _Packing, packed: list[PackagedFile], documents: Mapping[str, str]) -> None:
    """Delete what an earlier attempt left that is no part of this package."""
    known = {file.name for file in packed} | set(documents) | {MANIFEST_NAME, CONTACT_SHEET_NAME, CONTACT_PICTURE_NAME}
    for path in packing.root.rglob("*"):
        if path.is_file() and path.relative_to(packing.root).as_posix() not in known:
            path.unlink()
    shutil.rmtree(packing.root / MHL_FOLDER, ignore_errors=True)


def _check(packing: _Packing, archive: Path) -> None:
    """Verify the archive as an outsider would; a bad one is not published, and the next attempt starts afresh."""
    scratch = packing.workspace.scratch
    report = verify(archive, scratch=scratch, report=lambda done, total: packing.report("verify", done, total))
    if report.is_ok:
        return
    shutil.rmtree(packing.workspace.kept / "package", ignore_errors=True)
    first = report.failures[0]
    raise WorkFailed(
        "corrupt_output",
        f"The finished package does not verify: {first.area}: {first.subject} {first.message} "
        f"({len(report.failures)} failures in all). It was discarded; try again.",
    )


def _values(packing: _Packing, document: Mapping[str, Any], packed: list[PackagedFile]) -> dict[str, Any]:
    number = packing.delivery.get("number")
    suffix = f"_{number:03}" if isinstance(number, int) else ""
    return {
        "name": f"{slug(packing.project) or 'delivery'}{suffix}.zip",
        "files": len(packed),
        "signed": sum(file.is_signed for file in packed),
        "unsigned": document["unsigned"],
        "certificate": packing.signer.describe(),
        # Equal for equal inputs, whoever packs them and whenever.
        "repeatable_sha256": hashlib.sha256(canonical_json(repeatable_part(document)).encode()).hexdigest(),
    }


def _facts(file: PackagedFile) -> dict[str, Any]:
    return {"name": file.name, "role": file.role, "media_type": file.media_type, **file.facts}


def _source_type(packing: _Packing) -> str:
    return str(packing.parameters.get("digital_source_type") or "trainedAlgorithmicMedia")


def _created_at(packing: _Packing) -> str:
    return str(packing.parameters.get("created_at") or datetime.now(UTC).isoformat(timespec="seconds"))


def _tools() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
