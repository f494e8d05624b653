"""How near rules that count are to firing on the board of today: `Mara, 15 of 16`."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain.rules.evaluation import Judged, Look, nearest
from pipeline.domain.rules.facts import Occurrence, place_of
from pipeline.domain.rules.model import AllOf, AnyOf, Comparison, Condition, NotOf, Rule
from pipeline.domain.rules.previews import looks, standing_events
from pipeline.domain.rules.snapshot import Board
from pipeline.domain.rules.vocabulary import GROUPS, field_named


def counts(rule: Rule) -> bool:
    """Whether a condition of the rule asks for a count of scenes, so that one can say how much is missing."""
    return any(_group(one) for one in _comparisons(rule.where))


def near_misses(rules: Iterable[Rule], board: Board) -> dict[str, str]:
    """What comes nearest to letting each of these rules fire, by its id, of those that count and miss something."""
    found = {}
    for rule in rules:
        told = _near(rule, board) if counts(rule) else ""
        if told:
            found[rule.id] = told
    return found


def _near(rule: Rule, board: Board) -> str:
    events = standing_events(rule, board)
    seen: dict[str, tuple[Occurrence, Look]] = {}
    for event, (name, look) in zip(events, looks(events, board), strict=True):
        seen.setdefault(name, (event, look))
    near = nearest(rule.where, [(name, look) for name, (_, look) in seen.items()])
    if near is None or not _group(near.first.condition):
        return ""
    return _told(near.first, seen[near.name][0], board)


def _told(first: Judged, event: Occurrence, board: Board) -> str:
    test = first.condition
    group = _group(test)
    assert isinstance(test, Comparison)
    place = place_of(event, board)
    name = "the run" if group == "run" else getattr(place, group) or "it"
    if test.field.endswith(".all_approved"):
        return f"{name}, {first.value} approved"
    field = field_named(test.field)
    words = field.words.split(" of ")[0] if field else test.field
    return f"{name}, {first.value} of {test.value} {words}" if group else ""


def _group(condition: Condition) -> str:
    if not isinstance(condition, Comparison):
        return ""
    group, dot, _ = condition.field.partition(".")
    return group if dot and group in GROUPS else ""


def _comparisons(condition: Condition) -> Iterable[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, NotOf):
        yield from _comparisons(condition.part)
    elif isinstance(condition, (AllOf, AnyOf)):
        for part in condition.parts:
            yield from _comparisons(part)
