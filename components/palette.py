"""Status -> glyph and word. The colours are the custom properties `--status-…` of assets/tokens.css, one for each theme."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

GLYPHS = {
    "not_started": "·",
    "blocked": "⊘",
    "queued": "…",
    "generating": "▸",
    "review": "◉",
    "approved": "✓",
    "rejected": "↺",
    "failed": "✕",
    "cancelled": "–",
}
"""Every status that is shown, in the order of a cell's life; `blocked` is computed."""

WORDS = {status: status.replace("_", " ") for status in GLYPHS}


def badge(status: str, word: str = "") -> Component:
    """A small filled square with the status's glyph; the word (another one where it is not a cell's) is its label."""
    label = word or WORDS[status]
    return html.Span(GLYPHS[status], className=f"badge-status st-{status}", title=label, role="img", **_label(label))


def _label(text: str) -> dict[str, str]:
    return {"aria-label": text}
