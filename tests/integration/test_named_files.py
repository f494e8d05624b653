"""A production's own name template, from the run to its package and the folders of its outputs."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from data.models import production_runs
from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Output
from pipeline.domain.records import Run
from pipeline.domain.statuses import RunStatus
from tests.factories import PERSON, House, make_production

FIRST = Selection(keys=("c1 / s1 / v1",))
TWO = make_production(characters=2, scene_types=1, variants=1)


def packaged(house: House, run: Run) -> list[str]:
    """The media of the newest package of a run."""
    sealed = house.studio.deliveries.sealed(run)
    with zipfile.ZipFile(house.studio.media.path_of(sealed.package_sha256 or "")) as package:
        return sorted(name.rpartition(".")[0] for name in package.namelist() if not name.startswith(("manifest", "poster")))


def placed(house: House, folder: str = "out") -> list[str]:
    root = house.folder / folder
    return sorted(str(path.relative_to(root).with_suffix("")) for path in root.rglob("*") if path.is_file())


def delivered(house: House, run: Run) -> list[Path]:
    house.work()
    assert house.run(run).status is RunStatus.COMPLETED
    return house.studio.deliveries.place_outputs(run)


def test_folders_of_a_template_are_kept_where_outputs_are_placed(house: House) -> None:
    run = house.start(replace(TWO, naming="{character}/{scene_type}_{variant}"))
    assert len(delivered(house, run)) == 2
    assert placed(house) == ["c1/s1_v1", "c2/s1_v1"]
    assert packaged(house, run) == ["c1/s1_v1", "c2/s1_v1"]


def test_outputs_share_a_folder_where_names_tell_the_format(house: House) -> None:
    outputs = (Output("web", "out", "web"), Output("cinema", "out", "cinema"))
    run = house.start(replace(TWO, outputs=outputs, naming="{ordinal:04}_{format}"))
    assert len(delivered(house, run)) == 4
    assert placed(house) == ["0001_cinema", "0001_web", "0002_cinema", "0002_web"]


def test_a_name_without_the_take_always_holds_the_take_that_counts(house: House) -> None:
    run = house.start(replace(TWO, naming="{format}/{character}"))
    delivered(house, run)
    before = {path.name: path.read_bytes() for path in (house.folder / "out").iterdir()}
    house.studio.submission.submit(run, FIRST, Mode.ALL, PERSON)
    delivered(house, run)
    after = {path.name: path.read_bytes() for path in (house.folder / "out").iterdir()}
    assert before.keys() == after.keys() and len(after) == 2
    assert [name.split(".")[0] for name in after if after[name] != before[name]] == ["c1"]

    house.studio.review.reject(run, FIRST, PERSON, reason="too dark")
    house.studio.submission.cancel(run, FIRST, PERSON)
    house.work()
    house.studio.deliveries.place_new()
    assert placed(house) == ["c2"]


def test_a_run_keeps_its_names_and_the_next_one_takes_the_new_template(house: House) -> None:
    first = house.start(replace(TWO, naming="{character}_t{take}"))
    delivered(house, first)
    second = house.start(replace(TWO, naming="{scene_type}_{character}"))
    delivered(house, second)
    assert house.hands.count("scene_generation") == 4, "nothing is made again for other names"
    house.studio.deliveries.deliver(first, PERSON, again=True)
    delivered(house, first)
    assert packaged(house, first) == ["c1_t1", "c2_t1"]
    assert placed(house) == ["c1_t1", "c2_t1", "s1_c1", "s1_c2"]


def test_a_run_that_was_made_before_there_were_templates_is_delivered_by_the_default(house: House) -> None:
    run = house.create(TWO)
    with house.studio.stores.begin(house.clock.now()) as store:
        plain = store.runs._connection.execute(select(production_runs.c.matrix_config)).scalar_one()
        del plain["production"]["naming"]
        store.runs.change(run.id, matrix_config={**plain, "naming": None})
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    delivered(house, run)
    assert placed(house) == ["c1/s1_v1_t01", "c2/s1_v1_t01"]


def test_a_clash_that_only_the_takes_make_does_not_keep_a_run_from_its_delivery(house: House) -> None:
    many = replace(make_production(characters=1, scene_types=11, variants=1, segments=1), naming="{ordinal}{take}")
    run = house.start(many)
    delivered(house, run)
    assert placed(house)[:2] == ["101", "11"]
    for _ in range(10):
        house.studio.submission.submit(run, FIRST, Mode.ALL, PERSON)
        house.work()
    delivered(house, run)
    assert placed(house) == sorted([f"{number:04}_t{11 if number == 1 else 1:02}_format_1" for number in range(1, 12)])
