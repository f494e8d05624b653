"""The actions of a rule as parts of its sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.rule_parts import choose, press, write
from pipeline.domain.rules.checks import Names
from pipeline.domain.rules.drafts import Draft
from pipeline.domain.rules.model import Kind

_KINDS = {
    Kind.SUBMIT: "submit", Kind.QA: "run QA on", Kind.ASSEMBLE: "assemble", Kind.PACKAGE: "package", Kind.NOTIFY: "notify",
    Kind.WEBHOOK: "call webhook", Kind.APPROVE: "approve it", Kind.FLAG: "flag it for review", Kind.PAUSE: "pause",
}  # fmt: skip
_MODES = [("missing", "that are not made yet"), ("failed", "that failed"), ("all", "anew")]
_GROUPS = {"scene_types": ("scene type", "scenes of "), "characters": ("character", ""), "variants": ("variant", "")}


def step(step: Draft, path: str, names: Names, *, number: int, is_many: bool) -> Component:
    """One action with all that belongs to it."""
    kind = step["kind"]
    parts: list[Component | str] = [
        html.Span(str(number), className="rf-number-of"),
        choose(f"{path}.kind", "Action", [(key.value, word) for key, word in _KINDS.items()], kind, strong=True),
        *_details(step, path, names),
    ]
    if is_many:
        parts.append(press("remove", path, "×", f"Remove action {number}"))
    return html.Div(parts, className="rf-step")


def _details(step: Draft, path: str, names: Names) -> list[Component | str]:
    kind = step["kind"]
    if kind in (Kind.SUBMIT, Kind.QA, Kind.ASSEMBLE):
        parts: list[Component | str] = []
        for group, (word, _) in _GROUPS.items():
            parts += ["of" if parts else "", _selected(f"{path}.{group}", word, step[group], getattr(names, group))]
        return [*parts, choose(f"{path}.mode", "Which of them", _MODES, step["mode"])] if kind == Kind.SUBMIT else parts
    if kind in (Kind.PACKAGE, Kind.PAUSE):
        other = ("character", "the character") if kind == Kind.PACKAGE else ("scene_type", "the scene type")
        return [choose(f"{path}.of", "Of what", [("run", "the whole run"), other], step["of"])]
    if kind == Kind.NOTIFY:
        return [
            _channel(path, step["to"], sorted(names.channels or ())),
            write(f"{path}.text", "Text", step["text"], "what is said", wide=True),
        ]
    if kind == Kind.WEBHOOK:
        return [write(f"{path}.url", "Address", step["url"], "https://example.com/hook", wide=True)]
    return [write(f"{path}.text", "Text", step["text"], "what is said", wide=True)] if kind == Kind.FLAG else []


def _channel(path: str, now: str, known: Sequence[str]) -> Component:
    if not known:
        return write(f"{path}.to", "Channel", now, "channel")
    return choose(f"{path}.to", "Channel", [(name, name) for name in dict.fromkeys([*known, now])], now)


def _selected(path: str, word: str, now: Any, known: Any) -> Component:
    """The same as the event's, all, one by name, or several as text."""
    if isinstance(now, list) and len(now) > 1:
        return write(path, f"Which {word}s", ", ".join(now), "same")
    value = now[0] if isinstance(now, list) else now
    options = [("same", f"the same {word}"), ("all", f"every {word}"), *((name, name) for name in known or ())]
    return choose(path, f"Which {word}s", options if value in dict(options) else [*options, (value, value)], value)
