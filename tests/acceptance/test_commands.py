"""The tests' quick way to run a command answers as a command does that a shell has started."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.acceptance.productions import Desk
from tests.commands import Commands


def run(desk: Desk, arguments: list[str], *, anew: bool) -> subprocess.CompletedProcess[str]:
    commands = Commands()
    commands.are_started_anew |= anew
    return commands.run(arguments, folder=desk.folder, environment=desk.environment({}), timeout_s=60)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["sing"],
        ["status"],
        ["status", "--json"],
        ["validate", "Ærø"],
        ["validate", "small"],
        ["info", "small", "--json"],
        ["plan", "small"],
        ["run", "--help"],
        ["presets"],
    ],
    ids=" ".join,
)
def test_a_forked_command_answers_as_one_that_is_started(tmp_path: Path, arguments: list[str]) -> None:
    desk = Desk(tmp_path / "home", tmp_path)
    desk.write(title="Ærø — 港")
    forked, started = (run(desk, arguments, anew=anew) for anew in (False, True))
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)


def test_a_forked_command_leaves_this_process_as_it_is(tmp_path: Path) -> None:
    here = Path.cwd()
    desk = Desk(tmp_path / "home", tmp_path)
    assert run(desk, ["validate", str(desk.write())], anew=False).returncode == 0
    assert Path.cwd() == here


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", tmp_path)
    arguments = ["run", str(desk.write())]
    with pytest.raises(subprocess.TimeoutExpired):
        Commands().run(arguments, folder=desk.folder, environment=desk.environment({}), timeout_s=0.2)
