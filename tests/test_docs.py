"""The documentation names every command, setting and key of the production file, and none that does not exist."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline import cli
from pipeline.domain.production import Production
from tests import postgresql, run

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
SETTING = re.compile(r"\b(?:STRIPBOARD_[A-Z][A-Z_]*|DATABASE_URL)\b")
NOT_YAML = {"command"}  # written as part of `backend`


def commands() -> set[str]:
    """Every command that `./stripboard` takes, as its words: `users`, `users add`."""

    def walk(group: click.Group, prefix: str) -> Iterator[str]:
        with click.Context(group) as context:
            for name in group.list_commands(context):
                yield f"{prefix}{name}"
                command = group.get_command(context, name)
                if isinstance(command, click.Group):
                    yield from walk(command, f"{prefix}{name} ")

    return {*walk(cli.main, ""), "test"}


def mentioned_commands() -> set[str]:
    """The first word after each `./stripboard` in the documentation, in code only."""
    code = re.findall(r"```.*?```|`[^`\n]+`", TEXT, re.DOTALL)
    return {word for piece in code for word in re.findall(r"\./stripboard ([a-z][a-z-]*)", piece)}


def test_every_command_is_documented() -> None:
    missing = {name for name in commands() if not re.search(rf"(\./stripboard |`){re.escape(name)}\b", TEXT)}
    assert not missing, f"not in README.md or docs/: {sorted(missing)}"


def test_no_command_is_invented() -> None:
    assert mentioned_commands() <= commands()


def lines_to_type() -> list[str]:
    """Every line that starts with `./stripboard` in a block of code, without its comment and without optional parts."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", TEXT, re.DOTALL)
    lines = [line.strip().partition("  #")[0] for block in blocks for line in block.splitlines()]
    return [re.sub(r"\[[^]]*\]", "", line) for line in lines if line.startswith("./stripboard ")]


@pytest.mark.parametrize("line", lines_to_type())
def test_a_line_to_type_names_verbs_and_options_that_there_are(line: str) -> None:
    words = shlex.split(line.replace("…", " "))[1:]
    command: click.Command = cli.main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            break
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    is_test = line.startswith("./stripboard test")
    assert is_test or options <= known | {"-h", "--help"}, f"{line}: {sorted(options - known)}"
    assert is_test or len(words) - len(options) >= sum(one.required for one in command.params if isinstance(one, click.Argument))


def test_settings_and_their_page_name_the_same() -> None:
    written = set(SETTING.findall((ROOT / "pipeline" / "settings.py").read_text(encoding="utf-8")))
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == written


def test_every_key_of_the_production_file_is_documented() -> None:
    keys = {field.name for field in dataclasses.fields(Production)} - NOT_YAML
    missing = {key for key in keys if f"`{key}`" not in TEXT and not re.search(rf"^\s+{key}:", TEXT, re.MULTILINE)}
    assert not missing, f"not in README.md or docs/: {sorted(missing)}"


def test_the_flags_of_the_test_command_are_documented() -> None:
    flags = set(re.findall(r"--[a-z-]+", run.HELP))
    assert flags <= set(re.findall(r"--[a-z-]+", TEXT))
    assert "TEST_DATABASE_URL" in postgresql.MISSING


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_room_is_in_the_architecture_page() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    places = {f"{path.parent.name}/{path.name}" for path in (ROOT / "pipeline").glob("[a-z]*") if path.is_dir()}
    assert {place for place in places if f"`{place}" not in page} == set()
