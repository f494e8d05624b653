"""The words of the command line: safe names, units, and an overview that tells what the commands tell."""

from __future__ import annotations

import click
import pytest

from pipeline.cli import COMMANDS, main
from pipeline.cli.console import console, plain, table
from pipeline.cli.exits import BY_KIND, Exit
from pipeline.cli.live import display
from pipeline.cli.text import brief, clean, clean_lines, counted, duration, quoted, size
from pipeline.domain import errors
from pipeline.domain.stages import Phase


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_says_what_the_command_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None and command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]
    assert command.help


def test_every_kind_of_error_has_an_exit_code() -> None:
    kinds = {kind.kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.StripboardError)}

    assert kinds == set(BY_KIND)
    assert BY_KIND["refused"] is Exit.REFUSED


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\rb", "\x07", "a\u202eb", "\x9b31m", "\u2066", "a\u2028b", "\ud800"])
def test_nothing_in_a_name_reaches_the_terminal_as_a_command(hostile: str) -> None:
    assert clean(hostile).isprintable() and "\x1b" not in clean_lines(f"x\n{hostile}")


def test_all_that_a_program_said_is_told_in_one_line_with_its_beginning_and_its_end() -> None:
    said = brief("It ended with code 7. It said:\n" + "step\n" * 500 + "CUDA out of memory\n")
    assert said.startswith("It ended with code 7. It said: step step") and said.endswith("step CUDA out of memory")
    assert "\n" not in said and len(said) < 410
    assert brief("scene A  b failed: too dark") == "scene A  b failed: too dark"


def test_a_table_tells_lines_after_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    console.cache_clear()
    table(("why",), [("It said:\n\tTraceback\r\n  lens\u2028dirty",)])
    assert "It said: Traceback lens dirty" in capsys.readouterr().out


def test_numbers_read_as_people_write_them() -> None:
    assert [duration(seconds) for seconds in (0.26, 45, 59.6, 200, 7500)] == [
        "0.3 s",
        "45 s",
        "1 min 0 s",
        "3 min 20 s",
        "2 h 5 min",
    ]
    assert [size(count) for count in (5, 1500, 2.5e9, 7e12)] == ["5 bytes", "1.5 kB", "2.5 GB", "7.0 TB"]
    assert [counted(1, "scene"), counted(1200, "scene")] == ["1 scene", "1,200 scenes"]


def test_names_are_quoted_for_a_shell() -> None:
    assert [quoted("a/b.yaml"), quoted("Mara / O'Neil")] == ["a/b.yaml", "'Mara / O'\\''Neil'"]


def test_times_are_told_to_programs_in_milliseconds() -> None:
    assert plain({"reserved_seconds": 1.38e-17, "seconds": 2.00049, "score": 0.123456}) == {
        "reserved_seconds": 0.0,
        "seconds": 2.0,
        "score": 0.123456,
    }
    assert str(plain({"seconds": -1e-18})["seconds"]) == "0.0"


def test_what_holds_the_work_up_is_told_once_and_not_at_every_look(capsys: pytest.CaptureFixture[str]) -> None:
    shown = display("Small #1", {}, Phase.FINALIZE, quiet=False)
    for trouble in ("waits: the disk is full.", "", "waits: the disk is full."):
        shown.update(None, trouble)

    assert capsys.readouterr().out.count("waits: the disk is full.") == 1
