"""Dresses a figure for a variant: recolours the clothes by the words of the variant's prompt."""

from __future__ import annotations

import re

import cv2
import numpy as np

from pipeline.adapters.backends.animatic.cutout import Figure
from pipeline.adapters.backends.animatic.parameters import pick

# A plain colour word wins over a kind of clothes; the first match in this order is taken.
COLORS = {
    "black": "#1c1c22",
    "white": "#e9e6df",
    "red": "#b3202c",
    "crimson": "#a3142f",
    "burgundy": "#5e1426",
    "scarlet": "#c21f26",
    "pink": "#e387ab",
    "orange": "#d9742b",
    "yellow": "#e0b93c",
    "gold": "#c79b3b",
    "golden": "#c79b3b",
    "green": "#2f7a4a",
    "emerald": "#137a5c",
    "olive": "#6a6b3a",
    "teal": "#1f7a7d",
    "turquoise": "#2aa7a5",
    "blue": "#2b57a8",
    "navy": "#1a2747",
    "purple": "#5b3791",
    "violet": "#6d46a8",
    "brown": "#6b4429",
    "beige": "#c8b28d",
    "grey": "#70757d",
    "gray": "#70757d",
    "silver": "#aab2bd",
}
CLOTHES = {
    "evening": "#18213c",
    "formal": "#1b2340",
    "tuxedo": "#15161c",
    "gala": "#4a1030",
    "suit": "#252c3e",
    "business": "#39424f",
    "wedding": "#ece7de",
    "street": "#5d6f63",
    "casual": "#4f6f8f",
    "denim": "#3f5f8c",
    "sport": "#c4472f",
    "training": "#c4472f",
    "uniform": "#4b5335",
    "military": "#4d5436",
    "soldier": "#4d5436",
    "combat": "#3d4233",
    "armor": "#7e8894",
    "armour": "#7e8894",
    "knight": "#7e8894",
    "space": "#d4d6d8",
    "astronaut": "#d4d6d8",
    "lab": "#e4e7e8",
    "doctor": "#dfe8ea",
    "nurse": "#9fc9cf",
    "work": "#b0762b",
    "mechanic": "#3b5470",
    "winter": "#8a97a8",
    "snow": "#c3cdd8",
    "rain": "#d2a92c",
    "summer": "#e2a36b",
    "beach": "#e7b06b",
    "night": "#2b2b55",
    "sleep": "#8d8fbf",
    "battle": "#4d3a35",
    "royal": "#4c2a7b",
    "punk": "#221d26",
    "leather": "#33241d",
    "cyber": "#20394d",
    "medieval": "#6d5437",
    "peasant": "#7a6647",
    "desert": "#bd9a66",
}


def dressed(rgb: np.ndarray, figure: Figure, *, variant: str, prompt: str, seed: int, candidate: int) -> np.ndarray:
    """The picture (RGB uint8) with the clothes in the variant's colour. Face, hair and the folds of the cloth stay."""
    target = clothes_color(variant, prompt)
    wobble = pick("dress", seed, candidate)
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    cloth = _cloth(lab, figure)
    if cloth.max() < 0.2:
        return rgb
    goal = cv2.cvtColor((target / 255).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0]
    # Candidates are the same idea from different fittings: close, yet clearly not the same.
    goal = goal + np.float32([wobble.uniform(-7, 7), wobble.uniform(-9, 9), wobble.uniform(-9, 9)])
    inside = cloth > 0.6
    mean = np.median(lab[inside], axis=0) if inside.any() else lab.mean(axis=(0, 1))
    rows = slice(int(np.flatnonzero(cloth.any(axis=1))[0]), None)  # nothing above the chin changes
    lab, cloth = lab[rows], cloth[rows]
    fresh = np.empty_like(lab)
    fresh[:, :, 0] = goal[0] + (lab[:, :, 0] - mean[0]) * 0.75
    fresh[:, :, 1:] = goal[1:] + (lab[:, :, 1:] - mean[1:]) * 0.45
    fresh[:, :, 0] = np.clip(fresh[:, :, 0], 4, 97)
    # What is much lighter or darker than the cloth (a shirt, buttons, a belt) is only touched by the colour.
    cloth = cloth * (0.3 + 0.7 * np.exp(-(((lab[:, :, 0] - mean[0]) / 32) ** 2)))
    mixed = lab + (fresh - lab) * (cloth * 0.88)[:, :, None]
    dressed_rgb = rgb.copy()
    dressed_rgb[rows] = (np.clip(cv2.cvtColor(mixed.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1) * 255 + 0.5).astype(np.uint8)
    return dressed_rgb


def clothes_color(variant: str, prompt: str) -> np.ndarray:
    """The colour (RGB float32) that the words ask for; words that say nothing still get one of their own."""
    words = re.findall(r"[a-z]+", f"{prompt} {variant}".lower())
    for table in (COLORS, CLOTHES):
        for word in words:
            code = table.get(word) or table.get(word.removesuffix("s")) or table.get(word.removesuffix("y"))
            if code:
                return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32)
    # The character's seed is left out: a variant without a colour word is one costume department's choice for all.
    own = pick("clothes", variant, prompt)
    hsv = np.float32([[[own.uniform(0, 360), own.uniform(0.3, 0.6), own.uniform(0.3, 0.65)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] * 255


def _cloth(lab: np.ndarray, figure: Figure) -> np.ndarray:
    """Where the clothes are: the figure below the chin, less what has the colour of the skin or the hair."""
    height, width = lab.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None]
    below = np.clip((rows - figure.chin - 0.02 * figure.head_height) / (0.10 * figure.head_height), 0, 1)
    # Skin and hair are only to be expected near the neck; further out a jacket may well have the colour of a face.
    across = (np.arange(width, dtype=np.float32) - np.float32(figure.center_x)) / np.float32(figure.head_height)
    down = np.clip(rows - np.float32(figure.chin), 0, None) / np.float32(figure.head_height)
    near_neck = np.exp(-((across / 0.42) ** 2))[None, :] * np.exp(-((down / 0.55) ** 2))
    near_hair = np.exp(-((across / 0.60) ** 4))[None, :] * np.exp(-((down / 0.85) ** 4))
    skin = _color_at(lab, figure, figure.chin - figure.head_height * 0.32)
    hair = _color_at(lab, figure, figure.top + figure.head_height * 0.12)
    bare = np.maximum(_like(lab, skin, 9) * near_neck, _like(lab, hair, 8) * near_hair)
    return cv2.GaussianBlur(figure.mask * below * (1 - bare), (0, 0), max(0.8, width / 500)).astype(np.float32)


def _color_at(lab: np.ndarray, figure: Figure, y: float) -> np.ndarray:
    """The middle colour of a small patch on the head's axis."""
    half, x = max(2, int(figure.head_height * 0.08)), int(figure.center_x)
    patch = lab[max(0, int(y) - half) : int(y) + half, max(0, x - half) : x + half].reshape(-1, 3)
    return np.median(patch, axis=0) if patch.size else np.float32([60, 15, 20])


def _like(lab: np.ndarray, tone: np.ndarray, tolerance: float) -> np.ndarray:
    """0..1: how much each pixel has this colour; lightness counts less, for skin and hair are shaded."""
    offset = (lab - np.float32(tone)) * np.float32([0.35, 1, 1])
    return np.clip(1.5 - np.sqrt(np.einsum("ijk,ijk->ij", offset, offset)) / np.float32(tolerance), 0, 1)
