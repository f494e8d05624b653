"""A rule as a sentence that can be changed in every place: when, where, if, do, else, and what keeps it safe.

Every part has the path that `pipeline/domain/rules/drafts.py` knows it by; the page has one callback for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from components import rule_steps
from components.rule_parts import choose, count, flow, press, write
from pipeline.domain.rules.checks import PLACES, Names
from pipeline.domain.rules.drafts import EVERY, Draft, as_hours, events_of, fields_of
from pipeline.domain.rules.evaluation import Funnel
from pipeline.domain.rules.vocabulary import EVENTS, METADATA, OPERATORS, FieldType, Operator, field_named, is_measured

_USUAL = (
    "cell.approved", "cell.review", "cell.failed", "cell.rejected", "still.approved", "still.review", "still.failed",
    "delivery.sealed", "delivery.failed", "run.completed", "run.submitted", "worker.lost",
)  # fmt: skip
_GROUPS = {"characters": "character", "scene_types": "scene type", "variants": "variant"}
_HEADS = {"all": "all", "any": "any"}
_OF = {"character": "characters", "scene type": "scene_types", "variant": "variants", "location": "locations"}


def form(draft: Draft, names: Names, project: str, funnel: Funnel | None = None) -> list[Component]:
    """The whole sentence. `funnel` has how many of the things on the board get through each condition, where that is known."""
    return [
        _line("When", [*_events(draft), *_scope(draft, names), *_where_to(draft, project)]),
        _line("where", _conditions(draft, names, funnel)),
        _line("if", _branch(draft, names)) if draft["if"] is not None else None,
        _line("do" if draft["if"] is None else "", _doing(draft, names)),
        _line("safety", _safety(draft)),
    ]


def _line(word: str, parts: Sequence[Component | str | None]) -> Component:
    return html.Div(
        [html.Div(word, className="rf-word"), html.Div(parts, className=f"rf-line rf-{word or 'do'}")], className="rf-row"
    )


def _events(draft: Draft) -> list[Component | str]:
    parts: list[Component | str] = []
    for index, event in enumerate(draft["when"]):
        parts += [" or " if index else "", choose(f"when.{index}", "Event", _event_options(event), event, strong=True)]
        if len(draft["when"]) > 1:
            parts.append(press("remove", f"when.{index}", "×", f"Remove {EVENTS[event].words if event in EVENTS else event}"))
    return [*parts, press("event", "when", "+ or", "Listen to another event, too")]


def _event_options(now: str) -> list[tuple[str, str]]:
    shown = dict.fromkeys([*_USUAL, now, *EVENTS])
    return [(name, EVENTS[name].words if name in EVENTS else name) for name in shown if name in EVENTS or name == now]


def _scope(draft: Draft, names: Names) -> list[Component | str]:
    groups = [group for group in _GROUPS if all(event.subject in PLACES[group] for event in events_of(draft))]
    parts: list[Component | str] = ["for"] if groups else []
    for group in groups:
        if group == "characters" or getattr(names, group) or draft["for"][group]:
            parts.append(_names_of(f"for.{group}", group, draft["for"][group], getattr(names, group)))
    return parts


def _names_of(path: str, group: str, chosen: Sequence[str], known: Any) -> Component:
    """One name or all from a list; several as text."""
    word = _GROUPS[group]
    if len(chosen) > 1 or known is None:
        return write(path, f"Which {word}s", ", ".join(chosen), f"all {word}s")
    options = [(EVERY, f"all {word}s"), *((name, name) for name in known)]
    if chosen and chosen[0] not in known:
        options.append((chosen[0], chosen[0]))
    return choose(path, f"Which {word}s", options, chosen[0] if chosen else EVERY, strong=group == "characters")


def _where_to(draft: Draft, project: str) -> list[Component | str]:
    if not project:
        return ["everywhere"]
    return [
        "of",
        choose("everywhere", "Production", [("no", project), ("yes", "all productions")], "yes" if draft["everywhere"] else "no"),
    ]


def _conditions(draft: Draft, names: Names, funnel: Funnel | None) -> list[Component | str | None]:
    where = draft["where"]
    flows = {} if funnel is None else _flows(funnel, where)
    if not where["parts"]:
        return [html.Span("anything", className="muted"), *_adding("where.parts", is_short=True)]
    return [_group(where, "where", draft, names, flows)]


def _flows(funnel: Funnel, where: Draft) -> dict[str, Funnel]:
    """The funnel of each part by its path; a lone condition stands for its group."""
    found: dict[str, Funnel] = {}
    if where["parts"] and not funnel.parts:
        return {"where.parts.0": funnel}
    work = [("where", where, funnel)]
    while work:
        path, part, flow = work.pop()
        found[path] = flow
        inner = zip(part.get("parts", ()), flow.parts, strict=False)
        work += [(f"{path}.parts.{index}", one, two) for index, (one, two) in enumerate(inner)]
    return found


def _group(group: Draft, path: str, draft: Draft, names: Names, flows: Mapping[str, Funnel]) -> Component:
    lines: list[Component] = []
    is_not = group["head"] == "not"
    head: list[Component | str] = (
        ["not:"]
        if is_not
        else [choose(f"{path}.head", "How many must hold", list(_HEADS.items()), group["head"]), " of these hold"]
    )
    if path != "where":
        head.append(press("remove", path, "×", "Remove the group"))
    lines.append(html.Div(head, className="rf-head"))
    for index, part in enumerate(group["parts"]):
        own = f"{path}.parts.{index}"
        lines.append(
            _group(part, own, draft, names, flows) if "head" in part else _comparison(part, own, draft, names, flows.get(own))
        )
    if not is_not or not group["parts"]:
        lines.append(html.Div(_adding(f"{path}.parts", is_short=path != "where"), className="rf-add"))
    return html.Div(lines, className="rf-group")


def _adding(path: str, *, is_short: bool) -> list[Component]:
    verbs = [
        ("condition", "+ condition", "Add a condition"),
        ("group", "+ group", "Add a group of conditions"),
        ("not", "+ not", "Add a condition that must not hold"),
    ]
    return [
        press(verb, path, word, title) for verb, word, title in (verbs if not is_short or path == "where.parts" else verbs[:1])
    ]


def _comparison(part: Draft, path: str, draft: Draft, names: Names, passed: Funnel | None) -> Component:
    parts: list[Component | str | None] = [
        choose(f"{path}.field", "Field", _field_options(draft, names, part["field"]), part["field"]),
        choose(f"{path}.operator", "Compared", _operator_options(part["field"], part["operator"]), part["operator"]),
        value_of(part, path, names),
        flow(path, passed),
        press("remove", path, "×", "Remove the condition"),
    ]
    return html.Div(parts, className="rf-test")


def _field_options(draft: Draft, names: Names, now: str) -> list[tuple[str, str]]:
    options = [(name, field.words) for name, field in fields_of(draft).items()]
    if all(event.subject in PLACES["characters"] for event in events_of(draft)):
        options += [(f"{METADATA}{key}", f"the character's {key}") for key in sorted(names.metadata or ())]
    known = field_named(now)
    return options if now in dict(options) else [*options, (now, known.words if known else now)]


def _operator_options(name: str, now: str) -> list[tuple[str, str]]:
    field = field_named(name)
    known = OPERATORS[field.type] if field else tuple(Operator)
    return [(one.value, one.words) for one in known] if Operator(now) in known else [(now, Operator(now).words)]


def value_of(part: Draft, path: str, names: Names) -> Component:
    """The place for the value of a comparison: a list where the words are known, a number, or text."""
    field, value, own = field_named(part["field"]), part["value"], f"{path}.value"
    if isinstance(value, list):
        return write(own, "Values", ", ".join(str(one) for one in value), "one, another")
    if field is not None and field.type is FieldType.FLAG:
        return choose(own, "Value", [("yes", "yes"), ("no", "no")], "yes" if value else "no")
    if field is not None and field.options:
        return choose(own, "Value", [(one, one.replace("_", " ")) for one in field.options], value)
    known = getattr(names, _OF[field.of]) if field is not None and field.of else None
    if known:
        options = [(one, one) for one in known]
        return choose(own, "Value", options if value in known else [(value, value or "…"), *options], value)
    if field is not None and field.type in (FieldType.NUMBER, FieldType.SHARE):
        return count(own, "Value", value, "%" if field.type is FieldType.SHARE else "")
    return write(own, "Value", str(value), "")


def _branch(draft: Draft, names: Names) -> list[Component | str | None]:
    test = draft["if"]
    field = field_named(test["field"])
    parts: list[Component | str | None] = [
        choose("if.field", "Measured value", _field_options(draft, names, test["field"]), test["field"]),
        choose("if.operator", "Compared", _operator_options(test["field"], test["operator"]), test["operator"]),
        value_of(test, "if", names),
    ]
    if field is not None and is_measured(field):
        parts += ["measured on at least", count("if.sample", "Least number measured", test["sample"], ""), "scenes"]
    return [*parts, press("branch", "", "×", "Do the same in any case")]


def _doing(draft: Draft, names: Names) -> list[Component | str | None]:
    boxes = [_box("do", draft, names)]
    if draft["if"] is None:
        return [*boxes, press("branch", "", "+ if / else", "Do one thing or another, by a measured value")]
    return [html.Div([*boxes, _box("else", draft, names)], className="rf-boxes")]


def _box(branch: str, draft: Draft, names: Names) -> Component:
    steps: list[Component | None] = [html.Div(html.B(branch), className="rf-box-head")] if draft["if"] is not None else []
    for index, step in enumerate(draft[branch]):
        steps.append(
            rule_steps.step(
                step, f"{branch}.{index}", names, number=index + 1, is_many=len(draft[branch]) > 1 or branch == "else"
            )
        )
    foot: list[Component | None] = [press("step", branch, "+ action", "Do something else, too")]
    if branch == "do" and len(draft["do"]) > 1:
        foot.append(html.Span(className="spread"))
        foot.append(choose("order", "Order", [("sequential", "in order"), ("parallel", "at once")], draft["order"]))
        if draft["order"] == "sequential":
            foot.append(
                choose(
                    "on_failure",
                    "After a failure",
                    [("stop", "stop on failure"), ("go_on", "go on after a failure")],
                    draft["on_failure"],
                )
            )
    return html.Div([*steps, html.Div(foot, className="rf-add")], className="rf-box")


_PER = [("subject", "scene or picture"), ("character", "character"), ("scene_type", "scene type"), ("run", "run")]
_HOW_LONG = [("no", "and chain"), ("yes", "for good")]


def _safety(draft: Draft) -> list[Component | str | None]:
    fuel = draft["fuel"]
    bounds = [
        "depth at most",
        count("max_depth", "Depth at most", draft["max_depth"], "of 10"),
        html.Span("per root event at most", className="rf-gap"),
        count("fuel.firings", "Firings at most", fuel["firings"], "firings"),
        count("fuel.jobs", "Jobs at most", fuel["jobs"], "jobs"),
        count("fuel.gpu_seconds", "GPU-hours at most", as_hours(fuel["gpu_seconds"]), "GPU-h"),
    ]
    pace = [
        "once per",
        choose("per", "Once per", _PER, draft["per"]),
        choose("once", "How long", _HOW_LONG, "yes" if draft["once"] else "no"),
        html.Span("wait", className="rf-gap"),
        count("wait_s", "Wait", draft["wait_s"], "s"),
        "for more of the same event",
        html.Span("priority", className="rf-gap"),
        count("priority", "Priority", draft["priority"], ""),
    ]
    return [html.Div(bounds, className="rf-line"), html.Div(pace, className="rf-line")]


def name_field(draft: Draft) -> Component:
    """The name of the rule."""
    return html.Label(
        [
            html.Span("Name of the rule", className="visually-hidden"),
            dbc.Input(
                id={"type": "rule-field", "path": "name"},
                value=draft["name"],
                placeholder="name of the rule",
                maxLength=100,
                debounce=True,
                autocomplete="off",
                class_name="rf-name",
            ),
        ]
    )
