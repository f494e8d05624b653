"""Production runs: made from a production, found again, paused, resumed and ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.repositories.budgets import accounts_of_run, limit_column
from data.store import Store, Stores
from pipeline.domain import matrix, resolver
from pipeline.domain.budget import Quantity
from pipeline.domain.choices import RunOptions
from pipeline.domain.errors import Conflict, NotFound, Refused
from pipeline.domain.presets import Presets
from pipeline.domain.production import Approvals, Budget, Production
from pipeline.domain.records import Actor, Run, RunConfig, Still, StoredFile
from pipeline.domain.run_budgets import TYPES, Taking, given, limits_of, taking, to_event
from pipeline.domain.schedule import Schedule, keeping_pauses, to_plain
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import CellStatus, RunStatus, StillKind, check_run_transition
from pipeline.domain.workflows.uses import workflow_files
from pipeline.ports import Clock, Media
from pipeline.services import replacing
from pipeline.services.advance import Advance
from pipeline.services.asking import refusal_of_new
from pipeline.services.graphs import LoadGraph, graphs_of
from pipeline.services.pictures import as_they_count
from pipeline.services.rule_keeping import keep_those_of_file
from pipeline.services.run_thresholds import keep_thresholds
from pipeline.services.runbooks import RunBooks
from pipeline.services.sealing import Sealing
from pipeline.services.take_numbers import takes_before

UNFINISHED = (RunStatus.DRAFT, RunStatus.RUNNING, RunStatus.PAUSED)


@dataclass(frozen=True)
class NewPictures:
    """The characters whose refused source images were replaced and are checked anew, and why others are left as they were."""

    of: tuple[str, ...]
    left: tuple[str, ...]


class RunsService:
    """What people do with whole runs."""

    def __init__(
        self,
        stores: Stores,
        books: RunBooks,
        *,
        media: Media,
        pictures: replacing.Pictures,
        clock: Clock,
        presets: Presets,
        load_workflow: LoadGraph,
    ) -> None:
        self._stores = stores
        self._books = books
        self._media = media
        self._pictures = pictures
        self._clock = clock
        self._presets = presets
        self._load_workflow = load_workflow

    def create(
        self,
        production: Production,
        base_dir: Path,
        options: RunOptions,
        actor: Actor,
        *,
        after: int | None = None,
        must_be_covered: bool = False,
    ) -> Run:
        """Store a new run of this production, nothing submitted yet. Referenced pictures and graphs are copied in first.

        The rules of the production are saved; those that came with it before and are gone from it are switched off. `after` is
        the number of the newest run that its maker knew of, 0 for none: Refused when somebody has made another one since.
        Raises Invalid for a graph that cannot work; with `must_be_covered` Refused, and nothing is stored, when a budget does
        not cover all of its cells.
        """
        if options.auto_approve:
            production = replace(production, approvals=Approvals("auto", "auto"))
        base_dir = base_dir.resolve()
        config, registered_ids = self._config(production, base_dir)
        cells = matrix.build(production)
        with self._stores.begin(self._clock.now()) as store:
            now = store.journal.now
            for file in config.sources.values():
                store.outputs.add_import(file, now)
            project_id = store.runs.project_id(production.title, now)
            _refuse_second(store.runs.of_project(project_id), after)
            _keep_libraries(store, project_id, production)
            stills = resolver.stills_for(production, cells)
            before = takes_before(
                store, project_id, [cell.key for cell in cells], [(still.kind.value, still.key) for still in stills]
            )
            columns = {**_columns(production, base_dir, options), "created_by": str(actor)}
            run = store.runs.add(project_id, config, columns, now)
            store.workflows.note_use(run.id, registered_ids)
            store.cells.add_all(run.id, cells, before.cells, now)
            store.stills.add_all(run.id, stills, before.stills, now)
            store.flush()
            store.cells.add_needs(run.id, _needs(store, run.id))
            keep_thresholds(store, run, production.budget)
            _keep_schedule(store, project_id, production.schedule.schedule, actor)
            if must_be_covered and (lacking := refusal_of_new(store, run, config, cells)):
                raise Refused(lacking)
            keep_those_of_file(store, production.title, production.triggers, actor)
            store.journal.record(
                "run.created", actor=actor, subject="run", subject_id=run.id, run_id=run.id,
                data={"cells": len(cells), "number": run.number},
            )  # fmt: skip
        return run

    def find(self, name: str | int | None) -> Run:
        """A run by id, by `Title`, by `Title #3`; None is the newest. Raises NotFound with what there is."""
        with self._stores.read() as store:
            runs = store.runs.all()
        if not runs:
            raise NotFound("There is no run yet. Start one with `./stripboard run PATH`.")
        if name is None:
            return runs[0]
        text = str(name).strip()
        for run in runs:
            if text in (str(run.id), run.name, run.title) or text.casefold() == run.title.casefold():
                return run
        known = ", ".join(f"{run.id} ({run.name})" for run in runs[:5])
        raise NotFound(f'There is no run "{text}". The newest are: {known}.')

    def all(self) -> list[Run]:
        """Every run, newest first."""
        with self._stores.read() as store:
            return store.runs.all()

    def unfinished(self, title: str) -> Run | None:
        """The newest run of this production that is not completed or cancelled."""
        with self._stores.read() as store:
            project_id = store.runs.find_project(title)
            runs = store.runs.of_project(project_id) if project_id is not None else []
        return next((run for run in runs if run.status in UNFINISHED), None)

    def config(self, run_id: int) -> RunConfig:
        """What the run was made from, with the pictures that took the place of refused ones."""
        with self._stores.read() as store:
            return as_they_count(store, run_id, self._books.get(store, run_id).recipes.config)

    def check_new_pictures(self, run: Run, actor: Actor) -> NewPictures:
        """Check the source images anew that were refused and have been replaced since."""

        def refused(store: Store) -> list[Still]:
            return [still for still in store.stills.of_run(run.id) if still.kind is StillKind.SOURCE]

        found = replacing.look(self._stores, self._books, self._pictures, run, refused)
        left = tuple(found.left.values())
        if not found.inputs:
            return NewPictures((), left)
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            taken = replacing.take(advance, run, refused(store), found)
            advance.finish()
        return NewPictures(tuple(taken), left)

    def pause(self, run: Run, actor: Actor) -> None:
        """No new work; what runs may finish."""
        self._move(run, RunStatus.PAUSED, actor)

    def resume(self, run: Run, actor: Actor, *, until: Phase | None = None, auto_deliver: bool | None = None) -> None:
        """Go on; as a choice up to another phase. A run that is running already only takes the new choices.

        Refused source images that have been replaced are checked anew.
        Raises Conflict for a run that is over: submitting or delivering opens it again.
        """
        if run.status in (RunStatus.COMPLETED, RunStatus.CANCELLED):
            raise Conflict(f"Run {run.name} is {run.status.value}. Submit scenes of it, or start a new run.")
        changes: dict[str, Any] = {}
        if until is not None:
            changes["until"] = until.value
        if auto_deliver is not None:
            changes["auto_deliver"] = auto_deliver
        if changes:
            with self._stores.begin(self._clock.now()) as store:
                store.runs.change(run.id, **changes)
                store.journal.record("run.changed", actor=actor, subject="run", subject_id=run.id, run_id=run.id, data=changes)
        if run.status is not RunStatus.RUNNING:
            self._move(run, RunStatus.RUNNING, actor)
        self.check_new_pictures(run, actor)
        with self._stores.begin(self._clock.now()) as store:
            Sealing(Advance(store, self._books, actor)).deliver_when_ready(run.id)

    def cancel(self, run: Run, actor: Actor) -> None:
        """End the run: everything unfinished is cancelled; what is approved stays."""
        with self._stores.begin(self._clock.now()) as store:
            advance = Advance(store, self._books, actor)
            current = advance.run(run.id)
            check_run_transition(run.name, current.status, RunStatus.CANCELLED)
            open_ones = [status for status in CellStatus if status not in (CellStatus.APPROVED, CellStatus.CANCELLED)]
            cells = store.cells.with_status(run.id, *open_ones)
            stills = [still for still in store.stills.of_run(run.id) if still.status in open_ones]
            advance.cancel_jobs("cell", [cell.id for cell in cells], "the run was cancelled")
            advance.cancel_jobs("still", [still.id for still in stills], "the run was cancelled")
            for cell in cells:
                advance.move_cell(cell, CellStatus.CANCELLED)
            for still in stills:
                advance.move_still(still, CellStatus.CANCELLED)
            self._record_move(store, current, RunStatus.CANCELLED, actor)

    def take_budget(self, run: Run, budget: Budget, actor: Actor) -> Taking:
        """Give the run what its file has changed of its budget since it gave it last; what people have set on the run stays.

        Raises Refused when less is allowed than is spent and reserved already.
        """
        with self._stores.begin(self._clock.now()) as store:
            current = store.runs.by_ids([run.id])[run.id]
            first = self._books.get(store, run.id).recipes.production.budget
            before = given(first, store.journal.of_run(run.id, TYPES))
            limits = limits_of(budget)
            now = {quantity: account.limit for quantity, account in accounts_of_run(vars(current)).items()}
            found = taking(before, budget, now)
            if not found.taken:
                return found
            _refuse_too_low(current, {quantity: limits[quantity] for quantity in found.taken})
            store.runs.change(run.id, **{limit_column(quantity): limits[quantity] for quantity in found.taken})
            keep_thresholds(store, store.runs.by_ids([run.id])[run.id], budget, found.taken)
            data = to_event(budget, found.taken)
            store.journal.record("run.changed", actor=actor, subject="run", subject_id=run.id, run_id=run.id, data=data)
        return found

    def set_priority(self, run: Run, priority: int, actor: Actor) -> None:
        """Runs of higher priority are served first."""
        if not -1000 <= priority <= 1000:
            raise Conflict(f"Priority {priority} is out of range. Use a number from -1000 to 1000.")
        with self._stores.begin(self._clock.now()) as store:
            store.runs.change(run.id, priority=priority)
            store.jobs.reprioritise(run.id)
            data = {"priority": priority}
            store.journal.record("run.changed", actor=actor, subject="run", subject_id=run.id, run_id=run.id, data=data)

    def _move(self, run: Run, status: RunStatus, actor: Actor) -> None:
        with self._stores.begin(self._clock.now()) as store:
            current = store.runs.by_ids([run.id])[run.id]
            check_run_transition(run.name, current.status, status)
            self._record_move(store, current, status, actor)

    @staticmethod
    def _record_move(store: Store, run: Run, status: RunStatus, actor: Actor) -> None:
        store.runs.change(run.id, status=status)
        data = {"from": run.status.value}
        store.journal.record(f"run.{status.value}", actor=actor, subject="run", subject_id=run.id, run_id=run.id, data=data)

    def _config(self, production: Production, base_dir: Path) -> tuple[RunConfig, frozenset[int]]:
        """What a run is made from, and the registered workflows (by number of their versions) among it."""
        paths = [path for character in production.characters for path in character.source_images]
        paths += [location.plate for location in production.locations if location.plate]
        sources: dict[str, StoredFile] = {}
        for path in dict.fromkeys(paths):
            sources[path] = self._media.adopt(base_dir / path, _media_type(path))
        for path in workflow_files(production):
            sources[path] = self._media.adopt(base_dir / path, _WORKFLOW_TYPES.get(Path(path).suffix.lower(), "application/json"))
        workflows, registered_ids = graphs_of(
            self._stores, production, lambda path: self._media.path_of(sources[path].sha256), self._load_workflow
        )
        config = RunConfig(
            production=production,
            sources=sources,
            rules=dict(self._presets.qa),
            cameras=dict(self._presets.cameras),
            palettes=dict(self._presets.palettes),
            workflows=workflows,
        )
        return config, registered_ids


_WORKFLOW_TYPES = {".png": "image/png", ".webp": "image/webp", ".mp4": "video/mp4", ".webm": "video/webm"}
_MEDIA_TYPES = {".jpg": "image/jpeg", ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp", ".bmp": "image/bmp"}


def _media_type(path: str) -> str:
    suffix = Path(path).suffix.lower()
    return _MEDIA_TYPES.get(suffix, f"image/{suffix.lstrip('.') or 'png'}")


def _columns(production: Production, base_dir: Path, options: RunOptions) -> Mapping[str, Any]:
    return {limit_column(quantity): limit for quantity, limit in limits_of(production.budget).items()} | {
        "backend": production.backend,
        "base_dir": str(base_dir),
        "until": options.until.value,
        "accept_flags": options.auto_approve,
        "auto_deliver": options.auto_deliver,
        "priority": options.priority,
        "start_after": _moment(production.schedule.start_after),
        "deadline": _moment(production.schedule.deadline),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _refuse_second(runs: Sequence[Run], after: int | None) -> None:
    if after is not None and runs and runs[0].number > after:
        raise Refused(
            f"Run {runs[0].name} was made at the same moment. Go on with that one by --resume; --new makes another one beside it."
        )


def _refuse_too_low(run: Run, limits: Mapping[Quantity, float | None]) -> None:
    seconds, size, cost = (limits.get(quantity) for quantity in (Quantity.GPU_SECONDS, Quantity.DISK_BYTES, Quantity.MONEY))
    if seconds is not None and seconds < run.spent_seconds + run.reserved_seconds:
        raise Refused(f"Run {run.name} has used more generation time than budget.gpu_hours allows now. Raise it.")
    if size is not None and size < run.spent_bytes + run.reserved_bytes:
        raise Refused(f"Run {run.name} has used more disk than budget.disk_gb allows now. Raise it.")
    if cost is not None and cost < run.spent_cost + run.reserved_cost:
        raise Refused(f"Run {run.name} has cost more than budget.money allows now. Raise it.")


def _keep_libraries(store: Store, project_id: int, production: Production) -> None:
    for library in ("characters", "variants", "scene_types", "locations"):
        store.runs.keep_library(project_id, library, {entry.name: entry for entry in getattr(production, library)})


def _keep_schedule(store: Store, project_id: int, schedule: Schedule, actor: Actor) -> None:
    """A file without a schedule leaves that of the production."""
    before = store.schedules.all().get(project_id, Schedule())
    wanted = keeping_pauses(schedule, before)
    if schedule == Schedule() or wanted == before:
        return
    store.schedules.put(project_id, wanted)
    store.journal.record("project.scheduled", actor=actor, subject="project", subject_id=project_id, data=to_plain(wanted))


def _needs(store: Store, run_id: int) -> list[tuple[str, int, str, int]]:
    """The dependency rows of a new run, by the ids of what was just stored."""
    stills = store.stills.of_run(run_id)
    cells = store.cells.of_run(run_id)
    still_ids = {(still.kind.value, still.key): still.id for still in stills}
    cell_ids = {cell.plan.key: cell.id for cell in cells}
    rows: list[tuple[str, int, str, int]] = []
    for still in stills:
        plan = resolver.StillPlan(still.kind, still.key, still.character, still.variant, still.location)
        rows += [("still", still.id, "still", still_ids[need.kind, need.key]) for need in resolver.needs_of_still(plan)]
    for cell in cells:
        for need in resolver.needs_of_cell(cell.plan):
            if need.kind == "cell":
                rows.append(("cell", cell.id, "cell", cell_ids[need.key]))
            else:
                rows.append(("cell", cell.id, "still", still_ids[need.kind, need.key]))
    return rows
