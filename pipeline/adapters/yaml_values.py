"""YAML events to plain values: the types of YAML 1.2's core schema and nothing else, counted as they are built."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from pipeline.domain.issues import Issue, Place, Severity, shorten

REFUSED = object()
"""Stands for a document that breaks a limit or a rule of form; the reason is among the issues."""

_PREFIX = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_START = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+\Z")
_RADIX = re.compile(r"0(o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_LONGEST_NUMBER = 40


@dataclass(frozen=True)
class Limits:
    """How much a production file may hold, aliases written out."""

    size_bytes: int = 8 * 2**20
    depth: int = 32
    nodes: int = 500_000


FLATTER = "Make it flatter."


def too_deep(levels: int) -> str:
    """What is said of a file that is nested deeper than this."""
    return f"The file is nested more than {levels} levels deep."


class _Refusal(Exception):
    def __init__(self, line: int, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.line, self.message, self.suggestion = line, message, suggestion


class UnusableNumber(ValueError):
    """A plain scalar that looks like a number and is none: infinite, not a number, or endless."""


def resolve_plain(text: str) -> Any:
    """The value of a scalar written without quotes; the very same text when it is text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _NOT_FINITE.match(text):
        raise UnusableNumber(f'"{text}" is not a number that can be used')
    if _INT.match(text):
        return _whole(text, 10)
    if radix := _RADIX.match(text):
        return _whole(radix.group(1)[1:], 8 if text[1] == "o" else 16)
    if _FLOAT.match(text):
        number = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
        if math.isinf(number):
            raise UnusableNumber(f'"{shorten(text)}" is too large')
        return number
    return text


def _whole(digits: str, base: int) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise UnusableNumber(f'"{shorten(digits)}" is too large')
    return int(digits, base)


@dataclass
class _Open:
    """A mapping or list that is being filled. `key` is the key waiting for its value."""

    value: Any
    place: Place
    anchor: str | None
    first_node: int
    deepest: int
    key: str | None = None
    key_line: int = 0
    is_waiting: bool = False


@dataclass(frozen=True)
class _Anchored:
    value: Any
    place: Place | int
    nodes: int
    levels: int


class Builder:
    """Builds one document from its events without recursion."""

    def __init__(self, file: str | None, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.issues: list[Issue] = []
        self.place = Place(None, file)
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._result: Any = None
        self._documents = 0

    def build(self, events: Iterable[Any]) -> Any:
        """The value of the only document, or REFUSED. Raises what the YAML parser raises."""
        steps = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.SequenceStartEvent: self._start_list,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._start_document,
        }
        try:
            for event in events:
                step = steps.get(type(event))
                if step is not None:
                    step(event)
        except _Refusal as refusal:
            self._problem(refusal.line, refusal.message, refusal.suggestion)
            return REFUSED
        return self._result

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            line = event.start_mark.line + 1
            raise _Refusal(line, "The file holds more than one YAML document.", "Remove the line --- or split the file.")

    def _scalar(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if self._stack and self._stack[-1].is_waiting is False and isinstance(self._stack[-1].value, dict):
            self._key(event.value, event.anchor, line)
            return
        value = self._value(event, line)
        self._count(1, line)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, line, 1, 0)
        self._add(value, line)

    def _value(self, event: Any, line: int) -> Any:
        text = event.value
        tag = event.tag
        try:
            if tag is None or tag == "!":
                return resolve_plain(text) if event.implicit[0] and tag is None else text
            return self._tagged(tag, text, line)
        except UnusableNumber as error:
            self._problem(line, f"{error}.", "Write a finite number, or put it in quotes.")
            return text

    def _tagged(self, tag: str, text: str, line: int) -> Any:
        kind = tag.removeprefix(_PREFIX)
        if kind == "str":
            return text
        value = resolve_plain(text) if kind in ("int", "float", "bool", "null") else None
        types: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}
        if kind in types and type(value) is types[kind]:
            return value
        if kind == "float" and type(value) is int:
            return float(value)
        raise _Refusal(line, f'The YAML tag "{shorten(tag)}" is not allowed here.', "Remove the tag.")

    def _key(self, text: str, anchor: str | None, line: int) -> None:
        holder = self._stack[-1]
        self._count(1, line)
        if anchor:
            self._anchors[anchor] = _Anchored(text, line, 1, 0)
        holder.key, holder.key_line, holder.is_waiting = text, line, True

    def _start_mapping(self, event: Any) -> None:
        self._open({}, event, "map")

    def _start_list(self, event: Any) -> None:
        self._open([], event, "seq")

    def _open(self, value: Any, event: Any, kind: str) -> None:
        line = event.start_mark.line + 1
        if event.tag not in (None, "!", _PREFIX + kind):
            raise _Refusal(line, f'The YAML tag "{shorten(event.tag)}" is not allowed here.', "Remove the tag.")
        holder = self._stack[-1] if self._stack else None
        if holder is not None and isinstance(holder.value, dict) and not holder.is_waiting:
            raise _Refusal(line, "A key must be plain text, not a list or a section.", "Write key: value.")
        depth = len(self._stack) + 1
        if depth > self.limits.depth:
            raise _Refusal(line, too_deep(self.limits.depth), FLATTER)
        self._count(1, line)
        place = Place(holder.key_line if holder is not None and isinstance(holder.value, dict) else line, self.file)
        self._stack.append(_Open(value, place, event.anchor, self._nodes, depth))

    def _end(self, event: Any) -> None:
        done = self._stack.pop()
        depth = len(self._stack) + 1
        if done.anchor:
            nodes = self._nodes - done.first_node + 1
            self._anchors[done.anchor] = _Anchored(done.value, done.place, nodes, done.deepest - depth + 1)
        if self._stack:
            self._stack[-1].deepest = max(self._stack[-1].deepest, done.deepest)
        self._add(done.value, done.place)

    def _alias(self, event: Any) -> None:
        line = event.start_mark.line + 1
        found = self._anchors.get(event.anchor)
        if found is None:
            raise _Refusal(line, f'The alias "*{shorten(event.anchor)}" has no anchor before it.', "Write the value out.")
        self._count(found.nodes, line)
        holder = self._stack[-1] if self._stack else None
        if holder is not None and isinstance(holder.value, dict) and not holder.is_waiting:
            if not isinstance(found.value, str):
                raise _Refusal(line, "A key must be plain text, not an alias of a list or section.", "Write the key out.")
            self._key(found.value, None, line)
            return
        if holder is not None:
            deepest = len(self._stack) + found.levels
            if deepest > self.limits.depth:
                raise _Refusal(line, too_deep(self.limits.depth), FLATTER)
            holder.deepest = max(holder.deepest, deepest)
        self._add(found.value, found.place if isinstance(found.place, Place) else line)

    def _add(self, value: Any, place: Place | int) -> None:
        if not self._stack:
            self._result = value
            self.place = place if isinstance(place, Place) else Place(place, self.file)
            return
        holder = self._stack[-1]
        if isinstance(holder.value, list):
            holder.place.children[len(holder.value)] = place
            holder.value.append(value)
            return
        key = holder.key or ""
        holder.is_waiting = False
        if key in holder.value:
            first = holder.place.find((key,))[1]
            message = f'The key "{shorten(key)}" stands twice in one section: line {first} and line {holder.key_line}.'
            self._problem(holder.key_line, message, "Remove one of them.")
            return
        holder.place.children[key] = holder.key_line if isinstance(place, int) else place
        holder.value[key] = value

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > self.limits.nodes:
            cure = "Split the production, or write less by alias."
            raise _Refusal(line, f"The file holds more than {self.limits.nodes} values, aliases written out.", cure)

    def _problem(self, line: int, message: str, suggestion: str) -> None:
        self.issues.append(Issue("", line, Severity.ERROR, message, suggestion, self.file))
