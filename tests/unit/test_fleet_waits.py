"""Jobs that wait are counted by reason: what nobody can do first, in words that can be acted on."""

from __future__ import annotations

import pytest

from pipeline.domain.fleet.choosing import choose
from pipeline.domain.fleet.jobs import Backlog
from pipeline.domain.fleet.reasons import Reason
from pipeline.domain.fleet.waits import JobWait, Waits, by_reason, is_unserved
from pipeline.domain.overview import fleet_hint
from tests.fleets import FLOW, GB, busy, job, worker

BUSY = Reason("busy", "all 2 workers for it are busy; a is next in 5 s", "add a worker")
LATER = Reason("busy", "all 2 workers for it are busy; b is next in 9 s", "add a worker")
SMALL = Reason("memory", "needs 48 GiB: a has 24 GiB", "add a worker with 48 GiB", is_stuck=True)
NOBODY = Reason("no_worker", "the fleet has no workers", "add a worker", is_stuck=True)


def test_what_waits_for_its_turn_counts_by_cause_and_what_nobody_can_do_by_words_and_first() -> None:
    found = by_reason([(BUSY, 5), (SMALL, 2), (LATER, 3), (NOBODY, 1)])
    assert found == (Waits(SMALL, 2), Waits(NOBODY, 1), Waits(BUSY, 8))
    assert by_reason([]) == ()


def test_nobody_serves_where_every_job_waits_for_a_change_of_the_fleet() -> None:
    assert is_unserved([Waits(SMALL, 2), Waits(NOBODY, 1)])
    assert not is_unserved([Waits(SMALL, 2), Waits(BUSY, 1)])
    assert not is_unserved([]), "what is given out at once waits for nothing"


def test_sentences_name_the_cure_where_there_is_one() -> None:
    assert Waits(NOBODY, 1).sentence == "1 job waits: the fleet has no workers (to change that: add a worker)"
    assert Waits(NOBODY, 1200).sentence.startswith("1,200 jobs wait: ")
    assert JobWait(7, "segment 2", Reason("not_before", "starts in 5 s", "")).sentence == "segment 2 waits: starts in 5 s"


def test_words_that_say_themselves_that_something_waits_say_it_once() -> None:
    quiet = Reason("quiet_hours", "waits for 07:00 UTC, when quiet hours end", "")
    assert JobWait(7, "segment 2", quiet).sentence == "segment 2 waits for 07:00 UTC, when quiet hours end"
    assert Waits(quiet, 2).sentence == "2 jobs wait for 07:00 UTC, when quiet hours end"
    paused = Reason("cap", "waits: dance is paused", "")
    assert (Waits(paused, 2).sentence, Waits(paused, 1).sentence) == (
        "2 jobs wait: dance is paused",
        "1 job waits: dance is paused",
    )


def test_the_hint_names_the_cure_that_most_jobs_wait_for() -> None:
    hint = fleet_hint([Waits(SMALL, 2), Waits(NOBODY, 9)])
    assert hint is not None and (hint.key, hint.waiting, hint.frees) == ("add a worker", 11, 0)
    assert fleet_hint([]) is None


@pytest.mark.parametrize(
    ("workers", "cause", "cure"),
    [
        ([], "no_worker", "add a worker"),
        ([worker(away="paused")], "paused", "`./stripboard workers enable gpu-1`"),
        ([worker(away="paused: 92 °C")], "paused", "`./stripboard workers enable gpu-1`"),
        ([worker(away="away: connection refused")], "away", "look at gpu-1"),
        (
            [worker(away="paused"), worker("gpu-2", away="away")],
            "no_worker",
            "`./stripboard workers enable gpu-1` or look at gpu-2",
        ),
        ([worker(aside=frozenset({FLOW}))], "aside", f'`./stripboard workers take-back gpu-1 "{FLOW}"` when that is mended'),
        ([worker(memory_bytes=2 * GB)], "memory", "add a worker with 24 GB"),
        ([worker(lacks={"flow": "the model wan is not installed"})], "lacks", "install it on gpu-1"),
    ],
)
def test_what_nobody_can_do_is_marked_with_the_right_cure(workers: list[object], cause: str, cure: str) -> None:
    waiting = job(memory_bytes=24 * GB if cause == "memory" else 0, graph="flow")
    reason = choose(Backlog([waiting]), workers, now_s=0.0).explain(waiting)  # type: ignore[arg-type]
    assert reason.is_stuck and reason.cause == cause
    assert reason.remedy == cure or (cause == "memory" and reason.remedy.startswith("add a worker with "))


def test_what_only_waits_for_its_turn_is_not_marked() -> None:
    waiting = job()
    assert not choose(Backlog([waiting]), [busy("gpu-1", 60)], now_s=0.0).explain(waiting).is_stuck
