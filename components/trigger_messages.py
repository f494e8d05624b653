"""What rules have told people and programs: every message with what became of it, and those that were given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from components import drawn, frame, words
from pipeline.domain.rules.messages import Message
from pipeline.domain.rules.vocabulary import EVENTS

LIST, SHOWN, HEAD, AGAIN = "messages-list", "messages-shown", "messages-head", "messages-again"
GROUPS = {"": "everything", "dead": "given up", "failed": "tried again", "waiting": "waiting", "sent": "sent"}
_STATES = {
    "sent": ("✓", "tr-good", "sent"),
    "dead": ("✕", "tr-bad", "given up"),
    "failed": ("▲", "tr-warn", "tried again"),
    "waiting": ("…", "faint", "waiting"),
}
_KINDS = {"in_app": "in the app", "apprise": "channel", "webhook": "webhook"}
_EMPTY = (
    "Rules can tell people in the app, write to a channel outside, or call a webhook. Every such message is listed here with "
    "what became of it. One that does not arrive is tried again, later and later; one that is given up waits here with the "
    "reason, and can be sent again by hand."
)


@dataclass(frozen=True)
class View:
    """The newest messages, of one state when `shown` names it; `dead` says how many of the newest were given up."""

    messages: Sequence[Message]
    now: datetime
    shown: str = ""
    dead: int = 0


def page(view: View) -> Component:
    """The page as it is now."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Messages", className="h1"),
                    html.Span(head(view), id=HEAD, className="muted num"),
                    html.Span(className="spread"),
                    dcc.Link("Log", href="/triggers/log", className="btn ghost"),
                    dcc.Link("Rules", href="/triggers", className="btn ghost"),
                ],
                className="page-head",
            ),
            html.Div(chips(view), id=SHOWN, className="tl-chips tm-chips", role="group", **{"aria-label": "What is shown"}),
            html.Section(drawn.place(LIST, rows(view)), className="card tm-card", **{"aria-label": "Messages"}),
            dcc.Store(id=AGAIN, data=0),
            dcc.Store(id=f"{SHOWN}-now", data=view.shown),
            frame.keys_of(),
        ],
        className="page triggers-messages",
    )


def head(view: View) -> list[Component | str]:
    """How many could not be delivered."""
    if not view.dead:
        return ["what rules tell people and programs · newest first"]
    return [html.Span("✕ ", className="tr-bad"), html.B(f"{view.dead:,}"), " given up · newest first"]


def chips(view: View) -> list[Component]:
    """Which of them are shown."""
    return [
        html.Button(
            [f"{word} ", *([html.B(f"{view.dead:,}", className="num")] if key == "dead" and view.dead else [])],
            id={"type": SHOWN, "index": key},
            className="chip",
            **{"aria-pressed": str(view.shown == key).lower()},
        )
        for key, word in GROUPS.items()
    ]


def rows(view: View) -> list[Component]:
    """A line a message; what messages are for where there is none."""
    if not view.messages:
        return [_nothing(view)]
    columns = [html.Th(word, scope="col", className=name) for word, name in _COLUMNS]
    body = [_row(one, view.now) for one in view.messages]
    return [html.Table([html.Thead(html.Tr(columns)), html.Tbody(body)], className="tm-list")]


_COLUMNS = (
    ("Written", "tm-when"), ("What it says", ""), ("To", "tm-to"), ("Tries", "r tm-tries"), ("What became of it", "tm-state"),
    ("", "tm-do"),
)  # fmt: skip


def _nothing(view: View) -> Component:
    told = {"dead": "Nothing was given up. Every message has arrived, or is still on its way."}.get(view.shown)
    if view.shown and told is None:
        told = "No message stands like this now."
    title = "Nothing here" if view.shown else "No message yet"
    return html.Div([html.H2(title, className="h1"), html.P(told or _EMPTY)], className="tr-empty")


def _row(one: Message, now: datetime) -> Component:
    glyph, look, word = _STATES.get(one.state, ("·", "faint", one.state))
    state: list[Component | str] = [html.Span(f"{glyph} ", className=look), html.B(word)]
    if one.state == "sent" and one.sent_at is not None:
        state += [" ", words.since(one.sent_at, now)]
    if one.state == "failed":
        state.append(f", next try {words.clock(one.due_at, now)}")
    if one.last_error and one.state != "sent":
        state.append(html.Div(one.last_error, className="muted tm-error"))
    to = html.Div([html.Span(one.target, className="tm-target"), html.Div(_KINDS.get(one.kind, one.kind), className="faint")])
    return html.Tr(
        [
            html.Td(words.clock(one.created_at, now), className="num muted tm-when", title=words.exactly(one.created_at)),
            html.Td(_says(one)),
            html.Td(to),
            html.Td(f"{one.attempts:,}" if one.attempts else "", className="r num muted"),
            html.Td(state),
            html.Td(_again(one), className="tm-do"),
        ]
    )


def _says(one: Message) -> Component:
    payload = one.payload
    text = str(payload.get("text") or payload.get("title") or "")
    event = payload.get("event")
    rule = str(payload.get("rule") or "")
    by: list[Component | str] = [f"by {rule}"] if rule else []
    if isinstance(event, dict) and event.get("seq"):
        kind = EVENTS.get(str(event.get("type")))
        link = dcc.Link(kind.words if kind else "the event", href=f"/triggers/log?event={event['seq']}")
        by += [", because of ", link] if by else ["because of ", link]
    said = html.Div(text, className="tm-text") if text else html.Div("no text of its own", className="faint")
    return html.Div([said, html.Div(by, className="muted")])


def _again(one: Message) -> Component | None:
    """Only what was given up: everything else arrives by itself."""
    if one.state != "dead":
        return None
    told = {"aria-label": f"Send message {one.id} again", "data-message": str(one.id)}
    return html.Button("Send again", className="btn sm tm-again", **told)
