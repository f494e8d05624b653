"""A private PostgreSQL server for one test run: found or installed, started on a free port, removed at the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import debian

MISSING = """\
PostgreSQL is not on this machine, so its half of the tests is left out.
To add it: install it (Debian, Ubuntu: apt install postgresql; macOS: brew install postgresql), or set TEST_DATABASE_URL to a
server where the tests may create schemas, such as postgresql://user:password@localhost/stripboard_test."""
START_TIMEOUT_S = 30.0
QUICK = {  # nothing here has to survive a power cut
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "log_min_messages": "panic",
}


def programs(*, may_install: bool) -> Path | None:
    """The folder of initdb and postgres: the newest installed, else on the PATH, else from Debian's package if allowed."""
    found = find_programs()
    if found or not may_install or not debian.may_install():
        return found
    debian.install("postgresql")
    return find_programs()


def find_programs() -> Path | None:
    """Where initdb and postgres are, without changing the machine."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    for folder in [*installed, *([Path(on_path).resolve().parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


@contextlib.contextmanager
def throw_away_server(folder: Path, services: Path) -> Iterator[str]:
    """Run a server in a fresh folder under `services`; yields its URL, and leaves nothing behind."""
    services.mkdir(exist_ok=True)
    with whole_run_locked(make_home(services)) as home:
        try:
            run_as = account()
            data = home / "data"
            initialise(folder, data, run_as)
            with running(folder, data, run_as) as port:
                yield f"postgresql+psycopg2://stripboard@127.0.0.1:{port}/postgres"
        finally:
            shutil.rmtree(home, ignore_errors=True)


def make_home(services: Path) -> Path:
    """A new folder for this run that the server's account can reach; what killed runs have left is removed."""
    place = services if is_open_to_all(services) else Path(tempfile.gettempdir())
    for path in place.glob("stripboard-pg-*"):
        remove_if_abandoned(path)
    home = Path(tempfile.mkdtemp(prefix="stripboard-pg-", dir=place))
    home.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(home, account()["user"], account()["group"])
    return home


def is_open_to_all(path: Path) -> bool:
    """Whether another account can walk to this folder (asked only when the server needs one)."""
    return os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in [path.resolve(), *path.resolve().parents])


def remove_if_abandoned(home: Path) -> None:
    """Stop and remove the server of a run that was killed. A living run holds its lock."""
    with contextlib.suppress(OSError), (home / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(FileNotFoundError):
            postmaster = int((home / "data" / "postmaster.pid").read_text().split("\n")[0])
            if Path(f"/proc/{postmaster}/cwd").resolve() == (home / "data").resolve():
                os.kill(postmaster, signal.SIGQUIT)
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def whole_run_locked(home: Path) -> Iterator[Path]:
    """Mark the folder as in use for as long as this process lives."""
    with (home / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home


def account() -> dict[str, Any]:
    """How to start a program under an unprivileged account: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise SystemExit("PostgreSQL refuses to run as root, and this machine has neither a postgres nor a nobody account.")


def initialise(folder: Path, data: Path, run_as: dict[str, Any]) -> None:
    """Make the files of an empty server that trusts the loopback."""
    command = [folder / "initdb", "-D", data, "-U", "stripboard", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, **run_as)
    if done.returncode != 0:
        raise SystemExit(f"PostgreSQL could not be initialised:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def running(folder: Path, data: Path, run_as: dict[str, Any]) -> Iterator[int]:
    """Run the server; yields its port. It has a session of its own, so Ctrl-C reaches the tests but not the server."""
    port = free_port()
    settings = [f"--{name}={value}" for name, value in {**QUICK, "port": str(port)}.items()]
    log = data.parent / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [folder / "postgres", "-D", data, *settings],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **run_as,
        )
    try:
        wait_until_ready(folder, server, port=port, log=log)
        yield port
    finally:
        server.send_signal(signal.SIGINT)  # "fast" shutdown: ends sessions, then itself
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def wait_until_ready(folder: Path, server: subprocess.Popen[bytes], *, port: int, log: Path) -> None:
    """Return when the server takes connections."""
    give_up_at = time.monotonic() + START_TIMEOUT_S
    question = [folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(question).returncode != 0:
        if server.poll() is not None or time.monotonic() > give_up_at:
            raise SystemExit(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
