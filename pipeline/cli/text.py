"""Text for people: names made safe, numbers with their units, sentences with the right plural."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.domain.sizes import size as size

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_BRIEF = 400


def clean(text: object) -> str:
    """One line without control characters: nothing in a name can move the cursor or hide what follows."""
    return _UNSAFE.sub("�", str(text))


def one_line(text: object) -> str:
    """Lines after each other: a space for each break and tab, with what is blank around it."""
    return " ".join(part.strip() for part in _BREAKS.split(str(text)) if part.strip())


def brief(text: object) -> str:
    """One line of what may be long, such as all that a program said: its lines after each other, the middle left out."""
    line = one_line(text)
    return line if len(line) <= _BRIEF else f"{line[: _BRIEF // 2].rstrip()} … {line[-_BRIEF // 2 :].lstrip()}"


def clean_lines(text: object) -> str:
    """The same for text of several lines."""
    return "\n".join(clean(line) for line in str(text).split("\n"))


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 scene`, `2 scenes`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def quoted(name: str) -> str:
    """A name as an argument that a shell takes as one word."""
    return clean(name) if re.fullmatch(r"[\w.,/@%+=-]+", name) else "'" + clean(name).replace("'", "'\\''") + "'"


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, with commas."""
    return ", ".join(part for part in parts if part)
