"""Graphs are frozen into a run when it is made, reach every request, and are part of what makes two generations equal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pipeline.domain.choices import Mode
from pipeline.domain.cost_keys import work_words
from pipeline.domain.errors import Invalid, Unavailable
from pipeline.domain.production import Location, Production
from pipeline.domain.records import Run
from pipeline.domain.requests import told
from pipeline.domain.workflows.filling import filled, values_of
from pipeline.domain.workflows.workflow import from_json
from tests import workflow_graphs
from tests.factories import EVERYTHING, PERSON, House, make_production
from tests.fleet import WELL, FleetHouse
from tests.fleet_fixtures import open_fleet_house

SEGMENT: dict[str, Any] = workflow_graphs.recorded("video_from_image_mp4")["prompt"]
STILL: dict[str, Any] = workflow_graphs.recorded("image_noise_composite")["prompt"]


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[FleetHouse]:
    """A house with one worker, which takes everything."""
    with open_fleet_house(tmp_path, database_url) as found:
        found.gives_graphs = False
        found.add("gpu-1")
        yield found


def made_by_graphs(house: House, *, segment: dict[str, Any] = SEGMENT) -> Production:
    """A production for the backend `comfyui`, with its graphs beside it: one scene of two segments, and a place."""
    (house.folder / "segment.json").write_text(json.dumps(segment))
    (house.folder / "still.json").write_text(json.dumps(STILL))
    hall = Location("Hall", workflow="still.json")
    made = make_production(characters=1, scene_types=1, variants=1, locations=(hall,))
    blur = {"custom:blur": "6.sigma"}
    return replace(
        made,
        backend="comfyui",
        scene_types=tuple(replace(kind, workflow="segment.json") for kind in made.scene_types),
        variants=tuple(replace(look, workflow="still.json", workflow_bindings=blur) for look in made.variants),
    )


def generated(house: House) -> dict[str, list[dict[str, Any]]]:
    """The parameters of every generation so far, by stage."""
    found: dict[str, list[dict[str, Any]]] = {}
    for request in house.hands.performed:
        if request.stage.endswith("_generation"):
            found.setdefault(request.stage, []).append(dict(request.parameters))
    return found


def test_every_generation_is_asked_for_with_its_graph_and_where_values_go(house: House) -> None:
    house.start(made_by_graphs(house))
    house.rest()
    asked = generated(house)
    assert {stage: len(found) for stage, found in asked.items()} == {"variant_generation": 2, "scene_generation": 2}
    for parameters in asked["scene_generation"]:
        workflow = from_json(parameters["workflow"])
        assert (workflow.graph.to_json(), workflow.outputs) == (SEGMENT, ("7",))
        graph = filled(workflow, values_of(parameters) | {"start_image": "s.png"})
        assert graph["5"]["inputs"]["seed"] == parameters["seed"] and graph["4"]["inputs"]["amount"] == parameters["frames"]
    by_kind = {found["kind"]: from_json(found["workflow"]) for found in asked["variant_generation"]}
    assert "custom:blur" in by_kind["variant"].slots and "custom:blur" not in by_kind["plate"].slots


def test_equal_graphs_give_equal_generations_and_another_graph_new_ones(house: House) -> None:
    house.start(made_by_graphs(house))
    house.work()
    first = len(house.hands.performed)
    renamed = made_by_graphs(house)
    (house.folder / "copy.json").write_text(json.dumps(dict(reversed(list(SEGMENT.items())))))
    kinds = tuple(replace(kind, workflow="copy.json") for kind in renamed.scene_types)
    house.start(replace(renamed, scene_types=kinds))
    house.work()
    again = [request for request in house.hands.performed[first:] if request.stage.endswith("_generation")]
    assert again == [], "neither the name of the file nor the order in it matters"
    changed = json.loads(json.dumps(SEGMENT))
    changed["5"]["inputs"]["strength"] = 0.5
    house.start(made_by_graphs(house, segment=changed))
    house.work()
    again = [request.stage for request in house.hands.performed[first:] if request.stage.endswith("_generation")]
    assert again == ["scene_generation"] * 2


def test_a_run_keeps_the_graph_that_it_was_made_with(house: House) -> None:
    run = house.start(made_by_graphs(house))
    (house.folder / "segment.json").write_text("changed since")
    (house.folder / "still.json").unlink()
    house.rest()
    assert from_json(generated(house)["scene_generation"][0]["workflow"]).graph.to_json() == SEGMENT
    assert set(house.studio.runs.config(run.id).sources) == {"c1.png", "segment.json", "still.json"}


def test_a_changed_graph_is_a_changed_production_and_a_plan_says_what_of_it(house: House) -> None:
    production = made_by_graphs(house)
    run = house.start(production)
    house.work()
    config = house.studio.runs.config(run.id)
    assert not house.studio.planning.has_changed(production, house.folder, config)
    assert house.studio.planning.plan(production, house.folder).counts["reuse"] == 1
    changed = json.loads(json.dumps(SEGMENT))
    changed["5"]["inputs"]["strength"] = 0.5
    (house.folder / "segment.json").write_text(json.dumps(changed))
    assert house.studio.planning.has_changed(production, house.folder, config)
    (cell,) = house.studio.planning.plan(production, house.folder).cells
    assert (cell.step.value, cell.why) == ("re-run", "changed: content of the workflow")


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        ({}, r"The workflow segment\.json cannot be used: It has no nodes"),
        (workflow_graphs.recorded("tiny")["prompt"], "takes no start image"),
    ],
)
def test_a_run_is_not_made_with_a_graph_that_cannot_work(house: House, segment: dict[str, Any], words: str) -> None:
    production = made_by_graphs(house, segment=segment)
    with pytest.raises(Invalid, match=words):
        house.create(production)
    assert house.studio.runs.all() == []


def test_a_run_is_not_made_without_the_graph_or_its_file(house: House) -> None:
    production = made_by_graphs(house)
    bare = replace(production, scene_types=tuple(replace(kind, workflow=None) for kind in production.scene_types))
    with pytest.raises(Invalid, match='"s1" has no workflow'):
        house.create(bare)
    (house.folder / "segment.json").unlink()
    with pytest.raises(Unavailable, match=r"segment\.json"):
        house.create(production)


def test_other_backends_read_no_graphs(house: House) -> None:
    production = replace(made_by_graphs(house), backend="animatic")
    (house.folder / "segment.json").unlink()
    run = house.start(production)
    house.work()
    assert "workflow" not in generated(house)["scene_generation"][0]
    assert set(house.studio.runs.config(run.id).sources) == {"c1.png"}


def _as_before(run: Run, house: House) -> None:
    """Take out of a stored configuration what was not in it before there were graphs."""
    with house.studio.stores.begin(house.clock.now()) as store:
        row = store.connection.execute(
            text("SELECT matrix_config FROM production_runs WHERE id = :id"), {"id": run.id}
        ).scalar_one()
        config = json.loads(row)
        del config["workflows"]
        for table in ("scene_types", "variants", "locations"):
            for entry in config["production"][table]:
                del entry["workflow_bindings"]
                if table != "scene_types":
                    del entry["workflow"]
        values = {"id": run.id, "config": json.dumps(config)}
        store.connection.execute(text("UPDATE production_runs SET matrix_config = :config WHERE id = :id"), values)


def test_runs_that_were_stored_before_there_were_graphs_still_load(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1, locations=(Location("Hall"),))
    production = replace(production, scene_types=(replace(production.scene_types[0], workflow="w.json"),))
    run = house.create(production)
    before = house.studio.runs.config(run.id)
    _as_before(run, house)
    after = house.studio.runs.config(run.id)
    assert after == before and after.workflows == {} and after.production.scene_types[0].workflow == "w.json"


def test_a_manifest_names_a_graph_by_its_hash() -> None:
    workflow = {"graph": {"1": {}}, "bindings": [], "outputs": []}
    named = told({"seed": 1, "workflow": workflow})
    assert named["seed"] == 1 and list(named["workflow"]) == ["sha256"] and len(named["workflow"]["sha256"]) == 64
    assert told({"seed": 1}) == {"seed": 1}


def test_estimates_go_by_the_graph_and_not_by_the_name_of_a_scene_type(house: FleetHouse) -> None:
    measured = made_by_graphs(house)
    house.start(measured)
    house.work()
    [kind] = measured.scene_types
    renamed = replace(
        measured,
        title="Renamed",
        scene_types=(replace(kind, name="other"),),
        matrix=replace(measured.matrix, scene_types=("other",)) if measured.matrix else None,
    )
    stronger = json.loads(json.dumps(SEGMENT))
    stronger["5"]["inputs"]["strength"] = 0.9
    (house.folder / "stronger.json").write_text(json.dumps(stronger))
    other = replace(measured, title="Other", scene_types=(replace(kind, workflow="stronger.json"),))
    gone = replace(measured, title="Gone", scene_types=(replace(kind, workflow="gone.json"),))

    planning = house.studio.planning
    assert planning.estimate(measured, house.folder).measured_share == 1, "pictures were measured, too"
    assert [one.samples for one in planning.estimate(renamed, house.folder).spreads] == [2]
    assert planning.estimate(renamed, house.folder).measured_share == 1
    assert [one.samples for one in planning.plan(renamed, house.folder).estimate.spreads] == [2]
    assert planning.estimate(other, house.folder).spreads == (), "a graph that does more has its own times"
    assert 0 < planning.estimate(other, house.folder).measured_share < 1, "but its pictures are the same"
    assert planning.estimate(gone, house.folder).spreads == ()
    assert house.studio.submission.preview(house.create(other), EVERYTHING, Mode.ALL).estimate.spreads == ()
    with house.studio.stores.read() as store:
        assert {work_words(record.work) for record in store.workers.records()} == {"segment at 64x36", "still at 480x270"}


def test_a_plan_tells_of_graphs_that_no_worker_can_run_and_what_to_install(house: FleetHouse) -> None:
    production = made_by_graphs(house)
    house.create(production)  # which brings its pictures
    planned = house.studio.planning.plan
    assert planned(production, house.folder).unserved == (), "nobody knows what the worker has"

    [standing] = house.studio.workers.all()
    house.servers.sightings[standing.worker.url] = replace(WELL, catalogue={"SaveImage": {}})
    house.studio.workers.look()
    of_segment, *of_stills = planned(production, house.folder).unserved
    assert of_segment.startswith("No worker can run segment.json, which makes s1. gpu-1: The server has no node class")
    assert "Install the custom nodes" in of_segment
    assert len(of_stills) == 2 and all("still.json" in told for told in of_stills), "with and without bindings of their own"

    house.add("gpu-2")
    assert planned(production, house.folder).unserved == (), "one that nobody has read may have everything"


def test_a_plan_tells_of_tags_that_no_worker_has_and_its_cost_is_of_workers_that_have_them(house: FleetHouse) -> None:
    plain = made_by_graphs(house)
    house.create(plain)  # which brings its pictures
    production = replace(plain, worker_tags=("48gb",))
    planning = house.studio.planning
    house.studio.workers.edit(house.worker("gpu-1").worker, PERSON, cost_per_hour=1.0)

    [told] = planning.plan(production, house.folder).unserved
    assert told == "No worker has the tag 48gb, which s1 asks for. Add it to one: `./stripboard workers edit`."

    house.add("gpu-2", tags=("48gb", "nvlink"), cost_per_hour=3.0)
    assert planning.plan(production, house.folder).unserved == ()
    found = planning.estimate(production, house.folder)
    plain_cost, cost = (planning.beyond(made, house.folder, found, PERSON.name).cost for made in (plain, production))
    assert plain_cost is not None and cost == pytest.approx(3 * plain_cost)
