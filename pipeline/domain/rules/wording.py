"""A rule, a part of a condition and an action as people say them."""

from __future__ import annotations

from pipeline.domain.choices import Mode
from pipeline.domain.names import listed
from pipeline.domain.rules.evaluation import Judged
from pipeline.domain.rules.model import (
    ALWAYS,
    Action,
    Actions,
    AllOf,
    Comparison,
    Condition,
    Kind,
    Names,
    NotOf,
    Per,
    Rule,
    Same,
    Value,
)
from pipeline.domain.rules.vocabulary import EVENTS, FieldType, Operator, field_named


def sentence(rule: Rule) -> str:
    """The whole rule in one sentence, or two where it branches."""
    events = " or ".join(EVENTS[name].words for name in rule.events)
    told = f"When {events} {_scope(rule)}"
    if rule.where != ALWAYS:
        told += f", where {condition_in_words(rule.where)}"
    told += f": {_actions(rule.do)}" if rule.branch is None else f". {_branch(rule)}"
    once = {Per.CHARACTER: "character", Per.SCENE_TYPE: "scene type", Per.RUN: "run"}.get(rule.per, "one")
    return f"{told}, once for each {once}." if rule.once else f"{told}."


def condition_in_words(condition: Condition) -> str:
    """A condition as it stands in a sentence; groups inside groups are in brackets."""
    if isinstance(condition, Comparison):
        return comparison_in_words(condition)
    if isinstance(condition, NotOf):
        return f"not ({condition_in_words(condition.part)})"
    if not condition.parts:
        return "anything" if isinstance(condition, AllOf) else "nothing"
    word = " and " if isinstance(condition, AllOf) else " or "
    return word.join(_bracketed(part) if len(condition.parts) > 1 else condition_in_words(part) for part in condition.parts)


def comparison_in_words(test: Comparison) -> str:
    """`scene type is dance`, `attempts ≤ 2`, `every scene of the same character approved`."""
    field = field_named(test.field)
    words = field.words if field else test.field
    if field is not None and field.name.endswith(".all_approved"):
        return words if test.value is True else f"not {words}"
    if isinstance(test.value, tuple):
        return f"{words} {test.operator.words} {listed(_value(value) for value in test.value)}"
    unit = " %" if field is not None and field.type is FieldType.SHARE else ""
    return f"{words} {test.operator.words} {_value(test.value)}{unit}"


def judged_in_words(judged: Judged) -> str:
    """Why a part of a condition holds or not: `scene type is dance (it is close-up)`."""
    told = condition_in_words(judged.condition)
    if not isinstance(judged.condition, Comparison):
        return told
    if judged.truth is None:
        return f"{told} (not known)"
    is_plain = judged.condition.operator is Operator.IS and judged.truth
    return told if is_plain else f"{told} (it is {judged.value})"


def action_in_words(action: Action) -> str:
    """One action as a command."""
    if action.kind in (Kind.SUBMIT, Kind.QA, Kind.ASSEMBLE):
        verb = {Kind.SUBMIT: "submit", Kind.QA: "run QA on", Kind.ASSEMBLE: "assemble"}[action.kind]
        return f"{verb} {_selection(action)}"
    if action.kind is Kind.PACKAGE:
        return "package the run" if action.of == "run" else "package the character"
    if action.kind is Kind.PAUSE:
        return "pause the run" if action.of == "run" else "pause the scene type"
    if action.kind is Kind.NOTIFY:
        return f"notify {action.to}"
    if action.kind is Kind.WEBHOOK:
        return f"call {action.url}"
    return "approve it" if action.kind is Kind.APPROVE else "flag it for review"


def _scope(rule: Rule) -> str:
    scope = rule.scope
    people = f"for {listed(scope.characters)}" if scope.characters else "for all characters"
    more = [listed(names) for names in (scope.scene_types, scope.variants) if names]
    narrowed = f" in {' and '.join(more)}" if more else ""
    return f"{people}{narrowed} of {scope.project}" if scope.project else f"{people}{narrowed} everywhere"


def _branch(rule: Rule) -> str:
    assert rule.branch is not None
    test, sample = rule.branch.test, rule.branch.sample
    least = f", measured on at least {sample}" if sample > 1 else ""
    return f"If {comparison_in_words(test)}{least}: {_actions(rule.do)}; else: {_actions(rule.branch.otherwise)}"


def _actions(actions: Actions) -> str:
    if not actions.steps:
        return "do nothing"
    return (" and " if actions.at_once else ", then ").join(action_in_words(action) for action in actions.steps)


def _selection(action: Action) -> str:
    selection = action.selection
    types = "all scenes" if selection.scene_types is Same.ALL else ""
    if isinstance(selection.scene_types, tuple):
        types = listed(selection.scene_types)
    of = [_which(selection.characters, "character"), _which(selection.variants, "variant")]
    narrowed = " and ".join(part for part in of if part)
    mode = {Mode.FAILED: " that failed", Mode.ALL: " anew"}.get(action.mode, "") if action.kind is Kind.SUBMIT else ""
    if not types and not narrowed:
        return f"the scene itself{mode}"
    return f"{types or 'scenes of the same type'}{f' of {narrowed}' if narrowed else ''}{mode}"


def _which(names: Names, of: str) -> str:
    if isinstance(names, tuple):
        return listed(names)
    return f"every {of}" if names is Same.ALL else f"the same {of}"


def _bracketed(condition: Condition) -> str:
    told = condition_in_words(condition)
    is_group = not isinstance(condition, (Comparison, NotOf)) and len(condition.parts) > 1
    return f"({told})" if is_group else told


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value) or "none"
