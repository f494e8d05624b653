"""`python -m pipeline.double`: servers as a process, one unless `--count` says more. Its first lines are their addresses.

It serves until it is told to end.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from pipeline.double.server import DoubleServer
from pipeline.double.versions import VERSIONS


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = _options()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    with ExitStack() as running:
        for number in range(options.count):
            print(running.enter_context(_server(options, number)).url, flush=True)
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        if options.with_parent:
            threading.Thread(target=_outlive_nobody, args=(ended,), daemon=True).start()
        ended.wait()


def _server(options: argparse.Namespace, number: int) -> DoubleServer:
    """One server; those after the first have folders, names and ports of their own."""
    return DoubleServer(
        options.home / f"double-{number + 1}" if options.count > 1 else options.home,
        host=options.host,
        port=options.port if number == 0 else 0,
        version=options.version,
        name=f"{options.name}-{number + 1}" if options.count > 1 else options.name,
        speed=options.speed,
        model_load_s=options.model_load_s,
        vram_gb=options.vram_gb,
        gpu_name=options.gpu_name,
        is_instant=options.instant,
        previews=options.preview_method,
        controls_faults=options.faults,
    )


def _outlive_nobody(ended: threading.Event) -> None:
    """However the parent ends, the system closes its end of the pipe."""
    sys.stdin.read()
    ended.set()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.double", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for input, output and temp files and the ledger")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--count", type=int, default=1, help="so many servers, each in a folder of its own below the home")
    parser.add_argument("--version", default="0.33.0", choices=sorted(VERSIONS), help="the release whose answers it gives")
    parser.add_argument("--name", default="double", help="how it calls itself in its ledger")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every pretended second of work")
    parser.add_argument("--model-load-s", type=float, default=0.0, help="seconds until a model is loaded")
    parser.add_argument("--vram-gb", type=float, default=24.0)
    parser.add_argument("--gpu-name", default="", help="the card it says it has; none when empty")
    parser.add_argument("--preview-method", default="none", choices=("none", "auto", "latent2rgb", "taesd"))
    parser.add_argument("--instant", action="store_true", help="jobs cost nothing and make the smallest files")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input is closed: with whoever started it")
    parser.add_argument("--faults", action="store_true", help="let /double/faults plan faults")
    return parser.parse_args()


if __name__ == "__main__":
    main()
