"""The page of a cell: found by its id, complete, told in words, and read in few statements."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from pipeline.domain.cell_page import CellPage
from pipeline.domain.errors import NotFound, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals, Shot
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus
from pipeline.domain.work import Measurement
from tests.factories import AUTO, HUMAN, PERSON, House, make_production
from tests.fakes import failing

KEY = "c1 / s1 / v1"
ONLY = Selection(keys=(KEY,))


def page(house: House, run: Run, key: str = KEY) -> CellPage:
    return house.studio.cells.page(house.cells(run)[key].id)


def test_a_cell_that_is_not_there_is_not_found(house: House) -> None:
    house.start(make_production())
    for cell_id in (0, -1, 9999, 2**62):
        with pytest.raises(NotFound):
            house.studio.cells.page(cell_id)
        with pytest.raises(NotFound):
            house.studio.cells.find(cell_id)


def test_a_cell_that_nobody_asked_for_says_so(house: House) -> None:
    run = house.create(make_production())
    view = page(house, run)
    assert (view.shown, view.takes, view.jobs, view.story) == ("not_started", (), (), ())
    assert [found.still.key for found in view.stills] == ["c1", "c1 / v1"]


def test_a_blocked_cell_names_what_it_waits_for_and_who_chooses(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, candidates=3, approvals=HUMAN))
    house.work()
    view = page(house, run)
    assert (view.shown, [str(unmet) for unmet in view.blocked_by]) == ("blocked", ["variant image c1 / v1 is in review"])
    assert view.stills[-1].candidates == (1, 2, 3)
    house.studio.review.approve_variant(run, "c1 / v1", PERSON, candidate=2)
    house.work()
    assert page(house, run).stills[-1].decided_by == "tester"


def test_a_take_has_its_segments_on_the_time_line_with_files_and_verdict(house: House) -> None:
    house.hands.measures["scene_qa"] = (Measurement("flicker", 0.5, "scene"),)
    run = house.start(make_production(characters=1, scene_types=1, variants=1, segments=3, approvals=Approvals("auto", "human")))
    house.work()
    view = page(house, run)
    [take] = view.takes
    assert [(one.number, one.first_frame, one.frames, one.shown) for one in take.segments] == [
        (1, 0, 2, "approved"), (2, 2, 1, "approved"), (3, 3, 1, "approved"),
    ]  # fmt: skip
    assert all(one.file for one in take.segments)
    assert take.scene is not None and take.shown == "review"
    assert take.verdict is not None and [found.measurement.name for found in take.verdict.findings] == ["flicker"]
    assert [job.name for job in view.jobs] == ["Assembly", "Quality check", "Segment 3", "Segment 2", "Segment 1"]
    assert all(job.attempts for job in view.jobs)


def test_the_story_gives_causes_in_words(house: House) -> None:
    house.hands.measures["scene_qa"] = (Measurement("flicker", 0.5, "scene"),)
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=HUMAN))
    house.work()
    house.studio.review.approve_variant(run, "c1 / v1", PERSON)
    house.work()
    house.studio.review.reject(run, ONLY, PERSON, reason="flicker", note="calmer")
    house.studio.retakes.again(run, KEY, PERSON, from_segment=2)
    house.work()
    told = [(line.text, line.because) for line in reversed(page(house, run).story)]
    finding = "QA found flicker of scene is 0.5, at most 0.02 is asked"
    assert told == [
        ("take 1 queued", "tester submitted 1 scene"),
        ("take 1 begun", "variant image c1 / v1 was approved by tester"),
        ("take 1 complete, now in review", finding),
        ("take 1 rejected", "tester: flicker"),
        ("take 2 queued", "tester asked for another take from segment 2"),
        ("take 2 begun", ""),
        ("take 2 complete, now in review", finding),
    ]


def test_a_failed_take_says_why_and_its_tries_are_told(house: House) -> None:
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("backend_error", "the model fell over"), times=9)
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    view = page(house, run)
    assert (view.shown, view.takes[0].shown, view.takes[0].reason) == ("failed", "failed", "the model fell over")
    assert [len(job.attempts) for job in view.jobs] == [3]
    assert "segment 1 of take 1 will be tried again" in [line.text for line in view.story]


def test_what_waits_for_a_cell_is_listed_with_its_cost(house: House) -> None:
    shots = (Shot("a", "s1", 1, character="c1"), Shot("b", "s1", 2, character="c1", after=("a",)))
    run = house.start(make_production(characters=1, scene_types=1, variants=0, shots=shots, approvals=Approvals("auto", "human")))
    house.work()
    first, second = sorted(house.cells(run).values(), key=lambda cell: cell.plan.ordinal)[-2:]
    view = house.studio.cells.page(first.id)
    assert [(one.cell.id, one.is_freed) for one in view.waiters] == [(second.id, True)]
    assert view.waiters[0].seconds > 0
    waits = house.studio.cells.page(second.id)
    assert ([cell.id for cell in waits.after], waits.shown) == ([first.id], "blocked")


def test_neighbours_are_those_of_the_matrix(house: House) -> None:
    run = house.create(make_production())
    cells = sorted(house.cells(run).values(), key=lambda cell: cell.plan.ordinal)
    views = [house.studio.cells.page(cell.id) for cell in cells]
    assert [view.before_id for view in views] == [None, *(cell.id for cell in cells[:-1])]
    assert [view.after_id for view in views] == [*(cell.id for cell in cells[1:]), None]
    assert [(view.position, view.total) for view in views][-1] == (7, 8)


def test_the_page_takes_as_many_statements_for_a_large_run_as_for_a_small_one(house: House) -> None:
    counts = []
    for characters in (1, 12):
        run = house.start(make_production(characters=characters, title=f"Run of {characters}"))
        house.work()
        statements: list[str] = []

        def note(connection: object, cursor: object, statement: str, *rest: object, seen: list[str] = statements) -> None:
            seen.append(statement)

        page(house, run)
        event.listen(house.studio.stores.engine, "before_cursor_execute", note)
        cell_id = house.cells(run)[KEY].id
        statements.clear()
        house.studio.cells.page(cell_id)
        event.remove(house.studio.stores.engine, "before_cursor_execute", note)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 25


def test_a_cancelled_cell_keeps_its_take(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human")))
    house.work()
    house.studio.submission.cancel(run, ONLY, PERSON)
    view = page(house, run)
    assert view.cell.status is CellStatus.CANCELLED
    assert view.takes[0].scene is not None


def test_cells_and_stills_of_one_number_are_told_apart(house: House) -> None:
    run = house.create(make_production(characters=3, scene_types=2, variants=2))
    for cell in house.cells(run).values():
        view = house.studio.cells.page(cell.id)
        assert [found.still.key for found in view.stills] == [
            cell.plan.character, f"{cell.plan.character} / {cell.plan.variant}",
        ]  # fmt: skip


def test_the_story_names_the_rule_behind_a_step_and_what_had_woken_it(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=Approvals("auto", "human")))
    few, many = {"field": "attempts", "at_most": 2}, {"field": "attempts", "above": 1}
    again = {"name": "again", "when": "cell.rejected", "where": few, "do": [{"submit": {"mode": "all"}}]}
    look = {"name": "look", "when": "cell.review", "where": many, "do": [{"flag": {"text": "hands"}}]}
    for spec in (again, look):
        stored = house.studio.triggers.save(spec, project=run.title, actor=PERSON)
        house.studio.triggers.approve(stored, PERSON)
    house.work()
    house.studio.review.reject(run, ONLY, PERSON, reason="flicker")
    for _ in range(5):
        house.studio.firing.settle()
        house.work()
    view = page(house, run)
    told = {line.text: view.by_rules.get(line.seq) for line in view.story}
    queued, flagged = told["take 2 queued"], told["flagged for review"]
    assert queued is not None and flagged is not None
    assert (queued.rule, queued.event, queued.about) == ("again", "scene rejected", KEY)
    assert (flagged.rule, flagged.event, flagged.reason) == ("look", "scene complete", "hands")
    assert told["take 1 queued"] is None
    house.studio.triggers.remove(house.studio.triggers.find("again"), PERSON)
    assert page(house, run).by_rules[next(line.seq for line in view.story if line.text == "take 2 queued")].rule_id is None
