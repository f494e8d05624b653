"""Long lists as plain values: what they are made of, and that nothing of them is read as markup."""

from __future__ import annotations

import dash_bootstrap_components as dbc
import pytest
from dash import dcc, html

from components import drawn, trigger_tree
from pipeline.domain.rules.aftermath import Aftermath, Traces
from pipeline.domain.rules.snapshot import Cost
from tests.unit.test_rule_aftermath import fired
from tests.unit.test_rule_pages import text_of


def test_elements_become_tags_with_their_attributes_and_text() -> None:
    part = html.Span(
        ["a ", 7, None, [html.B("b", title="<b>")]], className="x", style={"--level": 2}, hidden=True, **{"data-step": "3"}
    )
    assert drawn.drawing("here", [part, None])["parts"] == [
        {
            "tag": "span", "style": {"--level": "2"}, "props": {"class": "x", "hidden": "", "data-step": "3"},
            "children": ["a ", "7", {"tag": "b", "props": {"title": "<b>"}, "style": {}, "children": ["b"]}],
        }
    ]  # fmt: skip


def test_links_of_the_program_stay_links_of_the_program() -> None:
    [link] = drawn.drawing("here", [dcc.Link("c1", href="/cells/1")])["parts"]
    assert (link["tag"], link["props"]) == ("a", {"href": "/cells/1", "data-link": ""})


def test_what_is_more_than_markup_is_not_drawn() -> None:
    for part in (dbc.Input(), dcc.Graph(), html.Div(dcc.Store(id="data"))):
        with pytest.raises(TypeError, match="cannot be drawn"):
            drawn.drawing("here", [part])


def test_the_tree_tells_every_firing_with_its_cost_and_the_totals_of_all() -> None:
    last = Aftermath(fired(3, 30, depth=2), "auto-qa", "cell.review", "c1 / s1 / v1", Traces(Cost(1, 0.5)))
    first = Aftermath(fired(1, 10), "auto-scenes", "still.approved", "c1 / v1", Traces(Cost(8, 90.0, 0, 4.4), 2), (last,))
    said = text_of(trigger_tree.tree([first]))
    assert "8 jobs1 min 30 s GPU4.402 not done" in said
    assert "scene complete, c1 / s1 / v1" in said
    assert "In all 2 firings, depth 2 at most9 jobs" in said
    assert drawn.drawing("here", trigger_tree.tree([first]))["parts"]


def test_a_tree_without_firings_says_so() -> None:
    assert "No rule fired" in text_of(trigger_tree.tree([]))
