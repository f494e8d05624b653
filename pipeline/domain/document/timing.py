"""The `schedule` section: what the table of the format cannot check, and its values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline.domain.errors import Invalid
from pipeline.domain.issues import Report
from pipeline.domain.production import Timing
from pipeline.domain.schedule import Schedule, quiet_hours, to_plain

_MOMENTS = ("start_after", "deadline")


def timing(entry: Mapping[str, Any], report: Report) -> Timing:
    """The section as a value. A zone or a moment that there is not becomes an issue, and is left out."""
    where = ("production", "schedule")
    quiet = None
    if "quiet_hours" in entry:
        try:
            quiet = quiet_hours(entry["quiet_hours"], entry.get("time_zone", "UTC"))
        except Invalid as error:
            message, _, cure = str(error).partition(". ")
            report.error((*where, "time_zone" if "zone" in message else "quiet_hours"), f"{message}.", cure)
    moments = {name: _moment(entry.get(name), (*where, name), report) for name in _MOMENTS}
    caps = entry.get("scene_types", {})
    return Timing(Schedule(quiet, entry.get("parallel"), dict(caps), float(entry.get("share", 1.0))), **moments)


def dumped(value: Timing) -> dict[str, Any]:
    """The section of a value; empty where nothing is set."""
    moments = {name: getattr(value, name) for name in _MOMENTS}
    return {**to_plain(value.schedule), **{name: moment for name, moment in moments.items() if moment}}


def _moment(text: str | None, where: tuple[str, ...], report: Report) -> str | None:
    if text is None:
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        report.error(where, f'"{text}" is no day and time.', "Write it like 2026-12-01T08:00+01:00.")
        return None
    return text
