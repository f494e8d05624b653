"""What may start now, inside a transaction: runs that are held back, and how much of a production at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from data.store import Store
from pipeline.domain.fleet.holds import cap_hold, hold
from pipeline.domain.fleet.rules import Hold, Rules
from pipeline.domain.records import Job, Run
from pipeline.services.accounts import Accounts
from pipeline.services.shared_budgets import SharedBudgets
from pipeline.services.uncovered import run_hold, stop_hold


def waits_for(store: Store, run: Run, now: datetime) -> list[Hold]:
    """Why generation of a run does not start that could: the budget that covers none of it, and the schedule that holds it back.

    Of the schedule it is what holds back all of it, else the caps that are reached.
    """
    accounts = Accounts.open(store, {run.id: run})
    unpaid = run_hold(store, accounts, run)
    starting = Starting(store, [run], accounts.shared, now)
    held = starting.held.get(run.id)
    return list(dict.fromkeys(one for one in (unpaid, *([held] if held else starting.capped(run, now))) if one))


class Starting:
    """The schedules of productions at one moment, held against their runs. Costs one statement where none is set."""

    def __init__(self, store: Store, runs: Iterable[Run], shared: SharedBudgets, now: datetime) -> None:
        self._store = store
        self._schedules = store.schedules.all()
        self._running: Counter[tuple[int, str]] | None = None
        self._kinds: dict[int, str] = {}
        self.held: dict[int, Hold] = {}
        """Why nothing new of a run starts, by its id."""
        for run in runs:
            found = self._hold(run, shared, now)
            if found is not None:
                self.held[run.id] = found

    def _hold(self, run: Run, shared: SharedBudgets, now: datetime) -> Hold | None:
        schedule = self._schedules.get(run.project_id)
        budget = shared.stopped_by(run.id) if shared else None
        if schedule is None and budget is None and run.start_after is None:
            return None
        if budget is not None:
            return stop_hold(budget, run)
        return hold(schedule, title=run.title, run=run.name, start_after=run.start_after, now=now)

    def may_generate(self, run: Run) -> bool:
        """Whether a slot of this machine may begin something new of the run."""
        return run.id not in self.held and not self.is_full(run)

    def is_full(self, run: Run) -> bool:
        """Whether the production of the run has all it may have at once."""
        schedule = self._schedules.get(run.project_id)
        if schedule is None or schedule.parallel is None:
            return False
        return self._of_project(run.project_id) >= schedule.parallel

    def capped(self, run: Run, now: datetime) -> list[Hold]:
        """The caps that keep jobs of generation of this run waiting now."""
        schedule = self._schedules.get(run.project_id)
        if schedule is None or not schedule.has_caps:
            return []
        waiting = self._store.schedules
        if schedule.parallel is not None and self.is_full(run):
            return [cap_hold(run.title, schedule.parallel)] if waiting.has_waiting(run.id, now) else []
        running = self._generating()
        full = [(kind, most) for kind, most in schedule.scene_types.items() if running[run.project_id, kind] >= most]
        return [cap_hold(run.title, most, kind) for kind, most in full if waiting.has_waiting(run.id, now, kind)]

    def _of_project(self, project_id: int) -> int:
        return sum(count for (project, _), count in self._generating().items() if project == project_id)

    def _generating(self) -> Counter[tuple[int, str]]:
        if self._running is None:
            self._running = self._store.schedules.generating()
        return self._running

    def rules(self, rules: Rules) -> Rules:
        """These rules with what holds now."""
        caps = {str(key): each.parallel for key, each in self._schedules.items() if each.parallel is not None}
        of_scenes = {(str(key), name): most for key, each in self._schedules.items() for name, most in each.scene_types.items()}
        shares = {str(key): each.share for key, each in self._schedules.items() if each.share != 1}
        if not caps and not of_scenes and not shares and not self.held:
            return rules
        return replace(
            rules,
            held={str(run_id): found for run_id, found in self.held.items()},
            project_caps={**rules.project_caps, **caps},
            scene_caps={**rules.scene_caps, **of_scenes},
            shares={**rules.shares, **shares},
        )

    def admitted(self, run: Run, jobs: Sequence[tuple[Job, Job | None]]) -> list[tuple[Job, Job | None]]:
        """Those of these jobs of generation that caps let start beside what runs, each with its twin; a twin runs nothing."""
        schedule = self._schedules.get(run.project_id)
        if schedule is None or not schedule.has_caps:
            return list(jobs)
        running = self._generating()
        self._learn_kinds([job for job, _ in jobs])
        found = []
        for job, twin in jobs:
            kind = self._kinds.get(job.subject_id, "") if job.subject == "cell" else ""
            most = schedule.scene_types.get(kind)
            is_full = self.is_full(run) or (most is not None and running[run.project_id, kind] >= most)
            if twin is None and is_full:
                continue
            found.append((job, twin))
            if twin is None:
                running[run.project_id, kind] += 1
        return found

    def _learn_kinds(self, jobs: Iterable[Job]) -> None:
        unknown = [job.subject_id for job in jobs if job.subject == "cell" and job.subject_id not in self._kinds]
        if unknown:
            self._kinds |= {cell.id: cell.plan.scene_type for cell in self._store.cells.by_ids(unknown).values()}
