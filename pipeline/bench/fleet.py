"""What a job costs on this side when a fleet of servers makes it: doubles in processes of their own, whose jobs cost nothing."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.bench import setting
from pipeline.bench.children import ask
from pipeline.bench.figures import Figure, at_least, at_most, percentile, plain
from pipeline.wiring_doubles import instant_doubles

_SERVERS, _QUICK_SERVERS = 100, 6
_SCENES, _QUICK_SCENES = 2_000, 48
_SEGMENTS, _QUICK_SEGMENTS = 200, 12
_POSTS, _QUICK_POSTS = 300, 30
_GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 1}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "bare"}},
}


def run(quick: bool = False) -> list[Figure]:
    """All figures of this benchmark. `quick` takes few servers and scenes: it shows that everything works."""
    servers, scenes, segments, posts = (
        (_QUICK_SERVERS, _QUICK_SCENES, _QUICK_SEGMENTS, _QUICK_POSTS) if quick else (_SERVERS, _SCENES, _SEGMENTS, _POSTS)
    )
    with setting.fresh_home() as home, instant_doubles(home, servers) as urls:
        (home / "servers.json").write_text(json.dumps(urls))
        bare = percentile(_bare_posts(urls[0], posts), 0.5)
        one = ask("fleet", home, 1, segments, 1)
        whole = ask("fleet", home, scenes, 1, servers)
        overheads = _overheads(home, one["stays"])
        bare_again = percentile(_bare_posts(urls[0], posts), 0.5)
    rate = whole["generated"] / whole["seconds"]
    p95 = percentile([before + after for before, after in overheads], 0.95)
    return [
        plain("a bare POST /prompt, median", 1000 * bare, "ms"),
        at_least(f"{servers} servers, {scenes} scenes: jobs made", rate, "1/s", 200),
        plain(f"{servers} servers: time for a job in bare POSTs", 1 / rate / bare, "ratio"),
        plain(f"{servers} servers: our processor time for a job", 1000 * whole["used_s"] / whole["generated"], "ms"),
        plain("idle fleet: claim to begun at the server, median", 1000 * _middle(overheads, 0), "ms"),
        plain("idle fleet: done at the server to settled, median", 1000 * _middle(overheads, 1), "ms"),
        at_most("idle fleet: our overhead of a job, p95", 1000 * p95, "ms", 10),
        plain("idle fleet: our overhead of a job, p95, in bare POSTs", p95 / bare, "ratio"),
        at_most(f"{servers} servers: memory of our process and its readers", whole["peak_mb"], "MB", 500),
        plain("a bare POST /prompt, median, at the end", 1000 * bare_again, "ms"),
    ]


def _middle(overheads: list[tuple[float, float]], side: int) -> float:
    return percentile([pair[side] for pair in overheads], 0.5)


def _bare_posts(url: str, count: int) -> list[float]:
    """Seconds of plain submissions, one after the other on one connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    times = []
    for _ in range(count):
        body = json.dumps({"prompt": _GRAPH, "prompt_id": str(uuid.uuid4()), "client_id": "bare"})
        began = time.perf_counter()
        connection.request("POST", "/prompt", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        if answer.status != 200:
            raise RuntimeError(f"a bare submission was answered with {answer.status}")
    connection.close()
    return times


def _overheads(home: Path, stays: dict[str, list[float]]) -> list[tuple[float, float]]:
    """Of each attempt, in seconds: from its hand-over to its beginning at the server, and from its end there to its settling.

    The servers' ledgers say when it began and ended there, on the same clock.
    """
    at: dict[tuple[str, str], float] = {}
    for ledger in home.glob("doubles-*/**/ledger.jsonl"):
        for line in map(json.loads, ledger.read_text(encoding="utf-8").splitlines()):
            at[line["prompt_id"], line["event"]] = _seconds(line)
    pairs = [(at[key, "began"] - stay[0], stay[1] - at[key, "ended"]) for key, stay in stays.items()]
    return pairs[1:] or pairs  # the first one opens the connections


def _seconds(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["at"]).timestamp()
