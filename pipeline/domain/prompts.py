"""Prompt templates: a closed grammar of placeholders, filled in as text and never executed.

A placeholder is written in braces: `{character}`, `{variant.prompt}`. `{{` and `}}` stand for single braces.
What a placeholder brings in is text: braces in it are not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pipeline.domain.names import did_you_mean

PLACEHOLDERS: Mapping[str, str] = {
    "character": "name of the character",
    "variant": "name of the variant",
    "variant.prompt": "prompt of the variant",
    "scene_type": "name of the scene type",
    "scene": "scene number of a shot; empty in the matrix",
    "location": "name of the location",
    "location.prompt": "prompt of the location",
    "style.preset": "name of the style preset",
    "style.prompt": "prompt of the style",
    "style.era": "era of the style",
    "style.mood": "mood of the style",
}
"""The fixed placeholders; besides them `{character.KEY}` for each key of a character's metadata."""

METADATA_PREFIX = "character."

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a template, and what to write instead."""

    message: str
    suggestion: str


@dataclass(frozen=True)
class Part:
    """A piece of a template: literal text, or the name of a placeholder."""

    text: str
    is_placeholder: bool = False


@dataclass(frozen=True)
class Template:
    """A parsed template. It can be resolved even when it has problems: what is not understood stays as it is written."""

    parts: tuple[Part, ...]
    problems: tuple[Problem, ...]

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The placeholders used, each once, in order."""
        return tuple(dict.fromkeys(part.text for part in self.parts if part.is_placeholder))

    def fill(self, values: Mapping[str, str]) -> str:
        """The prompt with every placeholder replaced by its value; one without a value becomes empty text."""
        return "".join(values.get(part.text, "") if part.is_placeholder else part.text for part in self.parts)


@lru_cache(maxsize=1024)
def parse(text: str) -> Template:
    """Read a template. Unknown names after `character.` are taken as metadata; the caller knows which exist."""
    parts: list[Part] = []
    problems: list[Problem] = []
    position = 0
    for match in _TOKEN.finditer(text):
        parts.append(Part(text[position : match.start()]))
        position = match.end()
        token, name = match.group(), match.group(1)
        if name is not None:
            parts.append(_placeholder(name, token, problems))
        elif len(token) == 2:
            parts.append(Part(token[0]))
        else:
            parts.append(Part(token))
            problems.append(Problem(f'A single "{token}" stands alone in the prompt.', f'Write "{token * 2}" for a brace.'))
    parts.append(Part(text[position:]))
    return Template(tuple(part for part in parts if part.text), tuple(dict.fromkeys(problems)))


def _placeholder(name: str, token: str, problems: list[Problem]) -> Part:
    clean = name.strip()
    if clean in PLACEHOLDERS or (clean.startswith(METADATA_PREFIX) and len(clean) > len(METADATA_PREFIX)):
        return Part(clean, is_placeholder=True)
    shown = clean if len(clean) <= 40 else clean[:39] + "…"
    problems.append(
        Problem(f'The prompt has a placeholder "{{{shown}}}" that does not exist.', did_you_mean(shown, PLACEHOLDERS))
    )
    return Part(token)


def resolve(text: str, values: Mapping[str, str]) -> str:
    """The prompt of a template with its placeholders replaced. Never fails, never executes anything."""
    return parse(text).fill(values)
