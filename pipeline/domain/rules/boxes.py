"""Which events a rule can be woken by and which its actions can lead to, as sets that are never too small.

A `Box` is a set of events of one type: a set of names for each of character, scene type and variant. Sets are finite, or all but
finitely many, so that "not close-up" is one, too. What cannot be told from a rule alone (a status, a measure) counts as possible.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.rules.model import AllOf, AnyOf, Comparison, Condition, Names, NotOf, Rule, Same
from pipeline.domain.rules.vocabulary import Operator, Subject


@dataclass(frozen=True)
class NameSet:
    """These names, or all but these. The absent name is ""."""

    names: frozenset[str] = frozenset()
    is_all_but: bool = True

    def meets(self, other: NameSet) -> bool:
        """Whether there may be a name in both."""
        return not self.both(other).is_empty

    @property
    def is_empty(self) -> bool:
        """Whether no name is in it."""
        return not self.is_all_but and not self.names

    def both(self, other: NameSet) -> NameSet:
        """The names in both."""
        if self.is_all_but and other.is_all_but:
            return NameSet(self.names | other.names)
        if self.is_all_but:
            return NameSet(other.names - self.names, is_all_but=False)
        return NameSet(self.names - other.names if other.is_all_but else self.names & other.names, is_all_but=False)

    def either(self, other: NameSet) -> NameSet:
        """The names in one of them."""
        return self.rest().both(other.rest()).rest()

    def rest(self) -> NameSet:
        """All other names."""
        return NameSet(self.names, not self.is_all_but)


ANY_NAME = NameSet()
ABSENT = NameSet(frozenset(("",)), is_all_but=False)
NO_NAME = NameSet(is_all_but=False)
GROUPS = ("character", "scene_type", "variant", "kind")


@dataclass(frozen=True)
class Box:
    """A set of events by the names of what they are about; `kind` is that of a still."""

    character: NameSet = ANY_NAME
    scene_type: NameSet = ANY_NAME
    variant: NameSet = ANY_NAME
    kind: NameSet = ANY_NAME

    def meets(self, other: Box) -> bool:
        """Whether there may be an event in both."""
        return all(getattr(self, group).meets(getattr(other, group)) for group in GROUPS)

    def both(self, other: Box) -> Box:
        """The events in both."""
        return Box(*(getattr(self, group).both(getattr(other, group)) for group in GROUPS))

    def around(self, other: Box) -> Box:
        """The smallest box round both."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Box(*(getattr(self, group).either(getattr(other, group)) for group in GROUPS))

    @property
    def is_empty(self) -> bool:
        """Whether no event is in it."""
        return any(getattr(self, group).is_empty for group in GROUPS)


EVERYWHERE = Box()
NOWHERE = Box(NO_NAME, NO_NAME, NO_NAME, NO_NAME)
NAMELESS = Box(ABSENT, ABSENT, ABSENT)
"""Where events of runs, workers and budgets are, and of deliveries of whole runs."""
_SUBJECTS = {
    Subject.CELL: Box(scene_type=ABSENT.rest()),
    Subject.STILL: Box(scene_type=ABSENT),
    Subject.DELIVERY: Box(scene_type=ABSENT, variant=ABSENT),
}


def of_subject(subject: Subject) -> Box:
    """A box round every event about such a thing."""
    return _SUBJECTS.get(subject, NAMELESS)


def listening(rule: Rule, subject: Subject) -> Box:
    """A box round every event about such a thing that the rule can match."""
    scope = rule.scope
    names = (scope.characters, scope.scene_types, scope.variants)
    box = Box(*(NameSet(frozenset(entry), is_all_but=False) if entry else ANY_NAME for entry in names))
    return box.both(where(rule.where, holds=True)).both(of_subject(subject))


def where(condition: Condition, *, holds: bool) -> Box:
    """A box round every event for which the condition holds (or, with `holds` false, is known not to)."""
    if isinstance(condition, NotOf):
        return where(condition.part, holds=not holds)
    if isinstance(condition, Comparison):
        return _where_compared(condition, holds=holds)
    parts = [where(part, holds=holds) for part in condition.parts]
    if isinstance(condition, AllOf) == holds:
        return _common(parts)
    return _round(parts)


def chosen(names: Names, of_event: NameSet) -> NameSet:
    """The names that a selection can take for events with these names; an event without one narrows nothing down."""
    if names is Same.ALL:
        return ANY_NAME
    if names is Same.SAME:
        return ANY_NAME if of_event.meets(ABSENT) else of_event
    return NameSet(frozenset(names), is_all_but=False)


def _where_compared(test: Comparison, *, holds: bool) -> Box:
    if test.field not in GROUPS:
        return EVERYWHERE
    operator = test.operator if holds else test.operator.opposite
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    names = frozenset(value for value in values if isinstance(value, str))
    given = {
        Operator.IS: NameSet(names, is_all_but=False),
        Operator.IN: NameSet(names, is_all_but=False),
        Operator.IS_NOT: NameSet(names),
        Operator.NOT_IN: NameSet(names),
    }
    found = given.get(operator, NO_NAME)
    return Box(**{test.field: found})


def _common(boxes: Iterable[Box]) -> Box:
    found = EVERYWHERE
    for box in boxes:
        found = found.both(box)
    return found


def _round(boxes: Iterable[Box]) -> Box:
    found = NOWHERE
    for box in boxes:
        found = found.around(box)
    return found


def bounds_attempts(condition: Condition) -> bool:
    """Whether the condition can only hold while the attempts of what the event is about are below some number."""
    if isinstance(condition, Comparison):
        return condition.field == "attempts" and condition.operator in (
            Operator.BELOW,
            Operator.AT_MOST,
            Operator.IS,
            Operator.IN,
        )
    if isinstance(condition, AllOf):
        return any(bounds_attempts(part) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return bool(condition.parts) and all(bounds_attempts(part) for part in condition.parts)
    return _not_bounds(condition.part)


def _not_bounds(condition: Condition) -> bool:
    """Whether the opposite of the condition bounds attempts: not above three."""
    if isinstance(condition, Comparison):
        is_limit = condition.operator in (Operator.ABOVE, Operator.AT_LEAST, Operator.IS_NOT, Operator.NOT_IN)
        return condition.field == "attempts" and is_limit
    if isinstance(condition, AllOf):
        return bool(condition.parts) and all(_not_bounds(part) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(_not_bounds(part) for part in condition.parts)
    return bounds_attempts(condition.part)
