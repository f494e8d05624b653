"""Looks at the files a production names: there, readable, and what they should be. Nothing is executed.

Pictures are decoded, once their header says that they are no larger than allowed: half a picture opens like a whole one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pipeline.domain.files import LONGEST_SIDE, MOST_PIXELS, PICTURE_FORMATS, FileFact, FileReference

MAX_IMAGE_BYTES = 256 * 2**20
MIN_SIDE = 16
_ALIKE = 0.75  # endings alone make half of two short file names alike


def probe(
    base: Path, references: Iterable[FileReference], look_into_workflow: Callable[[Path], FileFact]
) -> dict[tuple[str, str], FileFact]:
    """What is at each path, relative to `base`. The same path is looked at once."""
    wanted = dict.fromkeys((reference.path, reference.wants) for reference in references)
    looks = {"image": image_fact, "workflow": look_into_workflow}
    return {(path, wants): _look(base, path, wants, looks) for path, wants in wanted}


def _look(base: Path, path: str, wants: str, looks: Mapping[str, Callable[[Path], FileFact]]) -> FileFact:
    try:
        if wants == "program":
            return _program(base, path)
        place = base / path
        return _folder(place) if wants == "folder" else _file(place, path, looks.get(wants, _plain))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return FileFact(f"cannot be looked at: {reason.lower()}.", "Check the path and its permissions.")


def _file(place: Path, path: str, look: Callable[[Path], FileFact]) -> FileFact:
    try:
        facts = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return FileFact("does not exist.", _cure_for_missing(place, path))
    if stat.S_ISDIR(facts.st_mode):
        return FileFact("is a folder, not a file.", "Name the file in it.")
    if not stat.S_ISREG(facts.st_mode):
        return FileFact("is not a regular file.", "Name a regular file.")
    if not os.access(place, os.R_OK):
        return FileFact("cannot be read: permission denied.", "Give yourself permission to read it.")
    if facts.st_size == 0:
        return FileFact("is empty.", "Replace it with a whole file.")
    return look(place)


def _plain(place: Path) -> FileFact:
    return FileFact(size_bytes=place.stat().st_size)


def _cure_for_missing(place: Path, path: str) -> str:
    """The file of the same folder that was probably meant, as it would be written instead of `path`."""
    from difflib import get_close_matches

    try:
        with os.scandir(place.parent) as entries:
            names = [entry.name for entry, _ in zip(entries, range(2000), strict=False)]
    except OSError:
        return f"The folder {place.parent} does not exist either." if not place.parent.exists() else "Check the path."
    close = get_close_matches(place.name, names, n=1, cutoff=_ALIKE)
    return f'Did you mean "{Path(path).with_name(close[0]).as_posix()}"?' if close else "Check the path, or put the file there."


def image_fact(place: Path) -> FileFact:
    """What is in a picture that is to be a source image: its size, or the problem with it. Raises OSError."""
    size = place.stat().st_size
    if size > MAX_IMAGE_BYTES:
        told = f"is larger than {MAX_IMAGE_BYTES // 2**20} MiB."
        return FileFact(told, "Save a smaller picture.", size)
    from PIL import Image, UnidentifiedImageError

    cure = "Replace it with a PNG, JPEG or WebP picture."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(place, formats=PICTURE_FORMATS) as image:
                width, height = image.size
    except Image.DecompressionBombError:
        return FileFact("has far too many pixels; it could be a decompression bomb.", cure, size)
    except UnidentifiedImageError:
        return FileFact("is not a picture.", cure, size)
    except Exception as error:  # Pillow's readers raise nearly anything on damaged headers
        return FileFact(f"is a damaged picture ({type(error).__name__}).", cure, size)
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        told = f"has {width}x{height} pixels; at most {MOST_PIXELS // 10**6} million, and {LONGEST_SIDE:,} a side, are allowed."
        return FileFact(told, "Save a smaller picture.", size, width, height)
    if min(width, height) < MIN_SIDE:
        told = f"is only {width}x{height} pixels."
        return FileFact(told, "Replace it with a larger picture.", size, width, height)
    if not _decodes(place):
        return FileFact("is a damaged picture: a part of it is missing or broken.", cure, size, width, height)
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileFact(size_bytes=size, width=width, height=height, digest=digest)


def _decodes(place: Path) -> bool:
    """Whether every part of the picture is there."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(place, formats=PICTURE_FORMATS) as image:
                image.draft("RGB", (512, 512))
                image.load()
    except Exception:  # Pillow's readers raise nearly anything on damaged data
        return False
    return True


def _program(base: Path, path: str) -> FileFact:
    candidate = base / path
    if "/" in path or os.sep in path:
        if not candidate.is_file():
            return FileFact("does not exist.", "Check the path of the program.")
        if not os.access(candidate, os.X_OK):
            return FileFact("may not be executed.", f"Run chmod +x {path}.")
        return FileFact()
    if shutil.which(path) is None:
        return FileFact("is not on the search path.", "Install it, or give its whole path.")
    return FileFact()


def _folder(place: Path) -> FileFact:
    nearest = place
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        return FileFact(f"cannot be made: {nearest} is a file.", "Choose another path.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return FileFact(f"cannot be written: no permission in {nearest}.", "Choose another path, or change the permissions.")
    return FileFact()
