"""Questions about the whole store that only its inspection asks; the answers name faults."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, String, and_, cast, func, or_, select, text

from data.models import attempts, deliveries, dependencies, events, jobs, outputs, production_runs, stills, takes
from data.models import production_run_cells as cells
from data.repositories.chunks import chunks
from data.trigger_models import messages, triggers
from data.trigger_models import trigger_effects as effects
from data.trigger_models import trigger_firings as firings
from data.trigger_models import trigger_verdicts as verdicts
from pipeline.domain.rules.model import LIMITS, Kind
from pipeline.domain.stages import Lane
from pipeline.domain.statuses import AttemptOutcome, CellStatus, DeliveryStatus, JobStatus, RunStatus
from pipeline.domain.stored_files import Use

_STATUS_WORDS = {status.value for status in CellStatus} | {status.value for status in RunStatus}


class Audit:
    """Reads the whole database; costs grow with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def status_events(self) -> Iterator[tuple[str, int, str, str | None]]:
        """(subject, id, new status, status it came from) of every event that tells of a status, in order."""
        query = select(events.c.type, events.c.subject, events.c.subject_id, events.c.data).where(
            events.c.subject.in_(["cell", "still", "run"])
        )
        for row in self._connection.execute(query.order_by(events.c.seq)):
            subject, _, status = row.type.partition(".")
            if subject == row.subject and status in _STATUS_WORDS:
                yield row.subject, row.subject_id, status, json.loads(row.data).get("from")

    def statuses(self) -> Iterator[tuple[str, int, str]]:
        """(subject, id, status) of every cell, still and run."""
        for subject, table in (("cell", cells), ("still", stills), ("run", production_runs)):
            for row in self._connection.execute(select(table.c.id, table.c.status)):
                yield subject, row.id, row.status

    def lease_faults(self) -> Iterator[str]:
        """Running jobs without exactly one running attempt, and running attempts of jobs that do not run."""
        live = func.count(attempts.c.id)
        on = and_(attempts.c.job_id == jobs.c.id, attempts.c.outcome == AttemptOutcome.RUNNING.value)
        query = select(jobs.c.id, jobs.c.status, jobs.c.owner, live).join(attempts, on, isouter=True).group_by(jobs.c.id)
        for job_id, status, owner, count in self._connection.execute(query):
            is_running = status == JobStatus.RUNNING.value
            if count != int(is_running):
                yield f"job {job_id} is {status} and has {count} running attempts"
            if is_running != (owner is not None):
                yield f"job {job_id} is {status} and has the owner {owner}"
        newest = select(attempts.c.job_id, func.max(attempts.c.epoch).label("epoch")).group_by(attempts.c.job_id).subquery()
        ahead = select(jobs.c.id).join(newest, newest.c.job_id == jobs.c.id).where(newest.c.epoch > jobs.c.epoch)
        for job_id in self._connection.execute(ahead).scalars():
            yield f"job {job_id} has an attempt with a newer epoch than its own"

    def attempt_outcomes(self) -> dict[str, str]:
        """Every attempt's outcome by id."""
        return {row.id: row.outcome for row in self._connection.execute(select(attempts.c.id, attempts.c.outcome))}

    def unreasoned_attempts(self, executed: Collection[str]) -> Iterator[str]:
        """Executed attempts that were followed by another although they succeeded, or without a reason."""
        query = select(attempts.c.id, attempts.c.job_id, attempts.c.number, attempts.c.outcome, attempts.c.reason)
        before: Any = None
        for row in self._connection.execute(query.order_by(attempts.c.job_id, attempts.c.number)):
            follows = before is not None and before.job_id == row.job_id
            if follows and row.id in executed:
                if before.outcome in (AttemptOutcome.DONE.value, AttemptOutcome.RUNNING.value):
                    yield f"job {row.job_id} was executed again after attempt {before.number} was {before.outcome}"
                elif not before.reason:
                    yield f"job {row.job_id} was executed again and attempt {before.number} has no reason"
            before = row

    def uses(self, sha256s: Sequence[str]) -> dict[str, list[Use]]:
        """What has these files as its content, by hash, newest first."""
        found: dict[str, list[Use]] = {}
        cell_counts = (cells.c.status == CellStatus.APPROVED.value) & (cells.c.approved_take == outputs.c.take)
        still_counts = (stills.c.status == CellStatus.APPROVED.value) & (stills.c.take == outputs.c.take)
        query = (
            select(
                outputs.c.sha256, jobs.c.run_id, production_runs.c.title, production_runs.c.number, outputs.c.subject,
                func.coalesce(cells.c.key, stills.c.key, cast(deliveries.c.number, String)).label("name"),
                outputs.c.role, outputs.c.part,
                or_(cell_counts, still_counts, deliveries.c.status == DeliveryStatus.SEALED.value).label("counts"),
            )
            .join(jobs, jobs.c.id == outputs.c.job_id)
            .join(production_runs, production_runs.c.id == jobs.c.run_id)
            .join(cells, (outputs.c.subject == "cell") & (cells.c.id == outputs.c.subject_id), isouter=True)
            .join(stills, (outputs.c.subject == "still") & (stills.c.id == outputs.c.subject_id), isouter=True)
            .join(deliveries, (outputs.c.subject == "delivery") & (deliveries.c.id == outputs.c.subject_id), isouter=True)
            .order_by(outputs.c.id.desc())
        )  # fmt: skip
        for part in chunks(sha256s):
            for row in self._connection.execute(query.where(outputs.c.sha256.in_(part))):
                run = f"{row.title} #{row.number}"
                use = Use(row.sha256, row.run_id, run, row.subject, row.name, row.role, row.part, bool(row.counts))
                found.setdefault(row.sha256, []).append(use)
        return found

    def approved_faults(self) -> Iterator[str]:
        """Approved cells whose approved take is not approved or has lost its scene file's row."""
        query = (
            select(cells.c.key, takes.c.decision, takes.c.scene_sha256, outputs.c.id)
            .join(takes, and_(takes.c.cell_id == cells.c.id, takes.c.number == cells.c.approved_take), isouter=True)
            .join(
                outputs,
                and_(
                    outputs.c.subject == "cell",
                    outputs.c.subject_id == cells.c.id,
                    outputs.c.take == cells.c.approved_take,
                    outputs.c.role == "scene",
                    outputs.c.sha256 == takes.c.scene_sha256,
                ),
                isouter=True,
            )
            .where(cells.c.status == CellStatus.APPROVED.value)
        )
        for key, decision, scene, output in self._connection.execute(query):
            if decision != "approved" or scene is None or output is None:
                yield f"cell {key} is approved, its take is {decision or 'missing'} and its scene {scene or 'missing'}"

    def early_starts(self) -> Iterator[str]:
        """Cells with jobs although something they need was never approved before their first start.

        By the order of the events: the clocks of two engines may differ.
        """
        first_start = (
            select(jobs.c.subject_id, func.min(events.c.seq).label("seq"))
            .join(events, and_(events.c.subject == "job", events.c.subject_id == jobs.c.id, events.c.type == "job.started"))
            .where(jobs.c.subject == "cell")
            .group_by(jobs.c.subject_id)
            .subquery()
        )
        for needs in ("still", "cell"):
            approved = (
                select(events.c.subject_id, func.min(events.c.seq).label("seq"))
                .where(events.c.subject == needs, events.c.type == f"{needs}.approved")
                .group_by(events.c.subject_id)
                .subquery()
            )
            query = (
                select(dependencies.c.subject_id)
                .join(first_start, first_start.c.subject_id == dependencies.c.subject_id)
                .join(approved, approved.c.subject_id == dependencies.c.needs_id, isouter=True)
                .where(dependencies.c.subject == "cell", dependencies.c.needs == needs)
                .where((approved.c.seq.is_(None)) | (approved.c.seq > first_start.c.seq))
            )
            for cell_id in self._connection.execute(query).scalars():
                yield f"cell {cell_id} was started before the {needs} it needs was approved"

    def reserved_by_run(self) -> dict[int, tuple[float, int, float]]:
        """(seconds, bytes, cost) that the running jobs of each run have reserved."""
        cost = func.sum(jobs.c.reserved_seconds * jobs.c.price) / 3600
        query = (
            select(jobs.c.run_id, func.sum(jobs.c.reserved_seconds), func.sum(jobs.c.estimated_bytes), cost)
            .where(jobs.c.status == JobStatus.RUNNING.value)
            .group_by(jobs.c.run_id)
        )
        return {row[0]: (float(row[1]), int(row[2]), float(row[3])) for row in self._connection.execute(query)}

    def charged_by_run(self) -> dict[int, tuple[float, float]]:
        """(seconds of generation, cost) that the attempts of each run were charged with."""
        query = (
            select(jobs.c.run_id, func.sum(attempts.c.seconds), func.sum(attempts.c.cost))
            .join(attempts, attempts.c.job_id == jobs.c.id)
            .where(jobs.c.lane == Lane.GENERATION.value)
            .group_by(jobs.c.run_id)
        )
        return {row[0]: (float(row[1]), float(row[2])) for row in self._connection.execute(query)}

    def event_faults(self) -> Iterator[str]:
        """Done, failed and started jobs whose number differs from that of their events."""
        done = select(func.count()).select_from(jobs).where(jobs.c.status == JobStatus.DONE.value)
        told = select(func.count()).select_from(events).where(events.c.type.like("%.completed"), events.c.subject != "run")
        started = select(func.count()).select_from(attempts)
        told_started = select(func.count()).select_from(events).where(events.c.type == "job.started")
        for what, rows, facts in (("done jobs", done, told), ("attempts", started, told_started)):
            count, events_count = (self._connection.execute(query).scalar_one() for query in (rows, facts))
            if count != events_count:
                yield f"there are {count} {what} and {events_count} events that tell of them"

    def delivery_faults(self) -> Iterator[str]:
        """Sealed deliveries without exactly one stored package of their hash."""
        on = and_(outputs.c.subject == "delivery", outputs.c.subject_id == deliveries.c.id, outputs.c.role == "package")
        query = (
            select(deliveries.c.id, deliveries.c.package_sha256, func.count(outputs.c.id), func.min(outputs.c.sha256))
            .join(outputs, on, isouter=True)
            .where(deliveries.c.status == DeliveryStatus.SEALED.value)
            .group_by(deliveries.c.id, deliveries.c.package_sha256)
        )
        for delivery_id, sha256, count, stored in self._connection.execute(query):
            if count != 1 or stored != sha256:
                yield f"delivery {delivery_id} is sealed and has {count} stored packages"

    def sealed_packages(self) -> list[tuple[int, str]]:
        """(delivery id, package hash) of every sealed delivery."""
        sealed = deliveries.c.status == DeliveryStatus.SEALED.value
        rows = self._connection.execute(select(deliveries.c.id, deliveries.c.package_sha256).where(sealed))
        return [(row.id, row.package_sha256) for row in rows]

    def duplicates(self) -> Iterator[str]:
        """Outputs that one job stored twice in one role and label."""
        key = (outputs.c.job_id, outputs.c.role, outputs.c.label)
        query = select(*key, func.count()).group_by(*key).having(func.count() > 1)
        for job_id, role, label, count in self._connection.execute(query):
            yield f"job {job_id} has {count} outputs {role} {label}"

    def firing_faults(self) -> Iterator[str]:
        """Verdicts that matched without a firing, and firings without as many effects as numbered or too deep."""
        joined = select(firings.c.id, firings.c.depth, func.count(effects.c.id), func.coalesce(func.max(effects.c.number), -1))
        query = joined.join(effects, effects.c.firing_id == firings.c.id, isouter=True).group_by(firings.c.id, firings.c.depth)
        for firing_id, depth, count, last in self._connection.execute(query):
            if count != last + 1 or not count:
                yield f"firing {firing_id} has {count} effects, the last is number {last}"
            if not 1 <= depth <= LIMITS.max_depth:
                yield f"firing {firing_id} is at depth {depth}"
        same = (firings.c.event_seq == verdicts.c.event_seq) & (firings.c.trigger_id == verdicts.c.trigger_id)
        fired = select(firings.c.id).where(same, firings.c.version == verdicts.c.version).exists()
        matched = select(verdicts.c.event_seq, triggers.c.name).join(triggers, triggers.c.id == verdicts.c.trigger_id)
        missing = list(self._connection.execute(matched.where(verdicts.c.outcome == "matched", ~fired)))
        gathered = self._gathered() if missing else set()
        for seq, name in missing:
            if seq not in gathered:
                yield f"rule {name} matched event {seq} and did not fire"

    def _gathered(self) -> set[int]:
        """The events of firings that stand for several, each of which has a verdict of its own."""
        lists = self._connection.execute(select(firings.c.events)).scalars()
        return {seq for seqs in lists if len(seqs) > 1 for seq in seqs}

    def message_faults(self) -> Iterator[str]:
        """Messages that are neither sent, nor tried again, nor given up, and actions that are done without their message."""
        is_sent = (messages.c.state == "sent") & messages.c.sent_at.is_not(None)
        is_known = is_sent | messages.c.state.in_(["waiting", "failed", "dead"])
        strays = select(messages.c.id, messages.c.state).where(~is_known)
        for message_id, state in self._connection.execute(strays.order_by(messages.c.id)):
            yield f"message {message_id} is {state}, and nobody will try it again"
        written = (messages.c.firing_id == effects.c.firing_id) & (messages.c.effect_number == effects.c.number)
        silent = select(effects.c.firing_id, effects.c.number).where(
            effects.c.kind.in_([Kind.NOTIFY.value, Kind.WEBHOOK.value]), effects.c.state == "done",
            ~select(messages.c.id).where(written).exists(),
        )  # fmt: skip
        for firing_id, number in self._connection.execute(silent):
            yield f"action {number + 1} of firing {firing_id} is done without a message"

    def integrity_faults(self) -> Iterator[str]:
        """What the database says of itself."""
        if self._connection.dialect.name != "sqlite":
            return
        for pragma in ("integrity_check", "foreign_key_check"):
            for row in self._connection.execute(text(f"PRAGMA {pragma}")):
                if row[0] != "ok":
                    yield f"{pragma}: {tuple(row)}"
