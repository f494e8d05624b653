"""Rules from plain values: every fault at its field, and back again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pipeline.domain.issues import Issue
from pipeline.domain.rules.checks import Names
from pipeline.domain.rules.loops import analyse
from pipeline.domain.rules.reading import read_rule, read_rules, schema
from pipeline.domain.rules.templates import TEMPLATES
from pipeline.domain.rules.wording import sentence
from pipeline.domain.rules.writing import write_rule
from tests.rule_boards import LOOKS, PEOPLE, PROJECT, TYPES, Chance

NAMES = Names(PEOPLE, TYPES, LOOKS, ("Warehouse",), ("age",), ("producers",))
VALIDATOR = Draft202012Validator(schema())
FEW = {"field": "attempts", "at_most": 2}
QUICK = settings(max_examples=150, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])


def written(**changes: Any) -> dict[str, Any]:
    """A rule that is right, with changes."""
    whole = {"name": "final-takes", "when": "scene approved", "do": [{"submit": {"scene_types": ["dance"]}}]}
    return {**whole, **changes}


def faults(value: Any) -> list[Issue]:
    return list(read_rule(value, project=PROJECT, names=NAMES).issues)


CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("an unknown event", written(when="scene aproved"), "when", 'Did you mean "scene approved"?'),
    ("an event of a job", written(when="job.started"), "when", ""),
    ("an unknown key", written(wher={}), "wher", 'Did you mean "where"?'),
    ("an unknown field", written(where={"field": "sceen_type", "is": "dance"}), "where.field", 'Did you mean "scene_type"?'),
    ("a field of other events", written(where={"field": "kind", "is": "variant"}), "where.field", ""),
    ("a text for a number", written(where={"field": "attempts", "at_most": "two"}), "where.at_most", "Write a number."),
    ("a number for a text", written(where={"field": "scene_type", "is": 3}), "where.is", "Write a text."),
    ("a text for a switch", written(where={"field": "stale", "is": "no"}), "where.is", "Write true or false."),
    ("an order of names", written(where={"field": "scene_type", "above": 3}), "where.above", "Use is, is_not, in, not_in."),
    ("a list for is", written(where={"field": "scene_type", "is": ["dance"]}), "where.is", ""),
    ("one value for in", written(where={"field": "scene_type", "in": "dance"}), "where.in", "Write [value, …]."),
    ("an unknown scene type", written(where={"field": "scene_type", "is": "dnace"}), "where.is", 'Did you mean "dance"?'),
    ("an unknown status", written(where={"field": "status", "is": "aproved"}), "where.is", 'Did you mean "approved"?'),
    ("an unknown key of metadata", written(where={"field": "metadata.agee", "above": 3}), "where.field", 'Did you mean "age"?'),
    ("a rate of 200 %", written(where={"field": "run.pass_rate", "above": 200}), "where.above", ""),
    ("two operators", written(where={"field": "attempts", "above": 1, "below": 3}), "where", ""),
    ("no operator", written(where={"field": "attempts"}), "where", ""),
    ("any of nothing", written(where={"any": []}), "where.any", ""),
    (
        "a fault deep in a tree",
        written(where={"all": [{"not": {"any": [{"field": "scene_type", "is": "dnace"}]}}]}),
        "where.all[0].not.any[0].is",
        'Did you mean "dance"?',
    ),
    ("an unknown character", written(**{"for": {"characters": ["Mara", "Inez"]}}), "for.characters[1]", 'Did you mean "Ines"?'),
    ("a scope that no event is in", written(when="still.approved", **{"for": {"scene_types": ["dance"]}}), "for.scene_types", ""),
    (
        "a condition that the scope excludes",
        written(where={"field": "character", "is": "Ines"}, **{"for": {"characters": ["Mara"]}}),
        "where",
        "Take out what excludes the rest.",
    ),
    ("what only jobs have", written(when="cell.failed", where={"field": "failure_class", "is": "lost"}), "where.field", ""),
    ("the same of nothing", written(when="still.approved", do=[{"submit": {}}]), "do[0].submit.scene_types", ""),
    ("a selection of what is not there", written(do=[{"submit": {"scene_types": ["x"]}}]), "do[0].submit.scene_types[0]", ""),
    ("an unknown action", written(do=[{"submitt": {}}]), "do[0].submitt", 'Did you mean "submit"?'),
    ("an unknown channel", written(do=[{"notify": {"to": "produsers"}}]), "do[0].notify.to", 'Did you mean "producers"?'),
    ("an address that is none", written(do=[{"webhook": {"url": "file:///etc/passwd"}}]), "do[0].webhook.url", ""),
    ("an approval of a run", written(when="run.completed", do=["approve"]), "do[0].approve", ""),
    ("a submission for a worker", written(when="worker.away", do=[{"submit": {"characters": "all"}}]), "do[0].submit", ""),
    ("no actions", written(do=[]), "do", "Add an action."),
    ("if without else", written(**{"if": {"field": "run.pass_rate", "above": 80, "sample": 5}}), "", ""),
    ("a depth of 11", written(max_depth=11), "max_depth", ""),
    ("fuel below zero", written(fuel={"jobs": -1}), "fuel.jobs", ""),
    ("no name", {"when": "scene approved", "do": ["approve"]}, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("value", "path", "suggestion"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_fault_is_told_at_its_field(value: dict[str, Any], path: str, suggestion: str) -> None:
    found = faults(value)
    assert path in [issue.path for issue in found], found
    assert all(issue.message for issue in found)
    assert not suggestion or suggestion in [issue.suggestion for issue in found]


def nested(levels: int) -> Any:
    """A condition in a condition in a condition."""
    inner: Any = {"field": "attempts", "at_most": 2}
    for _ in range(levels):
        inner = {"not": inner}
    return inner


@pytest.mark.parametrize(
    "value",
    [
        written(where=nested(1000)),
        written(where=nested(13)),
        written(where={"all": [{"field": "attempts", "at_most": 2}] * 100_000}),
        written(name="x" * 10_000_000),
        {str(number): number for number in range(100_000)},
        [],
        None,
        "x" * 10_000_000,
        {1: 2},
    ],
    ids=[
        "depth 1000",
        "depth 13",
        "100,000 conditions",
        "a name of 10 MB",
        "100,000 keys",
        "a list",
        "nothing",
        "10 MB",
        "a key",
    ],
)
def test_what_is_much_too_large_or_no_rule_at_all_is_one_short_fault(value: Any) -> None:
    found = faults(value)
    assert 1 <= len(found) <= 4
    assert all(len(str(issue)) < 500 for issue in found)


def test_a_rule_that_is_everywhere_names_what_no_production_has_to_have() -> None:
    read = read_rule(written(everywhere=True, do=[{"submit": {"scene_types": ["unheard of"]}}]), project=PROJECT, names=NAMES)
    assert not read.issues
    assert read.rules[0].scope.project is None


def test_two_rules_of_one_name_are_told_at_the_second() -> None:
    read = read_rules([written(), written(name="Final-Takes")], project=PROJECT, names=NAMES)
    assert [issue.path for issue in read.issues] == ["triggers[1].name"]
    assert read.rules == ()


def test_the_schema_of_rules_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(schema())


@QUICK
@given(st.integers(0, 2**32))
def test_a_rule_that_is_written_reads_back_the_same_and_fits_the_schema(seed: int) -> None:
    rule = Chance(seed).rule(0)
    plain = write_rule(rule)
    VALIDATOR.validate(plain)
    read = read_rule(plain, project=rule.scope.project)
    if read.rules:
        assert write_rule(read.rules[0]) == plain
        assert sentence(read.rules[0])
    else:
        told = ("has no", "not about", "can be in its scope", "does not rest on several")
        assert all(any(words in issue.message for words in told) for issue in read.issues), read.issues


@QUICK
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.sampled_from(["scene approved", "all"]),
        lambda part: (
            st.lists(part, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "when", "for", "where", "if", "do", "else", "all", "any", "not", "field", "is", "fuel"]),
                part,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_comes_is_a_rule_or_has_a_fault(value: Any) -> None:
    read = read_rule(value, project=PROJECT, names=NAMES)
    assert bool(read.rules) != bool(read.issues)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.key)
def test_every_template_is_a_rule_that_fits_the_schema_and_has_no_unbounded_loop(template: Any) -> None:
    VALIDATOR.validate(template.rule)
    read = read_rule(template.rule, project=PROJECT, names=NAMES)
    assert not read.issues
    assert write_rule(read.rules[0])["name"] == template.key
    assert not analyse(read.rules).refused


def test_the_templates_together_hold_no_loop_that_nothing_bounds() -> None:
    read = read_rules([dict(template.rule) for template in TEMPLATES], project=PROJECT, names=NAMES)
    assert not analyse(read.rules).refused


def test_a_rule_is_told_in_a_sentence() -> None:
    value = written(
        **{"for": {"characters": ["Mara"]}, "if": {"field": "character.pass_rate", "above": 80, "sample": 5}},
        where={"all": [{"field": "scene_type", "is": "close-up"}, {"any": [FEW, {"field": "stale", "is": False}]}]},
        do=[{"submit": {"scene_types": ["entrance", "dance"], "mode": "all"}}, {"notify": {"to": "producers"}}],
        **{"else": [{"flag": {}}]},
    )  # fmt: skip
    [rule] = read_rule(value, project=PROJECT, names=NAMES).rules
    assert sentence(rule) == (
        "When scene approved for Mara of Harbor Nights, where scene type is close-up and (attempts ≤ 2 or stale is no). "
        "If QA pass rate of scenes of the same character > 80 %, measured on at least 5: "
        "submit entrance, dance of the same character and the same variant anew, then notify producers; else: flag it for review."
    )
