"""The promises of the store, checked from outside: what must hold whatever crashed and whenever.

Each check is named by its number in docs/ARCHITECTURE.md and answers with one sentence for every fault it finds.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from data.store import Store, Stores
from pipeline.domain.budget import Scope
from pipeline.domain.patience import GRACE
from pipeline.domain.statuses import CELL_TRANSITIONS, RUN_TRANSITIONS, STILL_TRANSITIONS, CellStatus, RunStatus
from pipeline.domain.stored_files import lost
from pipeline.ports import Clock, Folders, Media

Fault = str
_SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bsk-[A-Za-z0-9]{20,}|postgres(?:ql)?(?:\+\w+)?://[^\s:/]+:[^\s@*]+@")


@dataclass(frozen=True)
class Checked:
    """One invariant: its name, what it says, and the faults found (none when it holds)."""

    name: str
    says: str
    faults: tuple[Fault, ...]


class Invariants:
    """Checks a whole installation. `verify_package` looks into a sealed package; `package_path` finds it."""

    def __init__(
        self,
        stores: Stores,
        *,
        media: Media,
        spool: Folders,
        clock: Clock,
        logs: Callable[[], Iterator[Path]],
        verify_package: Callable[[Path], list[str]] | None = None,
    ) -> None:
        self._stores = stores
        self._media = media
        self._spool = spool
        self._clock = clock
        self._logs = logs
        self._verify_package = verify_package

    def check(self) -> list[Fault]:
        """Every fault found, as sentences that begin with the invariant's number; empty when all hold."""
        return [f"{checked.name}: {fault}" for checked in self.report() for fault in checked.faults]

    def report(self) -> list[Checked]:
        """Every invariant with what was found."""
        checks: list[tuple[str, str, Callable[[Store], Iterator[Fault]]]] = [
            ("I1", "every transition recorded was legal, and every status is the last one recorded", self._transitions),
            ("I2", "one live lease a job, and epochs only grow", lambda store: store.audit.lease_faults()),
            ("I3", "nothing was executed twice without a recorded reason", self._executions),
            ("I4", "every output points to a file of the right length and content", self._files),
            ("I5", "no file is left that nobody points to", self._strays),
            ("I6", "approved takes still have their files", lambda store: store.audit.approved_faults()),
            ("I7", "nothing started before what it needs was approved", lambda store: store.audit.early_starts()),
            (
                "I8",
                "spent and reserved stay within the budget: the sums of what attempts cost and jobs hold",
                self._budgets,
            ),
            ("I9", "each match fired once with each of its actions, none too deep", lambda store: store.audit.firing_faults()),
            ("I10", "each state has exactly one event behind it", lambda store: store.audit.event_faults()),
            ("I11", "each message has arrived, is tried again, or was given up", lambda store: store.audit.message_faults()),
            ("I12", "the audit chain verifies", lambda store: store.journal.broken_links()),
            ("I13", "each sealed delivery holds exactly what it was made of", self._deliveries),
            ("I14", "no job and no attempt exists twice", lambda store: store.audit.duplicates()),
            ("I15", "the database's own integrity check passes", lambda store: store.audit.integrity_faults()),
            ("I16", "no folder is left of an attempt that has ended", self._leftovers),
            ("I17", "the counters that are shown are the counts of rows", self._counters),
            ("I18", "no secret is in the logs", self._secrets),
        ]
        with self._stores.read() as store:
            return [Checked(name, says, tuple(check(store))) for name, says, check in checks]

    def _transitions(self, store: Store) -> Iterator[Fault]:
        """Replay every status event: each step legal, the last one what is stored."""
        allowed = {("cell", old.value, new.value) for old, new in CELL_TRANSITIONS}
        allowed |= {("still", old.value, new.value) for old, new in STILL_TRANSITIONS}
        allowed |= {("run", old.value, new.value) for old, new in RUN_TRANSITIONS}
        last: dict[tuple[str, int], str] = {}
        for subject, subject_id, status, came_from in store.audit.status_events():
            start = RunStatus.DRAFT.value if subject == "run" else CellStatus.NOT_STARTED.value
            before = last.get((subject, subject_id), start)
            if came_from is not None and came_from != before:
                yield f"{subject} {subject_id} became {status} from {came_from}, but was {before}"
            elif (subject, before, status) not in allowed:
                yield f"{subject} {subject_id} went from {before} to {status}, which is not legal"
            last[subject, subject_id] = status
        for subject, subject_id, status in store.audit.statuses():
            start = RunStatus.DRAFT.value if subject == "run" else CellStatus.NOT_STARTED.value
            if last.get((subject, subject_id), start) != status:
                yield f"{subject} {subject_id} is {status}, but its last event says {last.get((subject, subject_id), start)}"

    def _executions(self, store: Store) -> Iterator[Fault]:
        """The ledger beside the database: every start has its attempt, and an earlier attempt has a reason for the next."""
        entries = list(self._spool.ledger())
        starts, jobs = Counter(entry["attempt"] for entry in entries), {entry["attempt"]: entry["job"] for entry in entries}
        attempts = {*store.audit.attempt_outcomes(), *store.test_shots.attempt_ids()}
        shots = store.test_shots.keys()
        for attempt_id, count in starts.items():
            if count > 1:
                yield f"attempt {attempt_id} was executed {count} times"
            # Test shots go with the workflow that they were made of.
            is_gone = jobs[attempt_id].startswith("shot-") and jobs[attempt_id] not in shots
            if attempt_id not in attempts and not is_gone:
                yield f"attempt {attempt_id} was executed and is not recorded"
        yield from store.audit.unreasoned_attempts(set(starts))

    def _files(self, store: Store) -> Iterator[Fault]:
        """Each file that is not as it was stored, with whose it is and what makes it again."""
        found: dict[str, tuple[str, str]] = {}
        for file in store.outputs.stored_files():
            fault = self._media.check(file.sha256, file.size_bytes)
            if fault:
                is_in_the_way = self._media.keeps(file.sha256, file.size_bytes)
                found[file.sha256] = fault, self._media.name_of(file.sha256) if is_in_the_way else ""
        uses = store.audit.uses(list(found)) if found else {}
        for sha256, (fault, path) in found.items():
            yield lost(fault, uses.get(sha256, ()), path)

    def _strays(self, store: Store) -> Iterator[Fault]:
        wanted = {file.sha256 for file in store.outputs.stored_files()}
        for path in self._media.orphans(wanted, self._clock.now() - 2 * GRACE):
            yield f"{path.name} is in the media store and nobody points to it"

    @staticmethod
    def _budgets(store: Store) -> Iterator[Fault]:
        reserved, charged = store.audit.reserved_by_run(), store.audit.charged_by_run()
        for run in store.runs.all():
            if run.limit_seconds is not None and run.spent_seconds + run.reserved_seconds > run.limit_seconds + 1e-6:
                yield f"run {run.name} has spent and reserved more generation time than its budget"
            if run.limit_bytes is not None and run.spent_bytes + run.reserved_bytes > run.limit_bytes:
                yield f"run {run.name} has spent and reserved more disk than its budget"
            if run.limit_cost is not None and run.spent_cost + run.reserved_cost > run.limit_cost + 1e-6:
                yield f"run {run.name} has spent and reserved more money than its budget"
            seconds, size, cost = reserved.get(run.id, (0.0, 0, 0.0))
            is_equal = abs(seconds - run.reserved_seconds) < 1e-3 and abs(cost - run.reserved_cost) < 1e-3
            if not is_equal or size != run.reserved_bytes:
                own = f"{run.reserved_seconds:.3f} s, {run.reserved_bytes} B and {run.reserved_cost:.3f} of money"
                yield f"run {run.name} reserves {own}; its jobs {seconds:.3f} s, {size} B and {cost:.3f}"
            seconds, cost = charged.get(run.id, (0.0, 0.0))
            if not _is_equal(seconds, run.spent_seconds) or not _is_equal(cost, run.spent_cost):
                own = f"{run.spent_seconds:.3f} s and {run.spent_cost:.3f} of money"
                yield f"run {run.name} has spent {own}; its attempts were charged with {seconds:.3f} s and {cost:.3f}"
        yield from Invariants._shared_budgets(store)

    @staticmethod
    def _shared_budgets(store: Store) -> Iterator[Fault]:
        """Budgets of productions and users: kept, and equal to the sums of their runs."""
        for budget in store.budgets.all():
            name = f"the {budget.quantity.value} budget of {budget.name}"
            if budget.limit is not None and budget.spent + budget.reserved > budget.limit + 1e-6:
                yield f"{name} has spent and reserved more than its limit"
            if budget.scope is Scope.RUN:
                continue
            spent, reserved = store.budgets.sums(budget.scope, budget.subject, budget.quantity)
            if abs(spent - budget.spent) > 1e-3 or abs(reserved - budget.reserved) > 1e-3:
                own = f"{budget.spent:.3f} and {budget.reserved:.3f}"
                yield f"{name} has spent and reserved {own}; its runs {spent:.3f} and {reserved:.3f}"

    def _deliveries(self, store: Store) -> Iterator[Fault]:
        yield from store.audit.delivery_faults()
        if self._verify_package is not None:
            for delivery_id, sha256 in store.audit.sealed_packages():
                for fault in self._verify_package(self._media.path_of(sha256)):
                    yield f"delivery {delivery_id}: {fault}"

    @staticmethod
    def _counters(store: Store) -> Iterator[Fault]:
        for run in store.runs.all():
            rows = Counter(cell.status for cell in store.cells.of_run(run.id))
            shown: Counter[CellStatus] = Counter()
            for (_, status), count in store.tallies.cells(run.id).items():
                shown[status] += count
            if shown != rows:
                yield f"run {run.name} shows {dict(shown)}, but its cells are {dict(rows)}"

    def _leftovers(self, store: Store) -> Iterator[Fault]:
        running = {job.attempt_id for job in store.jobs.running()} | {shot.attempt_id for shot in store.test_shots.open()}
        for attempt_id in self._spool.attempts():
            if attempt_id not in running:
                yield f"the folder of attempt {attempt_id} is left behind"

    def _secrets(self, store: Store) -> Iterator[Fault]:
        for path in self._logs():
            if _SECRETS.search(path.read_text(encoding="utf-8", errors="replace")):
                yield f"{path.name} contains something that looks like a secret"


def _is_equal(one: float, other: float) -> bool:
    """Whether two sums of the same amounts, added up in another order, are the same."""
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-3)
