"""Sets of rules made by chance, in the form in which people save them: about scenes, pictures, deliveries and runs."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from pipeline.domain.rules.loops import analyse
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.reading import read_rule

MOST_RULES = 30
_CELLS = (
    "cell.queued", "cell.generating", "cell.review", "cell.approved", "cell.rejected", "cell.failed", "cell.cancelled",
    "cell.changed", "cell.stale", "take.asked", "scene_generation.completed", "scene_qa.completed", "assembly.completed",
    "export.completed",
)  # fmt: skip
_STILLS = (
    "still.queued", "still.generating", "still.review", "still.approved", "still.rejected", "source_qa.completed",
    "variant_generation.completed", "variant_qa.completed",
)  # fmt: skip
_DELIVERIES = ("delivery.packaging", "delivery.sealed", "delivery.completed")
_RUNS = ("run.submitted", "run.running", "run.paused", "run.completed")
_HEARD = {"cell": _CELLS, "still": _STILLS, "delivery": _DELIVERIES, "run": _RUNS}
_BOUNDS: tuple[dict[str, Any], ...] = ({"field": "attempts", "at_most": 6}, {"field": "attempts", "below": 4})
"""What ends a loop of scenes or pictures."""
_OF_CELLS: tuple[dict[str, Any], ...] = (
    {"field": "character", "is": "c1"},
    {"field": "depth", "at_most": 1},
    {"field": "by", "is_not": "person"},
    {"any": [{"field": "scene_type", "is": "s1"}, {"field": "character.all_approved", "is": True}]},
    {"not": {"field": "run.approved", "above": 2}},
    {"field": "scene_type.in_review", "at_least": 1},
    {"field": "stale", "is": False},
    {"field": "status", "in": ["review", "approved", "queued"]},
    {"field": "qa.verdict", "is": "pass"},
    {"field": "take", "at_least": 2},
)
_OF_STILLS: tuple[dict[str, Any], ...] = (
    {"field": "kind", "is": "variant"},
    {"field": "kind", "is_not": "source"},
    {"field": "variant", "in": ["v1", "v3"]},
    {"field": "character.open", "at_least": 1},
    {"field": "variant.in_review", "below": 2},
)
_OF_RUNS: tuple[dict[str, Any], ...] = ({"field": "run.open", "at_least": 2}, {"field": "by", "is": "rule"})
_CONDITIONS = {"cell": _OF_CELLS, "still": _OF_STILLS, "delivery": _OF_RUNS, "run": _OF_RUNS}
_NAMES = {"characters": ["c1", "c2"], "scene_types": ["s1", "s2"], "variants": ["v1"]}
_KNOWN = {
    "cell": ("characters", "scene_types", "variants"),
    "still": ("characters", "variants"),
    "delivery": ("characters",),
    "run": (),
}
"""What an event has a name for, so that an action may be about the same."""
_BRANCHES: tuple[dict[str, Any], ...] = (
    {"field": "run.open", "at_most": 3},
    {"field": "run.approved", "at_least": 1},
    {"field": "run.pass_rate", "above": 50, "sample": 2},
    {"field": "run.mean_attempts", "below": 2, "sample": 1},
)


def random_rule(chance: Random, number: int) -> dict[str, Any]:
    """Some rule that makes sense, with every action among what it may do."""
    subject = chance.choice(["cell"] * 6 + ["still"] * 3 + ["delivery", "run", "run"])
    when = sorted(chance.sample(_HEARD[subject], chance.randint(1, 3 if subject in ("cell", "still") else 2)))
    rule: dict[str, Any] = {
        "name": f"rule {number}",
        "when": when,
        "do": _actions(chance, subject),
        "priority": chance.randint(0, 2),
        "per": chance.choice(["subject", "subject", "run", *(name[:-1] for name in _KNOWN[subject] if name != "variants")]),
        "max_depth": chance.choice([1, 3, 4, *[10] * 7]),
        "order": chance.choice(["sequential", "parallel"]),
        "on_failure": chance.choice(["stop", "go_on"]),
        "once": chance.random() < 0.15,
    }
    if "approve" in rule["do"]:
        rule["when"] = sorted({*when, f"{subject}.review"})
    if chance.random() < 0.15:
        rule["wait_s"] = chance.choice([5, 5, 60])
    if chance.random() < 0.25:
        rule["fuel"] = {"firings": chance.randint(1, 4), "jobs": chance.choice([4, 12, 40])}
    if chance.random() < 0.2:
        rule |= {"if": chance.choice(_BRANCHES), "else": _actions(chance, subject)}
    where = [chance.choice(_CONDITIONS[subject])] if chance.random() < 0.25 else []
    if subject in ("cell", "still") and chance.random() < 0.7:
        where.append(chance.choice(_BOUNDS))
    return {**rule, "where": {"all": where}} if where else rule


def _actions(chance: Random, subject: str) -> list[Any]:
    about = ["approve", "flag"] if subject in ("cell", "still") else []
    kinds = ["submit"] * 6 + ["qa", "assemble", "package", "notify", "webhook", *about, "approve" if about else "notify"]
    kinds += ["pause"] if chance.random() < 0.2 else []
    return [_action(chance, chance.choice(kinds), subject) for _ in range(chance.choice([1, 1, 2, 3]))]


def _action(chance: Random, kind: str, subject: str) -> Any:
    if kind == "submit":
        mode = chance.choice(["missing", "failed", "all", "all"])
        return {"submit": {"mode": mode, **_selection(chance, subject)}}
    if kind in ("qa", "assemble"):
        return {kind: _selection(chance, subject)}
    whole = {"package": "character", "pause": "scene_type"}.get(kind)
    if whole:
        return {kind: {"of": chance.choice(["run", whole]) if subject == "cell" else "run"}}
    told = {"notify": {"to": "producers"}, "webhook": {"url": "https://a.example/hook"}}
    return {kind: told[kind]} if kind in told else kind


def _selection(chance: Random, subject: str) -> dict[str, Any]:
    picked = {}
    for group, known in _NAMES.items():
        same = ["same"] if group in _KNOWN[subject] else []
        choice = chance.choice([*same, "all", [chance.choice(known)]])
        if choice != "same":
            picked[group] = choice
    return picked


def random_rules(chance: Random) -> tuple[list[dict[str, Any]], int]:
    """(4 to 30 rules, cured where they could run in a circle that nothing bounds; how many loops there are that state bounds)."""
    specs = [random_rule(chance, number) for number in range(int(chance.triangular(4, MOST_RULES + 1, 6)))]
    rules = [read(spec, number) for number, spec in enumerate(specs)]
    while True:
        found = analyse(rules)
        if not found.refused:
            return specs, len(found.loops)
        for age in {int(loop.rules[0].removeprefix("rule ")) for loop in found.refused}:
            _cure(specs[age])
            rules[age] = read(specs[age], age)


def _cure(spec: dict[str, Any]) -> None:
    """What the analysis advises: a number of attempts where it is about a scene or a picture; else, or if that fails, once."""
    where = spec.setdefault("where", {"all": []})["all"]
    if "attempts" in {one.get("field") for one in where} or spec["when"][0].startswith(("delivery", "run")):
        spec["once"] = True
        if spec["when"][0].startswith("delivery"):
            spec["per"] = "run"
    else:
        where.append(_BOUNDS[0])


def read(spec: dict[str, Any], age: int) -> Rule:
    """A rule as the engine takes it."""
    found = read_rule(spec, project="Harbor Nights")
    assert not found.issues, f"{spec}: {found.issues}"
    return replace(found.rules[0], age=age)
