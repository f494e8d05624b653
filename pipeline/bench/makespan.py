"""How well and how fast the work of a fleet is shared out: simulated fleets, against a lower bound and two common ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

from pipeline.bench.figures import Figure, at_least, at_most, plain
from pipeline.bench.fleets import as_in_truth, fleet, scenes, troubles
from pipeline.domain.fleet.bounds import lower_bound_s, whole_jobs_bound_s
from pipeline.domain.fleet.choosing import Choice, choose
from pipeline.domain.fleet.forecasting import RunForecast, forecast, jobs_left
from pipeline.domain.fleet.jobs import Backlog, FleetJob
from pipeline.domain.fleet.policies import FirstCome, LeastQueue, Ours
from pipeline.domain.fleet.simulation import Done, Outcome, Trouble, simulate
from pipeline.domain.fleet.speeds import Sample, Speed, speeds
from pipeline.domain.fleet.workers import Rates, Worker

SIZES = ((4, 160), (40, 160), (40, 2_000), (400, 50_000))
QUICK_SIZES = ((4, 40), (8, 80))
ONE_SEGMENT_FROM = 10_000
SPREAD = 0.05
FEW_JOBS = 12


def run(quick: bool) -> list[Figure]:
    """All figures: time to finish, decisions, forecasts. `quick`: small fleets."""
    figures: list[Figure] = []
    for workers, count in QUICK_SIZES if quick else SIZES:
        figures += _shared(workers, count)
    figures += _in_trouble(*(QUICK_SIZES[-1] if quick else (40, 2_000)))
    figures += _decisions(*((40, 500) if quick else (400, 50_000)))
    return figures + _forecasts(quick)


def _shared(workers: int, count: int) -> list[Figure]:
    """One size without failures: against the bound, and against the two ways."""
    cards = fleet(workers)
    jobs = scenes(count, parts=(1,) if count >= ONE_SEGMENT_FROM else (1, 2, 3))
    trouble = Trouble(spread=SPREAD)
    name = f"{workers} workers, {count} scenes"
    bound_s = lower_bound_s(jobs, cards)
    ours = simulate(jobs, cards, policy=Ours(cards), trouble=trouble)
    return [
        at_most(f"{name}: time to finish, over the lower bound", 100 * (ours.makespan_s / bound_s - 1), "%", 3),
        *_against_whole_jobs(name, ours.makespan_s, jobs=jobs, cards=cards, bound_s=bound_s),
        *_against(name, ours, jobs=jobs, cards=cards, trouble=trouble),
        plain(f"{name}: models loaded per worker", ours.switches / workers, "models"),
    ]


def _against_whole_jobs(
    name: str, makespan_s: float, *, jobs: Sequence[FleetJob], cards: Sequence[Worker], bound_s: float
) -> list[Figure]:
    """Where a card does few jobs: how far the bound itself lies below what any schedule could reach, and how far ours is off."""
    if len(jobs) > FEW_JOBS * len(cards):
        return []
    sharp_s = whole_jobs_bound_s(jobs, cards)
    return [
        plain(f"{name}: the least of any schedule with whole jobs, over the lower bound", 100 * (sharp_s / bound_s - 1), "%"),
        at_most(f"{name}: time to finish, over the least with whole jobs", 100 * (makespan_s / sharp_s - 1), "%", 3),
    ]


def _in_trouble(workers: int, count: int) -> list[Figure]:
    cards, jobs = fleet(workers), scenes(count)
    bound_s = lower_bound_s(jobs, cards)
    trouble = troubles(cards, seed=1, length_s=bound_s)
    name = f"{workers} workers, {count} scenes, failures"
    ours = simulate(jobs, cards, policy=Ours(cards), seed=1, trouble=trouble)
    return [
        plain(f"{name}: time to finish, over the lower bound", 100 * (ours.makespan_s / bound_s - 1), "%"),
        *_against(name, ours, jobs=jobs, cards=cards, trouble=trouble, seed=1),
    ]


def _against(
    name: str, ours: Outcome, *, jobs: Sequence[FleetJob], cards: Sequence[Worker], trouble: Trouble, seed: int = 0
) -> list[Figure]:
    first = simulate(jobs, cards, policy=FirstCome(), seed=seed, trouble=trouble).makespan_s
    least = simulate(jobs, cards, policy=LeastQueue(), seed=seed, trouble=trouble).makespan_s
    return [
        at_least(f"{name}: sooner than first come, first served", 100 * (1 - ours.makespan_s / first), "%", 10),
        at_least(f"{name}: sooner than the shortest queue", 100 * (1 - ours.makespan_s / least), "%", 10),
    ]


def _decisions(workers: int, count: int) -> list[Figure]:
    """One decision for a fleet where one worker has become free, and for one where all are."""
    cards, jobs = fleet(workers), scenes(count, parts=(1, 2), runs=12)
    began = perf_counter()
    backlog = Backlog(jobs)
    filled_s = perf_counter() - began
    rates = Rates(cards)
    all_free, all_s = _timed(backlog, cards, now_s=0.0, rates=rates)
    for given in all_free.assignments:
        backlog.remove(given.job.id)
    by_worker = {given.worker: given for given in all_free.assignments}
    busy = [
        replace(
            card,
            holds=(by_worker[card.name].job,),
            busy_until_s=by_worker[card.name].finish_s,
            model=by_worker[card.name].job.kind.model,
        )
        for card in cards[1:]
    ]
    _, one_s = _timed(backlog, [cards[0], *busy], now_s=1.0, rates=rates)
    name = f"{workers} workers, {count} scenes waiting"
    return [
        at_most(f"{name}: a decision for one free worker", 1000 * one_s, "ms", 50),
        at_most(f"{name}: a decision for all of them", 1000 * all_s, "ms", 50),
        plain(f"{name}: filling the backlog once", 1000 * filled_s, "ms"),
    ]


def _timed(backlog: Backlog, cards: Sequence[Worker], *, now_s: float, rates: Rates) -> tuple[Choice, float]:
    """The decision, and the quickest of seven."""
    best_s = float("inf")
    for _ in range(7):
        began = perf_counter()
        choice = choose(backlog, cards, now_s=now_s, rates=rates)
        best_s = min(best_s, perf_counter() - began)
    return choice, best_s


@dataclass(frozen=True)
class _Guess:
    """How far P50 was off, of the whole run and of the rest that was left, and whether the run ended by P90."""

    error: float
    error_of_rest: float
    is_covered: bool


def _forecasts(quick: bool) -> list[Figure]:
    """Forecasts once a fifth of a run is done, by speeds measured until then, against how it went on."""
    sizes = ((4, 40, 4),) if quick else ((4, 160, 40), (40, 400, 20))
    guesses = [_guess(workers, count, seed) for workers, count, seeds in sizes for seed in range(seeds)]
    cards = fleet(8 if quick else 40)
    count = 200 if quick else 10_000
    left = jobs_left(scenes(count))
    began = perf_counter()
    forecast(left, cards, now_s=0.0)
    took_s = perf_counter() - began
    return [
        at_most("forecast at 20 %: median error of P50", 100 * median(guess.error for guess in guesses), "%", 10),
        plain("forecast at 20 %: median error of P50, of the rest", 100 * median(guess.error_of_rest for guess in guesses), "%"),
        at_least("forecast at 20 %: P50 within 10 %", 100 * sum(g.error <= 0.1 for g in guesses) / len(guesses), "%", 90),
        at_least("forecast at 20 %: ends by P90", 100 * sum(guess.is_covered for guess in guesses) / len(guesses), "%", 85),
        plain(f"forecast of {count} scenes for {len(cards)} workers", 1000 * took_s, "ms"),
    ]


def _guess(workers: int, count: int, seed: int) -> _Guess:
    known, jobs = fleet(workers), scenes(count)
    trouble = troubles(known, seed=seed, length_s=lower_bound_s(jobs, known))
    truth = Rates(as_in_truth(known, seed))
    outcome = simulate(jobs, known, policy=Ours(known), seed=seed, trouble=trouble, actual=truth)
    in_order = sorted(outcome.done, key=lambda one: one.end_s)
    now_s = in_order[len(in_order) // 5].end_s
    found = _forecast_at(now_s, outcome.done, cards=known)
    off_s, end_s = abs(found.p50_s - outcome.makespan_s), outcome.makespan_s
    return _Guess(off_s / end_s, off_s / (end_s - now_s), end_s <= found.p90_s)


def _forecast_at(now_s: float, done: Sequence[Done], *, cards: Sequence[Worker]) -> RunForecast:
    """What could be known at that time: what has ended and what runs."""
    ended = [one for one in done if one.end_s <= now_s]
    running = {one.worker: one for one in done if one.start_s <= now_s < one.end_s}
    measured = speeds(
        Sample(one.worker, one.job.kind.workflow, one.job.kind.units, one.end_s - one.start_s - one.loading_s) for one in ended
    )
    known = [_as_known(card, measured, running.get(card.name)) for card in cards]
    left = jobs_left(one.job for one in done if one.start_s > now_s)
    worked_s = sum(one.end_s - one.start_s for one in ended) + sum(now_s - one.start_s for one in running.values())
    lost_share = max(0.0, 1 - worked_s / (now_s * len(cards)))
    return forecast(left, known, now_s=now_s, measured=measured, lost_share=lost_share)["run 1"]


def _as_known(card: Worker, measured: dict[tuple[str, str], Speed], running: Done | None) -> Worker:
    found = {key: speed.seconds_per_unit for (name, key), speed in measured.items() if name == card.name}
    own = {**card.seconds_per_unit, **found}
    card = replace(card, seconds_per_unit=own)
    if running is None:
        return card
    expected_s = running.start_s + running.loading_s + running.job.kind.units * own[running.job.kind.workflow]
    return replace(card, holds=(running.job,), busy_until_s=expected_s, model=running.job.kind.model)
