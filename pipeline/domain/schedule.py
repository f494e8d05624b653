"""When the generation of a production may start, and how much of it at once: as it is set, and what it says of a moment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipeline.domain.errors import Invalid
from pipeline.domain.names import did_you_mean, fold

WINDOW = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_MOST_AT_ONCE = 10_000
LEAST_SHARE, MOST_SHARE = 0.01, 100.0


@dataclass(frozen=True)
class QuietHours:
    """A window of each day in a time zone, `22:00-07:00`, in which no generation starts; what runs goes on."""

    window: str
    zone: str = "UTC"

    @property
    def start(self) -> time:
        """When it begins, local time."""
        return self._times[0]

    @property
    def end(self) -> time:
        """When it ends, local time; the same day, or the next one."""
        return self._times[1]

    def ends(self, now: datetime) -> datetime | None:
        """When the window that `now` is in ends; None outside of it. On a day that changes its clocks the local time counts."""
        zone = ZoneInfo(self.zone)
        here = now.astimezone(zone)
        clock = here.time()
        is_over_night = self.start > self.end
        is_in = clock >= self.start or clock < self.end if is_over_night else self.start <= clock < self.end
        if not is_in:
            return None
        days = 1 if is_over_night and clock >= self.start else 0
        found = datetime.combine(here.date() + timedelta(days=days), self.end, zone).astimezone(UTC)
        return found if found > now else now + timedelta(minutes=1)

    def begins(self, after: datetime) -> datetime:
        """When the next window begins, later than this moment."""
        zone = ZoneInfo(self.zone)
        here = after.astimezone(zone).date()
        days = (datetime.combine(here + timedelta(days=day), self.start, zone).astimezone(UTC) for day in range(3))
        return next(begin for begin in days if begin > after)

    @property
    def _times(self) -> tuple[time, time]:
        found = WINDOW.fullmatch(self.window)
        assert found is not None, "checked when it was made"
        first, second, third, fourth = map(int, found.groups())
        return time(first, second), time(third, fourth)


@dataclass(frozen=True)
class Schedule:
    """What a production is held to: quiet hours, and so many jobs of generation at once, in all and of a scene type.

    `share` weighs it against other productions that wait for workers or slots: twice as much gets twice as many.
    """

    quiet: QuietHours | None = None
    parallel: int | None = None
    scene_types: Mapping[str, int] = field(default_factory=dict)
    share: float = 1.0

    @property
    def has_caps(self) -> bool:
        """Whether it bounds what is generated at once."""
        return self.parallel is not None or bool(self.scene_types)

    @property
    def paused(self) -> list[str]:
        """The scene types of which nothing starts before somebody lets it."""
        return [name for name, most in self.scene_types.items() if not most]


def quiet_hours(window: str, zone: str = "UTC") -> QuietHours:
    """Quiet hours as somebody has written them. Raises Invalid for what is no window, or no zone."""
    found = WINDOW.fullmatch(window.replace(" ", "").replace("–", "-"))
    if found is None:
        raise Invalid(f'"{window}" are no quiet hours. Write them like 22:00-07:00.')
    try:
        made = QuietHours(found.group(), zone)
        is_empty = made.start == made.end
    except ValueError as error:
        raise Invalid(f'"{window}" has a time that there is not. Use 00:00 to 23:59.') from error
    if is_empty:
        raise Invalid(f'"{window}" is no time at all. Let it end at another time than it begins; to stop all day, pause the run.')
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise Invalid(f'There is no time zone "{zone}". Write it like Europe/Berlin or UTC.') from error
    return made


def checked_caps(parallel: int | None, scene_types: Mapping[str, int]) -> None:
    """Raises Invalid for a cap that nothing could start under, or that is none."""
    for name, most in [("production", parallel), *scene_types.items()]:
        if most is not None and not 1 <= most <= _MOST_AT_ONCE:
            raise Invalid(
                f"{name}: {most} at once cannot be. Use a number from 1 to {_MOST_AT_ONCE:,}; to stop it, pause its runs."
            )


def named_caps(scene_types: Mapping[str, int], known: Iterable[str]) -> dict[str, int]:
    """The caps by the names of these scene types as they are written there. Raises Invalid for one that is not among them."""
    names = {fold(name): name for name in known}
    for name in scene_types:
        if fold(name) not in names:
            raise Invalid(f'There is no scene type "{name}". {did_you_mean(name, names.values())}'.rstrip())
    return {names[fold(name)]: most for name, most in scene_types.items()}


def checked_share(share: float) -> None:
    """Raises Invalid for a share that would starve a production, or everybody else."""
    if not LEAST_SHARE <= share <= MOST_SHARE:
        raise Invalid(f"A share of {share:g} cannot be. Use a number from {LEAST_SHARE:g} to {MOST_SHARE:g}; 1 is the usual one.")


def keeping_pauses(schedule: Schedule, before: Schedule) -> Schedule:
    """The schedule of a file with the scene types that rules have paused: it may be older than the pause, and lifts none."""
    paused = {name: most for name, most in before.scene_types.items() if not most}
    return replace(schedule, scene_types={**schedule.scene_types, **paused})


def to_plain(schedule: Schedule) -> dict[str, object]:
    """As plain data; what is not set is left out."""
    found: dict[str, object] = {}
    if schedule.quiet is not None:
        found |= {"quiet_hours": schedule.quiet.window, "time_zone": schedule.quiet.zone}
    if schedule.parallel is not None:
        found["parallel"] = schedule.parallel
    if schedule.scene_types:
        found["scene_types"] = dict(schedule.scene_types)
    if schedule.share != 1:
        found["share"] = schedule.share
    return found


def from_plain(data: Mapping[str, object]) -> Schedule:
    """From plain data that was checked before."""
    quiet, parallel, caps = data.get("quiet_hours"), data.get("parallel"), data.get("scene_types")
    share = data.get("share")
    return Schedule(
        quiet=QuietHours(str(quiet), str(data.get("time_zone", "UTC"))) if quiet else None,
        parallel=parallel if isinstance(parallel, int) else None,
        scene_types=dict(caps) if isinstance(caps, Mapping) else {},
        share=float(share) if isinstance(share, int | float) else 1.0,
    )
