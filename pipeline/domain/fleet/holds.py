"""What holds back all new generation of a run: quiet hours, or a start that is set for later."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.domain.fleet.rules import Hold
from pipeline.domain.schedule import Schedule


def hold(schedule: Schedule | None, *, title: str, run: str, start_after: datetime | None, now: datetime) -> Hold | None:
    """Why no generation of the run starts now; None when it may. `title` and `run` name its production and itself in the cure."""
    quiet = schedule.quiet if schedule else None
    zone = quiet.zone if quiet else "UTC"
    if start_after is not None and start_after > now:
        words = f"waits for {_at(start_after, zone, now)}, when it is to start"
        return Hold("start_after", words, f'`stripboard start-after "{run}" now`')
    ends = quiet.ends(now) if quiet else None
    if ends is not None:
        words = f"waits for {_at(ends, zone, now)}, when quiet hours end"
        return Hold("quiet_hours", words, f'`stripboard schedule "{title}" --no-quiet-hours`')
    return None


def _at(moment: datetime, zone: str, now: datetime) -> str:
    """`07:00 Europe/Berlin`; with the date where that is not today or tomorrow morning."""
    here, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    is_near = (moment - now).total_seconds() < 24 * 3600 and (here.date() - today.date()).days <= 1
    return f"{here:%H:%M} {zone}" if is_near else f"{here:%Y-%m-%d %H:%M} {zone}"
