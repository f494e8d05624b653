"""The speeds of workers where nobody has measured a kind of work: whoever foretells their time goes by the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.domain.estimates import scene_cost, still_cost
from pipeline.domain.fleet.workers import Rates
from pipeline.domain.fleet.workers import Worker as Seat
from pipeline.domain.plans import RunBook


def with_stated_speeds(seats: Sequence[Seat], books: Iterable[RunBook]) -> tuple[Seat, ...]:
    """The workers, with what a board is told too where nobody has measured a kind of work: its stated time, by their speed."""
    measured = {work for seat in seats for work in seat.seconds_per_unit}
    stated: dict[str, float] = {}
    for book in books:
        production, keys, history = book.recipes.production, book.recipes.cost_keys, book.history
        for named, found in ((keys.images, history.images), (keys.plates, history.plates)):
            for name, key in named.items():
                stated[key] = still_cost(production.backend, book.recipes.still_size, found.get(name))[0]
        for name, scene in book.recipes.scene_types.items():
            stated[keys.segments[name]] = scene_cost(production, scene, history)[0] / max(1, scene.frames)
    stated = {work: seconds for work, seconds in stated.items() if work not in measured and seconds > 0}
    speeds = Rates(seats).speeds
    return tuple(
        replace(seat, seconds_per_unit={**seat.seconds_per_unit, **{work: s / speeds[seat.name] for work, s in stated.items()}})
        for seat in seats
    )
