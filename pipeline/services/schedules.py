"""Quiet hours, later starts, deadlines, and how much of a production is generated at once: set and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from data.store import Store, Stores
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.fleet.rules import Hold
from pipeline.domain.names import did_you_mean, fold
from pipeline.domain.records import Actor, Run
from pipeline.domain.schedule import Schedule, checked_caps, checked_share, named_caps, to_plain
from pipeline.ports import Clock
from pipeline.services.accounts import Accounts
from pipeline.services.starting import Starting


class Schedules:
    """When work may start."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    def project(self, name: str | int) -> tuple[int, str]:
        """Number and title of a production, by either. Raises NotFound."""
        with self._stores.read() as store:
            titles = store.budgets.projects()
        for key, title in titles.items():
            if str(name) == str(key) or fold(title) == fold(str(name)):
                return key, title
        raise NotFound(f'There is no production "{name}". {did_you_mean(str(name), list(titles.values()))}'.rstrip())

    def of(self, project_id: int) -> Schedule:
        """The schedule of a production; empty where nothing is set."""
        with self._stores.read() as store:
            return store.schedules.all().get(project_id, Schedule())

    def caps(self, project_id: int, caps: Mapping[str, int]) -> dict[str, int]:
        """These caps of scene types of a production by their names as declared. Raises Invalid for one that nobody knows."""
        with self._stores.read() as store:
            set_before = store.schedules.all().get(project_id, Schedule()).scene_types
            return named_caps(caps, [*set_before, *store.schedules.scene_types(project_id)])

    def put(self, project_id: int, schedule: Schedule, actor: Actor) -> Schedule:
        """Set the schedule of a production. Raises Invalid for caps or a share that cannot be, and for unknown scene types.

        A scene type that a rule has paused may stay so: its cap of none is there already.
        """
        with self._stores.begin(self._clock.now()) as store:
            return self._put(store, project_id, schedule, actor)

    def share(self, project_id: int, share: float, actor: Actor) -> Schedule:
        """How a production weighs beside others; the rest of its schedule stays. Raises Invalid for a share that cannot be."""
        with self._stores.begin(self._clock.now()) as store:
            before = store.schedules.all().get(project_id, Schedule())
            return self._put(store, project_id, replace(before, share=share), actor)

    @staticmethod
    def _put(store: Store, project_id: int, schedule: Schedule, actor: Actor) -> Schedule:
        if project_id not in store.budgets.projects():
            raise NotFound(f"There is no production {project_id}.")
        before = store.schedules.all().get(project_id, Schedule())
        new = {name: most for name, most in schedule.scene_types.items() if most != before.scene_types.get(name)}
        checked_caps(schedule.parallel, new)
        if new:
            kept = {name: most for name, most in schedule.scene_types.items() if name not in new}
            schedule = replace(schedule, scene_types=kept | named_caps(new, store.schedules.scene_types(project_id)))
        checked_share(schedule.share)
        store.schedules.put(project_id, schedule)
        store.journal.record("project.scheduled", actor=actor, subject="project", subject_id=project_id, data=to_plain(schedule))
        return schedule

    def start_after(self, run: Run, moment: datetime | None, actor: Actor) -> None:
        """No generation of the run starts before this moment; None lets it start at once."""
        self._set(run, "start_after", moment, actor)

    def deadline(self, run: Run, moment: datetime | None, actor: Actor) -> None:
        """The run is due at this moment: as it comes near, its jobs go first. None is never."""
        self._set(run, "deadline", moment, actor)

    def _set(self, run: Run, what: str, moment: datetime | None, actor: Actor) -> None:
        if moment is not None and moment.tzinfo is None:
            raise Invalid("A moment needs its time zone, like 2026-12-01T08:00+01:00.")
        with self._stores.begin(self._clock.now()) as store:
            store.runs.change(run.id, **{what: moment})
            data = {what: moment.isoformat() if moment else None}
            store.journal.record("run.changed", actor=actor, subject="run", subject_id=run.id, run_id=run.id, data=data)

    def hold(self, run_id: int) -> Hold | None:
        """Why no generation of the run starts now, and what would change that; None when it may."""
        with self._stores.read() as store:
            runs = store.runs.by_ids([run_id])
            shared = Accounts.open(store, runs).shared
            return Starting(store, runs.values(), shared, self._clock.now()).held.get(run_id)
