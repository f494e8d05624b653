"""The built-in presets as plain values, by kind and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.rulesets import Rule

KINDS = ("styles", "locations", "shots", "formats", "palettes", "cameras")

Table = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Presets:
    """Every table of presets. `qa` holds the default rules of each stage."""

    styles: Table = field(default_factory=dict)
    locations: Table = field(default_factory=dict)
    shots: Table = field(default_factory=dict)
    formats: Table = field(default_factory=dict)
    palettes: Table = field(default_factory=dict)
    cameras: Table = field(default_factory=dict)
    qa: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def table(self, kind: str) -> Table:
        """The presets of one kind (see `KINDS`)."""
        found: Table = getattr(self, kind)
        return found

    def lookup(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """One preset, or None when there is none of this name."""
        return self.table(kind).get(name)


def presets_cure(kind: str) -> str:
    """Where all presets of a kind are listed."""
    return f"`./stripboard presets` lists all {kind}."
