"""New takes by a person's wish: with a seed of their own, or from a segment on, with what is good before it kept."""

from __future__ import annotations

from typing import Any

from data.store import Store, Stores
from pipeline.domain import plans
from pipeline.domain.errors import Conflict, NotFound, Refused
from pipeline.domain.estimates import scene_cost, segment_frames
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Actor, Cell, JobInput, Run
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, JobStatus, in_words
from pipeline.ports import Clock
from pipeline.services.accounts import Accounts, payable_seconds
from pipeline.services.advance import Advance
from pipeline.services.runbooks import RunBooks
from pipeline.services.selections import selected
from pipeline.services.uncovered import stop_words

_AGAIN = (CellStatus.REVIEW, CellStatus.APPROVED, CellStatus.REJECTED, CellStatus.FAILED, CellStatus.CANCELLED)


class Retakes:
    """Asks for one more take of one cell."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock

    def again(
        self,
        run: Run,
        key: str,
        actor: Actor,
        *,
        from_segment: int = 1,
        seed: int | None = None,
        prompt: str = "",
        expected: int | None = None,
    ) -> int:
        """Queue a new take and say its number. Segments before `from_segment` are taken over from the newest take.

        `seed` and `prompt` are for what is made anew; without them it has a seed of its own and the words of the production.

        `expected` is the version of the cell that was looked at: Conflict when it is another one now. Conflict too when the
        cell is under way or waits for something, or when there is nothing to keep; Refused when the budget does not cover it.
        """
        with self._stores.begin(self._clock.now()) as store:
            [cell] = selected(store, run, Selection(keys=(key,)))
            _check(cell, expected)
            current = store.runs.by_ids([run.id])[run.id]
            advance = Advance(store, self._books, actor)
            advance.know_runs([current])
            self._check_budget(store, current, cell, from_segment)
            own = "" if prompt.strip() == cell.plan.prompt else prompt.strip()
            told = {**({} if seed is None else {"seed": seed}), **({"prompt": own} if own else {})}
            wishes: dict[str, Any] = dict(told)
            base: list[JobInput] = []
            if from_segment > 1:
                wishes["keep"], base = self._kept(store, cell, from_segment)
            data = {"take": cell.take + 1, "from_segment": from_segment, **told}
            cause = store.journal.record("take.asked", actor=actor, subject="cell", subject_id=cell.id, run_id=run.id, data=data)
            advance.go_on(run.id, cause=cause)
            advance.cancel_jobs("cell", [cell.id], "made anew")
            advance.queue_cell(cell, cause=cause, wishes=wishes)
            advance.finish()
            store.flush()
            self._start(store, advance, cell, wishes, base)
        return cell.take + 1

    def _kept(self, store: Store, cell: Cell, from_segment: int) -> tuple[list[list[Any]], list[JobInput]]:
        """[take, seed, prompt] of every segment before this one of the newest take, and the pictures that it was made from."""
        book = self._books.get(store, cell.run_id)
        count = book.recipes.scene_type(cell.plan).segments
        if from_segment > count:
            raise NotFound(f'"{cell.plan.key}" has {count} segments; there is none with the number {from_segment}.')
        jobs = {job.part: job for job in store.jobs.of("cell", cell.id, cell.take, Stage.SCENE_GENERATION)}
        made = [jobs[part] for part in range(1, from_segment) if part in jobs and jobs[part].status is JobStatus.DONE]
        if len(made) < from_segment - 1:
            raise Conflict(
                f'Take {cell.take} of "{cell.plan.key}" has finished {len(made)} of its first {from_segment - 1} segments. '
                f"Begin at segment {len(made) + 1} or before."
            )
        kept = [plans.segment_origin(book, cell.plan, job.take, job.part, job.options).row for job in made]
        return kept, [file for file in made[0].inputs if file.role != "start"]

    @staticmethod
    def _start(store: Store, advance: Advance, cell: Cell, wishes: dict[str, Any], base: list[JobInput]) -> None:
        """The first job at once: it alone knows the wishes."""
        startable = [found for found in store.cells.startable(cell.run_id) if found.id == cell.id]
        if not startable:
            raise Conflict(f'"{cell.plan.key}" waits for something that is not approved. Approve that first; its page says what.')
        [(_, now)] = advance.bases(startable)
        if base and [file.sha256 for file in base] != [file.sha256 for file in now]:
            raise Conflict(f'"{cell.plan.key}" would be made from another picture than take {cell.take}. Begin at segment 1.')
        advance.start_cells(startable, wishes)

    def _check_budget(self, store: Store, run: Run, cell: Cell, from_segment: int) -> None:
        book = self._books.get(store, run.id)
        scene = book.recipes.scene_type(cell.plan)
        frames = segment_frames(scene)
        whole, size = scene_cost(book.recipes.production, scene, book.history)
        seconds = whole * sum(frames[from_segment - 1 :]) / sum(frames)
        accounts = Accounts.open(store, {run.id: run})
        payable, disk = payable_seconds(store, run), accounts.free_bytes(run.id)
        if seconds > payable or size > disk:
            stopped = accounts.shared.stopped_by(run.id)
            if stopped is not None:
                raise Refused(stop_words(stopped))
            raise Refused(
                f'Another take of "{cell.plan.key}" would need {seconds / 3600:.3f} GPU-hours and {size / 1e9:.3f} GB; '
                f"run {run.name} has {payable / 3600:.3f} GPU-hours and {disk / 1e9:.3f} GB left. Raise its budget."
            )


def _check(cell: Cell, expected: int | None) -> None:
    if expected is not None and cell.version != expected:
        raise Conflict(f'"{cell.plan.key}" has changed meanwhile: it is {in_words(cell.status)} now. Look again, then decide.')
    if cell.status not in _AGAIN:
        raise Conflict(f'"{cell.plan.key}" is {in_words(cell.status)}: another take can be asked for when this one is over.')
