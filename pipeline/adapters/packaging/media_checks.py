"""What verification does with each media file: its credentials against its bytes, its stream against the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.adapters.packaging.content_credentials import SIGNABLE, read_credentials
from pipeline.adapters.packaging.order import SUFFIXES, differences, measure_file
from pipeline.domain.errors import WorkFailed


class MediaChecks:
    """Looks at media files one by one, from any thread. `entries` and `seal` come from the manifest and may be anything."""

    def __init__(self, entries: Mapping[str, dict[str, Any]], seal: Mapping[str, Any], *, anchors: bytes | None) -> None:
        self.entries = entries
        certificate = seal.get("certificate")
        self._certificate: Mapping[str, Any] = certificate if isinstance(certificate, dict) else {}
        self._anchors = anchors

    def look_at(self, name: str, path: Path) -> list[tuple[str, str]]:
        """Check one unpacked file against its manifest entry: what is wrong with it, as (area, message)."""
        entry = self.entries[name]
        media_type = entry.get("media_type")
        if media_type not in SUFFIXES:
            return [("streams", "has a media type that a delivery cannot hold")]
        # The library names the unpacked copy; the reader knows the file by its name in the package.
        found = [("streams", text.replace(path.name, name)) for text in _stream_problems(path, entry, str(media_type))]
        if _is_signed(entry):
            found += [("content credentials", text) for text in self._credential_problems(path, entry, str(media_type))]
        elif media_type in SIGNABLE:
            message = "could carry content credentials, but the manifest says it has none"
            found.append(("content credentials", message))
        return found

    def summaries(self) -> list[tuple[str, str]]:
        """(area, sentence) for the areas in which nothing failed."""
        signed = sum(_is_signed(entry) for entry in self.entries.values())
        left = len(self.entries) - signed
        unsigned = f"; {left} unsigned, listed in the manifest" if left else ""
        return [
            ("content credentials", f"{signed} signatures fit their files{unsigned}. {self._trust()}"),
            ("streams", f"{len(self.entries)} files decode, with the sizes, frames and rates stated"),
        ]

    def _credential_problems(self, path: Path, entry: Mapping[str, Any], media_type: str) -> list[str]:
        credentials = read_credentials(path, media_type, anchors=self._anchors)
        if credentials.problems:
            return list(credentials.problems)
        problems = []
        if credentials.recipe != {key: value for key, value in entry.items() if key != "content_credentials"}:
            problems.append("the signed recipe inside the file is not what the manifest says")
        if credentials.serial_number != self._certificate.get("serial_number"):
            problems.append("it was signed with another certificate than the manifest names")
        if self._anchors is not None and not credentials.is_trusted:
            problems.append("its certificate does not lead to a trusted authority")
        return problems

    def _trust(self) -> str:
        subject = str(self._certificate.get("subject", "unknown"))[:120]
        if self._anchors is not None:
            return f"Signed by {subject}, which leads to a trusted authority."
        trust = str(self._certificate.get("trust", ""))[:120]
        return f"Signed by {subject} ({trust}): proves that nothing changed since, not who signed."


def _is_signed(entry: Mapping[str, Any]) -> bool:
    credentials = entry.get("content_credentials")
    return isinstance(credentials, dict) and credentials.get("signed") is True


def _stream_problems(path: Path, entry: Mapping[str, Any], media_type: str) -> list[str]:
    try:
        measured = measure_file(path, media_type, failure_class="corrupt_output")
        return differences(entry, measured, is_gif=media_type == "image/gif")
    except WorkFailed as error:
        return [str(error)]
    except (TypeError, ValueError, OverflowError):
        return ["the manifest states sizes that are not numbers"]
