"""What validation says of names of files before anything is made, and of a deadline that has passed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.domain import file_names
from pipeline.domain.issues import Severity
from tests.production_documents import body, errors, issue, issues

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
WHERE = "production.naming"


def of_naming(template: Any, **changes: Any) -> tuple[str, str]:
    """What is said of a template, and the suggestion."""
    found = issue(issues(body(naming=template, **changes)), WHERE, Severity.ERROR)
    return found.message, found.suggestion


@pytest.mark.parametrize(
    ("template", "said", "cure"),
    [
        ("{charcter}/{scene_type}", "There is no token {charcter}", "Did you mean {character}?"),
        ("{character:03}", "character is text and takes no width", "Write {character}."),
        ("{ordinal:4}", "a width is 0 and one digit", "Write {ordinal:03}."),
        ("{character", "brace without its partner", "Write tokens like {character}"),
        ("../{ordinal}", "which is not a file name", "Remove it."),
        ("clip", "has no token", "Add {ordinal:04}."),
        ("é{ordinal}", "the character 'é'", "letters without accents"),
        (7, "This must be text", "quotes"),
        ("", "The text is empty.", "Write it anew."),
        ("{ordinal}" + "x" * 500, "at most 500", "Shorten it."),
    ],
)
def test_a_template_that_breaks_the_grammar_is_an_error_with_the_cure(template: Any, said: str, cure: str) -> None:
    message, suggestion = of_naming(template)
    assert said in message
    assert cure in suggestion


def test_the_error_tells_the_line_beside_everything_else_that_is_wrong() -> None:
    text = """\
production:
  title: Broken
  seed: -1
  naming: "{charcter}"
"""
    found = issues(text)
    assert issue(found, WHERE).line == 4
    assert issue(found, "production.seed").line == 3


def test_a_template_that_cannot_tell_cells_apart_is_found_before_the_run() -> None:
    message, cure = of_naming("{character}/{scene_type}")
    assert message == '"Mara / dance / casual" and "Mara / dance / formal" would both be named "Mara/dance.mp4".'
    assert cure == 'Add {variant} to the name template "{character}/{scene_type}".'


def test_a_template_that_cannot_tell_outputs_apart_is_found_too() -> None:
    outputs = [{"format": "preview_360p", "path": "a"}, {"format": "streaming_1080p", "path": "b"}]
    message, cure = of_naming("{ordinal:04}", outputs=outputs)
    assert '"Mara / dance / casual as preview_360p" and "Mara / dance / casual as streaming_1080p"' in message
    assert "Add {format}" in cure
    assert errors(issues(body(naming="{ordinal:04}_{format}", outputs=outputs))) == []


def test_outputs_in_containers_of_their_own_need_no_token() -> None:
    outputs = [{"format": "preview_360p", "path": "a"}, {"format": "16bit_game", "path": "b"}]
    assert errors(issues(body(naming="{ordinal:04}", outputs=outputs))) == []


def test_names_that_come_out_empty_or_too_long_are_found_with_the_cell() -> None:
    message, cure = of_naming("{scene:03}")
    assert message.startswith('"Mara / dance / casual": The last part of the name template') and "{ordinal:04}" in cure
    message, cure = of_naming("/".join(["{character}" + "y" * 100] * 2 + ["{ordinal}" + "x" * 80]))
    assert "at most 240 are accepted" in message and "shorter names" in cure


def test_names_that_are_declared_twice_are_one_issue() -> None:
    twice = [{"name": name, "source_images": ["a.png"]} for name in ("Mara", "MARA")]
    outputs = [{"format": "preview_360p", "path": path, "name": "web"} for path in ("a", "b")]
    found = issues(body(characters=twice, outputs=outputs, naming="{format}/{character}_{scene_type}_{variant}"))
    assert len(errors(found)) == 2
    assert not [entry for entry in found if entry.path == WHERE]


def test_characters_whose_names_come_to_the_same_are_told_apart_by_a_template_or_an_error() -> None:
    alike = [{"name": name, "source_images": ["a.png"]} for name in ("Mara B", "Mara-B")]
    assert errors(issues(body(characters=alike))) == [], "what stands in for the default tells them apart"
    message, cure = of_naming("{character}_{scene_type}_{variant}", characters=alike)
    assert "would both be named" in message and cure.startswith("Add {ordinal}")


def test_outputs_whose_names_come_to_the_same_are_an_error_even_without_a_template() -> None:
    outputs = [{"format": "preview_360p", "path": path, "name": name} for path, name in (("a", "web 1"), ("b", "web-1"))]
    found = issue(issues(body(outputs=outputs)), "production.outputs", Severity.ERROR)
    assert "would both be named" in found.message and found.suggestion == "Rename one of them."


def test_long_names_need_no_template_of_their_own() -> None:
    long = "x" * 79
    people = [{"name": f"{long}{end}", "source_images": ["a.png"]} for end in "ab"]
    kinds = [{"name": f"{long}{end}", "prompt": "p"} for end in "ab"]
    looks = [{"name": f"{long}{end}"} for end in "ab"]
    outputs = [{"format": "preview_360p", "path": "a", "name": long}]
    assert errors(issues(body(characters=people, scene_types=kinds, variants=looks, outputs=outputs))) == []


def test_outputs_may_share_a_folder_where_their_names_tell_the_format() -> None:
    outputs = [{"format": name, "path": "out/"} for name in ("preview_360p", "streaming_1080p")]
    assert "naming: that tells the {format}" in issue(issues(body(outputs=outputs)), "production.outputs[1].path").suggestion
    leading = body(outputs=outputs, naming="{format}/{ordinal:04}")
    assert issue(issues(leading), "production.outputs[1].path", Severity.ERROR)
    assert errors(issues(body(outputs=outputs, naming="{ordinal:04}_{format}"))) == []
    assert [path for path in errors(issues(body(outputs=outputs, naming="{ordnal}_{format}"))) if "outputs" in path] == []


def test_a_matrix_beyond_all_bounds_is_not_named() -> None:
    many = [{"name": f"c{number}", "source_images": ["a.png"]} for number in range(500)]
    kinds = [{"name": f"k{number}", "prompt": "p"} for number in range(500)]
    found = issues(body(characters=many, scene_types=kinds, naming="{project}"))
    assert [entry.path for entry in found if entry.severity is Severity.ERROR] == ["production.matrix"]


def test_of_more_names_than_are_looked_at_every_cell_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_names, "MOST_NAMES", 3)
    outputs = [{"format": "preview_360p", "path": "a"}, {"format": "streaming_1080p", "path": "b"}]
    assert "{variant}" in of_naming("{character}/{scene_type}", outputs=outputs)[1]


@pytest.mark.parametrize("deadline", ["2026-12-01T11:59Z", "2026-12-01T13:00+01:00", "2020-01-01T00:00:00-05:00"])
def test_a_deadline_that_has_passed_is_a_warning_that_names_it(deadline: str) -> None:
    found = issue(issues(body(schedule={"deadline": deadline}), now=NOW), "production.schedule.deadline")
    assert (found.severity, found.message) == (Severity.WARNING, f"The deadline {deadline} has passed already.")
    assert found.suggestion


@pytest.mark.parametrize("deadline", ["2026-12-01T12:01Z", "2026-12-01T12:00-01:00"])
def test_a_deadline_to_come_is_none(deadline: str) -> None:
    found = issues(body(schedule={"deadline": deadline, "start_after": "2026-11-01T00:00Z"}), now=NOW)
    assert not [entry for entry in found if entry.path.startswith("production.schedule")]
