"""Kinds of values that hold others: lists and sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipeline.domain.format.kinds import INVALID, Kind, Schema, described
from pipeline.domain.format.scalars import Name
from pipeline.domain.issues import Path, Report, shorten

_MANY = 100_000


@dataclass(frozen=True)
class ListOf(Kind):
    """A list; an invalid entry is replaced by a blank, so positions stay true."""

    entry: Kind
    limit: int = _MANY

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A list whose entries are all of the kind."""
        if not isinstance(value, list):
            cure = f"Write it as a list: [{shorten(value)}]." if isinstance(value, str) else "Write it as a list."
            report.error(path, f"This must be a list, not {described(value)}.", cure)
            return INVALID
        if len(value) > self.limit:
            cure = "Split the production." if self.limit >= _MANY else f"Leave out {len(value) - self.limit} of them."
            report.error(path, f"The list has {len(value)} entries; at most {self.limit} are allowed.", cure)
            return INVALID
        accepted = [self.entry.accept(entry, (*path, index), report) for index, entry in enumerate(value)]
        return [self.entry.blank() if entry is INVALID else entry for entry in accepted]

    def schema(self) -> Schema:
        """An array."""
        return {"type": "array", "items": self.entry.schema(), "maxItems": self.limit}

    def words(self) -> str:
        """A list."""
        return f"list of {self.entry.words()}"


@dataclass(frozen=True)
class AllOrNames(Kind):
    """The word `all`, or a list of names."""

    _names = ListOf(Name())

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """`all` or the names."""
        if value == "all":
            return value
        if isinstance(value, list):
            return self._names.accept(value, path, report)
        report.error(path, f'This must be the word "all" or a list of names, not {described(value)}.', "Write all or [name, …].")
        return INVALID

    def schema(self) -> Schema:
        """Either form."""
        return {"anyOf": [{"const": "all"}, self._names.schema()]}

    def words(self) -> str:
        """Either form."""
        return "`all` or a list of names"


@dataclass(frozen=True)
class MapOf(Kind):
    """A section with free keys of one form; at most `limit` of them."""

    entry: Kind
    key: str = r"^[A-Za-z_][A-Za-z0-9_]{0,63}(?![\s\S])"
    key_words: str = "a letter, then letters, digits or _"
    limit: int = 1000

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.key)

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A mapping whose keys have the form and whose values are of the kind."""
        if not isinstance(value, dict):
            report.error(path, f"This must be a section of key: value lines, not {described(value)}.", "Write key: value lines.")
            return INVALID
        if len(value) > self.limit:
            report.error(path, f"The section has {len(value)} keys; at most {self.limit} are allowed.", "Remove some.")
            return INVALID
        clean = {}
        for key, entry in value.items():
            where = (*path, str(key))
            if not isinstance(key, str) or self._compiled.search(key) is None:
                report.error(where, f'The key "{shorten(str(key))}" must be {self.key_words}.', "Rename the key.")
                continue
            accepted = self.entry.accept(entry, where, report)
            if accepted is not INVALID:
                clean[key] = accepted
        return clean

    def schema(self) -> Schema:
        """An object with pattern properties."""
        return {
            "type": "object",
            "patternProperties": {self.key: self.entry.schema()},
            "additionalProperties": False,
            "maxProperties": self.limit,
        }

    def words(self) -> str:
        """A section."""
        return f"section: keys are {self.key_words}; values are {self.entry.words()}"

    def blank(self) -> Any:
        """An empty section."""
        return {}


@dataclass(frozen=True)
class Free(Kind):
    """A section that another part of Stripboard understands; only plain data is asked for here."""

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """Any mapping."""
        if isinstance(value, dict):
            return value
        report.error(path, f"This must be a section, not {described(value)}.", "Write key: value lines.")
        return INVALID

    def schema(self) -> Schema:
        """Any object."""
        return {"type": "object"}

    def words(self) -> str:
        """A section."""
        return "section"

    def blank(self) -> Any:
        """An empty section."""
        return {}


@dataclass(frozen=True)
class Field:
    """One key of a section: its kind, what it means, whether it must be there, and the default in words."""

    kind: Kind
    help: str
    required: bool = False
    default: str = ""


@dataclass(frozen=True)
class Section(Kind):
    """A section with a fixed set of keys. `short` is a kind that may stand for the whole section.

    Of the keys in `one_of`, where there are some, exactly one must be there.
    """

    name: str
    help: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    short: Kind | None = None
    one_of: tuple[str, ...] = ()

    @cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(key for key, entry in self.fields.items() if entry.required)

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """A mapping of known keys with all required ones; unknown and invalid entries are left out."""
        if self.short is not None and not isinstance(value, dict):
            return self.short.accept(value, path, report)
        if not isinstance(value, dict):
            report.error(path, f"This must be a section, not {described(value)}.", f"Write key: value lines: {self.keys()}.")
            return INVALID
        clean = {}
        for key, entry in value.items():
            known = self.fields.get(key) if isinstance(key, str) else None
            if known is None:
                self._refuse(key, path, report)
                continue
            accepted = known.kind.accept(entry, (*path, key), report)
            if accepted is not INVALID:
                clean[key] = accepted
        for key in self._required:
            if key not in value:
                report.error(path, f'The key "{key}" is missing: {self.fields[key].help}', f"Add {key}: …")
        self._check_choice(value, path, report)
        return clean

    def _check_choice(self, value: Mapping[Any, Any], path: Path, report: Report) -> None:
        given = [key for key in self.one_of if key in value]
        if self.one_of and not given:
            keys = " or ".join(f'"{key}"' for key in self.one_of)
            report.error(path, f"The key {keys} is missing: {self.fields[self.one_of[0]].help}", f"Add {self.one_of[0]}: …")
        elif len(given) > 1:
            report.error((*path, given[1]), f'"{given[0]}" and "{given[1]}" exclude each other.', "Keep one of them.")

    def _refuse(self, key: object, path: Path, report: Report) -> None:
        text = str(key)
        cure = report.suggest(text, self.fields)
        if text == "<<":
            cure = "Merge keys are not part of the format; write the keys out."
        report.error(
            (*path, text), f'"{shorten(text)}" is not a key of {self.name.replace("_", " ")}.', cure or f"Known: {self.keys()}."
        )

    def keys(self) -> str:
        """All keys in one line."""
        return ", ".join(self.fields)

    def schema(self) -> Schema:
        """A reference to the definition of this section."""
        reference: Schema = {"$ref": f"#/$defs/{self.name}"}
        return reference if self.short is None else {"anyOf": [self.short.schema(), reference]}

    def definition(self) -> Schema:
        """The object schema of this section."""
        choice = {"oneOf": [{"required": [key]} for key in self.one_of]} if self.one_of else {}
        return choice | {
            "type": "object",
            "description": self.help,
            "properties": {key: {"description": entry.help} | entry.kind.schema() for key, entry in self.fields.items()},
            "required": list(self._required),
            "additionalProperties": False,
        }

    def words(self) -> str:
        """By name."""
        named = f"[{self.name}](#{self.name})"
        return f"{named}, or {self.short.words()}" if self.short else named

    def blank(self) -> Any:
        """An empty section."""
        return {}
