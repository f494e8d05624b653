"""What every kind of value in a production file can do: check a plain value and write its own JSON Schema."""

from __future__ import annotations

from typing import Any

from pipeline.domain.issues import Path, Report, shorten

INVALID = object()
"""What `accept` gives for a value that was reported and must not be used."""

Schema = dict[str, Any]


def described(value: object) -> str:
    """A plain value in words, for a message."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the switch {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {shorten(str(value))}" if abs(value) < 10**18 else "a huge number"
    if isinstance(value, str):
        return f'the text "{shorten(value)}"'
    return "a list" if isinstance(value, list) else "a section"


class Kind:
    """A kind of value. `accept` reports what is wrong and gives the value to use, or INVALID."""

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """Check one value."""
        raise NotImplementedError

    def schema(self) -> Schema:
        """The same rule as JSON Schema 2020-12."""
        raise NotImplementedError

    def words(self) -> str:
        """The rule in a few words for the reference page."""
        raise NotImplementedError

    def blank(self) -> Any:
        """What stands in a list for an entry that is not valid, so that positions stay true."""
        return ""
