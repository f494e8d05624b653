"""What is wrong with a production: issues, and the report that collects them with their place in the files."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.domain.names import did_you_mean

Path = tuple[str | int, ...]
"""Where in the document: keys and list positions from the root."""


class Severity(StrEnum):
    """How much an issue matters."""

    ERROR = "error"  # the production cannot run like this
    WARNING = "warning"  # it runs, and probably not as meant
    INFO = "info"  # worth knowing


@dataclass(frozen=True)
class Issue:
    """One finding. `path` reads like `production.characters[1].name`; `line` counts from 1, None where there is none."""

    path: str
    line: int | None
    severity: Severity
    message: str
    suggestion: str = ""
    file: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        head = f"{place}: " if place else ""
        where = f" ({self.path})" if self.path else ""
        cure = f" {self.suggestion}" if self.suggestion else ""
        return f"{head}{self.severity}: {self.message}{cure}{where}"


class Place:
    """Where a mapping or list stands in its file, with the places of what is in it.

    `children` holds a Place for each container and the bare line number for each scalar.
    """

    __slots__ = ("children", "file", "line")

    def __init__(self, line: int | None, file: str | None = None) -> None:
        self.line = line
        self.file = file
        self.children: dict[str | int, Place | int] = {}

    def find(self, path: Path) -> tuple[str | None, int | None]:
        """File and line of the deepest part of the path that is written in the document."""
        place = self
        for step in path:
            child = place.children.get(step)
            if isinstance(child, int):
                return place.file, child
            if child is None:
                break
            place = child
        return place.file, place.line


def render(path: Path) -> str:
    """The path as people read it: `production.shots[3].after[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


@dataclass
class Report:
    """Collects issues while a document is read; knows where each path is written.

    `comparisons` bounds the time spent on looking for names that were meant.
    """

    places: Place = field(default_factory=lambda: Place(None))
    issues: list[Issue] = field(default_factory=list)
    comparisons: int = 100_000

    def add(self, severity: Severity, path: Path, message: str, suggestion: str = "") -> None:
        """Note one issue at a path of the document."""
        file, line = self.places.find(path)
        self.issues.append(Issue(render(path), line, severity, message, suggestion, file))

    def error(self, path: Path, message: str, suggestion: str = "") -> None:
        """Note what keeps the production from running."""
        self.add(Severity.ERROR, path, message, suggestion)

    def warning(self, path: Path, message: str, suggestion: str = "") -> None:
        """Note what probably is not meant."""
        self.add(Severity.WARNING, path, message, suggestion)

    def info(self, path: Path, message: str, suggestion: str = "") -> None:
        """Note what is worth knowing."""
        self.add(Severity.INFO, path, message, suggestion)

    def unknown(self, path: Path, what: str, name: str, known: Collection[str], *, cure: str = "") -> None:
        """Note a name that nothing is declared under."""
        self.error(path, f'There is no {what} "{shorten(name)}".', self.suggest(name, known, cure=cure))

    def suggest(self, name: str, known: Collection[str], *, cure: str = "") -> str:
        """What to write instead of a name; in a document full of mistakes only the first ones are looked up."""
        self.comparisons -= len(known)
        return did_you_mean(name, known, cure=cure) if self.comparisons >= 0 else cure

    def is_written(self, path: Path) -> bool:
        """Whether the document itself has something at this path."""
        place: Place | int | None = self.places
        for step in path:
            place = place.children.get(step) if isinstance(place, Place) else None
        return place is not None

    def where(self, path: Path) -> str:
        """`cast.yaml line 4`, `line 4` or nothing, for messages that name two places."""
        file, line = self.places.find(path)
        return " ".join(part for part in (file, None if line is None else f"line {line}") if part)


def has_errors(issues: Iterable[Issue]) -> bool:
    """Whether any of them keeps the production from running."""
    return any(issue.severity is Severity.ERROR for issue in issues)


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def in_order(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Worst first, then by file and line; the same issue only once."""
    unique = dict.fromkeys(issues)
    return tuple(sorted(unique, key=lambda issue: (_RANK[issue.severity], issue.file or "", issue.line or 0)))


def shorten(text: str, limit: int = 60) -> str:
    """A text cut for a message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
