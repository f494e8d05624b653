"""What Stripboard takes from a screenplay: its scene headings and who speaks in each scene."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PREFIX = re.compile(r"^\s*(?:(?:int|ext|est)\.?\s*/\s*(?:int|ext)|i/e|int|ext|est)\s*[.\s]\s*", re.IGNORECASE)
_NUMBER = re.compile(r"#\s*([0-9]{1,6})[-.]?([A-Za-z]{0,3})\s*#\s*$")
_ANY_NUMBER = re.compile(r"#[^#]{0,40}#\s*$")
_EXTENSION = re.compile(r"\(([^()]{0,60})\)")
_DASH = re.compile(r"\s(?:--|[\u2013\u2014])\s")
_OFF_SCREEN = {"vo", "os", "oc", "voiceover", "offscreen", "offcamera"}


@dataclass(frozen=True)
class Cue:
    """A character cue: who speaks. `is_off_screen` is set by (V.O.), (O.S.) and (O.C.)."""

    name: str
    is_off_screen: bool = False


@dataclass(frozen=True)
class ScriptScene:
    """One scene of a screenplay: its heading as written, the line it stands in, and its cues in order."""

    heading: str
    cues: tuple[Cue, ...] = ()
    line: int | None = None


@dataclass(frozen=True)
class Screenplay:
    """A screenplay as a list of scenes."""

    scenes: tuple[ScriptScene, ...] = ()
    title: str = ""


def place_of(heading: str) -> str:
    """The place a scene heading names: `INT. WAREHOUSE - NIGHT #12#` gives `WAREHOUSE`."""
    text = _ANY_NUMBER.sub("", heading)
    text = _PREFIX.sub("", text, count=1)
    place, dash, _time = _DASH.sub(" - ", text).rpartition(" - ")
    return " ".join((place if dash else text).strip(" .-").split())


def number_of(heading: str) -> tuple[int, str] | None:
    """The scene number a heading carries, and the letter of a scene that was put in later: `#12#`, `#12A#`, `#110-A#`."""
    match = _NUMBER.search(heading)
    return (int(match[1]), match[2].lower()) if match else None


def read_cue(text: str) -> Cue:
    """A cue line: `MARA (V.O.) ^` gives Mara, off screen."""
    extensions = {re.sub(r"[^a-z]", "", found.lower()) for found in _EXTENSION.findall(text[:200])}
    name = _EXTENSION.sub("", text[:200]).replace("^", "").strip().lstrip("@")
    return Cue(" ".join(name.split()), bool(extensions & _OFF_SCREEN))
