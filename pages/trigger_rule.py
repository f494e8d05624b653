"""A rule is written here as a sentence, tried on today's board with each change, saved and approved."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, ctx, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from components import frame, ids, rule_page, rule_parts, rule_preview, trigger_replay
from pipeline.domain.errors import NotFound
from pipeline.domain.rules.drafts import FRESH, Draft, changed, meant, opened, part_at, plain, pressed
from pipeline.domain.rules.periods import Span
from pipeline.domain.rules.reading import read_rule
from pipeline.domain.rules.stored import StoredRule
from pipeline.domain.rules.templates import TEMPLATES
from pipeline.wiring_serving import current_studio, local_actor

_SETTING = {"operator": 1, "field": 2, "kind": 2}

dash.register_page(__name__, path_template="/triggers/rule/<rule>", title="Rule – Stripboard", name="Rule")


async def layout(rule: str = "new", template: str = "", **_: str) -> Component:
    """A saved rule by its number, or a new one, from a template when one is named."""
    return rule_page.page(await asyncio.to_thread(_opened, rule, template))


def _opened(rule: str, template: str) -> rule_page.View:
    studio = current_studio()
    projects = list(dict.fromkeys(run.title for run in studio.runs.all()))
    if rule == "new":
        usual = next((dict(one.rule) for one in TEMPLATES if one.key == template), dict(FRESH))
        draft = opened({**usual, "everywhere": not projects})
        return _view(draft, None, projects[0] if projects else "")
    stored = studio.triggers.find(rule)
    return _view(opened(stored.spec), stored, stored.project or "")


def _view(draft: Draft, stored: StoredRule | None, project: str) -> rule_page.View:
    pages = current_studio().trigger_pages
    names = pages.names(project or None)
    preview = _preview(draft, stored.id if stored else None, project)
    return rule_page.View(draft, stored, project, (), names, preview, _replay(draft, project, Span.WEEK))


def _preview(draft: Draft, rule_id: int | None, project: str) -> rule_preview.Preview:
    pages = current_studio().trigger_pages
    read = read_rule(plain(draft), project=project or None, names=pages.names(project or None))
    if not read.rules:
        return rule_preview.Preview(None, read.issues)
    tried = pages.trial(read.rules[0] if rule_id is None else replace(read.rules[0], id=str(rule_id)))
    if tried is None:
        return rule_preview.Preview(read.rules[0])
    return rule_preview.Preview(read.rules[0], (), tried.run, tried.trial, tried.left)


@callback(
    Output(rule_page.DRAFT, "data"),
    Output(rule_page.FORM, "children"),
    Output({"type": rule_parts.FLOW, "path": ALL}, "children"),
    Output(rule_page.SIDE, "children"),
    Output(rule_page.SAVE, "children"),
    Input({"type": rule_parts.FIELD, "path": ALL}, "value"),
    Input({"type": rule_parts.PRESS, "path": ALL, "verb": ALL}, "n_clicks"),
    State(rule_page.DRAFT, "data"),
    State(rule_page.OF, "data"),
    prevent_initial_call=True,
)
async def change(_: object, __: object, draft: Draft, of: dict[str, Any]) -> tuple[object, ...]:
    """One part of the sentence was changed, added or removed: the rest follows.

    The sentence itself is drawn anew only where it has other parts now, or holds something else than is seen: whoever writes in
    the next field meanwhile would lose it.
    """
    made = _changed(draft)
    counts = [place["id"]["path"] for place in ctx.outputs_list[2]]
    before, form, side, word = await asyncio.to_thread(_answer, draft, made, of)
    if not _is_seen(before, form, dict(_written(ctx.inputs_list[0]))):
        return made, form, [no_update] * len(counts), side, word
    told = rule_parts.flows(form)
    return made, no_update, [told[path] for path in counts], side, word


def _written(fields: list[Any]) -> list[tuple[str, Any]]:
    """What stands in the fields of the page, with their paths."""
    return [(field["id"]["path"], field.get("value")) for field in fields]


def _is_seen(before: list[Component], after: list[Component], seen: dict[str, Any]) -> bool:
    holds = rule_parts.values(after)
    is_same = rule_parts.outline(before) == rule_parts.outline(after)
    return is_same and all(_plain(value) == _plain(seen.get(path)) for path, value in holds.items())


def _plain(value: object) -> str:
    """What a field shows: a number may come back as a text, and nothing as none."""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value or "")


def _replay(draft: Draft, project: str, span: Span) -> list[Component]:
    """What the draft would have done in a period up to now, in the newest run that it applies to."""
    studio = current_studio()
    read = read_rule(plain(draft), project=project or None, names=studio.trigger_pages.names(project or None))
    if not read.rules:
        told = "As soon as the rule can be tried, its past is replayed here."
        return trigger_replay.section(rule_page.REPLAY, trigger_replay.View(span), problem=told)
    made = studio.trigger_console.replay(read.rules[:1], span)
    view = trigger_replay.View(span, made.run, made.period, made.is_cut) if made else trigger_replay.View(span)
    return trigger_replay.section(rule_page.REPLAY, view)


@callback(
    Output(rule_page.REPLAY, "children"),
    Input({"type": trigger_replay.SPAN, "place": rule_page.REPLAY, "span": ALL}, "n_clicks"),
    Input(rule_page.DRAFT, "data"),
    State({"type": trigger_replay.SPAN, "place": rule_page.REPLAY, "span": ALL}, "aria-pressed"),
    State(rule_page.OF, "data"),
    prevent_initial_call=True,
)
async def replay(_: object, draft: Draft, marks: list[str], of: dict[str, Any]) -> list[Component]:
    """The chosen period through the draft as it stands."""
    if not ctx.triggered or ctx.triggered[0]["value"] is None:
        raise PreventUpdate
    at = ctx.triggered_id
    shown = next((span for span, mark in zip(Span, marks, strict=False) if mark == "true"), Span.WEEK)
    span = Span(at["span"]) if isinstance(at, dict) else shown
    return await asyncio.to_thread(_replay, draft, of["project"], span)


def _changed(draft: Draft) -> Draft:
    """The draft after what was touched; a part that was only drawn changes nothing.

    What stands in the other places counts, too: somebody may have gone on before an earlier change was answered.
    """
    at, value = ctx.triggered_id, ctx.triggered[0]["value"] if ctx.triggered else None
    if not at or value is None:
        raise PreventUpdate
    path = at["path"]
    made = _with_all(draft, [(other, text) for other, text in _written(ctx.inputs_list[0]) if other != path])
    if at["type"] == rule_parts.PRESS:
        return pressed(made, at["verb"], path)
    made = _with(made, path, value)
    if made == draft:
        raise PreventUpdate
    return made


def _with_all(draft: Draft, written: list[tuple[str, Any]]) -> Draft:
    """The draft with what stands in many places: last the parts that, where they are new, set their neighbours afresh."""
    for path, value in sorted(written, key=lambda one: _SETTING.get(one[0].rpartition(".")[2], 0)):
        draft = _with(draft, path, value)
    return draft


def _with(draft: Draft, path: str, value: Any) -> Draft:
    """The draft with what stands in one place; as it is where that place is there no more, or holds it already."""
    try:
        wanted = meant(draft, path, value)
        is_new = value is not None and part_at(draft, path) != wanted
        return changed(draft, path, wanted) if is_new else draft
    except (KeyError, IndexError, TypeError):
        return draft


def _answer(before: Draft, draft: Draft, of: dict[str, Any]) -> tuple[Any, ...]:
    """The sentence as it was and as it is, both with what can be told of the draft now; the panel; the word of the button."""
    preview = _preview(draft, of["id"], of["project"])
    names = current_studio().trigger_pages.names(of["project"] or None)
    view = rule_page.View(draft, None, of["project"], (), names, preview)
    was = rule_page.form(replace(view, draft=before))
    return was, rule_page.form(view), rule_preview.panel(preview), rule_page.save_word(preview)


@callback(
    Output(rule_page.GO, "href"),
    Input(rule_page.SAVE, "n_clicks"),
    State({"type": rule_parts.FIELD, "path": ALL}, "value"),
    State(rule_page.DRAFT, "data"),
    State(rule_page.OF, "data"),
    prevent_initial_call=True,
)
async def save(pressed_: int | None, _: object, draft: Draft, of: dict[str, Any]) -> str:
    """Save what stands in the page, answered or not: the list shows it then, and whether it waits for an admin."""
    if not pressed_:
        raise PreventUpdate
    stored = await asyncio.to_thread(_save, _with_all(draft, _written(ctx.states_list[0])), of)
    told = "It waits for an admin." if not stored.rule.approved else "It is on." if stored.enabled else "It is off."
    set_props(ids.TOASTS, {"children": frame.toast(f"{stored.name} is saved as version {stored.version}. {told}")})
    return "/triggers"


def _save(draft: Draft, of: dict[str, Any]) -> StoredRule:
    return current_studio().triggers.save(
        plain(draft), project=of["project"] or None, actor=local_actor(), rule_id=of["id"]
    )  # fmt: skip


@callback(
    Output(rule_page.GO, "href", allow_duplicate=True),
    Input(rule_page.APPROVE, "n_clicks"),
    Input(rule_page.REMOVE, "n_clicks"),
    State(rule_page.OF, "data"),
    prevent_initial_call=True,
)
async def decide(_: int | None, __: int | None, of: dict[str, Any]) -> str:
    """Approve the version that is seen here, or take the rule away."""
    if not ctx.triggered or not ctx.triggered[0]["value"]:
        raise PreventUpdate
    told = await asyncio.to_thread(_decide, ctx.triggered_id == rule_page.APPROVE, of)
    set_props(ids.TOASTS, {"children": frame.toast(told)})
    return "/triggers"


def _decide(is_approval: bool, of: dict[str, Any]) -> str:
    studio = current_studio()
    if of["id"] is None:
        raise NotFound("Save the rule first.")
    stored = studio.triggers.find(of["id"])
    if is_approval:
        studio.triggers.approve(stored, local_actor(), version=of["version"])
        return f"{stored.name} v{of['version']} is approved. It fires from now on."
    studio.triggers.remove(stored, local_actor())
    return f"{stored.name} is removed. What it did stays in the log."
