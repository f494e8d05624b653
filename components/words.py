"""Numbers and times as people read them: always with a unit, times relative with the exact one on hover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dash import html
from dash.development.base_component import Component

from pipeline.domain.costs import figure
from pipeline.domain.costs import money as money
from pipeline.domain.percent import share as share

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LEAST_HOURS = 36
_PARTED, _LONGEST_TAIL, _TAIL = (" / ", " #"), 24, 7
"""Before what a name is parted, how long its end may be then, and how much of it is kept where it has no parts."""


def both_ends(name: str) -> list[Component | str]:
    """A name whose end stays to be seen where there is no room for all of it; what holds it has the class `ends`."""
    at = max(name.rfind(mark) for mark in _PARTED)
    if at <= 0 or len(name) - at > _LONGEST_TAIL:
        at = max(0, len(name) - _TAIL)
    return [html.Span(name[:at], className="cut"), html.Span(name[at:])]


def ago(at: datetime, now: datetime) -> str:
    """`just now`, `4 min ago`, `2 h 5 min ago`, `yesterday 18:40`, `12 Nov 09:12`."""
    seconds = (now - at).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < 12 * _HOUR:
        return f"{duration(seconds // _MINUTE * _MINUTE)} ago"
    return clock(at, now)


def clock(at: datetime, now: datetime) -> str:
    """A time of day, with the day when it is another one: `15:10`, `tomorrow 05:20`, `Saturday 12:00`, `12 Nov 09:12`."""
    here, today = at.astimezone(), now.astimezone()
    days = (here.date() - today.date()).days
    time = f"{here:%H:%M}"
    if days == 0:
        return time
    if days in (-1, 1):
        return f"{'yesterday' if days < 0 else 'tomorrow'} {time}"
    if abs(days) < 7:
        return f"{here:%A} {time}"
    return f"{here.day} {here:%b} {time}" if here.year == today.year else f"{here.day} {here:%b %Y}"


def exactly(at: datetime) -> str:
    """The whole date and time, for hovering."""
    here = at.astimezone()
    return f"{here:%A} {here.day} {here:%B %Y, %H:%M:%S}"


def since(at: datetime, now: datetime) -> Component:
    """`ago` as an element: the exact time on hover, kept fresh by the browser."""
    return html.Time(ago(at, now), title=exactly(at), dateTime=at.astimezone(UTC).isoformat(), className="ago")


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `14 min`, `2 h 14 min`, `3 d 4 h`: two units at most, the second one when it says something."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < 10 * _MINUTE:
        return _two(whole // _MINUTE, "min", whole % _MINUTE, "s")
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min" if round(whole / _MINUTE) < 60 else "1 h"
    if whole < 2 * _DAY:
        minutes = round(whole / _MINUTE)
        return _two(minutes // 60, "h", minutes % 60, "min")
    hours = round(whole / _HOUR)
    return _two(hours // 24, "d", hours % 24, "h")


GUESS = "Not half of this work was measured here yet: stated defaults stand in for the rest, and may be far off"
"""What a time is that rests on stated defaults more than on measurements."""


def hours(seconds: float) -> str:
    """Generation time as a budget counts it, with three figures: `12.4 h`, `0.012 h`, `40 h`; what is too little in seconds."""
    if 0 < seconds < _LEAST_HOURS:
        return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
    value = seconds / _HOUR
    if 0 < value < 1:
        return f"{figure(value)} h"
    whole, _, decimals = f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}".partition(".")
    return f"{whole}.{decimals.rstrip('0')}".rstrip(".") + " h"


def size(size_bytes: float) -> str:
    """`318 kB`, `3.2 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size_bytes < 999.5:
            return f"{size_bytes:.0f} {unit}" if unit in ("bytes", "kB") or size_bytes >= 99.95 else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 scene`, `2 scenes`, `1,240 scenes`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def until(at: datetime, now: datetime) -> str:
    """How long it is to then: `9 min`."""
    return duration(max(timedelta(0), at - now).total_seconds())


def initials(name: str) -> str:
    """Two letters for a round badge: of the first two words, or the first two of one."""
    words = [word for word in name.replace(".", " ").replace("_", " ").replace("-", " ").split() if word]
    letters = words[0][0] + words[1][0] if len(words) > 1 else name.strip()[:2]
    return letters.upper() or "?"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"
