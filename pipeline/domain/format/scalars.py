"""Kinds of single values: texts, names, choices, numbers and switches."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.domain.format.kinds import INVALID, Kind, Schema, described
from pipeline.domain.issues import Path, Report, shorten
from pipeline.domain.names import NAME_LIMIT, NAME_PATTERN

_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff"


@dataclass(frozen=True)
class Text(Kind):
    """Free text, several lines allowed."""

    limit: int = 4000
    may_be_empty: bool = True

    @cached_property
    def _pattern(self) -> str:
        return rf"^[^{_CONTROL}]*(?![\s\S])" if self.may_be_empty else rf"^(?=[\s\S]*\S)[^{_CONTROL}]*(?![\s\S])"

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern)

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """Text without control characters, not longer than the limit."""
        if not isinstance(value, str):
            return _not_text(value, path, report)
        if len(value) > self.limit:
            report.error(path, f"The text has {len(value)} characters; at most {self.limit} are allowed.", "Shorten it.")
            return INVALID
        if self._compiled.search(value) is None:
            empty = not value.strip()
            report.error(path, "The text is empty." if empty else "The text holds a control character.", "Write it anew.")
            return INVALID
        return value

    def schema(self) -> Schema:
        """A string with a length limit."""
        return {"type": "string", "maxLength": self.limit, "pattern": self._pattern}

    def words(self) -> str:
        """Text."""
        return "text"


@dataclass(frozen=True)
class Name(Kind):
    """A name: one line, 1 to 80 characters."""

    _compiled = re.compile(NAME_PATTERN)

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A string that can stand as a name everywhere."""
        if not isinstance(value, str):
            return _not_text(value, path, report)
        if self._compiled.search(value) is not None:
            return value
        if not value.strip():
            report.error(path, "The name is empty.", "Give it a name.")
        elif len(value) > NAME_LIMIT:
            report.error(path, f"The name has {len(value)} characters; at most {NAME_LIMIT} are allowed.", "Shorten it.")
        else:
            report.error(
                path,
                f"The name {shorten(repr(value))} holds control characters, line breaks or outer spaces.",
                "Write it on one line without them.",
            )
        return INVALID

    def schema(self) -> Schema:
        """A string of the name pattern."""
        return {"type": "string", "maxLength": NAME_LIMIT, "pattern": NAME_PATTERN}

    def words(self) -> str:
        """A name."""
        return "name (1 to 80 characters)"


@dataclass(frozen=True)
class Pattern(Kind):
    """A short text of a fixed form."""

    pattern: str
    example: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A string that fits the form."""
        if isinstance(value, str) and self._compiled.search(value) is not None:
            return value
        report.error(path, f"This must look like {self.example}, not {described(value)}.", f"Write it like {self.example}.")
        return INVALID

    def schema(self) -> Schema:
        """A string of the pattern."""
        return {"type": "string", "pattern": self.pattern}

    def words(self) -> str:
        """By example."""
        return f"like `{self.example}`"


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    options: tuple[str, ...]

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """One of the options."""
        if isinstance(value, str) and value in self.options:
            return value
        known = ", ".join(self.options)
        cure = report.suggest(value, self.options) if isinstance(value, str) else f"Use one of: {known}."
        report.error(path, f"This must be one of {known}, not {described(value)}.", cure)
        return INVALID

    def schema(self) -> Schema:
        """An enumeration."""
        return {"enum": list(self.options)}

    def words(self) -> str:
        """The options."""
        return " or ".join(f"`{option}`" for option in self.options)


@dataclass(frozen=True)
class Number(Kind):
    """A number within limits; `whole` allows no fraction; `above` is an open lower limit."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    whole: bool = False

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A finite number in range."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            cure = "Write it without quotes." if isinstance(value, str) else "Write a number."
            report.error(path, f"This must be {self.words()}, not {described(value)}.", cure)
            return INVALID
        if self.whole and isinstance(value, float) and not value.is_integer():
            report.error(path, f"This must be {self.words()}, not {value}.", f"Use {round(value)}.")
            return INVALID
        if not self._fits(value):
            report.error(path, f"This must be {self.words()}; {described(value)} is out of range.", "Choose a number in range.")
            return INVALID
        return int(value) if self.whole else value

    def _fits(self, value: float) -> bool:
        low = self.minimum is None or value >= self.minimum
        open_low = self.above is None or value > self.above
        return low and open_low and (self.maximum is None or value <= self.maximum)

    def schema(self) -> Schema:
        """A number or an integer with its limits."""
        limits = {"minimum": self.minimum, "maximum": self.maximum, "exclusiveMinimum": self.above}
        kept = {key: limit for key, limit in limits.items() if limit is not None}
        return {"type": "integer" if self.whole else "number", **kept}

    def words(self) -> str:
        """The range."""
        noun = "a whole number" if self.whole else "a number"
        low = f"above {self.above:g}" if self.above is not None else f"from {self.minimum:g}" if self.minimum is not None else ""
        high = f"up to {self.maximum:g}" if self.maximum is not None and self.maximum < 10**15 else ""
        return " ".join(part for part in (noun, low, high) if part)


@dataclass(frozen=True)
class Flag(Kind):
    """true or false."""

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A boolean."""
        if isinstance(value, bool):
            return value
        report.error(path, f"This must be true or false, not {described(value)}.", "Write true or false.")
        return INVALID

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}

    def words(self) -> str:
        """true or false."""
        return "`true` or `false`"


@dataclass(frozen=True)
class Plain(Kind):
    """A value of free data: text, number or switch; `lists` also allows lists of numbers."""

    lists: bool = False

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A scalar, or a list of numbers where that is allowed."""
        if isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if self.lists and isinstance(value, list) and all(_is_number(entry) for entry in value):
            return list(value)
        report.error(path, f"This must be {self.words()}, not {described(value)}.", "Write a single value.")
        return INVALID

    def schema(self) -> Schema:
        """Scalars, and arrays of numbers where allowed."""
        if not self.lists:
            return {"type": ["string", "number", "boolean"]}
        return {"type": ["string", "number", "boolean", "array"], "items": {"type": "number"}}

    def words(self) -> str:
        """Scalars."""
        return "text, a number, a switch or a list of numbers" if self.lists else "text, a number or a switch"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _not_text(value: object, path: Path, report: Report) -> object:
    cure = (
        f'Put it in quotes: "{value}".' if isinstance(value, (bool, int, float)) and len(str(value)[:40]) < 40 else "Write text."
    )
    report.error(path, f"This must be text, but it is {described(value)}.", cure)
    return INVALID
