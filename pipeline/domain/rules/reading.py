"""Plain values to rules, with everything that is wrong at its place, and the form as a JSON Schema.

The form is that of the list `triggers:` of a production, of files of rules and of requests alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.domain.format.kinds import INVALID, described
from pipeline.domain.issues import Issue, Path, Report, has_errors
from pipeline.domain.names import fold
from pipeline.domain.rules.checks import UNKNOWN_NAMES, Checks, Names
from pipeline.domain.rules.form import TRIGGER, definitions, is_too_large
from pipeline.domain.rules.model import ALWAYS, DEFAULT_FUEL, Actions, Branch, Fuel, Per, Rule, Scope

MOST_RULES = 200
"""A list of rules holds no more than this."""


@dataclass(frozen=True)
class Read:
    """The rules that could be understood, in their order, and all issues. With an error there are no rules."""

    rules: tuple[Rule, ...]
    issues: tuple[Issue, ...]


def read_rule(value: Any, *, project: str | None, names: Names = UNKNOWN_NAMES) -> Read:
    """One rule, as it comes with a request. `project` is whose it is, unless it says that it is everywhere."""
    report = Report()
    rule = read_into(report, value, (), project=project, names=names)
    return _done(report, (rule,) if rule else ())


def read_rules(
    value: Any, *, project: str | None, names: Names = UNKNOWN_NAMES, report: Report | None = None, path: Path = ("triggers",)
) -> Read:
    """A list of rules, as a production has it. `report` knows where the document has what; `path` is where the list stands."""
    report = report or Report()
    if not isinstance(value, list):
        report.error(path, f"This must be a list of rules, not {described(value)}.", "Write - name: … for each rule.")
        return _done(report, ())
    if len(value) > MOST_RULES:
        report.error(path, f"The list has {len(value)} rules; at most {MOST_RULES} are allowed.", "Remove some.")
        return _done(report, ())
    found: list[Rule] = []
    taken: dict[str, int] = {}
    for index, entry in enumerate(value):
        rule = read_into(report, entry, (*path, index), project=project, names=names, age=index)
        if rule is None:
            continue
        if fold(rule.name) in taken:
            told = f'There are two rules named "{rule.name}".'
            report.error((*path, index, "name"), told, "Give each rule a name of its own.")
        taken[fold(rule.name)] = index
        found.append(rule)
    return _done(report, found)


def read_into(
    report: Report, value: Any, path: Path, *, project: str | None, names: Names = UNKNOWN_NAMES, age: int = 0
) -> Rule | None:
    """One rule, its issues noted in a report; None when it cannot be understood. Its id is its name until it is stored."""
    reason = is_too_large(value)
    if reason:
        report.error(path, f"The rule is too large. {reason}", "Write several rules.")
        return None
    before = len(report.issues)
    clean = TRIGGER.accept(value, path, report)
    if clean is INVALID or has_errors(report.issues[before:]):
        return None
    if not clean["do"] and not clean.get("else"):
        report.error((*path, "do"), "The rule does nothing.", "Add an action.")
        return None
    if ("if" in clean) != ("else" in clean):
        missing = "else" if "if" in clean else "if"
        report.error(path, f'A rule with one of "if" and "else" has the other, too: "{missing}" is missing.', f"Add {missing}: …")
        return None
    rule = _rule(clean, project=project, age=age)
    Checks(rule, UNKNOWN_NAMES if rule.scope.project is None else names, report, path).run()
    return None if has_errors(report.issues[before:]) else rule


def schema() -> dict[str, Any]:
    """The form of one rule as JSON Schema 2020-12. Names, and what goes with which event, are checked beyond it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stripboard trigger",
        **TRIGGER.definition(),
        "$defs": dict(definitions()),
    }


def _done(report: Report, rules: Sequence[Rule]) -> Read:
    return Read(() if has_errors(report.issues) else tuple(rules), tuple(report.issues))


def _rule(clean: Mapping[str, Any], *, project: str | None, age: int) -> Rule:
    place = clean.get("for", "all")
    groups = {} if place == "all" else {key: tuple(names) for key, names in place.items()}
    at_once, goes_on = clean.get("order") == "parallel", clean.get("on_failure") == "go_on"
    branch = None
    if "if" in clean:
        test, sample = clean["if"]
        branch = Branch(test, sample, Actions(tuple(clean["else"]), at_once, goes_on))
    fuel = {"firings": DEFAULT_FUEL.firings, "jobs": DEFAULT_FUEL.jobs, "gpu_seconds": DEFAULT_FUEL.gpu_seconds}
    return Rule(
        id=clean["name"],
        name=clean["name"],
        events=clean["when"],
        do=Actions(tuple(clean["do"]), at_once, goes_on),
        scope=Scope(None if clean.get("everywhere") else project, **groups),
        where=clean.get("where", ALWAYS),
        branch=branch,
        per=Per(clean.get("per", Per.SUBJECT)),
        once=clean.get("once", False),
        wait_s=float(clean.get("wait_s", 0)),
        priority=clean.get("priority", 0),
        age=age,
        max_depth=clean.get("max_depth", 10),
        fuel=Fuel(**{**fuel, **clean.get("fuel", {})}),
        enabled=clean.get("enabled", True),
    )
