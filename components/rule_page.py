"""The page on which a rule is written: the sentence on the left, what it would do on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from components import frame, rule_form, rule_preview
from pipeline.domain.rules.checks import Names
from pipeline.domain.rules.drafts import Draft
from pipeline.domain.rules.stored import StoredRule

DRAFT, OF, FORM, SIDE, GO = "rule-draft", "rule-of", "rule-form", "rule-side", "rule-go"
REPLAY = "rule-replay"
SAVE, APPROVE, REMOVE, PROJECT = "rule-save", "rule-approve", "rule-remove", "rule-project"


@dataclass(frozen=True)
class View:
    """A draft, the saved rule that it is of (None for a new one), and what it would do."""

    draft: Draft
    stored: StoredRule | None
    project: str
    projects: Sequence[str]
    names: Names
    preview: rule_preview.Preview
    replay: Sequence[Component] = ()


def page(view: View) -> Component:
    """The page as it is now."""
    stored = view.stored
    of = {"id": stored.id if stored else None, "version": stored.version if stored else 0, "project": view.project}
    waits = stored is not None and not stored.rule.approved
    return html.Div(
        [
            dcc.Store(id=DRAFT, data=view.draft),
            dcc.Store(id=OF, data=of),
            dcc.Location(id=GO, refresh="callback-nav"),
            html.Div(
                [
                    html.H1(stored.name if stored else "New rule", className="visually-hidden"),
                    rule_form.name_field(view.draft),
                    html.Span(_standing(stored), className="muted"),
                    html.Span(className="spread"),
                    *_leads(stored),
                    dcc.Link("All rules", href="/triggers", className="btn ghost"),
                    html.Button("Remove", id=REMOVE, className="btn danger", hidden=stored is None),
                    html.Button("Approve this version", id=APPROVE, className="btn", hidden=not waits),
                    html.Button(save_word(view.preview), id=SAVE, className="btn primary"),
                ],
                className="page-head",
            ),
            html.Div(
                [
                    html.Div(form(view), id=FORM, className="rule-form"),
                    html.Div(
                        [html.Div(rule_preview.panel(view.preview), id=SIDE), html.Section(view.replay, id=REPLAY)],
                        className="rule-side",
                        tabIndex=0,
                    ),
                ],
                className="rule-cols",
            ),
            frame.keys_of(),
        ],
        className="page rule",
    )


def _leads(stored: StoredRule | None) -> list[Component]:
    """From a saved rule to where it is tried, and to why it did not fire."""
    if stored is None:
        return []
    return [
        dcc.Link("Why did it not fire?", href=f"/triggers/log?rule={stored.id}", className="btn ghost", id="rule-why"),
        dcc.Link("Test console", href=f"/triggers/test?rule={stored.id}", className="btn ghost", id="rule-test"),
    ]


def form(view: View) -> list[Component]:
    """The sentence."""
    trial = view.preview.trial
    return rule_form.form(view.draft, view.names, view.project, trial.funnel if trial else None)


def save_word(preview: rule_preview.Preview) -> str:
    """What saving leads to."""
    return "Save and ask for approval" if preview.rule is not None and preview.rule.can_generate else "Save"


def _standing(stored: StoredRule | None) -> str:
    if stored is None:
        return "new, nothing is saved yet"
    state = "waits for an admin" if not stored.rule.approved else "on" if stored.enabled else "off"
    return f"v{stored.version}, {state} · saved by {stored.saved_by.partition(':')[2] or stored.saved_by}"
