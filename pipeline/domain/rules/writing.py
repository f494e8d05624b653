"""Rules back to plain values: what `reading` makes the same rule of. Defaults are left out."""

from __future__ import annotations

from typing import Any

from pipeline.domain.choices import Mode
from pipeline.domain.rules.model import (
    ALWAYS,
    DEFAULT_FUEL,
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


def write_rule(rule: Rule) -> dict[str, Any]:
    """The rule as YAML and JSON have it. Its project, version, age and approval are kept elsewhere."""
    whole: dict[str, Any] = {"name": rule.name, "when": _single(list(rule.events))}
    scope = rule.scope
    groups = {"characters": scope.characters, "scene_types": scope.scene_types, "variants": scope.variants}
    place = {key: list(names) for key, names in groups.items() if names}
    if place:
        whole["for"] = place
    if scope.project is None:
        whole["everywhere"] = True
    if rule.where != ALWAYS:
        whole["where"] = write_condition(rule.where)
    if rule.branch is not None:
        whole["if"] = {**write_condition(rule.branch.test), "sample": rule.branch.sample}
    whole["do"] = _steps(rule.do)
    if rule.branch is not None:
        whole["else"] = _steps(rule.branch.otherwise)
    settings = {
        "order": ("parallel" if rule.do.at_once else "sequential", "sequential"),
        "on_failure": ("go_on" if rule.do.goes_on else "stop", "stop"),
        "wait_s": (rule.wait_s, 0.0),
        "per": (rule.per.value, Per.SUBJECT.value),
        "once": (rule.once, False),
        "priority": (rule.priority, 0),
        "max_depth": (rule.max_depth, 10),
        "enabled": (rule.enabled, True),
    }
    whole.update((key, found) for key, (found, default) in settings.items() if found != default)
    if rule.fuel != DEFAULT_FUEL:
        fuel = rule.fuel
        whole["fuel"] = {"firings": fuel.firings, "jobs": fuel.jobs, "gpu_seconds": fuel.gpu_seconds}
    return whole


def write_condition(condition: Condition) -> dict[str, Any]:
    """A condition as YAML and JSON have it."""
    if isinstance(condition, Comparison):
        return {"field": condition.field, condition.operator.value: _plain(condition.value)}
    if isinstance(condition, NotOf):
        return {"not": write_condition(condition.part)}
    head = "all" if isinstance(condition, AllOf) else "any"
    return {head: [write_condition(part) for part in condition.parts]}


def _steps(actions: Actions) -> list[Any]:
    return [_step(action) for action in actions.steps]


def _step(action: Action) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if action.kind in (Kind.SUBMIT, Kind.QA, Kind.ASSEMBLE):
        selection = action.selection
        groups: dict[str, Names] = {
            "characters": selection.characters,
            "scene_types": selection.scene_types,
            "variants": selection.variants,
        }
        body = {key: _names(names) for key, names in groups.items() if names is not Same.SAME}
    if action.kind is Kind.SUBMIT and action.mode is not Mode.MISSING:
        body["mode"] = action.mode.value
    if action.kind in (Kind.PACKAGE, Kind.PAUSE) and action.of != "run":
        body["of"] = action.of
    for key in ("to", "url", "text"):
        if getattr(action, key):
            body[key] = getattr(action, key)
    return {action.kind.value: body}


def _names(names: Names) -> str | list[str]:
    return names.value if isinstance(names, Same) else list(names)


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _single(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
