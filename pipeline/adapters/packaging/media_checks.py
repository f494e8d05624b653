"""What verification does with each media file: its credentials against its bytes, its stream against the manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.adapters.packaging.content_credentials import SIGNABLE, read_credentials
from pipeline.adapters.packaging.order import SUFFIXES, differences, measure_file
from pipeline.domain.errors import WorkFailed

Fail = Callable[[str, str, str], None]


class MediaChecks:
    """Looks at media files one by one. `entries` and `seal` come from the manifest and may be anything."""

    def __init__(
        self, entries: Mapping[str, dict[str, Any]], seal: Mapping[str, Any], *, anchors: bytes | None, fail: Fail
    ) -> None:
        self.entries = entries
        certificate = seal.get("certificate")
        self._certificate: Mapping[str, Any] = certificate if isinstance(certificate, dict) else {}
        self._anchors, self._fail = anchors, fail
        self._signed = self._unsigned = self._streams = 0

    def look_at(self, name: str, path: Path) -> None:
        """Check one unpacked file against its manifest entry."""
        entry = self.entries[name]
        media_type = entry.get("media_type")
        if media_type not in SUFFIXES:
            self._fail("streams", name, "has a media type that a delivery cannot hold")
            return
        self._check_stream(name, path, entry, str(media_type))
        credentials = entry.get("content_credentials")
        if isinstance(credentials, dict) and credentials.get("signed") is True:
            self._check_credentials(name, path, entry, str(media_type))
        elif media_type in SIGNABLE:
            self._fail("content credentials", name, "could carry content credentials, but the manifest says it has none")
        else:
            self._unsigned += 1

    def summaries(self) -> list[tuple[str, str]]:
        """(area, sentence) for the areas in which nothing failed."""
        unsigned = f"; {self._unsigned} unsigned, listed in the manifest" if self._unsigned else ""
        return [
            ("content credentials", f"{self._signed} signatures fit their files{unsigned}. {self._trust()}"),
            ("streams", f"{self._streams} files decode, with the sizes, frames and rates stated"),
        ]

    def _check_stream(self, name: str, path: Path, entry: Mapping[str, Any], media_type: str) -> None:
        try:
            measured = measure_file(path, media_type, failure_class="corrupt_output")
            found = differences(entry, measured, is_gif=media_type == "image/gif")
        except WorkFailed as error:
            # The library names the unpacked copy; the reader knows the file by its name in the package.
            self._fail("streams", name, str(error).replace(path.name, name))
            return
        except (TypeError, ValueError, OverflowError):
            found = ["the manifest states sizes that are not numbers"]
        for difference in found:
            self._fail("streams", name, difference)
        self._streams += 1

    def _check_credentials(self, name: str, path: Path, entry: Mapping[str, Any], media_type: str) -> None:
        credentials = read_credentials(path, media_type, anchors=self._anchors)
        problems = list(credentials.problems)
        if not problems:
            said = {key: value for key, value in entry.items() if key != "content_credentials"}
            if credentials.recipe != said:
                problems.append("the signed recipe inside the file is not what the manifest says")
            if credentials.serial_number != self._certificate.get("serial_number"):
                problems.append("it was signed with another certificate than the manifest names")
            if self._anchors is not None and not credentials.is_trusted:
                problems.append("its certificate does not lead to a trusted authority")
        for problem in problems:
            self._fail("content credentials", name, problem)
        self._signed += 1

    def _trust(self) -> str:
        subject = str(self._certificate.get("subject", "unknown"))[:120]
        if self._anchors is not None:
            return f"Signed by {subject}, which leads to a trusted authority."
        trust = str(self._certificate.get("trust", ""))[:120]
        return f"Signed by {subject} ({trust}): proves that nothing changed since, not who signed."
