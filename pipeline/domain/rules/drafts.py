"""A rule while somebody writes it: plain values in which every part has a path, changed one at a time.

A draft may be wrong or half done at any moment; `plain` gives what `reading` takes, and that says what is wrong with it.
Conditions are `{head: all | any | not, parts: […]}` or `{field, operator, value}`, actions are `{kind, …}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pipeline.domain.rules.model import Kind
from pipeline.domain.rules.vocabulary import EVENTS, FIELDS, OPERATORS, EventType, Field, FieldType, Operator, field_named

Draft = dict[str, Any]
FRESH: Mapping[str, Any] = {"name": "", "when": "cell.approved", "do": [{"notify": {"to": "producers"}}]}
"""What a new rule begins with."""
EVERY = "*"
"""What is chosen where no name narrows the scope."""
_OPERATORS = tuple(one.value for one in Operator)
_DEFAULTS: Mapping[str, Any] = {
    "everywhere": False, "order": "sequential", "on_failure": "stop", "wait_s": 0, "per": "subject", "once": False, "priority": 0,
    "max_depth": 10, "enabled": True,
}  # fmt: skip
_FUEL = {"firings": 20, "jobs": 500, "gpu_seconds": 14_400.0}
_BODIES: Mapping[str, Mapping[str, Any]] = {
    Kind.SUBMIT: {"characters": "same", "scene_types": "same", "variants": "same", "mode": "missing"},
    Kind.QA: {"characters": "same", "scene_types": "same", "variants": "same"},
    Kind.ASSEMBLE: {"characters": "same", "scene_types": "same", "variants": "same"},
    Kind.PACKAGE: {"of": "run"},
    Kind.NOTIFY: {"to": "producers", "text": ""},
    Kind.WEBHOOK: {"url": "https://"},
    Kind.APPROVE: {},
    Kind.FLAG: {"text": ""},
    Kind.PAUSE: {"of": "run"},
}


def opened(rule: Mapping[str, Any]) -> Draft:
    """A draft of a rule in the form that `reading` takes."""
    when = rule.get("when", [])
    draft: Draft = {
        "name": rule.get("name", ""),
        "when": [when] if isinstance(when, str) else list(when),
        "for": {group: list((rule.get("for") or {}).get(group, ())) for group in ("characters", "scene_types", "variants")},
        "where": _opened_group(rule.get("where", {"all": []})),
        "if": _opened_test(rule["if"]) if "if" in rule else None,
        "do": [_opened_step(step) for step in rule.get("do", ())],
        "else": [_opened_step(step) for step in rule.get("else", ())],
        "fuel": {**_FUEL, **rule.get("fuel", {})},
    }
    return draft | {key: rule.get(key, default) for key, default in _DEFAULTS.items()}


def plain(draft: Mapping[str, Any]) -> Draft:
    """The draft in the form that `reading` takes; what says nothing is left out."""
    made: Draft = {"name": draft["name"], "when": list(draft["when"])}
    place = {group: names for group, names in draft["for"].items() if names}
    if place:
        made["for"] = place
    if draft["where"]["parts"]:
        where = draft["where"]
        is_lone = where["head"] == "all" and len(where["parts"]) == 1
        made["where"] = _plain_condition(where["parts"][0] if is_lone else where)
    if draft["if"] is not None:
        made["if"] = {**_plain_condition(draft["if"]), "sample": draft["if"]["sample"]}
        made["else"] = [_plain_step(step) for step in draft["else"]]
    made["do"] = [_plain_step(step) for step in draft["do"]]
    made |= {key: draft[key] for key, default in _DEFAULTS.items() if draft[key] != default}
    return made | ({"fuel": draft["fuel"]} if draft["fuel"] != _FUEL else {})


def part_at(draft: Mapping[str, Any], path: str) -> Any:
    """The part at `where.parts.0.field`."""
    found: Any = draft
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


def changed(draft: Mapping[str, Any], path: str, value: Any) -> Draft:
    """The draft with one part changed, and with what no longer fits it set to something that does."""
    made = deepcopy(dict(draft))
    stem, _, key = path.rpartition(".")
    holder = part_at(made, stem) if stem else made
    if isinstance(holder, list):
        holder[int(key)] = value
    else:
        holder[key] = value
    if key == "field":
        holder |= _fresh_comparison(str(value))
    elif key == "operator":
        holder["value"] = _fitting(field_named(holder["field"]), str(value), holder["value"])
    elif key == "kind":
        holder.clear()
        holder |= {"kind": value, **_BODIES[Kind(value)]}
    return made


def pressed(draft: Mapping[str, Any], verb: str, path: str) -> Draft:
    """The draft after `condition`, `group`, `not`, `step`, `event`, `branch` was added at a path, or what is there `removed`."""
    made = deepcopy(dict(draft))
    if verb == "remove":
        stem, _, key = path.rpartition(".")
        del part_at(made, stem)[int(key)]
        return made
    if verb == "branch":
        branches = [name for name, field in fields_of(made).items() if field.type is FieldType.SHARE]
        is_new = made["if"] is None
        name = branches[0] if branches else next(iter(fields_of(made)))
        made["if"] = {**_fresh_comparison(name), "sample": 1} if is_new else None
        made["else"] = [{"kind": "flag", **_BODIES[Kind.FLAG]}] if is_new else []
        return made
    added: dict[str, Any] = {
        "condition": _fresh_comparison(next(iter(fields_of(made)), "by")),
        "group": {"head": "any", "parts": [_fresh_comparison(next(iter(fields_of(made)), "by"))]},
        "not": {"head": "not", "parts": [_fresh_comparison(next(iter(fields_of(made)), "by"))]},
        "step": {"kind": "notify", **_BODIES[Kind.NOTIFY]},
        "event": "cell.approved",
    }
    part_at(made, path).append(added[verb])
    return made


def fields_of(draft: Mapping[str, Any]) -> dict[str, Field]:
    """The fields that all events of the draft have, by name."""
    events = events_of(draft)
    return {name: field for name, field in FIELDS.items() if all(field.is_of(event) for event in events)}


def as_hours(seconds: Any) -> Any:
    """GPU-seconds as they are written in a rule's sentence, in hours; unchanged where that is no number."""
    return round(seconds / 3600, 2) if isinstance(seconds, (int, float)) else seconds


def events_of(draft: Mapping[str, Any]) -> list[EventType]:
    """The known events of the draft."""
    return [EVENTS[name] for name in draft["when"] if name in EVENTS]


def typed(field: Field | None, operator: str, text: Any) -> Any:
    """What somebody wrote, as the type that the field has; unchanged where it does not fit."""
    if operator in (Operator.IN, Operator.NOT_IN):
        parts = text if isinstance(text, list) else [part.strip() for part in str(text or "").split(",")]
        return [typed(field, Operator.IS, part) for part in parts if part != ""]
    if field is not None and field.type is FieldType.FLAG:
        return text is True or text in ("yes", "true")
    is_number = field is not None and field.type in (FieldType.NUMBER, FieldType.SHARE)
    try:
        number = float(text) if is_number or operator in _ORDER else None
    except (TypeError, ValueError):
        return text
    return text if number is None else int(number) if number == int(number) else number


_ORDER = (Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST)


def _fresh_comparison(name: str) -> Draft:
    field = field_named(name)
    operator = OPERATORS[field.type if field else FieldType.PLAIN][0].value
    return {"field": name, "operator": operator, "value": _fitting(field, operator, None)}


def _fitting(field: Field | None, operator: str, value: Any) -> Any:
    """A value that suits field and operator: the one there is, where it does."""
    if field is not None and field.type is FieldType.FLAG:
        return value if isinstance(value, bool) else True
    if operator in (Operator.IN, Operator.NOT_IN):
        return value if isinstance(value, list) else [value] if value not in (None, "") else []
    one = (value[0] if value else None) if isinstance(value, list) else value
    if field is not None and field.type in (FieldType.NUMBER, FieldType.SHARE):
        usual = 80 if field.type is FieldType.SHARE else 1
        return one if isinstance(one, (int, float)) and not isinstance(one, bool) else usual
    if field is not None and field.options:
        return one if one in field.options else field.options[0]
    return one if isinstance(one, str) else ""


def _opened_group(condition: Mapping[str, Any]) -> Draft:
    found = _opened_condition(condition)
    return found if "head" in found and found["head"] != "not" else {"head": "all", "parts": [found]}


def _opened_condition(condition: Mapping[str, Any]) -> Draft:
    for head in ("all", "any"):
        if head in condition:
            return {"head": head, "parts": [_opened_condition(part) for part in condition[head]]}
    if "not" in condition:
        return {"head": "not", "parts": [_opened_condition(condition["not"])]}
    operator = next(one for one in _OPERATORS if one in condition)
    return {"field": condition["field"], "operator": operator, "value": condition[operator]}


def _opened_test(test: Mapping[str, Any]) -> Draft:
    return {**_opened_condition(test), "sample": test.get("sample", 1)}


def _opened_step(step: Any) -> Draft:
    [(word, body)] = ({step: {}} if isinstance(step, str) else step).items()
    return {"kind": word, **_BODIES[Kind(word)], **(body or {})}


def _plain_condition(condition: Mapping[str, Any]) -> Draft:
    if "head" not in condition:
        return {"field": condition["field"], condition["operator"]: condition["value"]}
    parts = [_plain_condition(part) for part in condition["parts"]]
    if condition["head"] == "not":
        return {"not": parts[0] if parts else {"all": []}}
    return {condition["head"]: parts}


def _plain_step(step: Mapping[str, Any]) -> Draft:
    usual = _BODIES[Kind(step["kind"])]
    needed = ("to", "url")
    return {step["kind"]: {key: step[key] for key in usual if key in needed or step[key] != usual[key]}}


_GROUPS = ("characters", "scene_types", "variants")
_WHOLE = ("max_depth", "priority", "sample", "firings", "jobs")


def meant(draft: Mapping[str, Any], path: str, text: Any) -> Any:
    """What somebody chose or wrote at a path, as the part there has it; unchanged where it is no such thing."""
    stem, _, key = path.rpartition(".")
    if key == "value":
        holder = part_at(draft, stem)
        return typed(field_named(holder["field"]), holder["operator"], text)
    if key in _GROUPS:
        names = [name.strip() for name in str(text or "").split(",") if name.strip()]
        return (
            ([] if names == [EVERY] else names)
            if stem == "for"
            else names[0]
            if names in (["same"], ["all"])
            else names or "same"
        )
    if key in ("everywhere", "once"):
        return text in ("yes", True)
    if key == "gpu_seconds":
        now = part_at(draft, path)
        return text if not isinstance(text, (int, float)) else now if as_hours(now) == text else text * 3600
    if key in _WHOLE:
        return int(text) if isinstance(text, float) and text == int(text) else text
    return "" if text is None else text
