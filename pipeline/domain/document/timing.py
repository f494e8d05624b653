"""The `schedule` section: what the table of the format cannot check, and its values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline.domain.errors import Invalid
from pipeline.domain.issues import Report
from pipeline.domain.production import Timing
from pipeline.domain.schedule import Schedule, quiet_hours, to_plain


def timing(entry: Mapping[str, Any], report: Report) -> Timing:
    """The section as a value. A zone or a moment that there is not becomes an issue, and is left out."""
    where = ("production", "schedule")
    quiet, start_after = None, entry.get("start_after")
    if "quiet_hours" in entry:
        try:
            quiet = quiet_hours(entry["quiet_hours"], entry.get("time_zone", "UTC"))
        except Invalid as error:
            message, _, cure = str(error).partition(". ")
            report.error((*where, "time_zone" if "zone" in message else "quiet_hours"), f"{message}.", cure)
    if start_after is not None:
        try:
            datetime.fromisoformat(start_after)
        except ValueError:
            report.error((*where, "start_after"), f'"{start_after}" is no day and time.', "Write it like 2026-12-01T08:00+01:00.")
            start_after = None
    caps = entry.get("scene_types", {})
    return Timing(Schedule(quiet, entry.get("parallel"), dict(caps)), start_after)


def dumped(value: Timing) -> dict[str, Any]:
    """The section of a value; empty where nothing is set."""
    found = to_plain(value.schedule)
    return {**found, "start_after": value.start_after} if value.start_after else found
