"""Plans: what a new run would do for each cell, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pipeline.domain import matrix, planning
from pipeline.domain.estimates import NEW
from pipeline.domain.planning import Before, Plan, Step
from pipeline.domain.production import Approvals, Character, Location, Matrix, Production, SceneType, Shot, Variant
from pipeline.domain.records import Cell, RunConfig, StoredFile
from pipeline.domain.statuses import CellStatus

SOURCES = {"mara.png": "a" * 64, "ivo.png": "b" * 64}


def production(**changes: object) -> Production:
    base = Production(
        title="Plan",
        characters=(Character("Mara", ("mara.png",)), Character("Ivo", ("ivo.png",))),
        variants=(Variant("formal", "suit"),),
        locations=(Location("Quay", preset="harbor"),),
        scene_types=(SceneType("dance", prompt="{character} dances", fps=12), SceneType("walk", fps=12)),
        matrix=Matrix(("Mara", "Ivo"), ("dance", "walk"), ("formal",)),
        approvals=Approvals("auto", "auto"),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def before(made: Production, **statuses: CellStatus) -> Before:
    """A run in which every cell is approved, but those whose scene type is named."""
    cells = {}
    for plan in matrix.build(made):
        status = statuses.get(plan.scene_type, CellStatus.APPROVED)
        take = 1 if status is CellStatus.APPROVED else None
        cells[plan.key] = Cell(plan.ordinal, 1, plan, status, datetime(2026, 1, 1, tzinfo=UTC), 1, take, "too dark", "", 1)
    stored = {path: StoredFile(sha256, 10, "image/png") for path, sha256 in SOURCES.items()}
    return Before("Plan #1", RunConfig(made, sources=stored), cells)


def steps(plan: Plan) -> dict[str, tuple[Step, str]]:
    return {cell.key: (cell.step, cell.why) for cell in plan.cells}


def test_a_first_run_adds_everything_and_costs_what_the_estimate_says() -> None:
    plan = planning.plan(production(), SOURCES, None, NEW)

    assert plan.counts == {"add": 4, "re-run": 0, "reuse": 0, "blocked": 0, "dropped": 0}
    assert plan.estimate.cells == 4
    assert sum(cell.generation_seconds for cell in plan.cells) < plan.estimate.generation_seconds


def test_the_same_production_reuses_everything_and_costs_nothing() -> None:
    plan = planning.plan(production(), SOURCES, before(production()), NEW)

    assert set(steps(plan).values()) == {(Step.REUSE, "take 1 is approved")}
    assert (plan.estimate.cells, plan.estimate.generation_seconds) == (0, 0.0)


def test_what_failed_or_was_rejected_is_made_again_with_its_reason() -> None:
    plan = planning.plan(production(), SOURCES, before(production(), dance=CellStatus.REJECTED), NEW)

    assert steps(plan)["Mara / dance / formal"] == (Step.RERUN, "was rejected (too dark)")
    assert steps(plan)["Mara / walk / formal"][0] is Step.REUSE


def test_a_change_touches_only_what_was_made_from_it() -> None:
    old = production()
    changes = {
        "changed: fps 12 → 24": {"scene_types": (replace(old.scene_types[0], fps=24), old.scene_types[1])},
        "changed: prompt": {"scene_types": (replace(old.scene_types[0], prompt="{character} bows"), old.scene_types[1])},
    }
    for why, change in changes.items():
        found = steps(planning.plan(production(**change), SOURCES, before(old), NEW))
        assert found["Ivo / dance / formal"] == (Step.RERUN, why)
        assert found["Ivo / walk / formal"][0] is Step.REUSE


def test_another_picture_makes_the_scenes_of_that_character_again() -> None:
    found = steps(planning.plan(production(), SOURCES | {"ivo.png": "c" * 64}, before(production()), NEW))

    assert found["Ivo / walk / formal"] == (Step.RERUN, "changed: source images")
    assert found["Mara / walk / formal"][0] is Step.REUSE


def test_what_everything_is_made_from_makes_everything_again() -> None:
    for change, word in (({"seed": 5}, "seed"), ({"backend": "command"}, "backend"), ({"locations": ()}, "location")):
        plan = planning.plan(production(**change), SOURCES, before(production()), NEW)
        assert {step for step, _ in steps(plan).values()} == {Step.RERUN}
        assert all(word in why for _, why in steps(plan).values())


def test_new_cells_are_added_and_gone_ones_named() -> None:
    changed = production(matrix=Matrix(("Mara",), ("dance",), ("formal",)), shots=(Shot("finale", "walk", 1, "Mara", "formal"),))

    plan = planning.plan(changed, SOURCES, before(production()), NEW)

    assert steps(plan)["s001 finale / Mara / formal"] == (Step.ADD, "new")
    assert plan.dropped == ("Mara / walk / formal", "Ivo / dance / formal", "Ivo / walk / formal")


def test_human_gates_block_until_people_decide() -> None:
    shots = (Shot("one", "walk", 1, "Mara", "formal"), Shot("two", "walk", 1, "Mara", "formal", after=("one",)))
    plan = planning.plan(production(shots=shots, matrix=None, approvals=Approvals()), SOURCES, None, NEW)

    assert [len(cell.waits_for) for cell in plan.cells] == [1, 2]
    assert plan.cells[1].waits_for[1] == "your decision on scene s001 one / Mara / formal"


def test_an_approved_image_that_comes_out_the_same_waits_for_nobody() -> None:
    made = production(approvals=Approvals())
    run = replace(before(made, dance=CellStatus.REVIEW), images=("Mara / formal",))

    def blocked(new: Production, sources: dict[str, str] = SOURCES) -> set[str]:
        return {cell.key for cell in planning.plan(new, sources, run, NEW).cells if cell.waits_for}

    ivo, mara = ({f"{name} / {kind} / formal" for kind in ("dance", "walk")} for name in ("Ivo", "Mara"))
    assert blocked(made) == ivo
    assert planning.plan(made, SOURCES, run, NEW).counts["blocked"] == 2
    assert blocked(replace(made, variants=(Variant("formal", "coat"),))) == ivo | mara
    assert blocked(replace(made, seed=4)) == ivo | mara
    assert blocked(made, SOURCES | {"mara.png": "c" * 64}) == ivo | mara


def test_a_shot_does_not_wait_for_a_decision_that_is_made() -> None:
    shots = (Shot("one", "walk", 1, "Mara", "formal"), Shot("two", "dance", 1, "Mara", "formal", after=("one",)))
    made = production(shots=shots, matrix=None, approvals=Approvals())
    run = replace(before(made, dance=CellStatus.FAILED), images=("Mara / formal",))

    assert [cell.waits_for for cell in planning.plan(made, SOURCES, run, NEW).cells] == [(), ()]


def test_gates_alone_are_no_change_of_the_production() -> None:
    config = before(production()).config

    assert not planning.differs(production(approvals=Approvals()), SOURCES, config)
    assert planning.differs(production(seed=1), SOURCES, config)
    assert planning.differs(production(), SOURCES | {"mara.png": "c" * 64}, config)
