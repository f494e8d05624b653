"""How large a figure stands in the frame, and where."""

from __future__ import annotations

import numpy as np

from pipeline.adapters.backends.animatic.cutout import Figure

# Height of the head (hair to chin) as a share of the frame's height.
HEAD_SHARE = {
    "extreme_close_up": 0.98,
    "close_up": 0.68,
    "medium_close_up": 0.52,
    "medium": 0.45,
    "over_the_shoulder": 0.45,
    "cowboy": 0.39,
    "full": 0.35,
    "wide": 0.33,
    "extreme_wide": 0.27,
    "establishing": 0.27,
}
ALIASES = {
    "ecu": "extreme_close_up",
    "cu": "close_up",
    "closeup": "close_up",
    "close": "close_up",
    "mcu": "medium_close_up",
    "ms": "medium",
    "two_shot": "cowboy",
    "medium_wide": "cowboy",
    "medium_full": "cowboy",
    "mws": "cowboy",
    "ots": "over_the_shoulder",
    "fs": "full",
    "full_body": "full",
    "ws": "wide",
    "ews": "extreme_wide",
    "insert": "extreme_close_up",
}


def head_share(framing: object) -> float:
    """The share of the frame's height that the head takes in this framing; `medium` for an unknown word."""
    word = str(framing or "medium").strip().lower().replace("-", "_").replace(" ", "_")
    return HEAD_SHARE.get(ALIASES.get(word, word), HEAD_SHARE["medium"])


def placement(
    figure: Figure, *, share: float, width: int, height: int, offset_x: float = 0.0, sits_on_edge: bool = True
) -> np.ndarray:
    """The 2x3 matrix that takes the figure's picture to the frame.

    The head gets `share` of the height and a little room above; a figure cut off at its lower edge reaches the frame's
    lower edge, for nobody floats. `offset_x` moves it across, as a share of the width.
    """
    scale = share * height / figure.head_height
    room = float(np.clip(0.28 - 0.32 * share, -0.03, 0.22)) * height
    down = room - figure.top * scale
    if sits_on_edge:
        down = max(down, height * 1.02 - figure.bottom * scale)
    across = width * (0.5 + offset_x) - figure.center_x * scale
    return np.float32([[scale, 0, across], [0, scale, down]])


def placed(figure: Figure, matrix: np.ndarray, mask: np.ndarray) -> Figure:
    """The figure as it stands in the frame after `placement`; `mask` is its outline there."""
    scale, across, down = float(matrix[0, 0]), float(matrix[0, 2]), float(matrix[1, 2])
    height, width = mask.shape
    top = float(np.clip(figure.top * scale + down, 0, height - 2))
    chin = float(np.clip(figure.chin * scale + down, top + 1, height))
    bottom = float(np.clip(figure.bottom * scale + down, chin, height))
    center_x = float(np.clip(figure.center_x * scale + across, 0, width))
    return Figure(mask=mask, top=top, chin=chin, bottom=bottom, center_x=center_x)
