"""Measures source images: are they fit to make a character from?"""

from __future__ import annotations

import time
from pathlib import Path

from pipeline.adapters.media.images import dhash, hash_distance, open_image, probe_image
from pipeline.adapters.qa import pictures
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import InputFile, Measurement, Request, Result
from pipeline.ports import Workspace


def check_source(request: Request, workspace: Workspace) -> Result:
    """Measure every `source` input; the subject is `image <label>`. `values` has format and size by label.

    Raises WorkFailed("bad_input") naming the first image that cannot be read.
    """
    started = time.perf_counter()
    sources = request.files("source")
    if not sources:
        raise WorkFailed("bad_input", "There is no source image to check. Add one and resume.")
    measured: list[Measurement] = []
    facts: dict[str, dict[str, object]] = {}
    hashes: list[int] = []
    for number, source in enumerate(sources):
        workspace.report(number / len(sources), f"image {source.label or number + 1}")
        taken, fact, fingerprint = _measure(source, number + 1)
        measured += taken
        facts[source.label or str(number + 1)] = fact
        hashes.append(fingerprint)
    measured += _duplicates(sources, hashes)
    return Result(measurements=tuple(measured), values={"images": facts}, seconds=time.perf_counter() - started)


def subject_of(source: InputFile, number: int) -> str:
    """How measurements and messages name a source image."""
    return f"image {source.label or number}"


def _measure(source: InputFile, number: int) -> tuple[list[Measurement], dict[str, object], int]:
    path = Path(source.path)
    subject = subject_of(source, number)
    try:
        fact = probe_image(path)
        rgb = open_image(path)
    except WorkFailed as error:
        # Stored files are named by their hash; the person knows the label.
        raise WorkFailed(error.failure_class, str(error).replace(f'"{path.name}"', f'"{source.label or path.name}"')) from error
    grey = pictures.grey_of(rgb)
    low, high = pictures.exposure(grey)
    values = {
        "min_side_px": float(min(rgb.shape[:2])),
        "sharpness": pictures.sharpness(grey),
        "exposure_low": low,
        "exposure_high": high,
        "clear_subject": pictures.clear_subject(grey),
    }
    taken = [Measurement(name, round(value, 5), subject) for name, value in values.items()]
    return taken, {"format": fact.format, "width": fact.width, "height": fact.height}, dhash(rgb)


def _duplicates(sources: tuple[InputFile, ...], hashes: list[int]) -> list[Measurement]:
    """The distance of each image to the nearest other; says nothing when there is only one."""
    if len(sources) < 2:
        return []
    found = []
    for number, source in enumerate(sources):
        nearest = min(hash_distance(hashes[number], other) for index, other in enumerate(hashes) if index != number)
        found.append(Measurement("duplicate_distance", float(nearest), subject_of(source, number + 1)))
    return found
