"""The page of the fleet: what is concluded for it, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from dash.development.base_component import Component
from hypothesis import given
from hypothesis import strategies as st

from components import fleet, fleet_banner, fleet_panel, fleet_queue, fleet_time, words
from pipeline.domain.fleet.choosing import choose
from pipeline.domain.fleet.jobs import Backlog, FleetJob, Kind
from pipeline.domain.fleet.outlook import ahead
from pipeline.domain.fleet.workers import Worker as Seat
from pipeline.domain.fleet_forecast import FleetForecast, RunEnd
from pipeline.domain.fleet_page import (
    Block,
    Doing,
    FleetPage,
    Waiting,
    WorkerView,
    after_each_other,
    by_segment,
    left_s,
    used_share,
    worth_trying,
)
from pipeline.domain.records import FleetWork
from pipeline.domain.telemetry.limits import Card, Finding, Level, Measure, Verdict
from pipeline.domain.workers import Health, Worker, WorkerState, WorkRecord
from tests.cards import reading

NOW = datetime(2026, 11, 28, 13, 11, tzinfo=UTC)
WORK = "comfyui|scene_generation|idle|832x480"


def make_worker(name: str = "gpu-1", **values: object) -> Worker:
    """A worker that is well and has no price."""
    plain = {
        "id": 1, "name": name, "url": "http://gpu:8188", "tags": (), "state": WorkerState.ENABLED, "health": Health.WELL,
        "health_reason": "", "health_at": NOW - timedelta(minutes=30), "looked_at": NOW, "version": "0.3", "gpu": "H100",
        "memory_bytes": 80 * 2**30, "free_bytes": 20 * 2**30, "queue": 0, "cost_per_hour": 0.0, "model": "wan", "switch_s": 0.0,
        "catalogue_sha256": "", "read_at": NOW, "created_at": NOW - timedelta(days=1),
    }  # fmt: skip
    return Worker(**{**plain, **values})  # type: ignore[arg-type]


def make_doing(**values: object) -> Doing:
    """Segment 2 of 3 of a scene, at a third."""
    plain = {
        "job_id": 7, "run_id": 1, "run_name": "Harbor #1", "subject": "cell", "subject_id": 5, "key": "Mara / idle / casual",
        "kind": "idle", "part": 2, "parts": 3, "since": NOW - timedelta(minutes=2), "progress": 1 / 3, "step": "sampler 12 of 30",
        "left_s": 48.0, "attempt": 1, "is_next": False,
    }  # fmt: skip
    return Doing(**{**plain, **values})  # type: ignore[arg-type]


def make_view(worker: Worker | None = None, *doing: Doing, records: tuple[WorkRecord, ...] = ()) -> WorkerView:
    """A worker as the page sees it."""
    return WorkerView(worker or make_worker(), doing, records, None, 0.84, 12)


def make_page(*views: WorkerView, waiting: tuple[Waiting, ...] = (), blocks: tuple[Block, ...] = ()) -> FleetPage:
    """A page with these workers."""
    hour = timedelta(hours=1)
    return FleetPage(views, waiting, len(waiting), 0.84, 18.7, blocks, NOW - hour, NOW + hour, NOW)


def make_waiting(**values: object) -> Waiting:
    """A scene that waits for a worker which is busy."""
    plain = {
        "job_id": 9, "run_id": 1, "run_name": "Harbor #1", "subject": "cell", "subject_id": 6, "key": "Tomas / walk / formal",
        "part": 1, "parts": 3, "take": 2, "tries": 0, "priority": 0, "own_priority": 0, "cause": "busy",
        "reason": "all 2 workers for it are busy; gpu-1 is next in 36 s", "remedy": "add a worker", "bold": ("gpu-1",),
        "starts_at": NOW + timedelta(seconds=36), "worker": "gpu-1",
    }  # fmt: skip
    return Waiting(**{**plain, **values})  # type: ignore[arg-type]


def make_block(start_s: float, end_s: float, look: str = "done", label: str = "idle") -> Block:
    """A stretch of time of gpu-1, in seconds from now."""
    return Block("gpu-1", look, NOW + timedelta(seconds=start_s), NOW + timedelta(seconds=end_s), label, "Mara / idle", "cell", 5)


def text_of(part: object) -> str:
    """Everything that an element says."""
    if isinstance(part, Component):
        return text_of(getattr(part, "children", None))
    if isinstance(part, list | tuple):
        return "".join(map(text_of, part))
    return "" if part is None else str(part)


def parts_of(part: object) -> list[Component]:
    """The element and all that is in it."""
    if isinstance(part, list | tuple):
        return [found for one in part for found in parts_of(one)]
    return [part, *parts_of(getattr(part, "children", None))] if isinstance(part, Component) else []


def hrefs(part: object) -> set[str]:
    """Where its links lead."""
    return {one.href for one in parts_of(part) if getattr(one, "href", None)}


# What is concluded ------------------------------------------------------------------------------------------------------

seconds = st.floats(-4000, 400, allow_nan=False)


@given(st.lists(st.tuples(seconds, st.floats(0, 900))))
def test_the_share_of_an_hour_counts_no_moment_twice(stretches: list[tuple[float, float]]) -> None:
    spans = [(NOW + timedelta(seconds=start), NOW + timedelta(seconds=start + length)) for start, length in stretches]
    share = used_share(spans, NOW - timedelta(hours=1), NOW)
    assert 0.0 <= share <= 1.0 + 1e-9
    assert used_share([*spans, *spans], NOW - timedelta(hours=1), NOW) == pytest.approx(share)


def test_half_an_hour_of_work_is_half_an_hour_used() -> None:
    spans = [(NOW - timedelta(hours=2), NOW - timedelta(minutes=45)), (NOW - timedelta(minutes=15), NOW + timedelta(minutes=9))]
    assert used_share(spans, NOW - timedelta(hours=1), NOW) == pytest.approx(0.5)


@given(st.lists(st.tuples(seconds, st.floats(0.1, 900), st.sampled_from(["done", "failed", "running", "next"]))))
def test_blocks_of_a_worker_never_lie_over_each_other(found: list[tuple[float, float, str]]) -> None:
    blocks = [make_block(start, start + length, look) for start, length, look in found]
    drawn = after_each_other(blocks, shortest=timedelta(seconds=3))
    assert all(one.end <= other.start for one, other in pairwise(drawn))
    assert all(one.start < one.end for one in drawn)


def test_short_blocks_of_one_look_are_drawn_as_one_that_counts_them() -> None:
    blocks = [make_block(second, second + 1) for second in range(4)] + [make_block(4, 60, "failed")]
    [together, failed] = after_each_other(blocks, shortest=timedelta(seconds=10))
    assert (together.count, failed.count) == (4, 1)
    assert "4 short jobs" in fleet_time.told(together, NOW)


def test_what_is_left_goes_by_the_measured_speed_else_by_what_is_done() -> None:
    work = FleetWork(1, 1, WORK, 100, 0, NOW, None, "cell", 1, 1, 1, started_at=NOW - timedelta(seconds=30), progress=0.25)
    record = WorkRecord(1, WORK, samples=3, seconds_per_frame=2.0)
    assert left_s(work, record, NOW) == pytest.approx(150)
    assert left_s(work, None, NOW) == pytest.approx(90)
    assert left_s(replace(work, progress=0.0), None, NOW) is None


def test_the_forecast_gives_each_worker_its_jobs_one_after_the_other() -> None:
    kind = Kind("1", WORK, units=10.0)
    backlog = Backlog(FleetJob(str(number), kind, queued_s=number) for number in range(7))
    seats = [Seat("a", seconds_per_unit={WORK: 1.0}), Seat("b", seconds_per_unit={WORK: 2.0})]
    standing = choose(Backlog(), seats, now_s=100.0).standing
    given_out = ahead(backlog, standing, horizon_s=3600.0, each=5)
    assert {one.job.id for one in given_out} == set(map(str, range(7)))
    for name in ("a", "b"):
        own = [one for one in given_out if one.worker == name]
        assert all(one.finish_s <= other.start_s + 1e-6 for one, other in pairwise(own))
    assert len(ahead(backlog, standing, horizon_s=3600.0, each=2)) == 4


def test_the_forecast_of_a_scene_lasts_to_the_end_of_its_last_segment() -> None:
    first, last = Kind("1", WORK, units=10.0, following_units=20.0), Kind("1", WORK, units=10.0)
    backlog = Backlog([FleetJob("a", first, queued_s=1.0, scene="cell-1-1"), FleetJob("b", last, queued_s=2.0)])
    held = FleetJob("held", first, scene="cell-3-1")
    seats = [Seat("gpu", seconds_per_unit={WORK: 1.0}, holds=(held,), busy_until_s=105.0)]
    standing = choose(Backlog(), seats, now_s=100.0).standing
    scenes = {one.job.id: (one.start_s, one.finish_s) for one in ahead(backlog, standing, horizon_s=3600.0, each=5)}
    assert scenes["a"][1] - scenes["a"][0] == pytest.approx(30.0)
    assert scenes["b"][1] - scenes["b"][0] == pytest.approx(10.0)
    assert min(start for start, _ in scenes.values()) == pytest.approx(125.0), "it makes the scene that it holds to its end"
    assert [job.kind for job in backlog] == [first, last], "the backlog itself is as it was"


def test_the_stretch_of_a_scene_is_shared_out_by_frames() -> None:
    parts = by_segment(make_block(0, 90), (20, 20, 5))
    assert [(one.start - NOW).total_seconds() for one in parts] == pytest.approx([0, 40, 80])
    assert parts[-1].end == NOW + timedelta(seconds=90)
    assert by_segment(make_block(0, 90), ()) == [make_block(0, 90)]


# How it is said ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worker", "word", "shown"),
    [
        (make_worker(), "free", "not_started"),
        (make_worker(state=WorkerState.DRAINING), "draining", "blocked"),
        (make_worker(state=WorkerState.PAUSED), "paused", "blocked"),
        (make_worker(health=Health.AWAY, health_reason="connection refused"), "away", "failed"),
        (make_worker(health=Health.WEDGED), "wedged", "failed"),
        (make_worker(health=Health.UNKNOWN), "not looked at yet", "not_started"),
        (make_worker(queue=6, others=6), "in use", "blocked"),
    ],
)
def test_a_card_says_how_its_worker_stands(worker: Worker, word: str, shown: str) -> None:
    view = make_view(worker)
    assert (view.word, view.shown) == (word, shown)
    assert word in text_of(fleet.card(view, NOW))


def test_a_card_says_that_its_server_works_for_somebody_else() -> None:
    told = text_of(fleet.card(make_view(make_worker(queue=1, others=1)), NOW))
    assert "works on 1 job of somebody else" in told and "nothing to do" not in told


def test_a_busy_card_says_what_how_far_and_how_long_and_leads_to_the_scene() -> None:
    card = fleet.card(make_view(make_worker(cost_per_hour=2.5), make_doing()), NOW)
    told = text_of(card)
    facts = ("60 of 80 GiB", "no telemetry: run ./stripboard agent", "2.50 an hour")
    for part in ("Mara / idle / casual", "segment 2 of 3", "sampler 12 of 30", "48 s left", *facts):
        assert part in told
    assert hrefs(card) == {"/cells/5"}


def test_no_job_is_said_to_take_no_time_any_more() -> None:
    for rest_s, told in ((48.0, "48 s left"), (0.4, "done any moment"), (0.0, "for 3 min, longer than usual")):
        doing = replace(make_doing(), left_s=rest_s, since=NOW - timedelta(minutes=3))
        card = text_of(fleet.card(make_view(make_worker(), doing), NOW))
        assert told in card and "0 s left" not in card
    short = replace(make_doing(), left_s=0.0, since=NOW - timedelta(seconds=1))
    assert "done any moment" in text_of(fleet.card(make_view(make_worker(), short), NOW))


def make_card(level: Level = Level.FINE, words: str = "", **told: object) -> Card:
    """A graphics card that has told something just now."""
    found = reading(NOW, **told)  # type: ignore[arg-type]
    return Card(found, Verdict(found.device, found.name, found.at, {Measure.TEMPERATURE: Finding(level, words)}))


def test_a_card_shows_what_its_graphics_card_told_and_how_old_that_is() -> None:
    told = text_of(fleet.card(replace(make_view(), cards=(make_card(),)), NOW + timedelta(seconds=70)))
    for part in ("94 % use", "60 of 80 GiB", "64 °C", "612 of 700 W", "1,755 MHz", "told 1 min ago"):
        assert part in told
    assert "agent" not in told and "▲" not in told
    assert "▲ told 5 min ago" in text_of(fleet.card(replace(make_view(), cards=(make_card(),)), NOW + timedelta(minutes=5)))


def test_of_several_graphics_cards_the_one_at_its_limit_is_shown_with_the_limit() -> None:
    hot = make_card(Level.WARN, "84 °C: warns from 83, pauses at 92", device=1, temperature_c=84.0)
    told = text_of(fleet.card(replace(make_view(), cards=(make_card(), hot, make_card(device=2, temperature_c=90.0))), NOW))
    assert "84 °C: warns from 83, pauses at 92" in told and "card 2 of 3" in told and "90 °C" not in told


def test_what_only_a_look_told_is_no_telemetry() -> None:
    of_look = make_card(use=None, temperature_c=None, power_w=None, power_limit_w=None, clock_mhz=None)
    told = text_of(fleet.card(replace(make_view(make_worker("gpu 9")), cards=(of_look,)), NOW))
    assert "no telemetry: run ./stripboard agent" in told
    silent = replace(of_look, verdict=replace(of_look.verdict, told_at=NOW - timedelta(minutes=14)))
    assert "told 14 min ago; run ./stripboard agent" in text_of(fleet.card(replace(make_view(), cards=(silent,)), NOW))


def test_a_crowd_of_cards_shows_only_who_does_what() -> None:
    views = [replace(make_view(make_worker(f"gpu-{number}"), make_doing())) for number in range(60)]
    told = text_of(fleet.cards(make_page(*views)))
    assert told.count("sampler 12 of 30") == 60 and "an hour" not in told and "no fault" not in told


def test_without_a_worker_the_page_teaches_and_has_one_primary_button() -> None:
    page = fleet.page(make_page())
    shown = [one for one in parts_of(fleet.cards(make_page())) if "primary" in str(getattr(one, "className", ""))]
    assert [text_of(one) for one in shown] == ["Add a worker"]
    assert "ComfyUI" in text_of(page)


def test_the_banner_tells_of_a_worker_that_its_card_has_paused() -> None:
    hot = make_worker(state=WorkerState.PAUSED, pause_reason="95 °C: pauses from 84")
    [line] = fleet_banner.lines(make_page(make_view(hot)))
    assert "has been paused by its card: 95 °C: pauses from 84. It takes work again by itself" in text_of(line)
    assert "95 °C: pauses from 84" in text_of(fleet.cards(make_page(make_view(hot))))


def test_the_banner_names_the_trouble_and_the_cure_and_has_one_primary_button() -> None:
    aside = WorkRecord(1, WORK, failures=3, failure_class="out_of_memory", reason="out of memory", aside_since=NOW)
    away = make_worker("gpu-2", health=Health.AWAY, health_reason="connection refused.")
    lines = fleet_banner.lines(make_page(make_view(records=(aside,)), make_view(away)))
    told = text_of(lines)
    assert "gpu-2 does not answer since" in told and "connection refused. Start the server" in told
    assert "gpu-1 is set aside for idle at 832x480" in told and "Take gpu-1 back" in told
    assert sum("primary" in str(getattr(one, "className", "")) for one in parts_of(lines)) == 1


def test_many_workers_with_one_trouble_are_one_line() -> None:
    views = [make_view(make_worker(f"gpu-{number}", health=Health.AWAY)) for number in range(9)]
    [line] = fleet_banner.lines(make_page(*views))
    assert text_of(line).count("gpu-0, gpu-1 and 7 more workers do not answer") == 1


def test_the_queue_says_why_and_when_and_leads_to_the_scene() -> None:
    card = fleet_queue.content(make_page(make_view(), waiting=(make_waiting(),)))
    told = text_of(card)
    assert "take 2, segment 1 of 3" in told and "36 s" in told and "gpu-1 is next" in told
    assert "/cells/6" in hrefs(card)
    assert "Harbor #1" not in told, "where one run waits, nobody asks which"
    both = fleet_queue.content(make_page(make_view(), waiting=(make_waiting(), make_waiting(run_id=2, run_name="Salt #3"))))
    assert "segment 1 of 3 · Harbor #1" in text_of(both) and "segment 1 of 3 · Salt #3" in text_of(both)


def test_names_and_amounts_in_a_reason_are_strong() -> None:
    parts = fleet_queue.reason("needs 31 GiB: gpu-1 has 24; gpu-10 is next in 2 min 5 s", ("gpu-1", "gpu-10"))
    assert [text_of(one) for one in parts if isinstance(one, Component)] == ["31 GiB", "gpu-1", "gpu-10", "2 min 5 s"]
    assert text_of(parts) == "needs 31 GiB: gpu-1 has 24; gpu-10 is next in 2 min 5 s"


def test_a_share_of_workers_is_strong_as_a_whole_and_counts_of_things_are_not() -> None:
    parts = fleet_queue.reason("fair share: Harbor already has 3 segments and is entitled to 1.3 of 4 workers", ())
    assert [text_of(one) for one in parts if isinstance(one, Component)] == ["1.3 of 4"]


def test_a_picture_cannot_be_moved_by_itself() -> None:
    card = fleet_queue.content(make_page(make_view(), waiting=(make_waiting(subject="still", own_priority=None, parts=0),)))
    assert not any("Serve" in str(getattr(one, "title", "")) for one in parts_of(card))


def test_the_time_line_lies_between_its_bounds() -> None:
    page = make_page(make_view(), blocks=(make_block(-9000, -60), make_block(-60, 9000, "running")))
    shown = [one for one in parts_of(fleet_time.content(page)) if "fl-block fl-" in str(getattr(one, "className", ""))]
    placed = [one.style for one in shown if hasattr(one, "style")]
    assert [style["left"] for style in placed] == ["0.00%", "49.17%"]
    assert placed[1]["width"] == "calc(50.83% - 1px)"
    assert len(fleet_time.ticks(page)) <= 8


@pytest.mark.parametrize(("minutes", "left"), [(2, 65.0), (50, 91.0), (58, 91.0), (45, 87.5)])
def test_the_line_at_which_the_last_run_is_done_always_has_its_words(minutes: int, left: float) -> None:
    runs = [RunEnd(1, "Harbor #1", 4, 2, 0, NOW + timedelta(minutes=minutes), None), RunEnd(2, "Late #1", 4, 2, 0, None, None)]
    parts = parts_of(fleet_time.content(make_page(make_view()), FleetForecast(NOW, tuple(runs), 0.0)))
    [label] = [one for one in parts if "fl-end num" in str(getattr(one, "className", ""))]
    assert text_of(label) == f"done {(NOW + timedelta(minutes=minutes)).astimezone():%H:%M}"
    assert (label.title, label.style) == ("Harbor #1 is likely done", {"left": f"{left:.2f}%"})
    assert len([one for one in parts if getattr(one, "className", "") == "fl-end-line"]) == 1


def test_the_head_tells_the_end_that_the_runs_in_the_queue_are_told_and_none_where_one_has_none() -> None:
    page, at = make_page(make_view(), waiting=(make_waiting(),)), NOW + timedelta(seconds=40)
    ends = [RunEnd(1, "Harbor #1", 4, 2, 0, at, at), RunEnd(2, "Others #1", 4, 0, 0, None, None)]
    assert "queue 1 job, done in 40 s" in text_of(fleet.head(page, FleetForecast(NOW, tuple(ends), 0.0)))
    unpaid = RunEnd(3, "Budget Night #1", 8, 8, 0, None, None)
    assert "done" not in text_of(fleet.head(page, FleetForecast(NOW, (*ends, unpaid), 0.0)))


def test_a_worker_that_takes_nothing_is_off_from_now_on() -> None:
    page = make_page(make_view(make_worker(state=WorkerState.DRAINING)))
    assert "draining" in text_of(fleet_time.content(page))


def test_the_panel_offers_what_can_be_done() -> None:
    told = text_of(fleet_panel.content(make_view(make_worker(state=WorkerState.PAUSED)), NOW))
    assert "Take work again" in told and "Drain" in told and "Pause" not in told.replace("paused", "")
    busy = parts_of(fleet_panel.content(make_view(make_worker(), make_doing()), NOW))
    assert next(one for one in busy if text_of(one) == "Remove").disabled


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (1, "1: the next is sent when it has ended"),
        (2, "2: one runs, one waits at its server"),
        (5, "5: one runs, 4 wait at its server"),
    ],
)
def test_the_panel_says_how_many_jobs_a_worker_may_have_at_once(places: int, told: str) -> None:
    shown = parts_of(fleet_panel.content(make_view(make_worker(places=places)), NOW))
    assert told in text_of(shown)
    assert next(one.value for one in shown if getattr(one, "id", "") == fleet_panel.PLACES) == places


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (18.7, "18.70"),
        (1240, "1,240.00"),
        (0.0042, "0.0042"),
        (0.04104, "0.041"),
        (0.1449, "0.145"),
        (0.5, "0.50"),
        (0.00003, "< 0.0001"),
        (0.0, "0.00"),
    ],
)
def test_money_is_told_with_digits_that_say_something(amount: float, told: str) -> None:
    assert words.money(amount) == told


def test_the_name_of_a_card_is_what_tells_it_from_others() -> None:
    assert fleet.short_gpu("cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync") == "RTX 4090"
    assert fleet.short_gpu("cuda:0 NVIDIA H100 80GB HBM3 : native") == "H100"


def test_what_if_offers_workers_that_are_or_were_well_the_busiest_first() -> None:
    unseen = make_worker("bad name!", health=Health.AWAY, version="", gpu="", memory_bytes=0)
    lost = make_worker("gpu-2", health=Health.AWAY)
    views = [make_view(unseen), replace(make_view(lost), used=0.1), replace(make_view(make_worker("gpu-3")), used=0.9)]
    assert [worker.name for worker in worth_trying(views)] == ["gpu-3", "gpu-2"]
