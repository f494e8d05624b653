"""Registered workflows: versions that never change, corrections, productions that name them, and what keeps them from removal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.errors import Conflict, Invalid, NotFound
from pipeline.domain.production import Production
from pipeline.domain.workflows.editing import Place, places_of
from pipeline.domain.workflows.findings import WorkflowInvalid
from pipeline.domain.workflows.library import Judgement
from pipeline.domain.workflows.slots import Kind
from pipeline.domain.workflows.views import State
from pipeline.domain.workflows.workflow import from_json
from tests.factories import PERSON, make_production
from tests.fleet import FleetHouse
from tests.fleet_fixtures import open_fleet_house
from tests.registered import SCHEMAS, SEGMENT, STILL, changed, import_graph, registered
from tests.workflow_graphs import node


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house without workers; every promise holds at the end."""
    with open_fleet_house(tmp_path, database_url) as found:
        found.gives_graphs = False
        yield found


def by_name(*, version: int | None = None, bindings: dict[str, str] | None = None) -> Production:
    """A production whose scenes and looks are made by registered workflows."""
    made = make_production(characters=1, scene_types=1, variants=1)
    named = "registered:Wan i2v" + (f"@{version}" if version else "")
    kinds = tuple(replace(kind, workflow=named, workflow_bindings=bindings or {}) for kind in made.scene_types)
    looks = tuple(replace(look, workflow="registered:Stills") for look in made.variants)
    return replace(made, backend="comfyui", scene_types=kinds, variants=looks)


# Versions ---------------------------------------------------------------------------------------------------------


def test_an_import_is_the_first_version_and_another_graph_the_next(house: FleetHouse) -> None:
    first = import_graph(house.studio, house.folder, note="from the workshop")
    assert (first.is_new, first.is_usable, first.version.number, first.version.kind) == (True, True, 1, Kind.SEGMENT)
    assert (first.version.origin, first.version.note, first.version.actor) == ("graph.json", "from the workshop", "tester")

    second = import_graph(house.studio, house.folder, changed(SEGMENT, "5", strength=0.5), "WAN I2V")

    assert (second.version.number, second.version.workflow_id) == (2, first.version.workflow_id)
    [view] = house.studio.workflows.all()
    assert [one.version.number for one in view.versions] == [2, 1] and view.default.version.number == 2
    assert [event.type for event in house.events()] == ["workflow.imported"] * 2


def test_what_does_the_same_is_no_new_version(house: FleetHouse) -> None:
    first = import_graph(house.studio, house.folder)
    import_graph(house.studio, house.folder, changed(SEGMENT, "5", strength=0.5))
    again = import_graph(house.studio, house.folder, dict(reversed(list(SEGMENT.items()))))
    assert not again.is_new and again.version.id == first.version.id
    assert len(house.events("workflow.imported")) == 2


def test_a_graph_whose_bindings_lack_something_is_kept_to_be_corrected(house: FleetHouse) -> None:
    graph = changed(SEGMENT, "1", image="x.png")
    graph["1"] = node("ReadsPicture", "where it starts", image="x.png")
    found = import_graph(house.studio, house.folder, graph)
    assert found.is_new and not found.is_usable and "takes no start image" in str(found.findings[0])
    workflow = house.studio.workflows.by_id(found.version.workflow_id)
    page = house.studio.workflows.page(workflow)
    assert page.shown.state is State.UNFINISHED and not page.is_usable

    bound = [*places_of(page.workflow), Place("start_image", "1", "image")]
    better = house.studio.workflows.correct(found.version, bound, PERSON, note="the custom loader")

    assert better.is_usable and better.version.number == 2 and better.version.origin == "version 1, corrected"
    assert "start_image" in house.studio.workflows.page(workflow).workflow.slots


def test_a_correction_has_exactly_the_bindings_that_it_says(house: FleetHouse) -> None:
    version = import_graph(house.studio, house.folder).version
    workflow = house.studio.workflows.by_id(version.workflow_id)
    before = house.studio.workflows.page(workflow).workflow
    places = [place for place in places_of(before) if place.slot != "fps"] + [Place("custom:noise", "5", "strength")]

    kept = house.studio.workflows.correct(version, places, PERSON).version

    after = house.studio.workflows.page(workflow, kept.number).workflow
    assert "fps" not in after.slots and "custom:noise" in after.slots
    told = house.studio.workflows.compare(version, kept)
    assert [binding.slot for binding in told.bound] == ["custom:noise"] and [one.slot for one in told.unbound] == ["fps"]
    assert not told.added and not told.inputs


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("prompt", "99", "text"), "which does not exist"),
        (Place("nonsense", "5", "strength"), "There is no slot"),
        (Place("start_image", "5", "strength"), "holds the number"),
        (Place("custom:x", "2", "image"), "is linked to node"),
        (Place("seed", "1", "image"), "cannot go|holds the text"),
    ],
)
def test_a_correction_that_cannot_work_is_refused_with_the_cure(house: FleetHouse, place: Place, words: str) -> None:
    version = import_graph(house.studio, house.folder).version
    places = places_of(house.studio.workflows.page(registered(house.studio, house.folder)).workflow)
    with pytest.raises(WorkflowInvalid, match=words):
        house.studio.workflows.correct(version, [*places, place], PERSON)
    assert house.studio.workflows.examine(version, [*places, place])
    assert len(house.studio.workflows.page(house.studio.workflows.by_id(version.workflow_id)).view.versions) == 1


def test_a_node_that_saves_nothing_cannot_be_the_result(house: FleetHouse) -> None:
    version = import_graph(house.studio, house.folder).version
    page = house.studio.workflows.page(house.studio.workflows.by_id(version.workflow_id))
    with pytest.raises(WorkflowInvalid, match="saves nothing that could be the result"):
        house.studio.workflows.correct(version, places_of(page.workflow), PERSON, outputs=["5"])


# Hostile input ----------------------------------------------------------------------------------------------------


def deep() -> dict[str, Any]:
    """A graph with a value that is nested too deep."""
    value: Any = "x"
    for _ in range(40):
        value = {"a": value}
    return changed(SEGMENT, "5", strength=value)


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ([1, 2], "not an object of nodes"),
        ({}, "has no nodes"),
        ({"nodes": [], "links": []}, "editor format"),
        (deep(), "nested more than"),
        ({"1": {"class_type": 5, "inputs": {}}}, "no class_type|API format"),
        ({str(key): node("SaveImage") for key in range(6000)}, "6000 nodes"),
        ({"1": node("A", x=["2", 0]), "2": node("SaveImage", images=["1", 0])}, "loop|linked"),
    ],
)
def test_what_is_no_graph_is_refused_and_nothing_is_kept(house: FleetHouse, graph: Any, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        import_graph(house.studio, house.folder, graph)
    assert house.studio.workflows.all() == []


@pytest.mark.parametrize("name", ["", " Wan", "a\nb", "x" * 81, "Wan@3", "a\x00b", "\u202eevil"])
def test_a_name_that_cannot_be_one_is_refused(house: FleetHouse, name: str) -> None:
    with pytest.raises(Invalid, match="cannot name a workflow"):
        import_graph(house.studio, house.folder, name=name)


def test_markup_in_names_and_notes_is_kept_as_text(house: FleetHouse) -> None:
    name = "<script>alert(1)</script>"
    found = import_graph(house.studio, house.folder, name=name, note="<b>bold</b>")
    assert (found.version.name, found.version.note) == (name, "<b>bold</b>")
    with pytest.raises(Invalid, match="The note cannot be stored"):
        import_graph(house.studio, house.folder, STILL, note="\x00")


# Productions ------------------------------------------------------------------------------------------------------


def test_a_production_names_a_version_which_is_frozen_into_its_run(house: FleetHouse) -> None:
    registered(house.studio, house.folder)
    registered(house.studio, house.folder, STILL, "Stills")
    house.add("gpu-1")
    run = house.start(by_name())
    registered(house.studio, house.folder, changed(SEGMENT, "5", strength=0.9))
    house.rest()

    made = [request for request in house.hands.performed if request.stage == "scene_generation"]
    assert made and {str(from_json(request.parameters["workflow"]).graph.to_json() == SEGMENT) for request in made} == {"True"}
    wan = house.studio.workflows.find("wan I2V")
    used = {one.version.number: one.used_by for one in house.studio.workflows.page(wan).view.versions}
    assert used == {2: (), 1: (run.name,)}
    assert not house.studio.planning.has_changed(by_name(), house.folder, house.studio.runs.config(run.id))


def test_a_production_may_say_which_version_and_replace_bindings(house: FleetHouse) -> None:
    registered(house.studio, house.folder)
    registered(house.studio, house.folder, changed(SEGMENT, "5", strength=0.9))
    registered(house.studio, house.folder, STILL, "Stills")
    run = house.create(by_name(version=1, bindings={"fps": "none", "custom:noise": "5.strength"}))
    [found] = [from_json(value) for value in house.studio.runs.config(run.id).workflows.values() if value["kind"] == Kind.SEGMENT]
    assert found.graph.to_json() == SEGMENT and "custom:noise" in found.slots and "fps" not in found.slots


@pytest.mark.parametrize(
    ("prepare", "kind", "words"),
    [
        (lambda studio, folder: None, NotFound, 'There is no workflow "Wan i2v"'),
        (lambda studio, folder: registered(studio, folder), NotFound, "has no version 7. It has 1 to 1"),
        (lambda studio, folder: registered(studio, folder, STILL), NotFound, "has no version 7"),
    ],
)
def test_a_run_is_not_made_with_a_version_that_is_not_there(
    house: FleetHouse, prepare: Any, kind: type[Exception], words: str
) -> None:
    prepare(house.studio, house.folder)
    with pytest.raises(kind, match=words):
        house.create(by_name(version=7))
    assert house.studio.runs.all() == []


def test_a_workflow_for_stills_cannot_make_segments_and_an_archived_one_nothing(house: FleetHouse) -> None:
    found = registered(house.studio, house.folder, STILL)
    with pytest.raises(Invalid, match="makes stills; here it would have to make segments"):
        house.create(by_name())
    house.studio.workflows.archive(found, PERSON)
    with pytest.raises(Conflict, match="is archived"):
        house.create(by_name())
    assert house.studio.workflows.all() == [] and len(house.studio.workflows.all(with_archived=True)) == 1


YAML = """
production:
  title: Named
  backend: comfyui
  characters: [{name: Mara, source_images: [mara.png]}]
  variants: [{name: casual, workflow: {registered: Stills}}]
  scene_types:
    - {name: dance, duration_s: 1, fps: 4, resolution: 256x256, workflow: {registered: Wan i2v, version: %s, bindings: {%s}}}
  matrix: {characters: all, scene_types: all, variants: all}
"""


@pytest.mark.parametrize(
    ("version", "bindings", "words"),
    [
        (1, "", ""),
        (4, "", "Wan i2v, version 4 cannot be used: .* has no version 4"),
        (1, "seed: 9.seed", 'bound to node "9", which does not exist'),
        (1, "end_image: 1.image", "takes no start image"),
    ],
)
def test_a_file_that_names_one_is_checked_against_what_is_kept(
    house: FleetHouse, version: int, bindings: str, words: str
) -> None:
    registered(house.studio, house.folder)
    registered(house.studio, house.folder, STILL, "Stills")
    house.create(make_production(characters=1, scene_types=0, variants=0))
    (house.folder / "c1.png").rename(house.folder / "mara.png")
    path = house.folder / "production.yaml"
    path.write_text(YAML % (version, bindings), encoding="utf-8")
    loaded = house.studio.productions.read(path)
    told = "\n".join(str(issue) for issue in loaded.issues if issue.severity == "error" and "mara.png" not in str(issue))
    assert re.search(words, told) if words else not told


# Removing and judging ---------------------------------------------------------------------------------------------


def test_one_that_a_run_was_made_with_is_archived_and_not_removed(house: FleetHouse) -> None:
    wan, stills = registered(house.studio, house.folder), registered(house.studio, house.folder, STILL, "Stills")
    run = house.create(by_name())
    with pytest.raises(Conflict, match=rf"{run.name} was made with it. Archive it instead"):
        house.studio.workflows.remove(wan, PERSON)
    house.studio.workflows.archive(wan, PERSON)
    house.studio.workflows.archive(wan, PERSON)
    assert [event.type for event in house.events("workflow.archived")] == ["workflow.archived"]
    house.studio.workflows.archive(wan, PERSON, is_archived=False)
    spare = registered(house.studio, house.folder, name="Spare")
    house.studio.workflows.remove(spare, PERSON)
    assert [view.workflow.name for view in house.studio.workflows.all()] == [stills.name, wan.name]
    with pytest.raises(NotFound, match="Did you mean"):
        house.studio.workflows.find("Wan i2")


def test_nothing_is_called_good_that_no_test_shot_has_tried(house: FleetHouse) -> None:
    version = import_graph(house.studio, house.folder).version
    with pytest.raises(Conflict, match="No test shot of Wan i2v, version 1 has succeeded yet"):
        house.studio.workflows.judge(version, Judgement.GOOD, PERSON)


# Workers ----------------------------------------------------------------------------------------------------------


def test_each_worker_says_what_it_lacks_and_what_to_install(house: FleetHouse) -> None:
    version = import_graph(house.studio, house.folder).version
    assert house.studio.workflows.fits(version) == ()
    bare = {name: schema for name, schema in SCHEMAS.items() if name not in ("SaveVideo", "CreateVideo")}
    house.add("able", catalogue=SCHEMAS)
    house.add("bare", catalogue=bare)
    house.add("unread")

    able, without, unread = house.studio.workflows.fits(version)

    assert able.can_run and able.words == "has everything"
    assert without.words == "install the custom nodes for CreateVideo, SaveVideo, or update ComfyUI"
    assert not unread.is_known and not unread.can_run
    [view] = house.studio.workflows.all()
    assert view.default.state is State.UNTRIED


def test_one_that_no_worker_can_run_says_so(house: FleetHouse) -> None:
    import_graph(house.studio, house.folder)
    house.add("bare", catalogue={"SaveImage": SCHEMAS["SaveImage"]})
    [view] = house.studio.workflows.all()
    assert view.default.state is State.NOWHERE
