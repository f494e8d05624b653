"""The page of workflows: a graph is dropped, corrected, compared, tried, called good; it looks right in every state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pipeline import wiring_shots
from pipeline.domain.workflows.library import Judgement
from pipeline.engine.shots import ShotDriver
from pipeline.wiring_fleet import build_workers
from tests.browser.looks import barriers
from tests.browser.stage import Stage
from tests.browser.tabs import Opens
from tests.browser.test_looks import THEMES, at_every_size, told
from tests.factories import PERSON, quick_folder
from tests.fleet import FleetHouse, PretendedFleet, PretendedServers
from tests.registered import SCHEMAS, SEGMENT, STILL, changed, import_graph, registered
from tests.workflow_graphs import node

LONG = "A workflow with a name that goes on and on, as names of shared graphs often do"


class FlowStage(FleetHouse, Stage):
    """A house for pages with registered workflows, and workers that pretend."""

    def __init__(self, folder: Path) -> None:
        Stage.__init__(self, folder)
        self.servers = PretendedServers()
        self.fleet = PretendedFleet(self.backend)
        self.studio = self.studio.with_services(workers=build_workers(self.studio.stores, self.clock, self.servers))
        studio = self.studio
        self.driver: ShotDriver = wiring_shots.build_driver(
            studio.settings, studio.test_shots, media=studio.media, spool=studio.spool, forget=studio.upkeep.forget,
            backend=self.fleet,
        )  # fmt: skip

    def anew(self, *workers: str) -> None:
        """Without workflows, with these workers that can do everything in the recorded graphs."""
        for view in self.studio.workflows.all(with_archived=True):
            self.studio.workflows.remove(view.workflow, PERSON)
        for standing in self.studio.workers.all():
            self.studio.workers.remove(standing.worker, PERSON)
        self.servers.sightings.clear()
        self.fleet.holding.clear()
        if workers:
            self.add(*workers, catalogue=SCHEMAS)

    def shoot(self, workflow_id: int) -> None:
        """Make a test shot of the default version."""
        studio = self.studio
        studio.test_shots.ask(studio.workflows.version(studio.workflows.by_id(workflow_id)), PERSON)
        while self.driver.turn():
            pass


@pytest.fixture(scope="module")
def stage() -> Iterator[FlowStage]:
    """The module's house."""
    with quick_folder() as folder:
        found = FlowStage(folder)
        yield found
        found.anew()
        found.check()
        found.close()


def graph_file(folder: Path, graph: object, name: str = "wan.json") -> Path:
    """A file to drop."""
    path = folder / name
    path.write_text(json.dumps(graph))
    return path


def drop(page: Page, path: Path) -> None:
    """Give a file to the place where files are dropped."""
    page.locator("#flow-upload input[type=file]").set_input_files(path)


def test_without_a_workflow_the_page_teaches_and_takes_the_first(opens: Opens, stage: FlowStage, tmp_path: Path) -> None:
    stage.anew()
    page = opens("/workflows")
    expect(page.locator(".wf-empty")).to_contain_text("A workflow is a graph of ComfyUI")
    drop(page, graph_file(tmp_path, {"nodes": [], "links": []}, "editor.json"))
    expect(page.locator("#toasts")).to_contain_text("editor format")

    drop(page, graph_file(tmp_path, SEGMENT))

    expect(page.locator(".wf-name")).to_have_text("wan")
    expect(page.locator("#flow-rows")).to_contain_text("seed")
    expect(page.locator("#flow-list .wf-item.on")).to_contain_text("never tried")
    expect(page.locator("body")).to_contain_text("There is no worker yet")
    assert [view.workflow.name for view in stage.studio.workflows.all()] == ["wan"]


def test_bindings_are_corrected_with_a_live_check_and_saved_as_a_new_version(opens: Opens, stage: FlowStage) -> None:
    stage.anew("gpu-1")
    found = registered(stage.studio, stage.folder)
    page = opens(f"/workflows?workflow={found.id}")
    expect(page.locator("#flow-save")).to_be_disabled()
    page.get_by_label("Remove name for image of").click()
    expect(page.locator("#flow-check")).to_contain_text("It takes no start image")
    expect(page.locator("#flow-save")).to_be_disabled()

    page.locator("#flow-free").select_option(label=page.locator("#flow-free option", has_text="· image ·").first.inner_text())
    page.locator("#flow-bind").click()
    page.locator("select[id*=flow-slot]").last.select_option("start_image")
    expect(page.locator("#flow-check")).not_to_contain_text("It takes no start image")
    page.get_by_label("Remove name for fps of").click()
    expect(page.locator("#flow-check")).to_contain_text("It takes no frame rate")
    page.locator("#flow-note").fill("the rate stays")
    expect(page.locator("#flow-save")).to_be_enabled()
    page.locator("#flow-save").click()

    expect(page.locator("#flow-version")).to_have_value("2")
    expect(page.locator(".wf-difference")).to_contain_text("fps no longer goes into fps of node 6")
    assert stage.studio.workflows.version(found).note == "the rate stays"
    page.locator("#flow-version").select_option("1")
    expect(page.locator("#flow-rows")).to_contain_text("fps")


def test_a_test_shot_is_asked_for_seen_and_called_good(opens: Opens, stage: FlowStage) -> None:
    stage.anew("gpu-1", "gpu-2")
    found = registered(stage.studio, stage.folder)
    registered(stage.studio, stage.folder, changed(SEGMENT, "5", strength=0.5))
    page = opens(f"/workflows?workflow={found.id}&version=1")
    expect(page.locator("body")).to_contain_text("2 of 2 workers can run it")
    expect(page.locator("#flow-state")).to_contain_text("never tried")
    page.locator("#flow-shot-prompt").fill("she turns")
    page.locator("#flow-shot-worker").select_option("gpu-2")
    page.locator("#flow-shoot").click()
    expect(page.locator(".wf-shot[data-status=queued]")).to_contain_text("gpu-2")
    stage.fleet.holding.add("gpu-2")
    stage.driver.turn()
    stage.driver.turn()
    expect(page.locator(".wf-shot[data-status=running]")).to_be_visible()

    stage.fleet.holding.clear()
    while stage.driver.turn():
        pass

    shot = page.locator(".wf-shot[data-status=done]")
    expect(shot.locator("video")).to_be_visible()
    expect(shot).to_contain_text("sharpness")
    expect(page.locator("#flow-state")).to_contain_text("tried")
    expect(page.locator("#flow-state")).not_to_contain_text("never")
    page.get_by_role("button", name="Good: make it the default").click()
    expect(shot).to_contain_text("has called it good. It is the default.")
    assert stage.studio.workflows.version(found).judgement is Judgement.GOOD
    assert stage.studio.workflows.version(found).number == 1


def test_what_a_worker_lacks_is_told_with_what_to_install(opens: Opens, stage: FlowStage) -> None:
    stage.anew()
    found = registered(stage.studio, stage.folder)
    stage.add("bare", catalogue={name: schema for name, schema in SCHEMAS.items() if name != "SaveVideo"})
    page = opens(f"/workflows?workflow={found.id}")
    expect(page.locator(".wf-worker")).to_contain_text("install the custom nodes for SaveVideo, or update ComfyUI")
    expect(page.locator("#flow-shoot")).to_be_disabled()
    expect(page.locator(".wf-form")).to_contain_text("No worker can run it now")
    expect(page.locator("#flow-list")).to_contain_text("cannot run anywhere")


def test_a_worker_that_is_away_is_not_counted_as_one_that_runs_it(opens: Opens, stage: FlowStage) -> None:
    stage.anew("gpu-1", "gpu-2")
    found = registered(stage.studio, stage.folder)
    page = opens(f"/workflows?workflow={found.id}")
    expect(page.locator("#flow-list")).to_contain_text("runs on 2 of 2 workers")
    stage.servers.sightings.pop(stage.worker("gpu-2").worker.url)
    stage.studio.workers.look()
    expect(page.locator("#flow-list")).to_contain_text("runs on 1 of 2 workers, 1 more not at work")
    expect(page.locator("#flow-workers")).to_contain_text("has everything, but it is away")


def test_one_is_archived_taken_back_and_removed(opens: Opens, stage: FlowStage) -> None:
    stage.anew()
    found = registered(stage.studio, stage.folder)
    other = registered(stage.studio, stage.folder, STILL, "Stills")
    page = opens(f"/workflows?workflow={found.id}")
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("#flow-list .wf-item")).to_have_count(1)
    page.get_by_role("link", name="1 archived").click()
    expect(page.locator("#flow-list .wf-item")).to_have_count(2)
    page.locator("#flow-list .wf-item", has_text="archived").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("button", name="Archive")).to_be_visible()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator(".wf-name")).to_have_text("Stills")
    assert [view.workflow.id for view in stage.studio.workflows.all()] == [other.id]


def test_names_are_text_and_keys_lead_here(opens: Opens, stage: FlowStage) -> None:
    stage.anew()
    import_graph(stage.studio, stage.folder, name="<img src=x onerror=alert(1)>", note="<b>bold</b>")
    page = opens("/fleet")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/workflows")
    expect(page.locator(".wf-name")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator("body")).to_contain_text("<b>bold</b>")
    expect(page.locator("#rail-workflows")).to_have_attribute("aria-current", "page")
    expect(page.locator(".crumb")).to_contain_text("Workflows")


# Looks ------------------------------------------------------------------------------------------------------------------


def prepared(stage: FlowStage, state: str) -> str:
    """A state of the page; the address to open."""
    stage.anew(*(() if state == "empty" else ("gpu-1", "a-worker-with-a-name-that-is-rather-long-for-a-card")))
    if state == "empty":
        return "/workflows"
    graph = {**SEGMENT, "9": node("LoadImage", "A title of a node that somebody has written out in full", image="last.png")}
    stage.add("bare", catalogue={"LoadImage": SCHEMAS["LoadImage"]})
    first = registered(stage.studio, stage.folder, graph, LONG, note="From the workshop, with the new sampler.")
    registered(stage.studio, stage.folder, changed(graph, "5", strength=0.5), LONG)
    registered(stage.studio, stage.folder, STILL, "Stills")
    bad = changed(SEGMENT, "1", image="x.png") | {"1": node("ReadsPicture", "where it starts", image="x.png")}
    unfinished = registered(stage.studio, stage.folder, bad, "Unfinished")
    if state == "unfinished":
        return f"/workflows?workflow={unfinished.id}"
    stage.shoot(first.id)
    stage.shoot(first.id)
    return f"/workflows?workflow={first.id}&version=2&against=1"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state", ["empty", "unfinished", "tried"])
def test_nothing_is_cut_and_nobody_kept_out(opens: Opens, stage: FlowStage, state: str, theme: str) -> None:
    page = opens(prepared(stage, state), theme=theme)
    page.wait_for_selector(".wf-empty, .wf-name")
    assert told([*at_every_size(page), *barriers(page)]) == ""
