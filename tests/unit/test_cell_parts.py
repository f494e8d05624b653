"""The parts of the scene page: worst measures first, marks where segments meet, names as plain text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from dash.development.base_component import Component

from components import cell, cell_actions, cell_player, cell_quality, cell_takes
from pipeline.domain.cell_page import CellPage, SceneFacts, SegmentView, TakeView
from pipeline.domain.cells import CellPlan
from pipeline.domain.quality import judge
from pipeline.domain.records import Cell, Run, StoredFile, Take
from pipeline.domain.rulesets import Rule
from pipeline.domain.statuses import CellStatus, RunStatus
from pipeline.domain.work import Measurement

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
RULES = (Rule("boundary_jump", "max", 0.25), Rule("sharpness", "min", 15), Rule("frame_count_error", "max", 0, "fail"))
FILE = StoredFile("a" * 64, 1, "video/mp4")


def make_take(number: int = 1, *measured: Measurement, made: int = 2) -> TakeView:
    take = Take(number, 1, number, 7, NOW, NOW, "", "", None, "", "", None, None)
    segments = tuple(
        SegmentView(part, (part - 1) * 24, 24, "approved" if part <= made else "not_started", FILE if part <= made else None)
        for part in (1, 2)
    )
    scene = FILE if made == 2 else None
    return TakeView(take, "review", segments, scene, has_picture=True, verdict=judge(measured, RULES), generation_s=12.0)


def make_page(*takes: TakeView, key: str = "c1 / s1 / v1", status: CellStatus = CellStatus.REVIEW, **more: Any) -> CellPage:
    run = Run(
        1, 1, "Harbor Nights", 1, RunStatus.RUNNING, "animatic", "/", "finalize", False, True, 0, NOW, None, None, 0, 0, 0, 0
    )
    found = Cell(1, 1, CellPlan(0, key, "s1", "c1", "v1"), status, NOW, len(takes), None, "", "", 3)
    scene = SceneFacts(2, 24, 640, 360, (24, 24), "human")
    parts: dict[str, Any] = {
        "run": run, "cell": found, "scene": scene, "blocked_by": (), "stills": (), "after": (), "waiters": (), "takes": takes,
        "jobs": (), "story": (), "before_id": None, "after_id": 2, "position": 0, "total": 2, "seq": 9, "now": NOW, "cost_s": 9.0,
    }  # fmt: skip
    return CellPage(**(parts | more))


def texts(part: Any) -> list[str]:
    """Every text in a tree of elements."""
    if isinstance(part, Component):
        return texts(getattr(part, "children", None))
    if isinstance(part, list | tuple):
        return [text for one in part for text in texts(one)]
    return [] if part is None else [str(part)]


def test_the_measure_farthest_beyond_its_limit_comes_first() -> None:
    take = make_take(
        1,
        Measurement("frame_count_error", 0, "segment 1"),
        Measurement("sharpness", 300, "segment 1"),
        Measurement("boundary_jump", 0.4, "boundary 1-2"),
    )
    told = texts(cell_quality.measures(take, None))
    assert told.index("jump") < told.index("sharpness") < told.index("frame count")
    assert ("▲ " in told, " 1▸2" in told) == (True, True)


def test_of_each_measure_the_worst_place_is_shown() -> None:
    take = make_take(1, Measurement("sharpness", 300, "segment 1"), Measurement("sharpness", 20, "segment 2"))
    assert take.verdict is not None
    assert cell_quality.worst(take.verdict.judged)["sharpness"].measurement.subject == "segment 2"


def test_a_boundary_lies_where_the_second_segment_begins() -> None:
    take = make_take(1, Measurement("boundary_jump", 0.4, "boundary 1-2"))
    [mark] = cell_player.clip(make_page(take), take)["boundaries"]
    assert mark == {"at": 24, "name": "1▸2", "value": 0.4, "limit": 0.25, "isOutside": True}


def test_what_failed_preselects_the_reason_that_fits() -> None:
    assert cell_actions.suggested(make_take(1, Measurement("boundary_jump", 0.4, "boundary 1-2"))) == "jump between segments"
    assert cell_actions.suggested(make_take(1, Measurement("sharpness", 3, "segment 1"))) == "soft picture"
    assert cell_actions.suggested(make_take(1)) == ""


def test_a_take_may_keep_what_is_made_but_never_all() -> None:
    assert cell_actions.kept_at_most(make_take(1, made=2)) == 1
    assert cell_actions.kept_at_most(make_take(1, made=0)) == 0
    assert cell_actions.kept_at_most(None) == 0


def test_two_takes_are_compared_only_where_both_can_be_played() -> None:
    whole, other, begun = make_take(3), make_take(2), make_take(1, made=1)
    view = make_page(whole, other, begun)
    assert cell.chosen(view, {"take": None, "mode": "single"}) == (whole, None)
    assert cell.chosen(view, {"take": None, "mode": "wipe"}) == (whole, other)
    assert cell.chosen(view, {"take": 2, "other": 1, "mode": "side"}) == (other, whole)
    assert cell.chosen(make_page(whole, begun), {"take": None, "mode": "wipe"}) == (whole, None)
    assert cell.state(make_page(whole, begun), {"mode": "wipe"})["mode"] == "single"


def test_the_take_to_look_at_first_is_the_newest_that_can_be_played() -> None:
    begun, whole = make_take(2, made=1), make_take(1)
    assert make_page(begun, whole).take(None) is whole
    assert make_page(begun).take(None) is begun
    assert make_page().take(None) is None
    assert make_page(begun, whole).take(99) is whole


@pytest.mark.parametrize("status", list(CellStatus))
def test_every_status_has_words_and_a_way_on(status: CellStatus) -> None:
    view = make_page(make_take(1), status=status)
    buttons = [one for one in texts(cell_actions.status(view)[-1]) if len(one) > 2]
    assert buttons, f"nothing can be done with a cell that is {status.value}"
    assert len(" ".join(texts(cell_actions.status(view)))) > 20


def test_after_a_rollback_everything_tells_of_the_take_in_force_and_not_of_the_newest() -> None:
    takes = [replace(view, shown="approved") for view in (make_take(2), make_take(1))]
    made = make_page(*takes, status=CellStatus.APPROVED)
    page = replace(made, cell=replace(made.cell, approved_take=1))
    assert page.take(None) == page.told == takes[1]
    status = "".join(texts(cell_actions.status(page)))
    assert "take 1" in status and "take 2" not in status
    newest, used = ("".join(texts(card)) for card in cell_takes.cards(page, takes[1], None))
    assert "not in use" in newest and "not in use" not in used
    assert page.take(2) == takes[0]


def test_an_approved_scene_may_go_back_to_the_approved_take_before() -> None:
    takes = [replace(make_take(number), take=replace(make_take(number).take, decision="approved")) for number in (3, 2, 1)]
    made = make_page(*takes, status=CellStatus.APPROVED)
    for in_force, told in ((3, "Back to take 2"), (2, "Back to take 1"), (1, "")):
        page = replace(made, cell=replace(made.cell, approved_take=in_force))
        offered = [text for text in texts(cell_actions.status(page)[-1]) if text.startswith("Back")]
        assert offered == ([told] if told else [])


def test_names_with_markup_stay_text() -> None:
    hostile = '<img src=x onerror=alert(1)> / "><script>'
    drawn = json.dumps(cell.page(make_page(make_take(1), key=hostile), {"mode": "single"}).to_plotly_json(), default=_plain)
    assert "dangerously" not in drawn
    assert hostile in texts(cell.page(make_page(make_take(1), key=hostile), {"mode": "single"}))


def _plain(part: Component) -> Any:
    return part.to_plotly_json()
