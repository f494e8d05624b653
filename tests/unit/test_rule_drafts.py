"""Rules while they are written: a draft reads back as the rule that it was opened from, and each change leaves one that fits."""

from __future__ import annotations

import pytest

from pipeline.domain.rules.drafts import FRESH, changed, fields_of, meant, opened, part_at, plain, pressed, typed
from pipeline.domain.rules.model import AllOf, Rule
from pipeline.domain.rules.reading import read_rule
from pipeline.domain.rules.templates import TEMPLATES, RuleTemplate
from pipeline.domain.rules.vocabulary import EVENTS, OPERATORS, field_named
from pipeline.domain.rules.writing import write_rule
from tests.rule_boards import PROJECT, Chance


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.key)
def test_a_template_opens_and_reads_back_as_itself(template: RuleTemplate) -> None:
    [wanted] = read_rule(template.rule, project=PROJECT).rules
    assert read_rule(plain(opened(template.rule)), project=PROJECT).rules == (wanted,)


@pytest.mark.parametrize("seed", range(80))
def test_any_rule_that_was_written_opens_and_reads_back_as_itself(seed: int) -> None:
    for rule in Chance(seed).rules(6):
        read = read_rule(write_rule(rule), project=PROJECT)
        if read.rules:
            again = read_rule(plain(opened(write_rule(rule))), project=PROJECT)
            assert write_rule(again.rules[0]) == write_rule(read.rules[0]) or _wrapped(again.rules[0], read.rules[0])


def _wrapped(found: Rule, wanted: Rule) -> bool:
    """A group of one comes back as that one, which holds exactly where the group does."""
    return isinstance(wanted.where, AllOf) and wanted.where.parts == (found.where,)


def test_a_new_rule_lacks_only_its_name() -> None:
    draft = opened(FRESH)
    assert not read_rule(plain(draft), project=PROJECT).rules
    assert read_rule(plain(changed(draft, "name", "tell them")), project=PROJECT).rules


@pytest.mark.parametrize("event", ["cell.approved", "still.approved", "run.completed", "worker.paused"])
def test_whichever_field_is_chosen_the_operator_and_the_value_fit_it(event: str) -> None:
    if event not in EVENTS:
        pytest.fail(f"{event} is no event")
    draft = changed(changed(pressed(opened(FRESH), "condition", "where.parts"), "name", "a"), "when.0", event)
    for name in fields_of(draft):
        made = changed(draft, "where.parts.0.field", name)
        field = field_named(name)
        assert field is not None
        for operator in OPERATORS[field.type]:
            whole = changed(made, "where.parts.0.operator", operator.value)
            issues = read_rule(plain(whole), project=PROJECT).issues
            assert not [issue for issue in issues if "cannot be held against" in issue.message]


def test_parts_are_added_and_removed_where_they_were_pressed() -> None:
    draft = opened(FRESH)
    draft = pressed(draft, "group", "where.parts")
    draft = pressed(draft, "condition", "where.parts.0.parts")
    draft = pressed(draft, "not", "where.parts")
    assert [part["head"] for part in draft["where"]["parts"]] == ["any", "not"]
    assert len(part_at(draft, "where.parts.0.parts")) == 2
    draft = pressed(draft, "remove", "where.parts.0")
    assert [part["head"] for part in draft["where"]["parts"]] == ["not"]
    draft = pressed(draft, "step", "do")
    assert len(draft["do"]) == 2
    draft = pressed(draft, "branch", "")
    assert draft["if"] and draft["else"]
    draft = pressed(draft, "branch", "")
    assert draft["if"] is None and not draft["else"]


def test_a_change_leaves_the_draft_before_it_alone() -> None:
    draft = opened(FRESH)
    changed(draft, "name", "another")
    pressed(draft, "condition", "where.parts")
    assert draft == opened(FRESH)


def test_another_kind_of_action_begins_with_what_it_needs() -> None:
    draft = changed(opened(FRESH), "do.0.kind", "submit")
    assert draft["do"] == [{"kind": "submit", "characters": "same", "scene_types": "same", "variants": "same", "mode": "missing"}]


@pytest.mark.parametrize(
    ("field", "operator", "text", "value"),
    [("attempts", "at_most", "2", 2), ("attempts", "at_most", "2.5", 2.5), ("attempts", "at_most", "two", "two"),
     ("stale", "is", "no", False), ("scene_type", "in", "dance, close-up", ["dance", "close-up"]), ("scene_type", "is", "7", "7"),
     ("metadata.age", "above", "7", 7)],
)  # fmt: skip
def test_what_is_written_gets_the_type_of_its_field(field: str, operator: str, text: str, value: object) -> None:
    assert typed(field_named(field), operator, text) == value


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [("for.characters", "", []), ("for.characters", "*", []), ("for.characters", "Mara", ["Mara"]),
     ("for.variants", "a, b", ["a", "b"]),
     ("once", "yes", True),
     ("everywhere", "no", False), ("fuel.gpu_seconds", 2, 7200), ("do.0.characters", "same", "same"),
     ("do.0.characters", "Mara, Ines", ["Mara", "Ines"]), ("do.0.characters", "", "same"), ("name", None, ""),
     ("max_depth", 3.0, 3),
     ("where.parts.0.value", "3", 3)],
)  # fmt: skip
def test_what_is_chosen_at_a_place_is_meant_as_that_place_has_it(path: str, text: object, value: object) -> None:
    draft = changed(pressed(opened(FRESH), "condition", "where.parts"), "where.parts.0.field", "attempts")
    assert meant(changed(draft, "do.0.kind", "submit"), path, text) == value
