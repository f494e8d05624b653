"""What is wrong with a rule beyond its form.

Fields that its events lack, values of the wrong type, scopes that no event is in, names that nothing has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pipeline.domain.issues import Path, Report
from pipeline.domain.rules.boxes import listening
from pipeline.domain.rules.model import Action, Actions, AllOf, Comparison, Condition, Kind, NotOf, Per, Rule, Same
from pipeline.domain.rules.vocabulary import (
    EVENTS,
    FIELDS,
    METADATA,
    OF_NO_RUN,
    OPERATORS,
    EventType,
    Field,
    FieldType,
    Operator,
    Subject,
    field_named,
    is_measured,
)


@dataclass(frozen=True)
class Names:
    """What there is in the production of a rule; None where it is not known, as for a rule that is everywhere.

    `metadata` are the keys that characters have. `channels` are those that messages may go to.
    """

    characters: Collection[str] | None = None
    scene_types: Collection[str] | None = None
    variants: Collection[str] | None = None
    locations: Collection[str] | None = None
    metadata: Collection[str] | None = None
    channels: Collection[str] | None = None


UNKNOWN_NAMES = Names()
_OF = {"character": "characters", "scene type": "scene_types", "variant": "variants", "location": "locations"}
_SINGULAR = {"characters": "character", "scene_types": "scene type", "variants": "variant"}
PLACES: Mapping[str, frozenset[Subject]] = {
    "characters": frozenset({Subject.CELL, Subject.STILL, Subject.DELIVERY}),
    "scene_types": frozenset({Subject.CELL}),
    "variants": frozenset({Subject.CELL, Subject.STILL}),
}
"""Which events have such a name."""
_NEEDS = {
    Kind.APPROVE: ({Subject.CELL, Subject.STILL}, "a scene or a picture"),
    Kind.FLAG: ({Subject.CELL, Subject.STILL}, "a scene or a picture"),
}
_FOR_RUNS = frozenset({Kind.SUBMIT, Kind.QA, Kind.ASSEMBLE, Kind.PACKAGE, Kind.PAUSE})


@dataclass
class Checks:
    """Checks one rule that is well formed, and reports at the paths of its document."""

    rule: Rule
    names: Names
    report: Report
    path: Path = ()
    events: tuple[EventType, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.events = tuple(EVENTS[name] for name in self.rule.events)

    def run(self) -> None:
        """Report all of it."""
        self._scope()
        self._condition(self.rule.where, (*self.path, "where"))
        if all(listening(self.rule, event.subject).is_empty for event in self.events):
            told = "No event of this rule can be in its scope and meet its condition."
            self.report.error((*self.path, "where"), told, "Take out what excludes the rest.")
        self._steps(self.rule.do, (*self.path, "do"))
        branch = self.rule.branch
        if branch is not None:
            self._comparison(branch.test, (*self.path, "if"))
            found = field_named(branch.test.field)
            if found is not None and branch.sample > 1 and not is_measured(found):
                told = f"{found.words} does not rest on several measured things."
                self.report.error((*self.path, "if", "sample"), told, "Leave sample out, or branch on a pass rate.")
            self._steps(branch.otherwise, (*self.path, "else"))
        per = {Per.CHARACTER: "characters", Per.SCENE_TYPE: "scene_types"}.get(self.rule.per)
        if per is not None:
            self._needs_place(per, (*self.path, "per"), "This counts")

    def _scope(self) -> None:
        scope = self.rule.scope
        for group in PLACES:
            names = getattr(scope, group)
            if names:
                where = (*self.path, "for", group)
                self._needs_place(group, where, "The scope narrows")
                self._known(group, names, where)

    def _needs_place(self, group: str, path: Path, told: str) -> None:
        """Report it when one of the events has no such name."""
        for event in self.events:
            if event.subject not in PLACES[group]:
                words = f'{told} by {_SINGULAR[group]}, and the event "{event.words}" has none.'
                self.report.error(path, words, "Leave it out, or listen to events of scenes.")
                return

    def _known(self, group: str, names: Collection[str], path: Path) -> None:
        known = getattr(self.names, group)
        if known is None:
            return
        for index, name in enumerate(names):
            if name not in known:
                self.report.unknown((*path, index), _SINGULAR[group], name, known)

    def _condition(self, condition: Condition, path: Path) -> None:
        if isinstance(condition, Comparison):
            self._comparison(condition, path)
        elif isinstance(condition, NotOf):
            self._condition(condition.part, (*path, "not"))
        else:
            head = "all" if isinstance(condition, AllOf) else "any"
            for index, part in enumerate(condition.parts):
                self._condition(part, (*path, head, index))

    def _comparison(self, test: Comparison, path: Path) -> None:
        found = field_named(test.field)
        if found is None:
            known = [name for name, one in FIELDS.items() if all(one.is_of(event) for event in self.events)]
            self.report.unknown((*path, "field"), "field", test.field, known or list(FIELDS))
            return
        lacking = next((event for event in self.events if not found.is_of(event)), None)
        if lacking is not None:
            told = f'The event "{lacking.words}" has no {found.words}.'
            self.report.error((*path, "field"), told, "Use a field that all events of the rule have.")
            return
        self._metadata(found, path)
        if test.operator not in OPERATORS[found.type]:
            told = ", ".join(one.value for one in OPERATORS[found.type])
            self.report.error(
                (*path, test.operator.value), f"{found.words} cannot be held against a value like this.", f"Use {told}."
            )
            return
        self._value(found, test, (*path, test.operator.value))

    def _metadata(self, found: Field, path: Path) -> None:
        key = found.name.removeprefix(METADATA)
        if found.type is FieldType.PLAIN and self.names.metadata is not None and key not in self.names.metadata:
            self.report.unknown((*path, "field"), "key of metadata", key, self.names.metadata)

    def _value(self, found: Field, test: Comparison, path: Path) -> None:
        takes_several = test.operator in (Operator.IN, Operator.NOT_IN)
        if takes_several != isinstance(test.value, tuple):
            told, cure = ("a list of values", "Write [value, …].") if takes_several else ("one value", "Write one, or use in.")
            self.report.error(path, f"{test.operator.value} takes {told}.", cure)
            return
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        for index, value in enumerate(values):
            self._one_value(found, test.operator, value, (*path, index) if takes_several else path)

    def _one_value(self, found: Field, operator: Operator, value: object, path: Path) -> None:
        wanted = _wanted(found, operator)
        fits = {"text": isinstance(value, str), "yes or no": isinstance(value, bool), "a number": _is_number(value)}
        if wanted in fits and not fits[wanted]:
            cure = {"text": "Write a text.", "yes or no": "Write true or false."}.get(wanted, "Write a number.")
            self.report.error(path, f"{found.words} is {wanted}.", cure)
        elif found.type is FieldType.SHARE and isinstance(value, (int, float)) and not 0 <= value <= 100:
            self.report.error(path, f"{found.words} goes from 0 to 100 percent.", "Write a number in range.")
        elif found.options and value not in found.options:
            self.report.unknown(path, found.words, str(value), found.options)
        elif found.of and isinstance(value, str):
            known = getattr(self.names, _OF[found.of])
            if known is not None and value and value not in known:  # "" is that there is none
                self.report.unknown(path, found.of, value, known)

    def _steps(self, actions: Actions, path: Path) -> None:
        for index, action in enumerate(actions.steps):
            self._action(action, (*path, index, action.kind.value))

    def _action(self, action: Action, path: Path) -> None:
        if action.kind in _NEEDS:
            subjects, words = _NEEDS[action.kind]
            wrong = next((event for event in self.events if event.subject not in subjects), None)
            if wrong is not None:
                told = f'The event "{wrong.words}" is not about {words}.'
                self.report.error(path, told, "Listen to events of scenes or pictures.")
        if action.kind in _FOR_RUNS and any(event.subject in OF_NO_RUN for event in self.events):
            self.report.error(path, "An event of a worker or of a budget belongs to no run.", "Notify, or call a webhook.")
            return
        if action.kind in (Kind.PACKAGE, Kind.PAUSE) and action.of != "run":
            self._needs_place(f"{action.of}s", (*path, "of"), "This goes")
        if action.kind in (Kind.SUBMIT, Kind.QA, Kind.ASSEMBLE):
            self._selection(action, path)
        if action.kind is Kind.NOTIFY and self.names.channels is not None and action.to not in self.names.channels:
            self.report.unknown((*path, "to"), "channel", action.to, self.names.channels)

    def _selection(self, action: Action, path: Path) -> None:
        for group, subjects in PLACES.items():
            names = getattr(action.selection, group)
            if names is Same.SAME:
                wrong = next((event for event in self.events if event.subject not in subjects), None)
                if wrong is not None:
                    told = f'The event "{wrong.words}" has no {_SINGULAR[group]}, so none can be the same.'
                    self.report.error((*path, group), told, f"Write {group}: all, or name them.")
            elif isinstance(names, tuple):
                self._known(group, names, (*path, group))


def _wanted(found: Field, operator: Operator) -> str:
    if found.type in (FieldType.NAME, FieldType.CHOICE):
        return "text"
    if found.type is FieldType.FLAG:
        return "yes or no"
    is_order = operator in (Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST)
    return "a number" if found.type is not FieldType.PLAIN or is_order else ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
