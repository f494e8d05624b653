"""Everything that is wrong with a production, at once."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pipeline.domain.document import Parsed
from pipeline.domain.files import Facts
from pipeline.domain.issues import Issue, Report, in_order
from pipeline.domain.presets import Presets
from pipeline.domain.sources import Document
from pipeline.domain.validation import (
    backends,
    budgets,
    cells,
    declared,
    file_names,
    files,
    inactive,
    looks,
    outputs,
    quality,
    texts,
    timeline,
    triggers,
    workflows,
)
from pipeline.domain.validation.subject import Subject

__all__ = ["Totals", "check", "check_budget"]


class Totals(Protocol):
    """What an estimate says in sum."""

    @property
    def generation_seconds(self) -> float:
        """Time of all generation."""
        ...

    @property
    def disk_bytes(self) -> int:
        """Space of everything made."""
        ...


def check(
    parsed: Parsed,
    document: Document,
    presets: Presets,
    *,
    facts: Facts | None = None,
    estimate: Totals | None = None,
    now: datetime | None = None,
) -> tuple[Issue, ...]:
    """All issues of a parsed production: those of its reading and those of its meaning, worst first.

    `facts` are what a probe found of the files; without them files are not judged. `estimate` is held against the budget, and
    `now` against the deadline.
    """
    report = Report(document.places, list(parsed.issues))
    if parsed.production is None:
        return in_order(report.issues)
    subject = Subject(parsed.production, parsed.written, presets, report)
    declared.check(subject)
    backends.check(subject)
    texts.check(subject)
    looks.check(subject)
    quality.check(subject)
    cells.check(subject)
    timeline.check(subject)
    outputs.check(subject)
    file_names.check(subject)
    files.check(subject, facts or {})
    workflows.check(subject, facts or {})
    inactive.check(subject)
    triggers.check(subject)
    if now is not None:
        timeline.check_deadline(subject, now)
    if estimate is not None:
        budgets.check(subject, estimate.generation_seconds, estimate.disk_bytes)
    return in_order(report.issues)


def check_budget(parsed: Parsed, document: Document, presets: Presets, estimate: Totals) -> tuple[Issue, ...]:
    """Only the budget of a production that is valid otherwise."""
    report = Report(document.places)
    if parsed.production is not None:
        subject = Subject(parsed.production, parsed.written, presets, report)
        budgets.check(subject, estimate.generation_seconds, estimate.disk_bytes)
    return in_order(report.issues)
