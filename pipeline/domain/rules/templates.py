"""The usual rules, as data in the form that `reading` takes. Each is complete; a name of a channel may be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RuleTemplate:
    """A rule to start from, with what it is good for."""

    key: str
    help: str
    rule: Mapping[str, Any]


_MADE_IMAGE = {"field": "kind", "is": "variant"}
TEMPLATES: tuple[RuleTemplate, ...] = (
    RuleTemplate(
        "auto-scenes",
        "As soon as a variant image is approved, its scenes are asked for.",
        {
            "name": "auto-scenes",
            "when": "still.approved",
            "where": _MADE_IMAGE,
            "do": [{"submit": {"scene_types": "all"}}],
            "fuel": {"firings": 20, "jobs": 500, "gpu_seconds": 14_400},
        },
    ),
    RuleTemplate(
        "auto-qa",
        "A scene whose QA came out flagged is measured once more when it comes to review, and people are asked to look.",
        {
            "name": "auto-qa",
            "when": "cell.review",
            "where": {"field": "qa.verdict", "is": "flag"},
            "do": [{"qa": {}}, {"flag": {"text": "QA has flagged it."}}],
        },
    ),
    RuleTemplate(
        "auto-package",
        "When the last scene of a character is approved, its package is ordered, and the producers are told so.",
        {
            "name": "auto-package",
            "when": "cell.approved",
            "where": {"field": "character.all_approved", "is": True},
            "do": [{"package": {"of": "character"}}, {"notify": {"to": "producers", "text": "A character is complete."}}],
            "per": "character",
            "once": True,
        },
    ),
    RuleTemplate(
        "notify-when-sealed",
        "When the package of a character is sealed, the producers are told.",
        {
            "name": "notify-when-sealed",
            "when": "delivery.sealed",
            "where": {"field": "character", "is_not": ""},
            "do": [{"notify": {"to": "producers", "text": "The package of a character is sealed."}}],
        },
    ),
    RuleTemplate(
        "notify-on-failure",
        "When scenes fail, the producers are told: one message for what fails within a minute.",
        {
            "name": "notify-on-failure",
            "when": "cell.failed",
            "do": [{"notify": {"to": "producers", "text": "A scene has failed."}}],
            "wait_s": 60,
        },
    ),
    RuleTemplate(
        "pause-column",
        "When three scenes of one type have failed, nothing more of that type is started.",
        {
            "name": "pause-column",
            "when": "cell.failed",
            "where": {"field": "scene_type.failed", "at_least": 3},
            "do": [{"pause": {"of": "scene_type"}}, {"notify": {"to": "producers", "text": "A scene type is paused."}}],
            "per": "scene_type",
            "priority": 100,
        },
    ),
    RuleTemplate(
        "retry-failed",
        "A scene that fails is asked for again, twice at most.",
        {
            "name": "retry-failed",
            "when": "cell.failed",
            "where": {"field": "attempts", "at_most": 2},
            "do": [{"submit": {"mode": "failed"}}],
        },
    ),
    RuleTemplate(
        "approve-when-reliable",
        "While more than nine of ten scenes of a type pass QA, its scenes are approved as they come; else people look.",
        {
            "name": "approve-when-reliable",
            "when": "cell.review",
            "where": {"field": "qa.verdict", "is": "pass"},
            "if": {"field": "scene_type.pass_rate", "above": 90, "sample": 10},
            "do": ["approve"],
            "else": [{"flag": {"text": "Too few scenes of this type pass QA."}}],
        },
    ),
)
