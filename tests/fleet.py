"""Servers that are only said to be there, for tests of what is stored about workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.domain.workers import Health, Sighting

WELL = Sighting(Health.WELL, version="0.33.0", gpu="H100", memory_bytes=80_000, free_bytes=79_000, catalogue={"SaveImage": {}})


@dataclass
class PretendedServers:
    """Answers for the servers whose sightings a test has put in; the others are away."""

    sightings: dict[str, Sighting] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    freed: list[str] = field(default_factory=list)

    def look(self, urls: Sequence[str], catalogue_of: Collection[str] = ()) -> Mapping[str, Sighting]:
        """What the test has put in."""
        return {url: self.sightings.get(url, Sighting(Health.AWAY, "connection refused")) for url in urls}

    def test(self, url: str) -> str:
        """What the test has put in, else nothing."""
        return self.broken.get(url, "")

    def free(self, url: str) -> None:
        """Noted."""
        self.freed.append(url)
