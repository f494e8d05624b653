"""Dependencies: every unmet one is named, and a cell is ready exactly when there is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.cells import CellPlan
from pipeline.domain.matrix import build
from pipeline.domain.production import Location, Shot
from pipeline.domain.resolver import Need, StillPlan, needs_of_cell, needs_of_still, resolve, stills_for
from pipeline.domain.statuses import CellStatus, StillKind
from tests.factories import make_production

SHOT = CellPlan(0, "s", "dance", character="Mara", variant="formal", location="Dock", after=("a", "b"))
NEEDS = needs_of_cell(SHOT)
STATUSES = st.sampled_from(CellStatus)


def test_a_cell_needs_its_variant_image_its_plate_and_the_shots_before_it() -> None:
    assert needs_of_cell(SHOT) == (
        Need("variant", "Mara / formal"),
        Need("plate", "Dock"),
        Need("cell", "a"),
        Need("cell", "b"),
    )


def test_a_cell_without_a_variant_needs_the_checked_sources() -> None:
    assert needs_of_cell(CellPlan(0, "s", "dance", character="Mara")) == (Need("source", "Mara"),)


def test_only_variant_images_need_the_sources() -> None:
    assert needs_of_still(StillPlan(StillKind.VARIANT, "Mara / formal", "Mara", "formal")) == (Need("source", "Mara"),)
    assert needs_of_still(StillPlan(StillKind.SOURCE, "Mara", "Mara")) == ()
    assert needs_of_still(StillPlan(StillKind.PLATE, "Dock", location="Dock")) == ()


@given(st.lists(STATUSES, min_size=4, max_size=4))
def test_every_unmet_need_is_named_and_no_met_one(statuses: list[CellStatus]) -> None:
    stands = dict(zip(NEEDS, statuses, strict=True))
    stills = {(need.kind, need.key): status for need, status in stands.items() if need.kind != "cell"}
    cells = {need.key: status for need, status in stands.items() if need.kind == "cell"}
    found = resolve([(SHOT, CellStatus.QUEUED)], stills, cells)
    unmet = tuple(need for need, status in stands.items() if status is not CellStatus.APPROVED)
    assert tuple(one.need for one in found.blocked.get("s", ())) == unmet
    assert found.ready == (() if unmet else ("s",))


@given(STATUSES)
def test_only_queued_cells_are_ready_or_blocked(status: CellStatus) -> None:
    found = resolve([(SHOT, status)], {}, {})
    assert bool(found.blocked) is (status is CellStatus.QUEUED)


def test_an_unmet_need_reads_as_a_sentence() -> None:
    found = resolve(
        [(SHOT, CellStatus.QUEUED)],
        {("variant", "Mara / formal"): CellStatus.REVIEW},
        {"a": CellStatus.APPROVED, "b": CellStatus.GENERATING},
    )
    assert [str(one) for one in found.blocked["s"]] == [
        "variant image Mara / formal is in review",
        "location plate Dock is not started",
        "scene b is generating",
    ]


def test_each_still_of_a_production_is_made_once_sources_first() -> None:
    production = make_production(candidates=3, locations=(Location("Dock"),), shots=(Shot("open", "s1", location="Dock"),))
    stills = stills_for(production, build(production))
    kinds = [still.kind.value for still in stills]
    assert kinds[:2] == ["source", "source"]
    assert sorted(kinds[2:]) == ["plate"] + ["variant"] * 4
    assert len({(still.kind, still.key) for still in stills}) == len(stills)
    assert {still.candidates for still in stills if still.kind is StillKind.VARIANT} == {3}
