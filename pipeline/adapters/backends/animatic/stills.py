"""Variant stills: the character of the source image, dressed, framed, lit and graded; and location plates."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

from pipeline.adapters.backends.animatic import framing
from pipeline.adapters.backends.animatic.cutout import Figure, clean_background, find_figure
from pipeline.adapters.backends.animatic.grade import graded
from pipeline.adapters.backends.animatic.matte import keep_matte
from pipeline.adapters.backends.animatic.parameters import group, pick, positive
from pipeline.adapters.backends.animatic.plain import framed_whole
from pipeline.adapters.backends.animatic.plates import paint_plate
from pipeline.adapters.backends.animatic.sources import open_source
from pipeline.adapters.backends.animatic.wardrobe import clothes_color, dressed
from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import write_png
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import Request, Result
from pipeline.ports import Workspace

LARGEST_SIDE = 2048  # sources are scaled down to what the frame can show, and never work on more than this


def render_still(request: Request, workspace: Workspace) -> Result:
    """Make one still (PNG of exactly width x height, role `still`): a character's variant, or a location plate.

    Raises WorkFailed("bad_input") when the source image cannot be read or the request is incomplete.
    """
    started = time.perf_counter()
    width, height = positive(request, "width"), positive(request, "height")
    workspace.report(0.05, "reading")
    path = workspace.scratch / "still.png"
    if request.parameters.get("kind") == "plate":
        write_png(paint_plate(request.parameters, width, height), path)
    else:
        still, figure = _variant(request, width, height)
        write_png(still, path)
        with library_errors("backend_error", "The still cannot be written"):
            keep_matte(path, figure)
    workspace.report(0.9, "storing")
    output = workspace.publish(path, role="still", media_type="image/png", facts={"width": width, "height": height})
    return Result(outputs=(output,), seconds=time.perf_counter() - started)


def _variant(request: Request, width: int, height: int) -> tuple[np.ndarray, Figure]:
    """The still, and where its figure stands in it."""
    values = request.parameters
    seed, candidate = int(values.get("seed") or 0), max(1, int(values.get("candidate") or 1))
    sources = request.files("source")
    if not sources:
        raise WorkFailed("bad_input", f'Character "{values.get("character", "?")}" has no source image. Add one and resume.')
    # Candidates take turns through the source images: the reviewer sees what each of them leads to.
    side = min(LARGEST_SIDE, max(512, round(1.4 * max(width, height))))
    source = open_source(Path(sources[(candidate - 1) % len(sources)].path), side)
    picture, figure = source.rgb, find_figure(source.rgb, source.alpha)
    wobble = pick("frame", seed, candidate)
    share = framing.head_share(values.get("framing"))
    tone = clothes_color(str(values.get("variant") or ""), str(values.get("prompt") or ""))
    if not figure.stands_apart:
        shown = framed_whole(picture, share=share, tone=tone, wobble=wobble, width=width, height=height)
        return graded(shown, group(values, "style")), Figure.whole(width, height)
    clothed = dressed(
        picture,
        figure,
        variant=str(values.get("variant") or ""),
        prompt=str(values.get("prompt") or ""),
        seed=seed,
        candidate=candidate,
    )
    share *= 1 + float(wobble.uniform(-0.05, 0.05))
    matrix = framing.placement(figure, share=share, width=width, height=height, offset_x=float(wobble.uniform(-0.045, 0.045)))
    ground = _backdrop(picture, figure, tone, wobble, width, height)
    mask = cv2.warpAffine(_feathered(figure.mask), matrix, (width, height), flags=cv2.INTER_LINEAR)
    composed = _composed(clothed, mask, matrix, ground, float(wobble.choice([-1.0, 1.0])))
    return graded(composed, group(values, "style")), framing.placed(figure, matrix, mask)


def _backdrop(
    picture: np.ndarray, figure: Figure, tone: np.ndarray, wobble: np.random.Generator, width: int, height: int
) -> np.ndarray:
    """A soft, out-of-focus set in the source's own colours with a breath of the costume's: quiet behind the figure."""
    clean = clean_background(picture, figure.mask, blur=0.05)
    ground = cv2.resize(clean, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    ground = ground * 0.8 + (0.35 * tone + 40) * 0.2
    key_x = 0.5 + float(wobble.choice([-1, 1])) * float(wobble.uniform(0.18, 0.3))
    pool = np.exp(-(((columns - key_x) / 0.34) ** 2 + ((rows - 0.36) / 0.42) ** 2))
    ground *= (0.74 + 0.42 * pool - 0.14 * rows)[:, :, None]
    return np.clip(ground, 0, 255)


def _composed(rgb: np.ndarray, mask: np.ndarray, matrix: np.ndarray, ground: np.ndarray, light_side: float) -> np.ndarray:
    height, width = ground.shape[:2]
    scale = float(matrix[0, 0])
    interpolation = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    if scale < 0.6:
        # Linear sampling skips pixels when it shrinks a lot; a soft copy keeps fine patterns from sparkling.
        rgb = cv2.GaussianBlur(rgb, (0, 0), 0.35 / scale)
    size = (width, height)
    front = cv2.warpAffine(rgb, matrix, size, flags=interpolation, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    front *= (1 + 0.10 * light_side * columns)[:, :, None]
    shadow = cv2.GaussianBlur(mask, (0, 0), width / 45)
    ground = ground * (1 - 0.30 * shadow)[:, :, None]
    mixed = ground + (front - ground) * mask[:, :, None]
    return (np.clip(mixed, 0, 255) + 0.5).astype(np.uint8)


def _feathered(mask: np.ndarray) -> np.ndarray:
    """Fade a figure that touches the left or right edge of its picture: a hard cut there would show as a straight line."""
    fade = np.clip(np.minimum(np.arange(mask.shape[1]), np.arange(mask.shape[1])[::-1]) / (mask.shape[1] * 0.03), 0, 1)
    return (mask * fade[None, :]).astype(np.float32)
