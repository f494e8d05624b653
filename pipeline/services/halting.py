"""Stops the work that rules have asked for, inside a caller's transaction, and says which rules had caused it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data.store import Store
from pipeline.domain.records import Actor
from pipeline.domain.statuses import CellStatus, JobStatus
from pipeline.services.advance import Advance
from pipeline.services.runbooks import RunBooks

_REASON = "the rules were halted"
_UNDER_WAY = (CellStatus.QUEUED, CellStatus.GENERATING)


@dataclass
class Stopped:
    """How many jobs were stopped, and of which scenes and pictures: those that were not begun yet among them."""

    jobs: int = 0
    cells: set[str] = field(default_factory=set)
    stills: set[str] = field(default_factory=set)

    def add(self, subject: str, key: str, jobs: int) -> None:
        """Count a scene or a picture."""
        self.jobs += jobs
        (self.cells if subject == "cell" else self.stills).add(key)


def stop_work(store: Store, books: RunBooks, actor: Actor, *, running: bool) -> dict[str, Any]:
    """Cancel the unfinished work of what rules have asked for, that which runs as a choice.

    The answer is for a receipt: how many `jobs` of which `cells` and `stills`, and `causes`: the same of each rule that was the
    last to ask for them, the rule with the most jobs first.
    """
    total = Stopped()
    by_rule: dict[int, Stopped] = defaultdict(Stopped)
    for subject in ("cell", "still"):
        found = _stop(store, Advance(store, books, actor), subject, running=running)
        owners = store.firings.marked_last(subject, list(found))
        rules = {key: one.trigger_id for key, one in store.firings.by_ids(sorted(set(owners.values()))).items()}
        for subject_id, (key, jobs) in found.items():
            total.add(subject, key, jobs)
            by_rule[rules[owners[subject_id]]].add(subject, key, jobs)
    names = store.triggers.names(sorted(by_rule))
    causes = sorted(by_rule.items(), key=lambda entry: (-entry[1].jobs, entry[0]))
    return {**_plain(total), "causes": [{"rule": names[key], "rule_id": key, **_plain(one)} for key, one in causes]}


def _plain(stopped: Stopped) -> dict[str, Any]:
    return {"jobs": stopped.jobs, "cells": sorted(stopped.cells), "stills": sorted(stopped.stills)}


def _stop(store: Store, advance: Advance, subject: str, *, running: bool) -> Mapping[int, tuple[str, int]]:
    """(name, how many jobs) of each scene, or picture, of which something was stopped, by its id."""
    caused = store.firings.caused(subject)
    open_jobs = store.jobs.unfinished_of(subject, caused)
    busy = {job.subject_id for job in open_jobs if job.status is JobStatus.RUNNING}
    ids = [one for one in caused if running or one not in busy]
    counts: dict[int, int] = defaultdict(int)
    for job in open_jobs:
        counts[job.subject_id] += 1
    advance.cancel_jobs(subject, ids, _REASON)
    under_way = _cancel(advance, subject, ids)
    return {key: (name, counts[key]) for key, (name, moved) in under_way.items() if moved or counts[key]}


def _cancel(advance: Advance, subject: str, ids: Sequence[int]) -> dict[int, tuple[str, bool]]:
    """What was asked for and is not made is cancelled: it can be asked for again. (Name, whether it was) of each by its id."""
    found: dict[int, tuple[str, bool]] = {}
    if subject == "cell":
        for cell in advance.store.cells.by_ids(ids).values():
            found[cell.id] = cell.plan.key, cell.status in _UNDER_WAY
            if cell.status in _UNDER_WAY:
                advance.move_cell(cell, CellStatus.CANCELLED, reason=_REASON)
        return found
    for still in advance.store.stills.by_ids(ids).values():
        found[still.id] = still.key, still.status in _UNDER_WAY
        if still.status in _UNDER_WAY:
            advance.move_still(still, CellStatus.CANCELLED, reason=_REASON)
    return found
