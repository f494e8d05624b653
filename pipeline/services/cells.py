"""Cells by id, as their page shows them. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data.store import Store, Stores
from pipeline.domain import quality, resolver, stories
from pipeline.domain.cell_page import (
    CellPage,
    JobView,
    SceneFacts,
    StillView,
    TakeView,
    Waiter,
    job_name,
    outputs_of_take,
    segments_of,
    take_shown,
)
from pipeline.domain.errors import NotFound
from pipeline.domain.estimates import scene_cost, segment_frames
from pipeline.domain.plans import RunBook
from pipeline.domain.records import Attempt, Cell, Event, Job, Output, Run, Still, Take
from pipeline.domain.statuses import CellStatus, JobStatus, StillKind
from pipeline.ports import Clock
from pipeline.services.rule_stories import by_rules
from pipeline.services.runbooks import RunBooks
from pipeline.services.waiting import Waiting


@dataclass(frozen=True)
class _Rows:
    """What the page is made of, as read in one transaction. `needs` are those of cells by id, `above` those of stills."""

    run: Run
    cell: Cell
    book: RunBook
    needs: Mapping[int, Sequence[tuple[str, int]]]
    above: Mapping[int, Sequence[tuple[str, int]]]
    stills: Mapping[int, Still]
    cells: Mapping[int, Cell]
    waiting: Sequence[Cell]
    takes: Sequence[Take]
    jobs: Sequence[Job]
    attempts: Sequence[Attempt]
    outputs: Sequence[Output]
    pictures: Sequence[Output]
    events: Sequence[Event]
    causes: Mapping[int, Event]
    approvals: Sequence[Event]
    by_rules: Mapping[int, stories.ByRule]


class Cells:
    """Reads cells by id."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock, waiting: Waiting) -> None:
        self._waiting = waiting
        self._stores = stores
        self._books = books
        self._clock = clock

    def find(self, cell_id: int) -> tuple[Run, Cell]:
        """A cell and its run. NotFound when there is none of this id."""
        with self._stores.read() as store:
            return _find(store, cell_id)

    def page(self, cell_id: int) -> CellPage:
        """Everything about one cell. NotFound when there is none of this id."""
        with self._stores.read() as store:
            run, cell = _find(store, cell_id)
            rows = self._rows(store, run, cell)
            waits = self._waiting.of_cell(store, run, cell)
            before, after, position = store.cells.neighbours(cell)
            total = sum(store.cells.counts(run.id).values())
            seq = store.journal.last_seq()
        blocked = _unmet(rows, cell)
        return CellPage(
            run=run,
            cell=cell,
            scene=_scene(rows.book, cell),
            blocked_by=blocked,
            stills=_stills(rows),
            after=tuple(rows.cells[key] for kind, key in rows.needs.get(cell.id, ()) if kind == "cell"),
            waiters=_waiters(rows),
            takes=_takes(rows),
            jobs=_jobs(rows),
            story=_story(rows),
            before_id=before,
            after_id=after,
            position=position,
            total=total,
            seq=seq,
            now=self._clock.now(),
            cost_s=scene_cost(rows.book.recipes.production, rows.book.recipes.scene_type(cell.plan), rows.book.history)[0],
            watched=_watched(rows),
            by_rules=rows.by_rules,
            waits=waits,
        )

    def _rows(self, store: Store, run: Run, cell: Cell) -> _Rows:
        waiting = [other for other in store.cells.that_need("cell", cell.id) if other.status is CellStatus.QUEUED]
        needs = store.cells.needs_of("cell", [cell.id, *(other.id for other in waiting)])
        ids = list(dict.fromkeys(need for found in needs.values() for need in found))
        still_ids = [key for kind, key in ids if kind == "still"]
        above = store.cells.needs_of("still", still_ids) if still_ids else {}
        still_ids += [key for found in above.values() for _, key in found if key not in still_ids]
        jobs = store.jobs.of("cell", cell.id)
        events = [*store.journal.of("cell", cell.id), *store.journal.of_jobs([job.id for job in jobs], "job.started")]
        return _Rows(
            run=run,
            cell=cell,
            book=self._books.get(store, run.id),
            needs=needs,
            above=above,
            stills=store.stills.by_ids(still_ids),
            cells=store.cells.by_ids([key for kind, key in ids if kind == "cell"]),
            waiting=waiting,
            takes=store.takes.of_cell(cell.id),
            jobs=jobs,
            attempts=store.jobs.attempts_of([job.id for job in jobs]),
            outputs=store.outputs.of("cell", cell.id),
            pictures=store.outputs.of_stills(still_ids),
            events=events,
            causes=store.journal.numbered([*(event.cause for event in events if event.cause)]),
            approvals=store.journal.of_type("still", still_ids, "still.approved"),
            by_rules=by_rules(store, cell, events),
        )


def _find(store: Store, cell_id: int) -> tuple[Run, Cell]:
    cell = store.cells.by_ids([cell_id]).get(cell_id)
    if cell is None:
        raise NotFound(f"There is no cell {cell_id}. It may belong to another database; the board of the run lists its cells.")
    return store.runs.by_ids([cell.run_id])[cell.run_id], cell


def _scene(book: RunBook, cell: Cell) -> SceneFacts:
    scene = book.recipes.scene_type(cell.plan)
    gate = book.recipes.production.approvals.scenes_of(cell.plan.character)
    return SceneFacts(scene.duration_s, scene.fps, scene.width, scene.height, segment_frames(scene), gate)


def _unmet(rows: _Rows, cell: Cell) -> tuple[resolver.Unmet, ...]:
    stills = {(still.kind.value, still.key): still.status for still in rows.stills.values()}
    cells = {other.plan.key: other.status for other in rows.cells.values()}
    return resolver.resolve([(cell.plan, cell.status)], stills, cells).blocked.get(cell.plan.key, ())


def _stills(rows: _Rows) -> tuple[StillView, ...]:
    """Source images first, then what is made from them."""
    direct = [key for kind, key in rows.needs.get(rows.cell.id, ()) if kind == "still"]
    wanted = [key for still_id in direct for _, key in rows.above.get(still_id, ())] + direct
    found = [rows.stills[key] for key in dict.fromkeys(wanted)]
    found.sort(key=lambda still: list(StillKind).index(still.kind))
    return tuple(StillView(still, _candidates(rows, still), _decided_by(rows, still)) for still in found)


def _candidates(rows: _Rows, still: Still) -> tuple[int, ...]:
    if still.kind is StillKind.SOURCE:
        character = rows.book.recipes.characters.get(still.character or "")
        return tuple(range(1, 1 + len(character.source_images))) if character else ()
    made = {output.part for output in rows.pictures if output.subject_id == still.id and output.take == still.take}
    return tuple(sorted(made))


def _decided_by(rows: _Rows, still: Still) -> str:
    """Who approved it last."""
    approvals = [event for event in rows.approvals if event.subject_id == still.id]
    return stories.person(approvals[-1].actor) if approvals else ""


def _waiters(rows: _Rows) -> tuple[Waiter, ...]:
    production = rows.book.recipes.production
    found = []
    for other in rows.waiting:
        seconds, _ = scene_cost(production, rows.book.recipes.scene_type(other.plan), rows.book.history)
        found.append(Waiter(other, seconds, is_freed=len(_unmet(rows, other)) <= 1))
    return tuple(found)


def _takes(rows: _Rows) -> tuple[TakeView, ...]:
    frames = segment_frames(rows.book.recipes.scene_type(rows.cell.plan))
    seconds: dict[int, float] = {}
    for view in _jobs(rows):
        if view.is_generation:
            seconds[view.job.take] = seconds.get(view.job.take, 0.0) + view.seconds
    views = []
    for take in reversed(rows.takes):
        made = outputs_of_take(rows.outputs, take.number)
        jobs = [job for job in rows.jobs if job.take == take.number]
        segments = segments_of(frames, jobs, {part: row.file for (role, part), row in made.items() if role == "segment"})
        scene = next((row.file for (role, _), row in made.items() if role == "scene"), None)
        failed = next((job.reason for job in jobs if job.status is JobStatus.FAILED), "")
        shown = "failed" if failed and not take.decision and scene is None else take_shown(take, rows.cell)
        views.append(
            TakeView(
                take=take,
                shown=shown,
                segments=segments,
                scene=scene,
                has_picture=any(role in ("poster", "last_frame") for role, _ in made),
                verdict=quality.from_dict(take.verdict) if take.verdict else None,
                generation_s=seconds.get(take.number, 0.0),
                reason=take.reason or failed,
            )
        )
    return tuple(views)


def _jobs(rows: _Rows) -> tuple[JobView, ...]:
    """Newest take first, and within it what was done last."""
    attempts: dict[int, list[Attempt]] = {}
    for attempt in rows.attempts:
        attempts.setdefault(attempt.job_id, []).append(attempt)
    ordered = sorted(rows.jobs, key=lambda job: (-job.take, -job.id))
    formats = [output.name for output in rows.book.recipes.production.outputs]
    return tuple(JobView(job, tuple(attempts.get(job.id, ())), job_name(job, formats)) for job in ordered)


def _story(rows: _Rows) -> tuple[stories.Line, ...]:
    names = {("still", still.id): f"{_kind(still)} {still.key}" for still in rows.stills.values()}
    names |= {("cell", cell.id): cell.plan.key for cell in rows.cells.values()}
    names |= {("job", view.job.id): f"{view.name[0].lower()}{view.name[1:]} of take {view.job.take}" for view in _jobs(rows)}
    verdicts = {take.number: _found(take) for take in rows.takes if take.verdict}
    kept = {take.number: len(take.kept) for take in rows.takes}
    return stories.told(rows.events, stories.Context(rows.causes, names, verdicts, rows.approvals, kept))


def _found(take: Take) -> str:
    """What the checks of a take found beyond its limits; empty when nothing."""
    verdict = quality.from_dict(take.verdict or {"verdict": "pass", "judged": []})
    return f"QA found {verdict.summary}" if verdict.findings else ""


def _kind(still: Still) -> str:
    return {StillKind.SOURCE: "source images of", StillKind.VARIANT: "variant image", StillKind.PLATE: "plate"}[still.kind]


def _watched(rows: _Rows) -> frozenset[tuple[str, int]]:
    """Whose events change this page."""
    found = {("cell", rows.cell.id)} | {("still", key) for key in rows.stills} | {("cell", key) for key in rows.cells}
    return frozenset(found | {("cell", other.id) for other in rows.waiting} | {("job", job.id) for job in rows.jobs})
