"""Measures variant stills: are they clean pictures, and is it still the same character?"""

from __future__ import annotations

import time
from pathlib import Path

from pipeline.adapters.media.images import open_image
from pipeline.adapters.qa import pictures
from pipeline.adapters.qa.likeness import Likeness
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import Measurement, Request, Result
from pipeline.ports import Workspace


def check_stills(request: Request, workspace: Workspace) -> Result:
    """Measure every `still` input; the subject is `candidate <label>`. Likeness only where there are `source` inputs."""
    started = time.perf_counter()
    stills = request.files("still")
    if not stills:
        raise WorkFailed("bad_input", "There is no still to check.")
    sources = [pictures.grey_of(open_image(Path(source.path))) for source in request.files("source")]
    likeness = Likeness(sources) if sources else None
    measured: list[Measurement] = []
    facts: dict[str, dict[str, int]] = {}
    for number, still in enumerate(stills):
        workspace.report(number / len(stills), f"candidate {still.label}")
        rgb = open_image(Path(still.path), failure_class="corrupt_output")
        grey = pictures.grey_of(rgb)
        low, high = pictures.exposure(grey)
        values = {
            "sharpness": pictures.sharpness(grey),
            "exposure_low": low,
            "exposure_high": high,
            "black_fraction": pictures.black_fraction(grey),
        }
        if likeness is not None:
            values["likeness"] = likeness.of(grey)
        subject = f"candidate {still.label or number + 1}"
        measured += [Measurement(name, round(value, 5), subject) for name, value in values.items()]
        facts[still.label or str(number + 1)] = {"width": rgb.shape[1], "height": rgb.shape[0]}
    return Result(measurements=tuple(measured), values={"stills": facts}, seconds=time.perf_counter() - started)
