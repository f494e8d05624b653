"""What a drawn character looks like, as values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Look:
    """Everything that tells one drawn character from another; all of it follows from the seed."""

    seed: int
    skin: np.ndarray
    hair: np.ndarray
    outfit: np.ndarray
    accent: np.ndarray
    backdrop: np.ndarray
    iris: np.ndarray
    hair_style: str
    outfit_style: str
    extra: str
    face_width: float
    jaw: float
    eye_gap: float
    eye_size: float
    brow_tilt: float
    mouth_curve: float
    light_side: int

    @property
    def half_width(self) -> float:
        """Half the width of the head, in units of the picture."""
        return 0.142 * self.face_width


HEAD = (0.5, 0.395)  # centre of the head
HALF_HEIGHT = 0.19
