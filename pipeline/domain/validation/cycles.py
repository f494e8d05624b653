"""Loops in a graph of names, with their way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MAX_LOOPS = 20


def find_cycles(edges: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Each loop that a depth-first walk closes, as A, B, C, A. At most one for each edge that closes one, and
    not more than MAX_LOOPS: in a tangle of thousands the first ones are enough to mend it.
    """
    done: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in edges:
        if start not in done:
            _walk(start, edges, done, found)
    return tuple(found)


def _walk(start: str, edges: Mapping[str, Sequence[str]], done: set[str], found: list[tuple[str, ...]]) -> None:
    """Walk without recursion: chains may be as long as the shot list."""
    path = [start]
    positions = {start: 0}
    waiting = [iter(edges.get(start, ()))]
    while waiting:
        following = next(waiting[-1], None)
        if following is None:
            waiting.pop()
            name = path.pop()
            del positions[name]
            done.add(name)
        elif following in positions:
            if len(found) < MAX_LOOPS:
                found.append((*path[positions[following] :], following))
        elif following not in done:
            positions[following] = len(path)
            path.append(following)
            waiting.append(iter(edges.get(following, ())))
