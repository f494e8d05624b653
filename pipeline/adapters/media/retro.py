"""Pictures as old consoles showed them: small, few colours, dithered; sprite sheets and looping clips."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from pipeline.adapters.media.failures import library_errors
from pipeline.adapters.media.images import ImageLimits
from pipeline.domain.errors import WorkFailed

DITHERS = ("none", "ordered", "error_diffusion", "atkinson")
SAMPLED_FRAMES = 24  # an adaptive palette is chosen from at most this many frames, spread over the clip
SAMPLED_PIXELS = 120_000
SHEET_SIDE = 16_384
CHUNK = 48  # frames dithered together: enough for speed, little enough for memory

MOST_SHADES = 8
LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""The share of red, green and blue in brightness, after BT.709."""

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], dtype=np.float32)
"""Bayer's 4 × 4 ordered dither matrix, values 0 to 15."""

# Atkinson passes on 6/8 of the error: (rows down, columns right) of the six pixels that get 1/8 each.
ATKINSON = ((0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0))


@dataclass(frozen=True)
class RetroLook:
    """The `retro` part of an output format.

    `palette` is fixed (RGB triples), or None: then up to `max_colors` colours are chosen per clip among those that
    `bits` per channel can show. `pixel_size` enlarges each pixel of the clip; the sprite sheet keeps the small size.
    """

    dither: str
    palette: tuple[tuple[int, int, int], ...] | None
    bits: tuple[int, int, int]
    max_colors: int
    pixel_size: int
    sprite_columns: int


def retro_look(settings: Mapping[str, Any]) -> RetroLook:
    """Read the `retro` settings; raises WorkFailed("bad_input") naming what is wrong."""
    dither = str(settings.get("dither") or "none")
    if dither not in DITHERS:
        raise WorkFailed("bad_input", f'Unknown dither "{dither}". There are: {", ".join(DITHERS)}.')
    palette = settings.get("palette", {"bits": (8, 8, 8)})
    if isinstance(palette, str) or palette is None:
        raise WorkFailed("bad_input", f'The palette "{palette}" is a name, not colours. It must be resolved before export.')
    limits: Mapping[str, Any] = palette if isinstance(palette, Mapping) else {"colors": palette}
    fixed = limits.get("colors") or limits.get("rgb")
    if fixed is not None and (not isinstance(fixed, Sequence) or isinstance(fixed, str)):
        raise WorkFailed("bad_input", "The colours of a palette are a list of [red, green, blue].")
    bits = tuple(int(value) for value in limits.get("bits") or (8, 8, 8))
    if len(bits) != 3 or not all(1 <= value <= 8 for value in bits):
        raise WorkFailed("bad_input", f"Palette bits are three numbers from 1 to 8, not {list(bits)}.")
    most = min(256, int(settings.get("colors") or 256), int(limits.get("max_colors") or 256))
    return RetroLook(
        dither=dither,
        palette=_fixed_palette(fixed, most) if fixed else None,
        bits=bits,
        max_colors=_at_least(2, most, "colors"),
        pixel_size=_at_least(1, settings.get("pixel_size") or 1, "pixel_size"),
        sprite_columns=_at_least(1, settings.get("sprite_columns") or 8, "sprite_columns"),
    )


def choose_palette(frames: np.ndarray, look: RetroLook) -> np.ndarray:
    """The palette for a clip, uint8 (n, 3): the fixed one, or the adaptive one of these frames (count, height, width, 3).

    Every adaptive colour is one that the console's bits per channel can show.
    """
    if look.palette is not None:
        return np.array(look.palette, dtype=np.uint8)
    step = max(1, len(frames) // SAMPLED_FRAMES)
    pixels = snap(frames[::step], look.bits).reshape(-1, 3)
    colours = _distinct(pixels)
    if len(colours) <= look.max_colors:
        return colours
    reduced = Image.fromarray(_as_sheet(pixels)).quantize(
        look.max_colors, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE
    )
    chosen = np.array(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)[: look.max_colors]
    return _distinct(snap(chosen, look.bits))


def snap(rgb: np.ndarray, bits: tuple[int, int, int]) -> np.ndarray:
    """The nearest colour that so many bits per channel can show, as 8-bit values (5 bits: 31 is 255)."""
    snapped = np.empty_like(rgb)
    for channel, count in enumerate(bits):
        top = (1 << count) - 1
        table = np.rint(np.rint(np.arange(256) / 255 * top) / top * 255).astype(np.uint8)
        snapped[..., channel] = table[rgb[..., channel]]
    return snapped


def to_indices(frames: np.ndarray, palette: np.ndarray, dither: str) -> np.ndarray:
    """Palette indices, uint8 (count, height, width), of RGB frames uint8 (count, height, width, 3).

    A palette of a few shades of one hue is matched by brightness, evenly spread, as a four-shade handheld showed a picture.
    """
    order = _shade_order(palette)
    if order is not None:
        greys = np.rint(np.linspace(0, 255, len(palette))).astype(np.uint8)
        brightness = np.rint(frames.astype(np.float32) @ LUMA).astype(np.uint8)
        shaded = np.repeat(brightness[..., None], 3, axis=-1)
        return order[_matched(shaded, np.repeat(greys[:, None], 3, axis=1), dither)]
    return _matched(frames, palette, dither)


def _matched(frames: np.ndarray, palette: np.ndarray, dither: str) -> np.ndarray:
    if dither == "atkinson":
        return np.concatenate([_atkinson(frames[at : at + CHUNK], palette) for at in range(0, len(frames), CHUNK)])
    if dither == "ordered":
        return np.stack([_quantised(_with_bayer(frame, palette), palette, Image.Dither.NONE) for frame in frames])
    mode = Image.Dither.FLOYDSTEINBERG if dither == "error_diffusion" else Image.Dither.NONE
    return np.stack([_quantised(frame, palette, mode) for frame in frames])


def write_loop(indices: np.ndarray, palette: np.ndarray, path: Path, *, fps: Fraction, pixel_size: int = 1) -> None:
    """Write frames (count, height, width) as a GIF that loops for ever.

    GIF counts in 1/100 s: single frames are shown up to 5 ms early or late, the whole lasts as long as it should.
    """
    large = np.repeat(np.repeat(indices, pixel_size, axis=1), pixel_size, axis=2)
    count, height, width = large.shape
    table = np.full((256, 4), 255, dtype=np.uint8)  # alpha first
    table[:, 1:] = palette[0]
    table[: len(palette), 1:] = palette
    ticks = [round(index * 100 / fps) for index in range(count + 1)]
    options = {"loop": "0", "final_delay": str(ticks[-1] - ticks[-2]), "fflags": "+bitexact"}
    with (
        library_errors("backend_error", f'Clip "{path.name}" cannot be written'),
        av.open(str(path), "w", format="gif", options=options) as container,
    ):
        stream: Any = container.add_stream("gif", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        stream.codec_context.time_base = Fraction(1, 100)
        # Without these the encoder crops frames and marks equal pixels transparent, which some game engines cannot read.
        stream.codec_context.options = {"gifflags": "-transdiff-offsetting"}
        for index in range(count):
            frame = av.VideoFrame.from_ndarray((np.ascontiguousarray(large[index]), table), format="pal8")
            frame.pts, frame.time_base = ticks[index], Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_sheet(indices: np.ndarray, palette: np.ndarray, path: Path, *, columns: int) -> dict[str, int]:
    """Write all frames side by side, row by row, as a palette PNG; returns its width, height, columns, rows and frame size."""
    count, height, width = indices.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    if columns * width > SHEET_SIDE or rows * height > SHEET_SIDE:
        raise WorkFailed(
            "bad_input",
            f"A sprite sheet of {count} frames of {width}x{height} in {columns} columns is larger than {SHEET_SIDE} pixels a "
            "side. Use a shorter clip, a lower fps, a smaller size or another number of sprite_columns.",
        )
    cells = np.zeros((rows * columns, height, width), dtype=np.uint8)
    cells[:count] = indices
    sheet = cells.reshape(rows, columns, height, width).transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    picture = Image.fromarray(np.ascontiguousarray(sheet))
    picture.putpalette(palette.tobytes())
    with library_errors("backend_error", f'Sprite sheet "{path.name}" cannot be written'):
        picture.save(path, format="PNG", compress_level=6)
    size = {"width": columns * width, "height": rows * height, "columns": columns, "rows": rows}
    return {**size, "frames": count, "frame_width": width, "frame_height": height, "colors": len(palette)}


def probe_gif(path: Path, *, max_frames: int = 20_000) -> dict[str, Any]:
    """Decode every frame of a GIF: width, height, frames, fps, duration_s, codec. Raises WorkFailed("corrupt_output")."""
    with library_errors("corrupt_output", f'Clip "{path.name}" cannot be read'), Image.open(path, formats=("GIF",)) as image:
        width, height = image.size
        if width * height > ImageLimits.pixels:
            raise WorkFailed("corrupt_output", f'Clip "{path.name}" claims {width}x{height} pixels.')
        milliseconds, frames = 0, 0
        while True:
            try:
                image.seek(frames)
            except EOFError:
                break
            image.load()
            frames += 1
            milliseconds += int(image.info.get("duration", 0))
            if frames > max_frames:
                raise WorkFailed("corrupt_output", f'Clip "{path.name}" has more than {max_frames} frames.')
    duration_s = milliseconds / 1000
    fps = round(frames / duration_s, 3) if duration_s else 0.0
    return {"width": width, "height": height, "frames": frames, "fps": fps, "duration_s": duration_s, "codec": "gif"}


def _fixed_palette(colours: Iterable[Any], most: int) -> tuple[tuple[int, int, int], ...]:
    kept: list[tuple[int, int, int]] = []
    for colour in colours:
        triple = tuple(int(value) for value in colour)
        if len(triple) != 3 or not all(0 <= value <= 255 for value in triple):
            raise WorkFailed("bad_input", f"{list(triple)} is not a colour. A palette lists [red, green, blue] from 0 to 255.")
        if triple not in kept:
            kept.append(triple)
    return tuple(kept[:most])


def _at_least(least: int, value: Any, name: str) -> int:
    number = int(value)
    if number < least:
        raise WorkFailed("bad_input", f"retro.{name} is {number}; it must be at least {least}.")
    return number


def _as_sheet(pixels: np.ndarray) -> np.ndarray:
    """A list of pixels as a picture for Pillow's quantiser: about SAMPLED_PIXELS of them, evenly picked."""
    picked = pixels[:: max(1, len(pixels) // SAMPLED_PIXELS)]
    columns = min(500, len(picked))
    rows = len(picked) // columns
    return np.ascontiguousarray(picked[: rows * columns].reshape(rows, columns, 3))


def _distinct(pixels: np.ndarray) -> np.ndarray:
    """The different colours of (n, 3), sorted; through one number per colour, as numpy sorts rows slowly."""
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    found = np.unique(packed)
    return np.stack([found >> 16, found >> 8 & 255, found & 255], axis=-1).astype(np.uint8)


def _shade_order(palette: np.ndarray) -> np.ndarray | None:
    """The palette's indices from dark to light when it is a few shades of one hue (or grey), else None."""
    if len(palette) > MOST_SHADES:
        return None
    rows = [colorsys.rgb_to_hsv(*(int(value) / 255 for value in colour)) for colour in palette]
    hues = [hue for hue, saturation, _ in rows if saturation > 0.1]
    if hues and max(hues) - min(hues) > 0.17:  # a sixth of the colour circle
        return None
    return np.argsort(palette.astype(np.float32) @ LUMA, kind="stable").astype(np.uint8)


def _palette_picture(palette: np.ndarray) -> Image.Image:
    # Unused entries repeat the first colour: with zeros Pillow would map dark pixels to a black that is not in the palette.
    table = np.repeat(palette[:1], 256, axis=0)
    table[: len(palette)] = palette
    picture = Image.new("P", (1, 1))
    picture.putpalette(table.tobytes())
    return picture


def _quantised(frame: np.ndarray, palette: np.ndarray, mode: Image.Dither) -> np.ndarray:
    indices = np.asarray(Image.fromarray(frame).quantize(palette=_palette_picture(palette), dither=mode))
    return np.where(indices < len(palette), indices, 0).astype(np.uint8)


def _with_bayer(frame: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Add the ordered pattern, as strong as the usual distance between neighbouring colours of the palette."""
    spread = 255.0 / max(2.0, len(palette) ** (1 / 3) - 1)
    height, width = frame.shape[:2]
    tiles = np.tile((BAYER + 0.5) / 16 - 0.5, (-(-height // 4), -(-width // 4)))[:height, :width]
    return np.clip(frame.astype(np.float32) + tiles[:, :, None] * spread, 0, 255).astype(np.uint8)


def _nearest_table(palette: np.ndarray) -> np.ndarray:
    """Nearest palette index for every colour of 6 bits a channel: uint8 (64, 64, 64)."""
    ramp = ((np.arange(64) << 2) | (np.arange(64) >> 4)).astype(np.uint8)
    cube = np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij"), axis=-1).reshape(512, 512, 3)
    return _quantised(np.ascontiguousarray(cube), palette, Image.Dither.NONE).reshape(64, 64, 64)


def _atkinson(frames: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Bill Atkinson's error diffusion (1/8 to each of six neighbours), all frames and one slanted line of pixels at a time.

    Pixel (y, x) needs only pixels with a smaller x + 2y, so everything with the same x + 2y can be done at once.
    """
    count, height, width, _ = frames.shape
    nearest = _nearest_table(palette)
    colours = palette.astype(np.float32)
    work = np.zeros((count, height + 2, width + 4, 3), dtype=np.float32)  # margins take the error that leaves the picture
    work[:, :height, 2 : width + 2] = frames
    indices = np.empty((count, height, width), dtype=np.uint8)
    for line in range(width + 2 * (height - 1)):
        rows = np.arange(max(0, -(-(line - width + 1) // 2)), min(height - 1, line // 2) + 1)
        columns = line - 2 * rows
        values = np.clip(work[:, rows, columns + 2], 0, 255)
        keys = values.astype(np.uint8) >> 2
        picked = nearest[keys[..., 0], keys[..., 1], keys[..., 2]]
        indices[:, rows, columns] = picked
        error = (values - colours[picked]) / 8
        for down, right in ATKINSON:
            work[:, rows + down, columns + 2 + right] += error
    return indices
