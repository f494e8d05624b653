"""What one cell of a run is, before it has any state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellPlan:
    """One character × scene type × variant, or one shot.

    `key` is unique in the run and readable: `Mara / dance / casual`, for a shot `s001 hero_cu / Mara / casual`.
    `after` holds the keys of the cells that must be approved before this one starts.
    `prompt` is resolved: no placeholders are left.
    """

    ordinal: int
    key: str
    scene_type: str
    character: str | None = None
    variant: str | None = None
    location: str | None = None
    scene_number: int | None = None
    shot: str | None = None
    after: tuple[str, ...] = ()
    prompt: str = ""
