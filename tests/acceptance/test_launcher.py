"""The launcher, in a copy of its own: a fake uv stands in for the network, a one-line program for Stripboard."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher import interpreters
from launcher.installation import explain

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import os, sys; print('|'.join([os.getcwd(), *sys.argv[1:]]))"
FAKE_UV = """\
#!/bin/sh
echo "$@" >> {home}/installs
echo Resolved 3 packages in 1ms
while [ -e {home}/hold ]; do sleep 0.02; done
[ -e {home}/refuse ] && cat {home}/refuse && exit 2
exit 0
"""

pytestmark = pytest.mark.skipif(sys.version_info[:2] > interpreters.NEWEST, reason="the launcher would look for an older Python")


class Checkout:
    """A copy of the launcher with stand-ins, and what the stand-ins saw."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "checkout"
        self.root.mkdir()
        shutil.copy2(ROOT / "stripboard", self.root)
        shutil.copytree(ROOT / "launcher", self.root / "launcher", ignore=shutil.ignore_patterns("__pycache__"))
        for package, module in (("pipeline", "__main__"), ("tests", "run")):
            (self.root / package).mkdir()
            (self.root / package / "__init__.py").touch()
            (self.root / package / f"{module}.py").write_text(PROGRAM)
        (self.root / "requirements.txt").write_text("tiny\n")
        (self.root / "requirements-dev.txt").write_text("-r requirements.txt\ntinytest\n")
        (home / "bin").mkdir()
        uv = home / "bin" / "uv"
        uv.write_text(FAKE_UV.format(home=home))
        uv.chmod(uv.stat().st_mode | stat.S_IXUSR)

    def open(self, *arguments: str, cwd: Path | None = None, script: Path | None = None) -> subprocess.Popen[str]:
        """Start the launcher; the caller waits."""
        return subprocess.Popen(
            [sys.executable, str(script or self.root / "stripboard"), *arguments],
            cwd=cwd or self.root,
            env={**os.environ, "PATH": f"{self.home / 'bin'}:/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: str, cwd: Path | None = None, script: Path | None = None) -> tuple[int, str, str]:
        """Run the launcher to its end: exit code, output, messages."""
        child = self.open(*arguments, cwd=cwd, script=script)
        output, messages = child.communicate(timeout=60)
        return child.returncode, output.strip(), messages

    def installs(self) -> int:
        """How often an installer ran."""
        log = self.home / "installs"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def hold(self) -> Path:
        """Make installs hang until the returned file is removed."""
        path = self.home / "hold"
        path.touch()
        return path


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh clone."""
    return Checkout(tmp_path)


def wait_for(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fail when it does not within 20 s."""
    give_up_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_at, "waited too long"
        time.sleep(0.02)


def test_the_first_start_installs_and_the_second_does_not(checkout: Checkout, tmp_path: Path) -> None:
    code, output, messages = checkout.start("run", "a file.yaml", cwd=tmp_path)
    assert (code, output) == (0, f"{tmp_path}|run|a file.yaml")
    assert "making its environment" in messages
    code, output, messages = checkout.start("status")
    assert (code, messages, checkout.installs()) == (0, "", 1)


def test_it_starts_through_a_symlink(checkout: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "sb"
    link.symlink_to(checkout.root / "stripboard")
    assert checkout.start("list", cwd=tmp_path, script=link)[:2] == (0, f"{tmp_path}|list")


def test_files_in_the_current_folder_do_not_shadow_the_program(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("raise SystemExit('wrong one')")
    assert checkout.start("list", cwd=tmp_path)[0] == 0


def test_the_test_command_installs_the_test_packages_once(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.start("test", "--fast", cwd=tmp_path)[:2] == (0, f"{checkout.root}|--fast")
    assert checkout.start("test")[0] == 0
    assert checkout.start("list")[0] == 0
    assert checkout.installs() == 1
    assert "requirements-dev.txt" in (checkout.home / "installs").read_text()


def test_changed_requirements_are_installed(checkout: Checkout) -> None:
    checkout.start("list")
    (checkout.root / "requirements.txt").write_text("tiny\nmore\n")
    assert checkout.start("list")[0] == 0
    assert checkout.installs() == 2


def test_a_failed_install_says_cause_and_cure_and_the_next_start_tries_again(checkout: Checkout) -> None:
    refusal = checkout.home / "refuse"
    refusal.write_text("error: No space left on device\n")
    code, output, messages = checkout.start("list")
    assert (code, output) == (1, "")
    assert "No space left on device" in messages
    assert "Make room" in messages
    refusal.unlink()
    assert checkout.start("list")[0] == 0
    assert checkout.installs() == 2


def test_two_starts_at_once_install_once(checkout: Checkout) -> None:
    hold = checkout.hold()
    first = checkout.open("list")
    wait_for(lambda: checkout.installs() == 1)
    second = checkout.open("list")
    assert second.stderr is not None
    assert "waiting" in second.stderr.readline()
    hold.unlink()
    assert [child.communicate(timeout=60) and child.returncode for child in (first, second)] == [0, 0]
    assert checkout.installs() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_install_is_made_anew(checkout: Checkout, number: signal.Signals) -> None:
    hold = checkout.hold()
    child = checkout.open("list")
    wait_for(lambda: checkout.installs() == 1)
    (checkout.root / ".venv" / "half-written").touch()
    child.send_signal(number)
    hold.unlink()
    child.communicate(timeout=60)
    assert child.returncode in {130, 143, -signal.SIGKILL}
    assert checkout.start("list")[0] == 0
    assert not (checkout.root / ".venv" / "half-written").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    checkout.start("list")
    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert checkout.start("list")[0] == 0


@pytest.mark.parametrize(
    ("output", "cure"),
    [
        ("ERROR: No matching distribution found for av", "PIP_INDEX_URL"),
        ("Failed to establish a new connection: Temporary failure in name resolution", "Check the network"),
        ("[Errno 13] Permission denied: '/opt/x'", "right to write"),
        ("something nobody has seen", "begin from nothing"),
    ],
)
def test_a_failure_is_explained(output: str, cure: str) -> None:
    assert cure in explain(output, Path("/x/.venv"))


def test_an_interpreter_is_believed_only_when_it_starts_and_suits(tmp_path: Path) -> None:
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    old = tmp_path / "python3.13"
    old.write_text("#!/bin/sh\nprintf '3.8 /usr/bin/python3.8'\n")
    old.chmod(0o755)
    assert interpreters.ask(str(broken)) is None
    assert interpreters.ask(str(old)) is None
    assert interpreters.ask(str(tmp_path / "absent")) is None


def test_the_complaint_names_the_version_and_the_cure() -> None:
    assert "needs Python 3.11, 3.12 or 3.13" in interpreters.complaint()
    assert "apt install python3" in interpreters.complaint()


def test_the_launcher_is_read_by_old_pythons() -> None:
    """No syntax newer than Python 3.0 in what runs before the interpreter is chosen."""
    import ast

    for name in ("stripboard", "launcher/__init__.py", "launcher/stamp.py", "launcher/interpreters.py"):
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        newer = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.Match | ast.AsyncFunctionDef | ast.Starred)
            or (isinstance(node, ast.FunctionDef) and (node.returns or node.args.kwonlyargs or node.args.posonlyargs))
        ]
        assert not newer, f"{name}: line {newer[0].lineno}"
