"""Checks a delivery package from outside: believes nothing in it, and reports everything that is wrong."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.adapters.media.failures import NO_ROOM
from pipeline.adapters.packaging import media_hash_list
from pipeline.adapters.packaging.archive import MAX_DOCUMENT_BYTES, read_chunks, screen
from pipeline.adapters.packaging.media_checks import MediaChecks
from pipeline.adapters.packaging.threads import each
from pipeline.adapters.packaging.timelines import HAS_OTIO, check_timeline
from pipeline.domain.delivery import (
    CHECKSUMS_NAME,
    CONTACT_PICTURE_NAME,
    CONTACT_SHEET_NAME,
    MANIFEST_FORMAT,
    MANIFEST_NAME,
    MANIFEST_VERSION,
    MEDIA_FOLDER,
    MHL_FOLDER,
    POSTER_FOLDER,
    TIMELINE_FOLDER,
    Check,
    VerificationReport,
    parse_checksum_lines,
)
from pipeline.domain.errors import WorkFailed

_READ_ERRORS = (zipfile.BadZipFile, OSError, zlib.error, EOFError, NotImplementedError, RuntimeError)
_DOCUMENTS = {MANIFEST_NAME, CHECKSUMS_NAME, CONTACT_SHEET_NAME, CONTACT_PICTURE_NAME}
Report = Callable[[int, int], None]


def verify(
    zip_path: Path,
    *,
    anchors: bytes | None = None,
    scratch: Path | None = None,
    report: Report = lambda done, total: None,
) -> VerificationReport:
    """Check a package whole: archive, manifest, checksums, media hash list, content credentials, streams, timelines.

    `anchors` (PEM) are certificate authorities to trust; with them every signature must lead to one. `report` gets
    (members done, members in all). Nothing is written outside a temporary folder (in `scratch`, else the system's);
    a few members at a time are unpacked. Never raises for the package's sake, only WorkFailed("disk_full").
    """
    checks = _Checks()
    try:
        with zipfile.ZipFile(zip_path) as archive:
            opened = screen(archive)
            for problem in opened.problems:
                checks.fail("archive", "", problem)
            if opened.problems:
                return checks.report()
            checks.passed("archive", f"{len(opened.members)} files with safe names")
            _Verification(archive, opened.members, checks, anchors).run(report, scratch)
    except _READ_ERRORS as error:
        checks.fail("archive", Path(zip_path).name, f"cannot be read as a ZIP: {type(error).__name__}: {str(error)[:120]}")
    return checks.report()


@dataclass(frozen=True)
class _Member:
    """What reading one member found: its hash (empty when it cannot be read) and (area, message) of what is wrong."""

    name: str
    sha256: str
    problems: list[tuple[str, str]]


class _Checks:
    """Collects findings; an area gets its line of success only when nothing in it failed."""

    def __init__(self) -> None:
        self._found: list[Check] = []

    def fail(self, area: str, subject: str, message: str) -> None:
        self._found.append(Check(area=area, subject=subject, is_ok=False, message=message))

    def passed(self, area: str, message: str) -> None:
        if not any(check.area == area and not check.is_ok for check in self._found):
            self._found.append(Check(area=area, subject="", is_ok=True, message=message))

    def report(self) -> VerificationReport:
        return VerificationReport(checks=tuple(self._found))


class _Verification:
    """One run over one archive whose directory has been screened."""

    def __init__(
        self, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], checks: _Checks, anchors: bytes | None
    ) -> None:
        self._archive, self._members, self._checks = archive, members, checks
        self._anchors = anchors
        self._sha256: dict[str, str] = {}

    def run(self, report: Report, scratch: Path | None) -> None:
        """All checks."""
        manifest = self._manifest()
        entries = self._entries(manifest)
        history = self._history()
        media = MediaChecks(entries, _mapping(manifest.get("seal")), anchors=self._anchors)
        with tempfile.TemporaryDirectory(prefix="verify-", dir=scratch) as folder:
            read = partial(self._read_member, history=history, media=media, folder=Path(folder))
            for member in each(read, sorted(self._members), report=report):
                if member.sha256:
                    self._sha256[member.name] = member.sha256
                for area, message in member.problems:
                    self._checks.fail(area, member.name, message)
        self._checks.passed("media hash list", f"{len(history)} files match the ASC MHL history")
        self._sealed(manifest, entries)
        self._checksums()
        for area, message in media.summaries():
            self._checks.passed(area, message)
        self._timelines()

    def _manifest(self) -> dict[str, Any]:
        try:
            document = json.loads(self._document(MANIFEST_NAME))
        except KeyError:
            self._checks.fail("manifest", MANIFEST_NAME, "is missing")
            return {}
        except (ValueError, RecursionError, *_READ_ERRORS) as error:
            self._checks.fail("manifest", MANIFEST_NAME, f"is not readable JSON: {type(error).__name__}")
            return {}
        if not isinstance(document, dict) or document.get("format") != MANIFEST_FORMAT:
            self._checks.fail("manifest", MANIFEST_NAME, f"is not a {MANIFEST_FORMAT} manifest")
            return {}
        if document.get("format_version") != MANIFEST_VERSION:
            self._checks.fail("manifest", MANIFEST_NAME, f"has a version other than {MANIFEST_VERSION}. Use a newer Stripboard.")
        return document

    def _entries(self, manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The manifest's files by name; compared with the archive's members in both directions."""
        listed = manifest.get("files")
        entries: dict[str, dict[str, Any]] = {}
        for entry in listed if isinstance(listed, list) else []:
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                self._checks.fail("manifest", MANIFEST_NAME, "lists something that is not a file")
            elif entry["name"] in entries:
                self._checks.fail("manifest", _shown(entry["name"]), "is listed twice in the manifest")
            else:
                entries[entry["name"]] = entry
        if manifest and not entries:
            self._checks.fail("manifest", MANIFEST_NAME, "lists no file")
        for name in sorted(set(entries) - set(self._members)):
            self._checks.fail("manifest", _shown(name), "is in the manifest but not in the package")
        for name in sorted(set(self._members) - set(entries)):
            if not _is_document(name):
                self._checks.fail("manifest", name, "is in the package but not in the manifest")
        return entries

    def _history(self) -> dict[str, tuple[str, str]]:
        names = [name for name in self._members if name.startswith(f"{MHL_FOLDER}/")]
        try:
            documents = {name.removeprefix(f"{MHL_FOLDER}/"): self._bytes(name) for name in names}
        except (ValueError, *_READ_ERRORS) as error:
            self._checks.fail("media hash list", MHL_FOLDER, f"cannot be read: {type(error).__name__}")
            return {}
        history, problems = media_hash_list.read_history(documents)
        for problem in problems:
            self._checks.fail("media hash list", "", problem)
        if problems:
            return history
        covered = {name for name in self._members if not name.startswith(f"{MHL_FOLDER}/") and name != CHECKSUMS_NAME}
        for name in sorted(set(history) - covered):
            self._checks.fail("media hash list", _shown(name), "is in the ASC MHL history but not in the package")
        for name in sorted(covered - set(history)):
            self._checks.fail("media hash list", name, "is in the package but not in the ASC MHL history")
        return history

    def _read_member(self, name: str, *, history: Mapping[str, tuple[str, str]], media: MediaChecks, folder: Path) -> _Member:
        """Hash a member in one pass; media are unpacked for it, looked at, and removed. Called by threads."""
        is_media = name in media.entries
        entry = self._members[name]
        target = folder / f"member-{entry.header_offset}{PurePosixPath(name).suffix}"
        sha256 = hashlib.sha256()
        hash_format, wanted = history.get(name, ("", ""))
        other = media_hash_list.new_hasher(hash_format) if hash_format else None
        try:
            with target.open("wb") as file:
                for data in read_chunks(self._archive, entry):
                    sha256.update(data)
                    if other is not None:
                        other.update(data)
                    if is_media:
                        file.write(data)
            problems = media.look_at(name, target) if is_media else []
        except _READ_ERRORS as error:
            if getattr(error, "errno", None) in NO_ROOM:
                message = "There is no room to unpack the package's files one by one. Free some space and verify again."
                raise WorkFailed("disk_full", message) from error
            problem = f"cannot be unpacked: {type(error).__name__}: {str(error)[:120]}"
            return _Member(name, "", [("archive", problem)])
        finally:
            target.unlink(missing_ok=True)
        if other is not None and other.string_digest() != wanted:
            problems.append(("media hash list", f"does not match its {hash_format} hash: it was altered"))
        return _Member(name, sha256.hexdigest(), problems)

    def _sealed(self, manifest: Mapping[str, Any], entries: Mapping[str, Any]) -> None:
        """The final hashes and sizes that the manifest states."""
        sealed = _mapping(_mapping(manifest.get("seal")).get("files"))
        for name in sorted(set(entries) & set(self._sha256)):
            stated = _mapping(sealed.get(name))
            if stated.get("sha256") != self._sha256[name] or stated.get("size_bytes") != self._members[name].file_size:
                self._checks.fail("manifest", name, "has another size or hash than the manifest's seal states")
        self._checks.passed("manifest", f"{len(entries)} media files, as listed")

    def _checksums(self) -> None:
        try:
            hashes = parse_checksum_lines(self._document(CHECKSUMS_NAME))
        except KeyError:
            self._checks.fail("checksums", CHECKSUMS_NAME, "is missing")
            return
        except (ValueError, *_READ_ERRORS) as error:
            self._checks.fail("checksums", CHECKSUMS_NAME, f"cannot be read: {str(error)[:160]}")
            return
        for name in sorted(hashes):
            if name not in self._members:
                self._checks.fail("checksums", _shown(name), f"is in {CHECKSUMS_NAME} but not in the package")
            elif name in self._sha256 and self._sha256[name] != hashes[name]:
                self._checks.fail("checksums", name, "does not match its SHA-256: it was altered")
        for name in sorted(set(self._members) - set(hashes) - {CHECKSUMS_NAME}):
            self._checks.fail("checksums", name, f"is in the package but not in {CHECKSUMS_NAME}")
        self._checks.passed("checksums", f"{len(hashes)} files match {CHECKSUMS_NAME}")

    def _timelines(self) -> None:
        names = sorted(name for name in self._members if name.startswith(f"{TIMELINE_FOLDER}/"))
        for name in names:
            try:
                problems = check_timeline(self._document(name), name, self._members)
            except (ValueError, *_READ_ERRORS) as error:
                problems = [f"cannot be read: {type(error).__name__}"]
            for problem in problems:
                self._checks.fail("timelines", name, problem)
        note = "" if HAS_OTIO else " (only as JSON: OpenTimelineIO is not installed here)"
        self._checks.passed("timelines", f"{len(names)} timelines refer only to files of the package{note}")

    def _document(self, name: str) -> str:
        return self._bytes(name).decode("utf-8")

    def _bytes(self, name: str) -> bytes:
        """A document in memory. Raises KeyError when it is not there, ValueError when it is too large."""
        entry = self._members[name]
        if entry.file_size > MAX_DOCUMENT_BYTES:
            raise ValueError(f"{name} is larger than {MAX_DOCUMENT_BYTES} bytes")
        return b"".join(read_chunks(self._archive, entry))


def _is_document(name: str) -> bool:
    if name in _DOCUMENTS or name.startswith(f"{MHL_FOLDER}/"):
        return True
    is_media = name.startswith((f"{MEDIA_FOLDER}/", f"{POSTER_FOLDER}/"))
    return not is_media and name.startswith(f"{TIMELINE_FOLDER}/") and name.endswith(".otio")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _shown(name: str) -> str:
    return name[:120].encode("ascii", "backslashreplace").decode()
