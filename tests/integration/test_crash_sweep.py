"""The process dies at each point where something is written, synced, renamed or committed; one restart mends everything."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.statuses import DeliveryStatus, RunStatus
from tests.factories import EVERYTHING, HUMAN, PERSON, House, make_production, quick_folder
from tests.fakes import Checkpoints, Crashed, FakeClock, WatchedBackend

PRODUCTION = make_production(characters=1, scene_types=2, variants=1, segments=2, approvals=HUMAN)
POINTS = 200
"""Every undisturbed journey has at least this many points; a test below counts them."""

NORMAL_SQLITE = 160
NORMAL_POSTGRESQL = 32


def journey(house: House) -> None:
    """What a person does from production to sealed delivery; doing it again goes on where it was left."""
    runs = house.studio.runs.all()
    run = runs[0] if runs else house.create(PRODUCTION)
    if house.run(run).status is RunStatus.DRAFT:
        house.studio.submission.submit(run, EVERYTHING, Mode.MISSING, PERSON)
    house.work()
    for waiting in house.studio.review.waiting(run):
        if waiting.what == "variant":
            house.studio.review.approve_variant(run, waiting.key, PERSON)
    house.work()
    if house.studio.review.waiting(run):
        house.studio.review.approve(run, EVERYTHING, PERSON)
    house.work()


def outcome(house: House) -> dict[str, Any]:
    """What was made, by what it is: equal for equal work, whatever happened on the way."""
    [run] = house.studio.runs.all()
    assert house.run(run).status is RunStatus.COMPLETED
    names = {("cell", cell.id): cell.plan.key for cell in house.cells(run).values()}
    names |= {("still", still.id): name for name, still in house.stills(run).items()}
    made: dict[str, Any] = {}
    with house.studio.stores.read() as store:
        for job in house.jobs(run):
            name = names.get((job.subject, job.subject_id), job.subject)
            for output in store.outputs.of_jobs([job.id]).get(job.id, []):
                made[f"{name} | {job.stage.value} | {job.take} | {job.part} | {output.role}"] = output.file.sha256
    [delivery] = house.studio.deliveries.of_run(run)
    assert delivery.status is DeliveryStatus.SEALED
    return made | {"package": delivery.package_sha256}


def open_house(folder: Path, url: str, clock: FakeClock, checkpoint: Checkpoints) -> House:
    """A house whose every layer passes the checkpoints."""
    return House(folder, url, clock=clock, checkpoint=checkpoint, wrap=lambda backend: WatchedBackend(backend, checkpoint))


@cache
def undisturbed() -> tuple[Sequence[str], dict[str, Any]]:
    """The points of a journey that nothing disturbs, and its outcome."""
    checkpoints = Checkpoints()
    with quick_folder() as folder:
        house = open_house(folder, f"sqlite:///{folder / 'stripboard.db'}", FakeClock(), checkpoints)
        journey(house)
        names = tuple(checkpoints.names)
        house.check()
        result = outcome(house)
        house.close()
    return names, result


def crash_and_recover(folder: Path, url: str, *crash_at: int) -> None:
    """Die at each of these points in turn (each counted from the start of its process), then go on to the end."""
    names, expected = undisturbed()
    clock = FakeClock()
    for point in crash_at:
        house = open_house(folder, url, clock, Checkpoints(point))
        with contextlib.suppress(Crashed):
            journey(house)
        house.die()
        clock.advance(1)
    house = open_house(folder, url, clock, Checkpoints())
    journey(house)
    where = " then ".join(f"{point} ({names[point - 1] if point <= len(names) else 'past the end'})" for point in crash_at)
    assert outcome(house) == expected, f"crash at {where}"
    house.studio.upkeep.sweep()
    assert house.studio.invariants.check() == [], f"crash at {where}"
    performed_twice(house)
    house.close()


def performed_twice(house: House) -> None:
    """Each job was performed at most once more than its attempts were recorded as lost."""
    [run] = house.studio.runs.all()
    starts = [entry["job"] for entry in house.studio.spool.ledger()]
    with house.studio.stores.read() as store:
        for job in house.jobs(run):
            ended = [attempt for attempt in store.jobs.attempts_of([job.id]) if attempt.outcome.value == "lost"]
            assert starts.count(job.key) <= 1 + len(ended), f"{job.stage.value} was performed {starts.count(job.key)} times"
            assert all(attempt.reason for attempt in ended)


def spread(count: int) -> list[int]:
    """This many points, evenly over the whole journey, and the first of every name."""
    step = POINTS / count
    return sorted({round(1 + number * step) for number in range(count)})


def test_an_undisturbed_journey_passes_every_kind_of_point() -> None:
    names, _ = undisturbed()
    assert len(names) >= POINTS
    assert set(names) >= {
        "engine.polled", "engine.submit", "engine.submitted", "media.copied", "media.placed", "media.rename", "media.renamed",
        "media.synced", "spool.begun", "spool.forget", "spool.kept", "spool.result", "store.begun", "store.commit",
        "store.committed", "store.flush",
    }  # fmt: skip


@pytest.mark.parametrize("part", range(8))
def test_a_crash_at_any_point_changes_nothing_in_the_end(part: int) -> None:
    names, _ = undisturbed()
    firsts = {names.index(name) + 1 for name in names}
    points = sorted({*spread(NORMAL_SQLITE), *firsts})
    assert len(points) >= 150
    for point in points[part::8]:
        with quick_folder() as folder:
            crash_and_recover(folder, f"sqlite:///{folder / 'stripboard.db'}", point)


@pytest.mark.parametrize("point", spread(NORMAL_POSTGRESQL))
def test_a_crash_at_any_point_changes_nothing_in_the_end_on_postgresql(point: int, postgresql_url: str) -> None:
    with quick_folder() as folder:
        crash_and_recover(folder, postgresql_url, point)


@pytest.mark.parametrize(("first", "second"), [(40, 10), (90, 25), (120, 3), (150, 30), (60, 60)])
def test_a_crash_during_recovery_changes_nothing_in_the_end(first: int, second: int) -> None:
    with quick_folder() as folder:
        crash_and_recover(folder, f"sqlite:///{folder / 'stripboard.db'}", first, second)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_crash_at_every_point_changes_nothing_in_the_end() -> None:
    names, _ = undisturbed()
    for point in range(1, len(names) + 1):
        with quick_folder() as folder:
            crash_and_recover(folder, f"sqlite:///{folder / 'stripboard.db'}", point)


@pytest.mark.slow
@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_a_crash_at_every_point_changes_nothing_in_the_end_on_postgresql(point: int, postgresql_url: str) -> None:
    with quick_folder() as folder:
        crash_and_recover(folder, postgresql_url, point)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_two_crashes_at_any_points_change_nothing_in_the_end() -> None:
    for first in range(3, POINTS, 7):
        for second in (2, 9, 23, 41, 77):
            with quick_folder() as folder:
                crash_and_recover(folder, f"sqlite:///{folder / 'stripboard.db'}", first, second)
