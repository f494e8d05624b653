"""Rules sorted by what can wake them, so that an event costs what the rules cost that it may wake, and not what all cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pipeline.domain.rules.facts import Occurrence, Place
from pipeline.domain.rules.model import Rule, in_order

_Door = tuple[str, str | None, str, str]
"""Event type, project (None: everywhere), which name the rule is narrowed by, and that name."""


class Rulebook:
    """Rules by event type, project and the narrowest name of their scope. Rules that are off are in it: they get verdicts too."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = in_order(tuple(rules))
        self._turn = {rule.id: number for number, rule in enumerate(self.rules)}
        self._doors: dict[_Door, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            for door in _doors(rule):
                self._doors[door].append(rule)
        self._types = frozenset(door[0] for door in self._doors)

    def hears(self, type: str) -> bool:
        """Whether any rule listens to events of this type, wherever they happen."""
        return type in self._types

    def listening(self, event: Occurrence, place: Place, project: str) -> list[Rule]:
        """The rules that listen to such an event, in their order, each once; some may turn out to be out of scope."""
        keys = [("", ""), ("character", place.character), ("scene_type", place.scene_type), ("variant", place.variant)]
        found: dict[str, Rule] = {}
        for where in (project, None):
            for group, name in keys:
                if name is not None:
                    found.update((rule.id, rule) for rule in self._doors.get((event.type, where, group, name), ()))
        return sorted(found.values(), key=lambda rule: self._turn[rule.id])


def is_in_scope(rule: Rule, place: Place, project: str) -> bool:
    """Whether the names of an event are within the scope of a rule."""
    scope = rule.scope
    if scope.project is not None and scope.project != project:
        return False
    groups = (
        (scope.characters, place.character),
        (scope.scene_types, place.scene_type),
        (scope.variants, place.variant),
    )
    return all(not names or name in names for names, name in groups)


def _doors(rule: Rule) -> list[_Door]:
    scope = rule.scope
    groups = (("character", scope.characters), ("scene_type", scope.scene_types), ("variant", scope.variants))
    group, names = min((entry for entry in groups if entry[1]), key=lambda entry: len(entry[1]), default=("", ("",)))
    return [(event, scope.project, group, name) for event in dict.fromkeys(rule.events) for name in dict.fromkeys(names)]
