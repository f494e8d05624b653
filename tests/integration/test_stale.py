"""Stale: what was made from something that has changed since is marked, and nothing else happens to it."""

from __future__ import annotations

from dataclasses import replace

from pipeline.domain.production import Production
from pipeline.domain.statuses import CellStatus
from tests.factories import PERSON, House, make_production


def stale_reasons(house: House, production: Production) -> dict[str, str]:
    """Why cells are stale when the production reads like this now."""
    plan = house.studio.planning.plan(production, house.folder)
    return {cell.key: cell.why for cell in plan.cells if cell.is_stale}


def test_a_changed_scene_type_marks_its_cells_and_no_others(house: House) -> None:
    production = make_production(characters=1, variants=1)
    run = house.start(production, auto_deliver=False)
    house.work()
    slower = replace(production.scene_types[0], duration_s=2)
    changed = replace(production, scene_types=(slower, *production.scene_types[1:]))
    stale = house.studio.review.mark_stale(run, stale_reasons(house, changed), PERSON)
    assert stale == ["c1 / s1 / v1"]
    cells = house.cells(run)
    assert cells["c1 / s1 / v1"].stale.startswith("changed: ")
    assert cells["c1 / s1 / v1"].status is CellStatus.APPROVED
    assert cells["c1 / s2 / v1"].stale == ""
    house.check()


def test_a_changed_source_image_marks_its_character(house: House) -> None:
    production = make_production(characters=2, scene_types=1, variants=1)
    run = house.start(production, auto_deliver=False)
    house.work()
    (house.folder / "c2.png").write_bytes(b"another picture")
    assert house.studio.review.mark_stale(run, stale_reasons(house, production), PERSON) == ["c2 / s1 / v1"]


def test_the_mark_goes_when_the_change_is_taken_back(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    run = house.start(production, auto_deliver=False)
    house.work()
    changed = replace(production, style=replace(production.style, mood="bright"))
    assert house.studio.review.mark_stale(run, stale_reasons(house, changed), PERSON)
    assert house.studio.review.mark_stale(run, stale_reasons(house, production), PERSON) == []
    assert house.cells(run)["c1 / s1 / v1"].stale == ""
    assert [event.type for event in house.events("cell.stale", "cell.fresh")] == ["cell.stale", "cell.fresh"]
    house.check()


def test_withdrawing_a_variant_image_marks_the_scenes_made_from_it(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=2), auto_deliver=False)
    house.work()
    house.studio.review.reject_variant(run, "c1 / v1", PERSON, reason="wrong coat")
    cells = house.cells(run)
    assert cells["c1 / s1 / v1"].stale == "its variant image c1 / v1 was rejected: wrong coat"
    assert cells["c1 / s1 / v1"].status is CellStatus.APPROVED
    assert cells["c1 / s1 / v2"].stale == ""
    house.check()
