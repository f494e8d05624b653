"""The form of a rule in files and requests: what its keys may hold, in kinds that check a value and write their own schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.domain.choices import Mode
from pipeline.domain.format.containers import Field, ListOf, Section
from pipeline.domain.format.kinds import INVALID, Kind, Schema, described
from pipeline.domain.format.scalars import Choice, Flag, Name, Number, Pattern, Text
from pipeline.domain.issues import Path, Report, shorten
from pipeline.domain.rules import model
from pipeline.domain.rules.model import ALWAYS, Action, AllOf, AnyOf, Comparison, Condition, NotOf, Per, Same
from pipeline.domain.rules.vocabulary import EVENTS, Operator, events_in_words

MOST_VALUES, DEEPEST = 5_000, 40
"""A rule that holds more values than this, or is nested deeper, is refused before it is looked at."""
MOST_LEVELS = 12
"""Groups in groups of a condition."""
_OPERATORS = {operator.value: operator for operator in Operator}
_GROUPS = ("all", "any")


def is_too_large(value: object) -> str:
    """Why a value is refused before it is read; empty when it is not. Takes no longer however large it is."""
    level: list[object] = [value]
    count = 0
    for _ in range(DEEPEST):
        below: list[object] = []
        for one in level:
            below += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            if count + len(below) > MOST_VALUES:
                return f"It holds more than {MOST_VALUES:,} values."
        if not below:
            return ""
        count += len(below)
        level = below
    return f"It is nested more than {DEEPEST} levels deep."


@dataclass(frozen=True)
class Events(Kind):
    """One event or several, by name or in words."""

    limit: int = 20

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """The names of the events, each once."""
        entries = value if isinstance(value, list) else [value]
        if not entries or len(entries) > self.limit:
            report.error(path, f"A rule listens to 1 to {self.limit} events.", "Name an event, as in when: scene approved.")
            return INVALID
        names = [
            self._one(entry, (*path, index) if isinstance(value, list) else path, report) for index, entry in enumerate(entries)
        ]
        return INVALID if INVALID in names else tuple(dict.fromkeys(names))

    def _one(self, entry: Any, path: Path, report: Report) -> Any:
        if not isinstance(entry, str):
            report.error(path, f"An event is a text, not {described(entry)}.", "Write it like scene approved.")
            return INVALID
        words = events_in_words()
        name = words.get(entry, entry)
        if name in EVENTS:
            return name
        report.unknown(path, "event", entry, [*words, *EVENTS], cure="Write it like scene approved.")
        return INVALID

    def schema(self) -> Schema:
        """One of the names or words, or a list of them."""
        one = {"enum": [*EVENTS, *events_in_words()]}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": self.limit}]}

    def words(self) -> str:
        """An event."""
        return "an event, or a list of events"


@dataclass(frozen=True)
class WhichNames(Kind):
    """The word `same` or `all`, or names."""

    _names = ListOf(Name(), limit=200)

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """Same.SAME, Same.ALL or a tuple of names."""
        if isinstance(value, str) and value in (Same.SAME.value, Same.ALL.value):
            return Same(value)
        if isinstance(value, list) and value:
            return tuple(self._names.accept(value, path, report))
        cure = f"Write [{shorten(value)}]." if isinstance(value, str) else "Write same, all or [name, …]."
        report.error(path, f'This must be "same", "all" or a list of names, not {described(value)}.', cure)
        return INVALID

    def schema(self) -> Schema:
        """Either form."""
        return {"anyOf": [{"enum": [Same.SAME.value, Same.ALL.value]}, {**self._names.schema(), "minItems": 1}]}

    def words(self) -> str:
        """Either form."""
        return "`same`, `all` or a list of names"


@dataclass(frozen=True)
class Compared(Kind):
    """A value that a field is compared with: text, number, switch, or a list of those."""

    limit: int = 200

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """The value; a list as a tuple."""
        if isinstance(value, list):
            if not value or len(value) > self.limit:
                report.error(path, f"The list must have 1 to {self.limit} values.", "Write [value, …].")
                return INVALID
            values = [self._one(entry, (*path, index), report) for index, entry in enumerate(value)]
            return INVALID if INVALID in values else tuple(values)
        return self._one(value, path, report)

    def _one(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            return Text(limit=200).accept(value, path, report)
        return Number(-1e12, 1e12).accept(value, path, report)

    def schema(self) -> Schema:
        """A scalar or an array of scalars."""
        one: Schema = {"type": ["string", "number", "boolean"], "maxLength": 200}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": self.limit}]}

    def words(self) -> str:
        """Any value."""
        return "a value, or a list of values"


_VALUE = Compared()
_FIELD = Text(limit=100, may_be_empty=False)


def _comparison(value: dict[Any, Any], path: Path, report: Report, *, apart: tuple[str, ...] = ()) -> Any:
    """`{field: …, OPERATOR: …}`; the keys in `apart` are somebody else's."""
    unknown = [key for key in value if key not in ("field", *_OPERATORS, *apart)]
    for key in unknown:
        cure = report.suggest(str(key), ("field", *_OPERATORS), cure=f"Known: field, {', '.join(_OPERATORS)}.")
        report.error((*path, str(key)), f'"{shorten(str(key))}" is not a key of a condition.', cure)
    operators = [key for key in value if key in _OPERATORS]
    if "field" not in value:
        report.error(path, "The condition names no field.", "Write it like {field: scene_type, is: dance}.")
    if len(operators) != 1 and not unknown:
        told = f"{len(operators)} operators" if operators else "no operator"
        report.error(path, f"The condition has {told}.", f"Use one of {', '.join(_OPERATORS)}.")
    if unknown or "field" not in value or len(operators) != 1:
        return INVALID
    field = _FIELD.accept(value["field"], (*path, "field"), report)
    found = _VALUE.accept(value[operators[0]], (*path, operators[0]), report)
    if INVALID in (field, found):
        return INVALID
    return Comparison(field, _OPERATORS[operators[0]], found)


def _comparison_schema() -> Schema:
    return {
        "type": "object",
        "properties": {"field": _FIELD.schema(), **{name: _VALUE.schema() for name in _OPERATORS}},
        "required": ["field"],
        "minProperties": 2,
        "maxProperties": 2,
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class Where(Kind):
    """A condition: `all:`, `any:` or `not:` of conditions, or a field with an operator."""

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """The condition as a value."""
        return self._read(value, path, report, MOST_LEVELS)

    def _read(self, value: Any, path: Path, report: Report, levels: int) -> Any:
        if not isinstance(value, dict):
            report.error(path, f"A condition is a section, not {described(value)}.", "Write {field: scene_type, is: dance}.")
            return INVALID
        heads = [key for key in (*_GROUPS, "not") if key in value]
        if not heads:
            return _comparison(value, path, report)
        if len(value) > 1:
            report.error(path, f'"{heads[0]}" must stand alone.', "Put the other conditions into it.")
            return INVALID
        head, inner = heads[0], value[heads[0]]
        if levels <= 1:
            report.error(path, f"Conditions are nested more than {MOST_LEVELS} levels deep.", "Write them flatter.")
            return INVALID
        if head == "not":
            part = self._read(inner, (*path, "not"), report, levels - 1)
            return INVALID if part is INVALID else NotOf(part)
        return self._group(head, inner, (*path, head), report, levels - 1)

    def _group(self, head: str, value: Any, path: Path, report: Report, levels: int) -> Any:
        if not isinstance(value, list):
            report.error(path, f'"{head}" holds a list of conditions, not {described(value)}.', "Write a list.")
            return INVALID
        if head == "any" and not value:
            report.error(path, '"any" of nothing never holds.', "Add a condition, or leave it out.")
            return INVALID
        parts = [self._read(part, (*path, index), report, levels) for index, part in enumerate(value)]
        whole = tuple(self.blank() if part is INVALID else part for part in parts)
        return AllOf(whole) if head == "all" else AnyOf(whole)

    def schema(self) -> Schema:
        """A reference: it holds itself."""
        return {"$ref": "#/$defs/condition"}

    def definition(self) -> Schema:
        """What the reference refers to."""
        several = {"type": "array", "items": self.schema()}
        groups = [
            {"type": "object", "properties": {head: inner}, "required": [head], "additionalProperties": False}
            for head, inner in (("all", several), ("any", {**several, "minItems": 1}), ("not", self.schema()))
        ]
        return {"anyOf": [*groups, _comparison_schema()]}

    def words(self) -> str:
        """A condition."""
        return "a condition"

    def blank(self) -> Condition:
        """A condition that says nothing."""
        return ALWAYS


@dataclass(frozen=True)
class If(Kind):
    """A measured value held against a limit, with the least number of measured things."""

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """(comparison, sample)."""
        if not isinstance(value, dict):
            cure = "Write {field: character.pass_rate, above: 80, sample: 5}."
            report.error(path, f"This must be a section, not {described(value)}.", cure)
            return INVALID
        test = _comparison(value, path, report, apart=("sample",))
        sample = _SAMPLE.accept(value.get("sample", 1), (*path, "sample"), report)
        return INVALID if INVALID in (test, sample) else (test, sample)

    def schema(self) -> Schema:
        """A comparison with a sample."""
        made = _comparison_schema()
        return {**made, "properties": {**made["properties"], "sample": _SAMPLE.schema()}, "maxProperties": 3}

    def words(self) -> str:
        """By example."""
        return "like `{field: character.pass_rate, above: 80, sample: 5}`"


_SAMPLE = Number(1, 10_000, whole=True)
_SELECTION = {
    "characters": Field(WhichNames(), "Of which characters.", default="`same`"),
    "scene_types": Field(WhichNames(), "Of which scene types.", default="`same`"),
    "variants": Field(WhichNames(), "Of which variants.", default="`same`"),
}
_TEXT = Field(Text(limit=1000), "What is said.")
_URL = Pattern(r"^https?://[^\s\x00-\x1f\x7f@]{1,500}(?![\s\S])", "https://example.com/hook")
_ACTIONS: dict[str, Section] = {
    "submit": Section(
        "submit", "Ask for scenes.", {**_SELECTION, "mode": Field(Choice(tuple(Mode)), "Which of them.", default="`missing`")}
    ),
    "qa": Section("qa", "Measure scenes again.", dict(_SELECTION)),
    "assemble": Section("assemble", "Put scenes together again.", dict(_SELECTION)),
    "package": Section("package", "Make a delivery.", {"of": Field(Choice(("run", "character")), "Of what.", default="`run`")}),
    "notify": Section("notify", "Tell people.", {"to": Field(Name(), "The channel.", required=True), "text": _TEXT}),
    "webhook": Section("webhook", "Call an address.", {"url": Field(_URL, "The address.", required=True)}),
    "approve": Section("approve", "Accept what the event is about.", {}),
    "flag": Section("flag", "Ask people to look at it.", {"text": _TEXT}),
    "pause": Section("pause", "Start nothing new.", {"of": Field(Choice(("run", "scene_type")), "In what.", default="`run`")}),
}


@dataclass(frozen=True)
class Step(Kind):
    """One action: its name with its section, or its name alone."""

    def accept(self, value: Any, path: Path, report: Report) -> Any:
        """The action as a value."""
        entry = {value: {}} if isinstance(value, str) else value
        if not isinstance(entry, dict) or len(entry) != 1:
            cure = f"Write it like submit: {{…}}. Known: {', '.join(_ACTIONS)}."
            report.error(path, f"An action is one word with its section, not {described(value)}.", cure)
            return INVALID
        [(word, body)] = entry.items()
        section = _ACTIONS.get(word) if isinstance(word, str) else None
        if section is None:
            report.unknown((*path, str(word)), "action", str(word), list(_ACTIONS))
            return INVALID
        clean = section.accept({} if body is None else body, (*path, word), report)
        return INVALID if clean is INVALID else _action(word, clean)

    def schema(self) -> Schema:
        """A reference."""
        return {"$ref": "#/$defs/action"}

    def definition(self) -> Schema:
        """The word alone where nothing is required, or the word with its section."""
        bare = [word for word, section in _ACTIONS.items() if not any(entry.required for entry in section.fields.values())]
        forms = [
            {
                "type": "object",
                "properties": {
                    word: {"anyOf": [{"type": "null"}, section.definition()]} if word in bare else section.definition()
                },
                "required": [word],
                "additionalProperties": False,
            }
            for word, section in _ACTIONS.items()
        ]
        return {"anyOf": [{"enum": bare}, *forms]}

    def words(self) -> str:
        """An action."""
        return "an action"

    def blank(self) -> Action:
        """Something harmless that keeps the place."""
        return Action(model.Kind.FLAG)


def _action(word: str, clean: dict[str, Any]) -> Action:
    selection = model.Selection(**{key: clean[key] for key in _SELECTION if key in clean})
    plain = {key: clean[key] for key in ("of", "to", "url", "text") if key in clean}
    return Action(model.Kind(word), selection, Mode(clean.get("mode", Mode.MISSING)), **plain)


_SOME_NAMES = ListOf(Name(), limit=200)
SCOPE = Section(
    "trigger_scope",
    "Where a rule applies; what is left out is all.",
    {
        "characters": Field(_SOME_NAMES, "These characters."),
        "scene_types": Field(_SOME_NAMES, "These scene types."),
        "variants": Field(_SOME_NAMES, "These variants."),
    },
    short=Choice(("all",)),
)
FUEL = Section(
    "trigger_fuel",
    "How much the rule may set in motion after one root event.",
    {
        "firings": Field(Number(1, 1_000, whole=True), "Firings."),
        "jobs": Field(Number(0, 100_000, whole=True), "Jobs."),
        "gpu_seconds": Field(Number(0, 10_000_000), "Seconds of generation."),
    },
)
_STEPS = ListOf(Step(), limit=20)
TRIGGER = Section(
    "trigger",
    "A rule: when this happens, do that.",
    {
        "name": Field(Name(), "What it is called.", required=True),
        "when": Field(Events(), "What wakes it.", required=True),
        "for": Field(SCOPE, "Where it applies.", default="`all`"),
        "everywhere": Field(Flag(), "In all projects.", default="`false`"),
        "where": Field(Where(), "What must hold."),
        "if": Field(If(), "What decides between `do` and `else`."),
        "do": Field(_STEPS, "What it does.", required=True),
        "else": Field(_STEPS, "What it does otherwise."),
        "order": Field(Choice(("sequential", "parallel")), "How actions follow each other.", default="`sequential`"),
        "on_failure": Field(Choice(("stop", "go_on")), "After an action that failed.", default="`stop`"),
        "wait_s": Field(Number(0, 86_400), "How long it gathers events, in seconds.", default="0"),
        "per": Field(Choice(tuple(Per)), "What it fires once for in a chain.", default="`subject`"),
        "once": Field(Flag(), "Whether it fires once for it for good.", default="`false`"),
        "priority": Field(Number(-1_000, 1_000, whole=True), "The higher goes first.", default="0"),
        "max_depth": Field(Number(1, 10, whole=True), "How deep in a chain it may fire.", default="10"),
        "fuel": Field(FUEL, "What binds it."),
        "enabled": Field(Flag(), "Whether it is on.", default="`true`"),
    },
)


def definitions() -> Iterator[tuple[str, Schema]]:
    """Every part that the schema refers to, by name."""
    yield "condition", Where().definition()
    yield "action", Step().definition()
    for section in (TRIGGER, SCOPE, FUEL):
        yield section.name, section.definition()
