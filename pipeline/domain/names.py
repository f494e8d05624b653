"""How names compare: free text for people, equal when they differ only in case or Unicode form."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

NAME_LIMIT = 80
NAME_PATTERN = r"^(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]{1,80}(?<!\s)(?![\s\S])"
"""One line of 1 to 80 characters without control characters or outer spaces; for JSON Schema and for Python alike."""

_UNSAFE = re.compile(r"[^a-z0-9]+")
_FEW = 12
"""So many known names are told where none is near."""


def fold(name: str) -> str:
    """The form under which two names count as the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def slug(name: str) -> str:
    """Lowercase letters and digits of a name, for making other names from it; may be empty."""
    return _UNSAFE.sub("_", fold(name)).strip("_")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, or None when none is close."""
    by_fold = {fold(candidate): candidate for candidate in known}
    wanted = fold(name)[:NAME_LIMIT]
    if wanted in by_fold:
        return by_fold[wanted]
    close = difflib.get_close_matches(wanted, list(by_fold), n=1, cutoff=0.6)
    return by_fold[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str], *, cure: str = "") -> str:
    """A suggestion for an unknown name: the nearest one, else the known ones when they are few, else the cure, else some."""
    choices = list(known)
    close = nearest(name, choices)
    if close is not None:
        return f'Did you mean "{close}"?'
    if cure and len(choices) > _FEW:
        return cure
    if not choices:
        return cure
    return f"Known: {listed(choices, limit=_FEW)}."


def listed(values: Iterable[str], *, limit: int = 8) -> str:
    """Names in one line for a message, shortened when there are many: one name is as short as `and 1 more`."""
    names = list(values)
    if len(names) <= limit + 1:
        return ", ".join(names)
    return ", ".join(names[:limit]) + f" and {len(names) - limit} more"


def more_errors(count: int) -> str:
    """What follows the one error that is told: ` (and 2 more errors)`; empty where it is the only one."""
    return f" (and {count} more error{'s' if count > 1 else ''})" if count > 0 else ""
