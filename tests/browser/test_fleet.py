"""The page of the fleet: a worker is added, seen, drained and removed; jobs are seen at work; it looks right with any number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pipeline.domain.workers import Health, WorkerState
from pipeline.wiring_fleet import build_workers
from tests.browser.boards import Board
from tests.browser.looks import barriers
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import PATIENCE_MS, Opens
from tests.browser.test_looks import THEMES, at_every_size, told
from tests.cards import reading
from tests.factories import PERSON, quick_folder
from tests.fleet import FleetHouse, PretendedFleet, PretendedServers
from tests.postgresql import free_port

CROWD = 60


class FleetStage(FleetHouse, Stage):
    """A house for pages whose scenes are made by workers."""

    def __init__(self, folder: Path) -> None:
        Stage.__init__(self, folder)
        self.servers = PretendedServers()
        self.fleet = PretendedFleet(self.backend)
        self.studio = self.studio.with_services(workers=build_workers(self.studio.stores, self.clock, self.servers))

    def have(self, count: int) -> None:
        """So many workers, all of them well; those of earlier tests are gone."""
        self.fleet.holding.clear()
        self.work()
        for standing in self.studio.workers.all():
            self.studio.workers.remove(standing.worker, PERSON)
        self.servers.sightings.clear()
        self.add(*(f"gpu-{number}" for number in range(1, count + 1)), memory_bytes=24 * 2**30, cost_per_hour=1.2)

    def tell(self, name: str, *celsius: float) -> None:
        """The graphics card of a worker tells these temperatures, half a minute apart, the last one just now."""
        now, last = self.clock.now(), len(celsius) - 1
        told = [reading(now - timedelta(seconds=30 * (last - at)), temperature_c=value) for at, value in enumerate(celsius)]
        self.studio.telemetry.take(self.worker(name).worker, told)

    def keep_busy(self, *names: str) -> None:
        """Start a run whose jobs stay at these workers, at sampler step 12 of 30."""
        self.fleet.holding |= set(names)
        self.start(fresh_production(characters=2 + len(names), scene_types=1, variants=2, title="Harbor Nights"))
        self.work()
        with self.studio.stores.begin(self.clock.now()) as store:
            held = [job.attempt_id for job in store.jobs.running()]
            store.jobs.note_progress({str(attempt): (0.4, "step: sampler 12 of 30") for attempt in held})


@pytest.fixture(scope="module")
def stage() -> Iterator[FleetStage]:
    """The module's house."""
    with quick_folder() as folder:
        found = FleetStage(folder)
        yield found
        found.have(0)
        found.check()
        found.close()


def card(page: Page, name: str) -> str:
    """Where the card of a worker is."""
    return f"#fleet-cards [data-worker='{name}']"


def has_word(page: Page, name: str, word: str) -> None:
    """The card of the worker says this in the end."""
    page.wait_for_selector(f"{card(page, name)}[data-word='{word}']")


def test_without_a_worker_the_page_teaches_and_adds_the_first(opens: Opens, stage: FleetStage) -> None:
    stage.have(0)
    page = opens("/fleet")
    expect(page.locator(".fleet")).to_contain_text("A worker is a machine")
    page.locator(".fl-empty .btn.primary").click()
    page.locator("#fleet-add-name").fill("gpu-1")
    page.locator("#fleet-add-url").fill("http://user:secret@host")
    page.locator("#fleet-add-do").click()
    expect(page.locator("#fleet-add-url-error")).to_contain_text("password")

    page.locator("#fleet-add-url").fill(f"http://127.0.0.1:{free_port()}")
    page.locator("#fleet-add-do").click()

    has_word(page, "gpu-1", "away")
    expect(page.locator("#fleet-banner")).to_contain_text("gpu-1 does not answer")
    expect(page.locator(card(page, "gpu-1"))).to_contain_text("Nothing answers")
    assert [one.worker.name for one in stage.studio.workers.all()] == ["gpu-1"]


def test_a_name_that_is_taken_is_told_at_its_field(opens: Opens, stage: FleetStage) -> None:
    stage.have(1)
    page = opens("/fleet")
    page.get_by_role("button", name="Add worker").click()
    page.locator("#fleet-add-name").fill("GPU-1")
    page.locator("#fleet-add-url").fill("http://127.0.0.1:4")
    page.locator("#fleet-add-price").fill("-3")
    page.locator("#fleet-add-do").click()
    expect(page.locator("#fleet-add-price-error")).to_contain_text("price")
    page.locator("#fleet-add-price").fill("2.5")
    page.locator("#fleet-add-do").click()
    expect(page.locator("#fleet-add-name-error")).to_contain_text("Choose another name")


def test_addresses_are_looked_at_and_those_left_out_say_why(opens: Opens, stage: FleetStage) -> None:
    stage.have(1)
    page = opens("/fleet")
    page.get_by_role("button", name="Add worker").click()
    page.get_by_text("Or look at a list of addresses").click()
    page.locator("#fleet-add-urls").fill(f"127.0.0.1:{free_port()}\n169.254.169.254")
    page.locator("#fleet-add-do").click()
    expect(page.locator(".fl-left-out")).to_contain_text("not the address of one machine")
    expect(page.locator(".fl-left-out")).to_contain_text("Nothing answers")


def test_a_worker_is_drained_taken_back_priced_and_removed(opens: Opens, stage: FleetStage) -> None:
    stage.have(1)
    page = opens("/fleet")
    page.get_by_role("button", name="Drain gpu-1").click()
    has_word(page, "gpu-1", "draining")
    assert not stage.worker("gpu-1").worker.may_work
    page.get_by_role("button", name="Undo gpu-1").click()
    has_word(page, "gpu-1", "free")

    page.get_by_role("button", name="More about gpu-1").click()
    page.locator("#fleet-edit-price").fill("4.75")
    page.locator("#fleet-edit-tags").fill("24gb, rented")
    page.locator("#fleet-edit-save").click()
    expect(page.locator(card(page, "gpu-1"))).to_contain_text("4.75 an hour")
    assert stage.worker("gpu-1").worker.tags == ("24gb", "rented")

    page.locator("#fleet-panel-body").get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove it for good?").click()
    expect(page.locator(".fl-empty")).to_be_visible()
    assert stage.studio.workers.all() == []


def test_a_worker_is_renamed_and_a_name_that_another_has_is_refused_at_the_field(opens: Opens, stage: FleetStage) -> None:
    stage.have(2)
    page = opens("/fleet")
    page.get_by_role("button", name="More about gpu-1").click()
    expect(page.locator("#fleet-edit-name")).to_have_value("gpu-1")
    page.locator("#fleet-edit-name").fill("gpu-2")
    page.locator("#fleet-edit-save").click()
    expect(page.locator("#fleet-edit-name-error")).to_contain_text('There is a worker "gpu-2" already')
    page.locator("#fleet-edit-name").fill("Rack 7 <left>")
    page.locator("#fleet-edit-save").click()
    expect(page.locator("#fleet-panel-title")).to_have_text("Rack 7 <left>")
    expect(page.locator("#fleet-edit-name-error")).to_be_empty()
    expect(page.locator(card(page, "Rack 7 <left>"))).to_be_visible()
    assert {one.worker.name for one in stage.studio.workers.all()} == {"Rack 7 <left>", "gpu-2"}


def test_how_many_jobs_a_worker_may_have_at_once_is_set_and_shown(opens: Opens, stage: FleetStage) -> None:
    stage.have(1)
    page = opens("/fleet")
    page.get_by_role("button", name="Add worker").click()
    expect(page.locator("#fleet-add-places")).to_have_value("2")
    page.locator("#fleet-add-name").fill("gpu-2")
    page.locator("#fleet-add-url").fill(f"http://127.0.0.1:{free_port()}")
    page.locator("#fleet-add-places").fill("0")
    page.locator("#fleet-add-do").click()
    expect(page.locator("#fleet-add-places-error")).to_contain_text("1 to 8 jobs at once")
    page.locator("#fleet-add-places").fill("3")
    page.locator("#fleet-add-do").click()
    has_word(page, "gpu-2", "away")
    assert stage.worker("gpu-2").worker.places == 3

    page.get_by_role("button", name="More about gpu-1").click()
    panel = page.locator("#fleet-panel-body")
    expect(panel).to_contain_text("2: one runs, one waits at its server")
    page.locator("#fleet-edit-places").fill("9")
    page.locator("#fleet-edit-save").click()
    expect(page.locator("#fleet-edit-places-error")).to_contain_text("1 to 8 jobs at once")
    assert stage.worker("gpu-1").worker.places == 2
    page.locator("#fleet-edit-places").fill("1")
    page.locator("#fleet-edit-save").click()
    expect(page.locator("#toasts")).to_contain_text("gpu-1 is changed")
    assert stage.worker("gpu-1").worker.places == 1
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More about gpu-1").click()
    expect(panel).to_contain_text("1: the next is sent when it has ended")
    expect(page.locator("#fleet-edit-places")).to_have_value("1")


def test_a_running_job_is_seen_live_with_its_step_and_in_the_time_line(opens: Opens, stage: FleetStage) -> None:
    stage.have(2)
    page = opens("/fleet")
    has_word(page, "gpu-1", "free")
    stage.keep_busy("gpu-1", "gpu-2")
    has_word(page, "gpu-1", "busy")
    expect(page.locator(card(page, "gpu-1"))).to_contain_text("sampler 12 of 30", timeout=PATIENCE_MS)
    expect(page.locator("#fleet-head")).to_contain_text("2 of 2 workers busy")
    expect(page.locator("#fleet-queue")).to_contain_text("gpu-")
    expect(page.locator(".fl-track .fl-running")).to_have_count(2, timeout=PATIENCE_MS)

    stage.fleet.holding.clear()
    stage.work()
    has_word(page, "gpu-1", "free")
    expect(page.locator("#fleet-queue")).to_contain_text("Nothing waits")


def test_the_tray_tells_the_worker_the_step_and_the_cost(opens: Opens, stage: FleetStage) -> None:
    stage.have(1)
    stage.keep_busy("gpu-1")
    page = opens("/fleet")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    page.keyboard.press("j")
    row = page.locator("#job-list .job-running").first
    expect(row).to_contain_text("sampler 12 of 30", timeout=PATIENCE_MS)
    expect(row).to_contain_text("gpu-1 · cost ")


def test_a_card_tells_what_its_graphics_card_tells_and_the_panel_draws_it_with_the_limits(
    opens: Opens, stage: FleetStage
) -> None:
    stage.have(2)
    page = opens("/fleet")
    expect(page.locator(card(page, "gpu-1"))).to_contain_text("no telemetry: run ./stripboard agent")
    stage.tell("gpu-1", 70, 75, 84.5)
    page.reload()
    expect(page.locator(card(page, "gpu-1"))).to_contain_text("84.5 °C: warns from 83")
    expect(page.locator(card(page, "gpu-1"))).to_contain_text("1,755 MHz")

    page.get_by_role("button", name="More about gpu-1").click()
    lines = page.locator("#fleet-panel-charts .js-line")
    expect(lines).to_have_count(5)
    expect(page.locator("#fleet-panel-charts .shapelayer path")).to_have_count(2)
    page.get_by_role("button", name="last week").click()
    expect(page.get_by_role("button", name="last week")).to_have_attribute("aria-pressed", "true")
    expect(lines).to_have_count(5)

    page.keyboard.press("Escape")
    page.get_by_role("button", name="More about gpu-2").click()
    expect(page.locator("#fleet-panel-charts")).to_contain_text(
        "./stripboard agent --server http://THIS-SERVER:PORT --worker gpu-2"
    )


def test_what_if_tells_how_much_earlier_all_is_done_and_for_how_much(opens: Opens, stage: FleetStage) -> None:
    stage.have(2)
    stage.keep_busy("gpu-1", "gpu-2")
    # Enough for the new ones that loading a model is worth it, and of a size that is not measured: what is takes no time here.
    made = fresh_production(characters=12, scene_types=4, variants=2, title="Salt Flats")
    stage.start(replace(made, scene_types=tuple(replace(kind, width=80) for kind in made.scene_types)))
    page = opens("/fleet")
    page.get_by_role("button", name="What if…").click()
    page.locator("#fleet-what-if-more").fill("3")
    page.locator("#fleet-what-if-do").click()
    expect(page.locator("#fleet-what-if-told")).to_contain_text(re.compile("3 more like gpu-[12]: done "), timeout=PATIENCE_MS)
    expect(page.locator("#fleet-what-if-told")).to_contain_text(" earlier, in ")
    expect(page.locator("#fleet-what-if-told table")).to_contain_text("costs until then")
    found = barriers(page)
    page.locator("#fleet-what-if-more").fill("0")
    page.locator("#fleet-what-if-do").click()
    expect(page.locator("#fleet-what-if-told")).to_contain_text("Choose workers to add, or one", timeout=PATIENCE_MS)
    for field, written, wrong in (("more", "-3", "Try 1 to 64 workers more"), ("price", "-7", "A price is a number from 0 on")):
        page.locator("#fleet-what-if-more").fill("2")
        page.locator(f"#fleet-what-if-{field}").fill(written)
        page.locator("#fleet-what-if-do").click()
        expect(page.locator("#fleet-what-if-told")).to_contain_text(wrong, timeout=PATIENCE_MS)
    assert told(found) == ""


def test_queue_and_time_are_shown_by_run_when_asked(opens: Opens, stage: FleetStage) -> None:
    stage.have(1)
    stage.keep_busy("gpu-1")
    page = opens("/fleet")
    page.locator("#fleet-time").get_by_role("button", name="By run").click()
    expect(page.locator("#fleet-time .fl-run").nth(1)).to_contain_text("Harbor Nights", timeout=PATIENCE_MS)
    expect(page.locator("#fleet-time")).to_contain_text("latest")
    page.locator("#fleet-queue").get_by_role("button", name="By run").click()
    expect(page.locator("#fleet-queue .fl-of-run").first).to_contain_text("Harbor Nights", timeout=PATIENCE_MS)
    page.wait_for_timeout(2500)  # drawn again by the clocks
    expect(page.locator("#fleet-queue .fl-of-run").first).to_be_visible()
    assert told([*at_every_size(page), *barriers(page)]) == ""


def test_a_deadline_stands_beside_the_end_of_its_run_on_the_fleet_and_on_its_board(opens: Opens, stage: FleetStage) -> None:
    stage.have(1)
    stage.keep_busy("gpu-1")
    run = stage.studio.runs.all()[0]
    stage.studio.schedules.deadline(run, stage.clock.now() - timedelta(hours=1), PERSON)
    page = opens("/fleet")
    page.locator("#fleet-time").get_by_role("button", name="By run").click()
    expect(page.locator("#fleet-time .fl-run .due.late").first).to_contain_text("▲ late", timeout=PATIENCE_MS)
    assert told([*at_every_size(page), *barriers(page)]) == ""
    page = opens(f"/runs/{run.id}")
    expect(page.locator("#board-facts .due.late")).to_contain_text("▲ late", timeout=PATIENCE_MS)
    page = opens("/")
    expect(page.locator(".run .due.late").first).to_contain_text("▲ late", timeout=PATIENCE_MS)


@pytest.mark.parametrize("theme", THEMES)
def test_a_run_that_no_worker_can_serve_says_so_on_its_board_and_on_pulse(opens: Opens, stage: FleetStage, theme: str) -> None:
    stage.have(0)
    run = stage.start(fresh_production(characters=2, scene_types=1, variants=1, title="Harbor Nights"))
    stage.work()
    page = opens(f"/runs/{run.id}", theme=theme)
    expect(page.locator("#board-hint")).to_contain_text("the fleet has no workers (to change that: add a worker)")
    assert told([*at_every_size(page), *barriers(page)]) == ""
    Board(page).click("c1 / s1 / v1")
    expect(page.locator("#side-one .bx-wait").first).to_contain_text("variant image c1 / v1 waits: the fleet has no workers")
    assert told(at_every_size(page)) == ""
    page.locator("#board-hint").get_by_text("Open the fleet").click()
    page.wait_for_url("**/fleet")
    page = opens("/", theme=theme)
    expect(page.get_by_label("Waits for people")).to_contain_text("to change that: add a worker")
    assert told([*at_every_size(page), *barriers(page)]) == ""


def test_keys_and_the_palette_lead_to_the_fleet(opens: Opens) -> None:
    page = opens("/deliveries")
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/fleet")
    expect(page.locator("#rail-fleet")).to_have_attribute("aria-current", "page")
    expect(page.locator("#breadcrumbs, .crumb")).to_contain_text("Fleet")


def test_focus_and_scrolling_stay_while_the_page_is_drawn_anew(opens: Opens, stage: FleetStage) -> None:
    stage.have(2)
    stage.keep_busy("gpu-1", "gpu-2")
    stage.start(fresh_production(characters=12, scene_types=1, variants=2, title="Long queue"))
    stage.work()
    page = opens("/fleet")
    page.wait_for_selector("#fleet-queue .fl-row[role=listitem]:nth-child(20)")
    rows = page.locator("#fleet-queue .fl-rows")
    rows.evaluate("rows => { rows.scrollTop = 150; }")
    drain = page.get_by_role("button", name="Drain gpu-2")
    drain.focus()
    before = page.locator(card(page, "gpu-1")).get_attribute("data-word") or ""
    stage.studio.workers.set_state(stage.worker("gpu-1").worker, WorkerState.PAUSED, PERSON)
    expect(page.locator(card(page, "gpu-1"))).not_to_have_attribute("data-word", before, timeout=PATIENCE_MS)
    expect(drain).to_be_focused()
    assert rows.evaluate("rows => rows.scrollTop") == 150
    page.keyboard.press("Enter")
    has_word(page, "gpu-2", "draining")


# Looks ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("count", [0, 1, 8, CROWD])
def test_nothing_is_cut_and_nobody_kept_out_with_any_number_of_workers(
    opens: Opens, stage: FleetStage, count: int, theme: str
) -> None:
    stage.have(count)
    if count:
        names = [f"gpu-{number}" for number in range(1, count + 1)]
        stage.keep_busy(*names[:6])
        stage.servers.sightings.pop(stage.worker(names[-1]).worker.url)
        [away] = stage.studio.workers.look([stage.worker(names[-1]).worker])
        assert away.health is Health.AWAY
    page = opens("/fleet", theme=theme)
    page.wait_for_selector("#fleet-cards > *")
    assert told([*at_every_size(page), *barriers(page)]) == ""


@pytest.mark.parametrize("theme", THEMES)
def test_the_dialogs_of_the_fleet_keep_nobody_out(opens: Opens, stage: FleetStage, theme: str) -> None:
    stage.have(1)
    stage.tell("gpu-1", 70, 80, 90)
    page = opens("/fleet", theme=theme)
    page.get_by_role("button", name="Add worker").click()
    page.wait_for_selector("#fleet-add-name")
    found = [*at_every_size(page), *barriers(page)]
    page.keyboard.press("Escape")
    page.wait_for_selector("#fleet-add-name", state="detached")
    page.get_by_role("button", name="More about gpu-1").click()
    page.wait_for_selector("#fleet-panel-body .js-line", state="attached")
    page.wait_for_timeout(400)  # the panel has come in
    found += [*at_every_size(page), *barriers(page)]
    assert told(flaw for flaw in found if "lies under" not in flaw) == "", "the dialog itself lies over the frame"
