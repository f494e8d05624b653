"""What holds back new generation of a run: quiet hours, a start that is set for later, or a cap that is reached."""

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
        return Hold("start_after", words, f'`./stripboard start-after "{run}" now`')
    ends = quiet.ends(now) if quiet else None
    if ends is not None:
        words = f"waits for {_at(ends, zone, now)}, when quiet hours end"
        return Hold("quiet_hours", words, f'`./stripboard schedule "{title}" --no-quiet-hours`')
    return None


def cap_hold(title: str, most: int, scene_type: str = "") -> Hold:
    """That a production generates as much at once as it may, in all or of one scene type, and what would change that."""
    if not most:
        return Hold("cap", f"waits: {scene_type} is paused", f'`./stripboard schedule "{title}" --scene-type "{scene_type}=0"`')
    option = f'--scene-type "{scene_type}=N"' if scene_type else "--parallel N"
    words = f"waits: {scene_type or title} may have {most} at once, {'and has it' if most == 1 else f'and has all {most}'}"
    return Hold("cap", words, f'`./stripboard schedule "{title}" {option}`')


def _at(moment: datetime, zone: str, now: datetime) -> str:
    """`07:00 Europe/Berlin`; with the date where that is not today or tomorrow morning."""
    here, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    is_near = (moment - now).total_seconds() < 24 * 3600 and (here.date() - today.date()).days <= 1
    return f"{here:%H:%M} {zone}" if is_near else f"{here:%Y-%m-%d %H:%M} {zone}"
