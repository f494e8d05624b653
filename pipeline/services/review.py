"""The gates as people use them: approve, reject, retry, roll back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data.store import Store, Stores
from pipeline.domain import quality
from pipeline.domain.decisions import overtaken
from pipeline.domain.errors import Conflict, NotFound, Refused
from pipeline.domain.matrix import Selection
from pipeline.domain.names import did_you_mean
from pipeline.domain.records import Actor, Cell, Run, Still, Take
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus, RunStatus, StillKind
from pipeline.ports import Clock
from pipeline.services import remaking, replacing
from pipeline.services.advance import Advance
from pipeline.services.asking import refusal
from pipeline.services.assembled import scenes
from pipeline.services.runbooks import RunBooks
from pipeline.services.sealing import Sealing
from pipeline.services.selections import selected
from pipeline.services.undoing import Undoing

_UNMADE = (CellStatus.NOT_STARTED, CellStatus.QUEUED, CellStatus.CANCELLED)


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a person. `what` is `variant` or `scene`; `frees` counts the cells that wait for it.

    `best` is the candidate that is best by its measures.
    """

    what: str
    key: str
    reason: str
    candidates: int
    frees: int
    best: str = "1"


class Review:
    """Decisions of people on stills and cells."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock, pictures: replacing.Pictures) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock
        self._pictures = pictures

    def waiting(self, run: Run) -> list[Waiting]:
        """Everything in review, what frees most first."""
        with self._stores.read() as store:
            frees: dict[int, int] = {}
            for needs in store.cells.needs(run.id, "cell").values():
                for kind, needed in needs:
                    if kind == "still":
                        frees[needed] = frees.get(needed, 0) + 1
            stills = [still for still in store.stills.of_run(run.id) if still.status is CellStatus.REVIEW]
            cells = store.cells.with_status(run.id, CellStatus.REVIEW)
            takes = store.takes.newest(cells)
        variants = [
            Waiting("variant", still.key, _still_reason(still), still.candidates, frees.get(still.id, 0), _best(still))
            for still in stills
        ]
        takes_waiting = [Waiting("scene", cell.plan.key, _flaws(takes[cell.id].verdict), 1, 0) for cell in cells]
        return sorted(variants, key=lambda waiting: -waiting.frees) + takes_waiting

    def approve_variant(
        self, run: Run, key: str, actor: Actor, *, candidate: int | None = None, expected: Mapping[str, int] | None = None
    ) -> None:
        """Make a candidate the hero of a variant image (the best by its measures when none is named).

        `expected` holds the take that was looked at by key: Conflict when it is no longer that one in review.
        """
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            still = _find_still(store, run, key)
            _check_still(store, still, expected)
            if still.status is CellStatus.CANCELLED or advance.run(run.id).status is RunStatus.CANCELLED:
                raise Conflict(f'Variant image "{key}" of run {run.name} is cancelled. Submit scenes that need it first.')
            if still.status in (CellStatus.QUEUED, CellStatus.GENERATING):
                raise Conflict(f'Variant image "{key}" is {still.status.value}: its candidates are not checked yet.')
            made = store.outputs.of("still", still.id, still.take, "still")
            wanted = str(candidate) if candidate is not None else (still.verdict or {}).get("best", "1")
            hero = next((output for output in made if str(output.part) == wanted), None)
            if hero is None:
                raise NotFound(f'Variant image "{key}" has no candidate {wanted}. It has 1 to {still.candidates}.')
            advance.approve_still(still, hero.id, actor=actor, reason=f"candidate {wanted} chosen")
            advance.finish()

    def reject_variant(self, run: Run, key: str, actor: Actor, *, reason: str, expected: Mapping[str, int] | None = None) -> None:
        """Refuse all candidates of a variant image, or withdraw its approval; `retry` makes new ones.

        Scenes made from it already are marked stale: people choose to keep them or to ask for new takes.
        """
        with self._stores.begin(self._clock.now()) as store:
            still = _find_still(store, run, key)
            _check_still(store, still, expected)
            Advance(store, self._books, actor).move_still(still, CellStatus.REJECTED, reason=reason)
            for cell in store.cells.that_need("still", still.id):
                if still.status is CellStatus.APPROVED and cell.status not in _UNMADE:
                    _mark(store, cell, f"its variant image {key} was rejected: {reason}", actor)

    def approve(
        self, run: Run, selection: Selection, actor: Actor, *, note: str = "", expected: Mapping[str, int] | None = None
    ) -> list[str]:
        """Accept the newest take of every selected cell in review; the answer is their keys. Raises Conflict for none.

        `expected` holds the versions that were looked at by key: Conflict, and nothing changed, when one is another now.
        """
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            cells = _in_review(store, run, selection, expected)
            made = scenes(store, cells)
            for cell in cells:
                advance.approve_cell(cell, made[cell.id], actor=actor, note=note)
            advance.finish()
            store.flush()
            Sealing(advance).deliver_when_ready(run.id)
        return [cell.plan.key for cell in cells]

    def reject(
        self,
        run: Run,
        selection: Selection,
        actor: Actor,
        *,
        reason: str,
        note: str = "",
        expected: Mapping[str, int] | None = None,
    ) -> list[str]:
        """Refuse the newest take of every selected cell in review, or withdraw an approval of a cell named by key.

        `expected` is as in `approve`.
        """
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            cells = _in_review(store, run, selection, expected, also_approved=bool(selection.keys))
            for cell in cells:
                advance.reject_cell(cell, actor=actor, reason=reason, note=note)
        return [cell.plan.key for cell in cells]

    def undo(self, run: Run, keys: Sequence[str], actor: Actor) -> list[str]:
        """Take this person's newest decisions on these cells and variant images back; the answer is the keys of those.

        It is possible until work has started that followed from the decision. Raises Conflict when none is possible.
        """
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            if advance.run(run.id).status is RunStatus.CANCELLED:
                raise Conflict(f"Run {run.name} is cancelled. Submit scenes of it first.")
            wanted = set(keys)
            cells = [cell for cell in store.cells.of_run(run.id) if cell.plan.key in wanted]
            wanted -= {cell.plan.key for cell in cells}
            stills = [_find_still(store, run, key) for key in sorted(wanted)]
            return Undoing(advance).take_back(run, cells, stills)

    def retry(self, run: Run, selection: Selection, actor: Actor) -> list[str]:
        """Try failed exports and the failed or rejected stills of the selection again; the answer names them.

        Approved scenes of which a stored file is gone are made again as they were: Refused when a budget does not cover them.
        With everything selected, a delivery that has failed is packed again, unless something is missing.

        Source images that were refused, or all of whose looks were, come in as they are now; those that a new run would not
        take stay as they were, and the answer says why. Failed and rejected cells are submitted with mode `failed`.
        """

        def chosen(store: Store) -> list[Still]:
            return _stuck_stills(store, run, selection, list(_cells_of(store, run, selection)))

        replaced = replacing.look(self._stores, self._books, self._pictures, run, chosen)
        with self._stores.read() as store:
            seen = remaking.lost(store, self._pictures.media, _cells_of(store, run, selection).values())
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            cells = _cells_of(store, run, selection)
            lost = [cells[cell.id] for cell in seen if cells[cell.id].version == cell.version]
            stuck = _stuck_stills(store, run, selection, list(cells))
            renewed = replacing.take(advance, run, stuck, replaced)
            again = [f"{still.kind.value} {still.key}{replaced.told(still, renewed)}" for still in stuck]
            for still in stuck:
                advance.queue_still(advance.stills.get(still.id, still))
            again += self._remade(advance, run, lost)
            failed = [job for job in store.jobs.unfinished(run.id, Stage.EXPORT) if job.status is JobStatus.FAILED]
            ours = [job for job in failed if job.subject_id in cells]
            store.jobs.set_status([job.id for job in ours], JobStatus.FAILED, JobStatus.READY, now=store.journal.now)
            if ours:
                store.jobs.reprioritise(run.id)
            for job in ours:
                store.journal.record("job.retried", actor=actor, subject="job", subject_id=job.id, run_id=run.id)
            if again or ours:
                advance.go_on(run.id)
            advance.finish()
            if not again and not ours and selection == Selection():
                again += [f"delivery {one.number}" for one in Sealing(advance).retry(run.id)]
        return again + [f"export {job.part} of {cells[job.subject_id].plan.key}" for job in ours]

    def _remade(self, advance: Advance, run: Run, lost: Sequence[Cell]) -> list[str]:
        """Ask for these approved scenes again, of which something is lost; the answer names them."""
        if lost:
            lacking = refusal(advance.store, self._books, run, lost)
            if lacking:
                raise Refused(lacking)
            remaking.remake(advance, lost)
            advance.store.flush()
        return [f"scene {cell.plan.key}, of which a stored file is gone" for cell in lost]

    def rollback(self, run: Run, selection: Selection, actor: Actor, *, take: int | None = None) -> list[str]:
        """Take cells back to their approved take (or to an earlier approved one); the answer is their keys.

        Work on a newer take is cancelled; nothing approved is thrown away. Cells without an approved take are left alone;
        Conflict when there is none at all. A run that was over goes on: what it delivers is another take now.
        """
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            back, chosen = [], selected(store, run, selection)
            for cell in chosen:
                target = _earlier_take(store, cell, take)
                if target is None or (cell.status is CellStatus.APPROVED and cell.approved_take == target):
                    continue
                self._roll_back(store, advance, cell, target)
                back.append(cell.plan.key)
            if not back:
                raise Conflict(_no_way_back(store, chosen, take))
            advance.go_on(run.id)
            advance.finish()
            store.flush()
            Sealing(advance).deliver_when_ready(run.id)
        return back

    def may_go_back(self, run: Run) -> list[str]:
        """The keys of the rejected and failed cells that have an approved take to go back to."""
        with self._stores.read() as store:
            cells = store.cells.with_status(run.id, CellStatus.REJECTED, CellStatus.FAILED)
            approved = store.takes.approved_of([cell.id for cell in cells])
        return [cell.plan.key for cell in cells if cell.id in approved]

    def mark_stale(self, run: Run, reasons: Mapping[str, str], actor: Actor) -> list[str]:
        """Mark the produced cells that were made from something that has changed since, by key with the reason.

        Cells without a reason lose an earlier mark. Nothing is re-run and nothing approved is touched: people choose.
        The answer is the keys of the cells that are stale now.
        """
        with self._stores.begin(self._clock.now()) as store:
            stale = []
            for cell in store.cells.of_run(run.id):
                reason = reasons.get(cell.plan.key, "") if cell.status is not CellStatus.NOT_STARTED else ""
                if reason:
                    stale.append(cell.plan.key)
                if reason != cell.stale:
                    _mark(store, cell, reason, actor)
        return stale

    @staticmethod
    def _roll_back(store: Store, advance: Advance, cell: Cell, target: int) -> None:
        advance.cancel_jobs("cell", [cell.id], "rolled back")
        store.flush()
        now = store.journal.now
        exports = [job.id for job in store.jobs.of("cell", cell.id, target, Stage.EXPORT) if job.status is JobStatus.CANCELLED]
        store.jobs.set_status(exports, JobStatus.CANCELLED, JobStatus.READY, now=now)
        if exports:
            store.jobs.reprioritise(cell.run_id)
        if cell.status is CellStatus.APPROVED:
            advance.cells[cell.id] = store.cells.move(cell, CellStatus.APPROVED, now, approved_take=target)
        else:
            advance.restore_cell(cell, target)
        store.journal.record(
            "take.rolled_back", actor=advance.actor, subject="cell", subject_id=cell.id, run_id=cell.run_id,
            data={"from": cell.approved_take, "to": target},
        )  # fmt: skip


def _mark(store: Store, cell: Cell, reason: str, actor: Actor) -> None:
    store.cells.mark_stale(cell, reason)
    store.journal.record(
        "cell.stale" if reason else "cell.fresh", actor=actor, subject="cell", subject_id=cell.id, run_id=cell.run_id,
        data={"reason": reason} if reason else None,
    )  # fmt: skip


def _in_review(
    store: Store, run: Run, selection: Selection, expected: Mapping[str, int] | None, *, also_approved: bool = False
) -> list[Cell]:
    allowed = {CellStatus.REVIEW, CellStatus.APPROVED} if also_approved else {CellStatus.REVIEW}
    chosen = selected(store, run, selection)
    changed = [cell for cell in chosen if (expected or {}).get(cell.plan.key, cell.version) != cell.version]
    if changed:
        first = changed[0]
        move = store.journal.last_moves("cell", [first.id]).get(first.id)
        raise Conflict(overtaken(first.plan.key, move, first.status, store.journal.now))
    cells = [cell for cell in chosen if cell.status in allowed]
    if not cells:
        where = f'"{chosen[0].plan.key}" is {chosen[0].status.value}' if len(chosen) == 1 else "None of these cells is in review"
        raise Conflict(f"{where}: there is nothing to decide. `./stripboard status` shows what waits.")
    return cells


def _find_still(store: Store, run: Run, key: str) -> Still:
    stills = {still.key: still for still in store.stills.of_run(run.id) if still.kind is StillKind.VARIANT}
    if key not in stills:
        raise NotFound(f'Run {run.name} has no variant image "{key}". {did_you_mean(key, stills, cure="")}'.strip())
    return stills[key]


def _check_still(store: Store, still: Still, expected: Mapping[str, int] | None) -> None:
    """What somebody looked at is still that take, in review."""
    if expected is None or still.key not in expected:
        return
    if still.take != expected[still.key] or still.status is not CellStatus.REVIEW:
        move = store.journal.last_moves("still", [still.id]).get(still.id)
        raise Conflict(overtaken(still.key, move, still.status, store.journal.now))


def _cells_of(store: Store, run: Run, selection: Selection) -> dict[int, Cell]:
    """The cells of a selection whose keys may be those of stills too."""
    stills = {still.key for still in store.stills.of_run(run.id)}
    keys = tuple(key for key in selection.keys if key not in stills)
    if selection.keys and not keys:
        return {}
    return {cell.id: cell for cell in selected(store, run, replace(selection, keys=keys))}


def _stuck_stills(store: Store, run: Run, selection: Selection, cell_ids: Sequence[int]) -> list[Still]:
    """The failed and rejected stills of a selection: those it names, and those that the cells it names need."""
    needed = {still_id for ids in store.cells.stills_of(cell_ids).values() for still_id in ids}
    above = store.cells.needs(run.id, "still")
    needed |= {key for still_id in needed for _, key in above.get(still_id, ())}
    stuck = (CellStatus.FAILED, CellStatus.REJECTED)
    return [
        still
        for still in store.stills.of_run(run.id)
        if still.status in stuck
        and (not selection.characters or still.character in selection.characters)
        and (not selection.variants or still.variant in selection.variants)
        and (not selection.keys or still.key in selection.keys or still.id in needed)
    ]


def _earlier_take(store: Store, cell: Cell, wanted: int | None) -> int | None:
    """The approved take to go back to: the one named, else the current one of an unapproved cell, else the one before."""
    approved = [take.number for take in store.takes.of_cell(cell.id) if take.decision == "approved"]
    if wanted is not None:
        return wanted if wanted in approved else None
    if cell.status is not CellStatus.APPROVED:
        return cell.approved_take if cell.approved_take in approved else (approved[-1] if approved else None)
    earlier = [number for number in approved if number < (cell.approved_take or 0)]
    return earlier[-1] if earlier else None


def _no_way_back(store: Store, cells: Sequence[Cell], wanted: int | None) -> str:
    """Why no cell can go back, with the takes that there are of a single one."""
    if len(cells) != 1:
        return (
            f"No selected cell has {'another approved take' if wanted is None else f'an approved take {wanted}'} to go back to."
        )
    takes = store.takes.of_cell(cells[0].id)
    made = ", ".join(f"{take.number} ({_state_of(cells[0], take)})" for take in takes)
    told = f"Its takes: {made}." if takes else "It has no take yet."
    no = "no other approved take" if wanted is None else f"no approved take {wanted} that is not in use"
    return f'Cell "{cells[0].plan.key}" has {no}: there is nothing to go back to. {told}'


def _state_of(cell: Cell, take: Take) -> str:
    if cell.status is CellStatus.APPROVED and take.number == cell.approved_take:
        return "in use"
    return take.decision or "not decided"


def _still_reason(still: Still) -> str:
    """Which candidate measures best, and what is wrong even with that one."""
    report = still.verdict or {}
    best = report.get("best")
    chosen = f"best by its measures: candidate {best}" if best and still.candidates > 1 else ""
    return "; ".join(part for part in (chosen, _flaws(report.get("candidates", {}).get(best))) if part)


def _best(still: Still) -> str:
    return str((still.verdict or {}).get("best") or 1)


def _flaws(verdict: Mapping[str, Any] | None) -> str:
    """What the quality checks found, in words; empty when everything is within its limits."""
    if not verdict or verdict["verdict"] == "pass":
        return ""
    return f"{verdict['verdict']}: {quality.from_dict(verdict).summary}"
