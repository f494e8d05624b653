"""The loader on real files: types, bounds, syntax, folders."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters import yaml_files
from pipeline.adapters.yaml_files import ProductionNotFound, ProductionUnreadable, load, load_text
from pipeline.adapters.yaml_values import Limits
from pipeline.domain.issues import Severity
from tests.production_documents import document, issue, issues, reader


def value(text: str) -> Any:
    found = load_text(f"x: {text}")
    assert found.issues == (), found.issues
    return found.data["x"]


def problem(text: bytes | str, **options: Any) -> str:
    found = load_text(text, **options)
    assert found.issues
    return str(found.issues[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("Off", "Off"), ("y", "y"), ("12:30", "12:30"), ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"), ("0b11", "0b11"), ("1.2.3", "1.2.3"), ("=", "="), ("<<", "<<"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("007", 7), ("0o17", 15), ("0x1F", 31),
        ("-12", -12), ("+3", 3), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-1.", -1.0), ('"12"', "12"), ("'true'", "true"),
        ("!!str 12", "12"), ("!!int 12", 12), ("!!float 12", 12.0), ("! 12", "12"), ("|\n  a\n  b\n", "a\nb\n"),
    ],
)  # fmt: skip
def test_scalars_are_what_yaml_1_2_says(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 5000, "0x" + "f" * 50, "1." + "0" * 5000])
def test_numbers_that_are_none_are_errors(text: str) -> None:
    assert "Write a finite number, or put it in quotes." in problem(f"x: {text}")


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.system [ls]", "!!set {a}", "!!binary aGk=", "!x 1", "!!timestamp 2024-01-01"]
)
def test_other_tags_are_refused(text: str) -> None:
    assert "is not allowed here" in problem(f"x: {text}")


def test_keys_are_text_and_stand_once() -> None:
    assert load_text("{1: a, true: b, ~: c}").data == {"1": "a", "true": "b", "~": "c"}
    found = load_text("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert [str(entry) for entry in found.issues] == [
        '4: error: The key "c" stands twice in one section: line 3 and line 4. Remove one of them.',
        '5: error: The key "a" stands twice in one section: line 1 and line 5. Remove one of them.',
    ]
    assert "A key must be plain text" in problem("? [a]\n: b")


def test_merge_keys_are_an_error_that_says_so() -> None:
    text = "production:\n  title: T\n  style: &s {mood: a}\n  locations:\n    - {<<: *s, name: A}\n"
    found = issue(issues(text), "production.locations[0].<<")
    assert "Merge keys are not part of the format" in found.suggestion


def test_aliases_bring_in_their_value_and_count_in_full() -> None:
    assert load_text("a: &x [1, 2]\nb: *x\n").data == {"a": [1, 2], "b": [1, 2]}
    assert load_text("&k a: 1\nb: {*k : 2}\n").data == {"a": 1, "b": {"a": 2}}
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    started = time.process_time()
    assert "more than 500000 values, aliases written out" in problem(bomb)
    assert time.process_time() - started < 0.5


def test_aliases_that_contain_themselves_or_lead_nowhere_are_errors() -> None:
    assert 'The alias "*a" has no anchor before it.' in problem("a: &a [*a]")
    assert 'The alias "*b" has no anchor before it.' in problem("a: *b")


def test_depth_is_bounded_with_aliases_too() -> None:
    assert load_text("[" * 32 + "]" * 32).issues == ()
    assert "more than 32 levels" in problem("[" * 33 + "]" * 33)
    assert "more than 32 levels" in problem("[" * 100_000)
    steps = "".join(f"- &a{n} [[[[[*a{n - 1}]]]]]\n" for n in range(1, 9))
    assert "more than 32 levels" in problem("- &a0 x\n" + steps)


def test_size_and_count_are_bounded() -> None:
    assert "larger than 8 MiB" in problem(b"x" * (8 * 2**20 + 1))
    assert "more than 500000 values" in problem("[" + "a," * 500_001 + "]")
    assert "more than 3 values" in problem("[1, 2, 3]", limits=Limits(nodes=3))


@pytest.mark.parametrize(
    "text",
    [
        "- " * 200_000,
        "? " * 200_000,
        "{" * 200_000,
        "a: " * 100_000,
        "&a " * 50_000,
        "[" + "{a: " * 50_000,
        "'" * 300_001,
        "!" * 200_000,
    ],
)
def test_hostile_repetition_ends_quickly(text: str) -> None:
    started = time.process_time()
    assert problem(text)
    assert time.process_time() - started < 2


def test_syntax_errors_are_issues_with_their_line() -> None:
    found = load_text('production:\n  title: "Harbor\n  author: [a\n', file="cast.yaml")
    assert found.data is None
    assert (found.issues[0].line, found.issues[0].file) == (4, "cast.yaml")
    assert "This is not valid YAML" in found.issues[0].message


def test_a_second_document_is_an_error() -> None:
    assert "2: error: The file holds more than one YAML document." in problem("a: 1\n---\nb: 2\n")


def test_text_must_be_utf_8_without_control_characters() -> None:
    assert "2: error: The file is not UTF-8 text." in problem(b"a: 1\nb: \xff\n")
    assert "2: error: The file holds the control character U+0007." in problem("a: 1\nb: \x07\n")
    assert load_text("\ufeffa: é".encode()).data == {"a": "é"}
    assert problem("a: 1".encode("utf-16"))


def test_escaped_control_characters_are_found_where_they_matter() -> None:
    text = 'production: {title: "a\\x00b", characters: [{name: A, source_images: ["a\\0.png"]}]}'
    found = issues(text)
    assert issue(found, "production.title").message.startswith("The name 'a\\x00b' holds control characters")
    assert issue(found, "production.characters[0].source_images[0]").message == "The text holds a control character."


def test_a_path_without_a_production_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ProductionNotFound, match=r"There is no production at .*missing\.yaml"):
        load(tmp_path / "missing.yaml")
    with pytest.raises(ProductionNotFound, match=r"The folder holds no \.yaml file"):
        load(tmp_path)
    with pytest.raises(ProductionNotFound):
        load(tmp_path / "a" / ("x" * 50))
    with pytest.raises(ProductionUnreadable):
        load(Path("/tmp/\x00"))
    with pytest.raises(ProductionUnreadable):
        load(tmp_path / ("x" * 5000))
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ProductionUnreadable, match="it is not a file"):
        load(tmp_path / "pipe.yaml")


def test_a_file_without_permission_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("production: {}")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ProductionUnreadable, match="permission denied"):
        load(path)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_is_merged_in_the_order_of_its_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="production:\n  title: T\n  characters:\n    - {name: Mara}\n  style: {mood: calm}\n",
        b="production:\n  characters:\n    - {name: Ivo}\n  style: {era: past}\n",
    )
    found = load(tmp_path)
    assert found.issues == ()
    assert found.data["production"]["characters"] == [{"name": "Mara"}, {"name": "Ivo"}]
    assert found.data["production"]["style"] == {"mood": "calm", "era": "past"}
    assert found.places.find(("production", "characters", 1, "name")) == ("b.yaml", 3)
    assert found.places.find(("production", "style", "era")) == ("b.yaml", 4)
    assert found.places.find(("production", "style", "mood")) == ("a.yaml", 5)


def test_names_and_values_given_in_two_files_are_errors_that_name_both(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="production:\n  title: T\n  characters:\n    - {name: Mara, source_images: [a.png]}\n",
        b="production:\n  title: U\n  characters:\n    - {name: mara, source_images: [a.png]}\n",
    )
    found = reader().read(tmp_path).issues
    double = issue(found, "production.characters[1].name", Severity.ERROR)
    assert "a.yaml line 4 and b.yaml line 4" in double.message
    assert (double.file, double.line) == ("b.yaml", 4)
    title = issue(found, "production.title")
    assert title.message == '"title" is given twice: a.yaml line 2 and b.yaml line 2.'


def test_a_broken_file_of_a_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path, a="production: {title: T, matrix: {}}\n", b="production: [\n", c="- a\n")
    found = reader().read(tmp_path)
    assert {entry.file for entry in found.issues if "YAML" in entry.message} == {"b.yaml"}
    assert any(entry.file == "c.yaml" and "must be a section" in entry.message for entry in found.issues)
    assert not found.is_valid


def test_the_bounds_are_those_of_the_whole_folder(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{n}": "production: {triggers: [" + "{a: 1}," * 90_000 + "]}" for n in range(2)})
    found = load(tmp_path)
    assert any("values, aliases written out" in entry.message for entry in found.issues)


def test_templates_take_any_title() -> None:
    for name in yaml_files.template_names():
        text = yaml_files.load_template(name, 'A: "b" {x} #\n')
        assert document(text).data["production"]["title"] == 'A: "b" {x} #\n'
    with pytest.raises(Exception, match='There is no template "nope"'):
        yaml_files.load_template("nope", "T")
