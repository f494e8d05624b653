"""Makes `.venv` from the requirements: one start at a time, repaired after an interruption, with its progress told."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from launcher import interpreters, stamp
from launcher.installation import Installation, explain

LOCK = "setup.lock"
UNFINISHED = "setup-unfinished"
LOG = "setup.log"


class SetupFailed(Exception):
    """The environment could not be made. Carries what went wrong and the last lines of what was run."""

    def __init__(self, what: str, output: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.output = output


def make_ready(root: str, *, for_tests: bool) -> None:
    """Leave an environment that has the requirements, or end this process with the cause and the cure."""
    venv = Path(stamp.venv_of(root))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        venv.mkdir(exist_ok=True)
        with one_at_a_time(venv / LOCK) as lock:
            if not stamp.is_ready(root, for_tests):
                build(root, for_tests=for_tests, lock=lock)
    except KeyboardInterrupt:
        print("\nSet-up was interrupted. The next start of ./stripboard begins it again.", file=sys.stderr)
        sys.exit(130)
    except SetupFailed as error:
        sys.exit(describe(str(error), error.output, venv))
    except OSError as error:
        sys.exit(describe(f"{error.strerror or error}: {error.filename or venv}", [], venv))


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[IO[str]]:
    """Hold the set-up lock. The system frees it when the last process that holds the file is gone."""
    with path.open("a") as lock:
        if os.name == "nt":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,unused-ignore]
            yield lock
            return
        import fcntl

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another start of Stripboard is installing its packages; waiting for it …", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def build(root: str, *, for_tests: bool, lock: IO[str]) -> None:
    """Make or update the environment. One that was interrupted on the way is made anew."""
    venv = Path(stamp.venv_of(root))
    python = stamp.python_of(root)
    stamp.remove(root)
    if (venv / UNFINISHED).exists() or not is_usable(python):
        clear(venv)
    (venv / UNFINISHED).touch()
    if not Path(python).exists():
        say(f"Stripboard is making its environment in {venv} (Python {sys.version.split()[0]}). This happens once.")
        if sys.version_info[:2] > interpreters.NEWEST:
            say("OpenTimelineIO does not run on this Python yet, so deliveries will have no timelines. Python 3.13 has it.")
        run_step([sys.executable, "-m", "venv", "--without-pip", str(venv)])
    installation = Installation(
        command=[*installer(python), "-r", stamp.requirements_of(root, for_tests)], venv=venv, log=venv / LOG, lock=lock
    )
    if installation.run() != 0:
        (venv / UNFINISHED).unlink()  # it ended in order, so what is there can be built upon
        raise SetupFailed("the packages could not be installed", installation.last_lines())
    stamp.write(root, for_tests)
    (venv / UNFINISHED).unlink()


def is_usable(python: str) -> bool:
    """Whether an environment that is already there starts, and on a Python that is new enough."""
    question = f"import sys; sys.exit(sys.version_info < {interpreters.OLDEST!r})"
    return Path(python).exists() and subprocess.run([python, "-c", question], capture_output=True).returncode == 0


def clear(venv: Path) -> None:
    """Remove everything but the lock that this process holds."""
    for path in venv.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def installer(python: str) -> list[str]:
    """The command that installs into the environment: uv where there is one, else the environment's own pip."""
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", python]
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    if has_pip(python):
        return pip
    if subprocess.run([python, "-m", "ensurepip", "--default-pip"], capture_output=True).returncode == 0:
        return pip
    if has_pip(sys.executable):  # Debian keeps ensurepip in a package of its own
        return [sys.executable, "-m", "pip", "--python", python, *pip[3:]]
    if may_use_apt():
        package = f"python3.{sys.version_info[1]}-venv"
        say(f"Installing Debian's {package}, which brings pip …")
        subprocess.run(["apt-get", "update", "-q"], stdin=subprocess.DEVNULL, capture_output=True)
        run_step(["apt-get", "install", "-y", "-q", "--no-install-recommends", package])
        run_step([python, "-m", "ensurepip", "--default-pip"])
        return pip
    raise SetupFailed("this Python has no pip and no ensurepip")


def has_pip(python: str) -> bool:
    """Whether `python -m pip` works."""
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0


def may_use_apt() -> bool:
    """Whether this process may add a Debian package: root, on a machine that has apt."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def run_step(command: list[str]) -> None:
    """Run one quick step of the set-up."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SetupFailed(f"{' '.join(command)} failed", done.stdout.splitlines()[-10:])


def say(line: str) -> None:
    """Tell the person at the terminal; standard output stays free for the program."""
    print(line, file=sys.stderr, flush=True)


def describe(what: str, output: Sequence[str], venv: Path) -> str:
    """What happened, its likely cause and its cure."""
    shown = [f"  | {line}" for line in output]
    return "\n".join([*shown, f"Stripboard is not set up: {what}.", explain("\n".join([what, *output]), venv)])
