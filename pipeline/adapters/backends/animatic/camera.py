"""The camera's way through a whole scene, as pure numbers per frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sin, tau
from typing import Any

from pipeline.adapters.backends.animatic.parameters import number, pick

# What each move does when the request carries no numbers for it.
MOVES: dict[str, dict[str, float]] = {
    "static": {},
    "push_in": {"zoom_from": 1.0, "zoom_to": 1.18, "parallax": 0.01},
    "pull_out": {"zoom_from": 1.18, "zoom_to": 1.0, "parallax": 0.01},
    "pan_left": {"zoom_from": 1.08, "zoom_to": 1.08, "dx": -0.10, "parallax": 0.02},
    "pan_right": {"zoom_from": 1.08, "zoom_to": 1.08, "dx": 0.10, "parallax": 0.02},
    "tilt_up": {"zoom_from": 1.08, "zoom_to": 1.08, "dy": -0.06},
    "tilt_down": {"zoom_from": 1.08, "zoom_to": 1.08, "dy": 0.06},
    "orbit": {"zoom_from": 1.06, "zoom_to": 1.08, "dx": 0.02, "parallax": 0.10, "roll": 0.4},
    "handheld": {"zoom_from": 1.05, "zoom_to": 1.06, "shake": 0.007, "parallax": 0.01},
    "shake": {"zoom_from": 1.06, "zoom_to": 1.06, "shake": 0.014},
}


@dataclass(frozen=True)
class Pose:
    """Where the camera is on one frame: zoom factor, shifts as shares of the frame's width, roll in degrees.

    `depth` is the extra shift of the figure against the background. `breath` (-1..1) and `light` (around 0) are the small
    life of the picture.
    """

    zoom: float
    x: float
    y: float
    depth: float
    roll: float
    breath: float
    light: float


@dataclass(frozen=True)
class CameraPath:
    """One move over `total` frames. Every frame's pose depends on its index alone, so segments meet without a seam."""

    numbers: Mapping[str, float]
    amount: float
    total: int
    fps: float
    phases: tuple[float, ...]

    def pose(self, index: int) -> Pose:
        """The pose of frame `index` of the scene."""
        seconds = index / self.fps
        share = index / max(1, self.total - 1)
        # Half eased, half steady: a pure ease stands still at both ends, which reads as a frozen picture in short scenes.
        eased = 0.5 * share + 0.5 * share * share * (3 - 2 * share)
        begin, end = self.numbers["zoom_from"], self.numbers["zoom_to"]
        move = eased - 0.5
        shake = self.numbers["shake"] * self.amount
        return Pose(
            zoom=max(1.0, 1 + (begin + (end - begin) * eased - 1) * self.amount),
            x=-self.numbers["dx"] * self.amount * move + shake * self._wander(seconds, 0),
            y=-self.numbers["dy"] * self.amount * move + shake * self._wander(seconds, 3) * 0.8,
            depth=self.numbers["parallax"] * self.amount * move * 2,
            roll=self.numbers["roll"] * self.amount * move * 2 + shake * 40 * self._wander(seconds, 6),
            breath=sin(tau * (0.27 * seconds) + self.phases[9]),
            light=0.6 * sin(tau * 0.8 * seconds + self.phases[10]) + 0.4 * sin(tau * 2.1 * seconds + self.phases[11]),
        )

    def _wander(self, seconds: float, first: int) -> float:
        """Smooth noise, about -1..1."""
        slow, middle, fast = self.phases[first : first + 3]
        return (
            0.55 * sin(tau * 0.7 * seconds + slow)
            + 0.3 * sin(tau * 1.6 * seconds + middle)
            + 0.15 * sin(tau * 3.3 * seconds + fast)
        )


def camera_path(camera: Mapping[str, Any], *, total: int, fps: float, identity: tuple[object, ...]) -> CameraPath:
    """The path of a request's camera. `identity` names the scene and take: what must not change from segment to segment."""
    defaults = {"zoom_from": 1.0, "zoom_to": 1.0, "dx": 0.0, "dy": 0.0, "parallax": 0.0, "shake": 0.0, "roll": 0.0}
    defaults.update(MOVES.get(str(camera.get("move", "push_in")), MOVES["push_in"]))
    numbers = {key: number(camera, key, value) for key, value in defaults.items()}
    source = pick("camera", *identity)
    phases = tuple(float(phase) for phase in source.uniform(0, tau, 12))
    return CameraPath(numbers=numbers, amount=number(camera, "amount", 1.0), total=total, fps=fps, phases=phases)
