"""Still images: opened with suspicion, written deterministically, hashed for likeness."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from pipeline.adapters import small_files
from pipeline.adapters.media.failures import library_errors
from pipeline.domain.errors import WorkFailed
from pipeline.domain.files import LONGEST_SIDE, MOST_PIXELS, PICTURE_FORMATS

MATTE = (128, 128, 128)  # transparent pixels are shown over neutral grey: neither white nor black halos at hair edges

# Results must not depend on how many cores a machine has.
cv2.setNumThreads(1)


@dataclass(frozen=True)
class ImageLimits:
    """What an image may be at most; checked from the header, before a pixel is decoded."""

    pixels: int = MOST_PIXELS
    side: int = LONGEST_SIDE
    size_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True)
class ImageFacts:
    """What the header says. `width` and `height` are as displayed (EXIF orientation applied)."""

    format: str
    width: int
    height: int


def probe_image(path: Path, *, limits: ImageLimits = ImageLimits(), failure_class: str = "bad_input") -> ImageFacts:
    """Read the header only. Raises WorkFailed(failure_class) for anything that is not an acceptable image."""
    with library_errors(failure_class, f'Image "{path.name}" cannot be read'), _open(path, limits, failure_class) as image:
        width, height = image.size
        if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):
            width, height = height, width
        return ImageFacts(format=str(image.format), width=width, height=height)


def open_image(path: Path, *, limits: ImageLimits = ImageLimits(), failure_class: str = "bad_input") -> np.ndarray:
    """Decode to RGB, uint8, shape (height, width, 3), EXIF orientation applied, transparency over neutral grey.

    Only PNG, JPEG, WebP, TIFF and BMP; of an animation the first frame. Raises WorkFailed(failure_class) for anything
    else, for a damaged file, and for a decompression bomb, which is refused before it is decoded.
    """
    with library_errors(failure_class, f'Image "{path.name}" cannot be read'), _open(path, limits, failure_class) as image:
        image.load()
        return np.array(_to_rgb(ImageOps.exif_transpose(image)), order="C")  # a copy: Pillow's own memory is read-only


def write_png(array: np.ndarray, path: Path) -> None:
    """Write RGB uint8 (height, width, 3) as PNG; equal pixels give equal bytes. Raises WorkFailed("disk_full") when full."""
    with library_errors("backend_error", f'Image "{path.name}" cannot be written'):
        path.write_bytes(png_of(array))


def png_of(array: np.ndarray) -> bytes:
    """RGB uint8 (height, width, 3) as PNG; equal pixels give equal bytes. Raises ValueError for what no PNG can hold."""
    # Run lengths only: frames are read back once or twice, so time matters more than the last fifth of the size.
    quick = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    done, data = cv2.imencode(".png", cv2.cvtColor(array, cv2.COLOR_RGB2BGR), quick)
    if not done:
        raise ValueError("the PNG encoder refused the picture")
    return data.tobytes()


def dhash(rgb: np.ndarray) -> int:
    """Perceptual difference hash of a picture: 64 bits, nearly equal for resized, recompressed or regraded copies."""
    small = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = (small[:, 1:] > small[:, :-1]).flatten()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def hash_distance(one: int, other: int) -> int:
    """In how many of the 64 bits two hashes differ: 0 same picture, about 32 unrelated."""
    return (one ^ other).bit_count()


def _open(path: Path, limits: ImageLimits, failure_class: str) -> Image.Image:
    size = small_files.size_of(path)
    if size is None:
        raise WorkFailed(failure_class, f'Image "{path.name}" does not exist or is not a file.')
    if size == 0:
        raise WorkFailed(failure_class, f'Image "{path.name}" is empty.')
    if size > limits.size_bytes:
        raise WorkFailed(failure_class, f'Image "{path.name}" has {size} bytes; at most {limits.size_bytes} are accepted.')
    with warnings.catch_warnings():
        # Pillow only warns about mid-size bombs; our own limit below is stricter than its warning.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(path, formats=PICTURE_FORMATS)
        except Image.UnidentifiedImageError as error:
            message = f'Image "{path.name}" is not a PNG, JPEG, WebP, TIFF or BMP picture. Convert it to PNG.'
            raise WorkFailed(failure_class, message) from error
    width, height = image.size
    if width * height > limits.pixels or max(width, height) > limits.side:
        image.close()
        raise WorkFailed(
            failure_class,
            f'Image "{path.name}" claims {width}x{height} pixels; at most {limits.pixels // 1_000_000} megapixels '
            f"and {limits.side} a side are accepted. Scale it down.",
        )
    return image


def _to_rgb(image: Image.Image) -> np.ndarray:
    """Any Pillow mode to RGB uint8; 16-bit and float pictures are scaled, not cut off."""
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I"):
        grey = np.clip(np.asarray(image, dtype=np.int64), 0, 65535)
        return np.repeat((grey >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    if image.mode == "F":
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64))
        top = 1.0 if grey.max() <= 1.0 else max(255.0, float(grey.max()))
        return np.repeat((np.clip(grey / top, 0, 1) * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        base = Image.new("RGBA", rgba.size, (*MATTE, 255))
        return np.asarray(Image.alpha_composite(base, rgba).convert("RGB"))
    return np.asarray(image.convert("RGB"))
