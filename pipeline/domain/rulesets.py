"""Quality rules: which measure has which limit, and what happens beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

MEASURES: Mapping[str, tuple[str, ...]] = {
    "source": ("min_side_px", "sharpness", "exposure_low", "exposure_high", "clear_subject", "duplicate_distance"),
    "still": ("sharpness", "likeness", "exposure_low", "exposure_high", "black_fraction"),
    "scene": (
        "frame_count_error",
        "fps_error",
        "size_error",
        "sharpness",
        "black_frames",
        "frozen_frames",
        "flicker",
        "boundary_ssim",
        "boundary_color_shift",
        "boundary_jump",
    ),
}
"""What is measured of what. A scene type may set the limits of `still` and `scene`."""


@dataclass(frozen=True)
class Rule:
    """`kind` is `min` or `max`; a value beyond `limit` gets `severity`: `flag` or `fail`."""

    measure: str
    kind: str
    limit: float
    severity: str = "flag"
    text: str = ""

    @property
    def key(self) -> str:
        """As written in YAML: `min_sharpness`."""
        return f"{self.kind}_{self.measure}"


def ruleset(stage: str, defaults: Mapping[str, Iterable[Rule]], overrides: Mapping[str, float]) -> tuple[Rule, ...]:
    """The rules of one stage (`source`, `still`, `scene`): the defaults with the limits that a scene type sets."""
    return tuple(
        replace(rule, limit=float(overrides[rule.key])) if rule.key in overrides else rule for rule in defaults.get(stage, ())
    )


def override_keys(defaults: Mapping[str, Iterable[Rule]]) -> tuple[str, ...]:
    """The keys that `qa:` of a scene type may have."""
    return tuple(dict.fromkeys(rule.key for stage in ("still", "scene") for rule in defaults.get(stage, ())))
