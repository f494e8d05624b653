"""The fleet: its workers, and who speaks to their servers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.domain.workers import Sighting
from pipeline.services.workers import Standing as Standing
from pipeline.services.workers import Workers as Workers

if TYPE_CHECKING:
    from data.store import Stores
    from pipeline.ports import Clock, Servers


def build_workers(stores: Stores, clock: Clock, servers: Servers | None = None) -> Workers:
    """The verbs on workers. `servers` stands in for the real ones (tests)."""
    return Workers(stores, clock, servers or ComfyServers())


class ComfyServers:
    """The servers as the adapter for ComfyUI sees them, which is loaded when somebody asks."""

    def look(self, urls: Sequence[str], catalogue_of: Collection[str] = ()) -> Mapping[str, Sighting]:
        """What each of them says of itself."""
        from pipeline.adapters.backends.comfyui.sightings import sight

        return sight(urls, catalogue_of)

    def test(self, url: str) -> str:
        """What went wrong with something tiny."""
        from pipeline.adapters.backends.comfyui.sightings import tried

        return tried(url)

    def free(self, url: str) -> None:
        """Forget the models."""
        from pipeline.adapters.backends.comfyui import looking

        looking.free(url)
