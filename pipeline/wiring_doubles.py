"""A fleet to try things with: doubles of ComfyUI servers as processes of this machine, unequal as real fleets are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.errors import Unavailable

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Card:
    """What a double says that it has. `speed` divides the pretended seconds of its work; `price` is for an hour."""

    gpu: str
    memory_gb: int
    speed: float
    model_load_s: float
    version: str
    price: float


CARDS = (
    Card("pretended H100", 80, 8.0, 1.0, "0.33.0", 2.50),
    Card("pretended L40S", 48, 5.0, 1.5, "0.33.0", 1.20),
    Card("pretended RTX 6000", 48, 3.0, 2.0, "0.3.64", 0.90),
    Card("pretended RTX 4090", 24, 2.0, 2.5, "0.33.0", 0.50),
)


@dataclass(frozen=True)
class Double:
    """A double that serves: the name of its worker, where it answers, its process and its card."""

    name: str
    url: str
    pid: int
    card: Card


@contextmanager
def doubles(home: Path, count: int) -> Iterator[list[Double]]:
    """So many servers, each with a folder of its own below `home`; they end with this process, however it ends."""
    with ExitStack() as running:
        yield [_started(running, home, number) for number in range(count)]


@contextmanager
def instant_doubles(home: Path, count: int, *, processes: int = 1) -> Iterator[list[str]]:
    """The addresses of so many servers whose jobs cost nothing, in a few processes that end with this one."""
    with ExitStack() as running:
        shares = [count // processes + (number < count % processes) for number in range(processes)]
        started = [
            (share, _process(running, home / f"doubles-{number + 1}", ["--instant", "--count", str(share)]))
            for number, share in enumerate(shares)
            if share
        ]
        yield [_address(process, home) for share, process in started for _ in range(share)]


def _started(running: ExitStack, home: Path, number: int) -> Double:
    card, name = CARDS[number % len(CARDS)], f"demo-{number + 1}"
    folder = home / name
    options = {
        "--name": name, "--gpu-name": card.gpu, "--vram-gb": card.memory_gb, "--speed": card.speed,
        "--model-load-s": card.model_load_s, "--version": card.version, "--preview-method": "auto",
    }  # fmt: skip
    words = [str(word) for pair in options.items() for word in pair]
    process = _process(running, folder, [*words, "--faults"])
    return Double(name, _address(process, folder), process.pid, card)


def _process(running: ExitStack, folder: Path, words: list[str]) -> subprocess.Popen[str]:
    """A process of servers at home in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    log = running.enter_context((folder / "server.log").open("a"))
    process = running.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "pipeline.double", "--with-parent", "--home", str(folder), *words],
            cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )
    )  # fmt: skip
    running.callback(process.terminate)
    return process


def _address(process: subprocess.Popen[str], folder: Path) -> str:
    """The next address that a process of servers prints. Raises Unavailable when it has ended instead."""
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    if not url:
        raise Unavailable(f"A server did not start. See {folder / 'server.log'}.")
    return url
