"""Makes the plan of a delivery from what is approved, and queues its packaging, inside a caller's transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.domain import blocking, file_names, plans
from pipeline.domain.delivery import CellState, Missing, readiness
from pipeline.domain.errors import Conflict
from pipeline.domain.file_names import FileName
from pipeline.domain.naming import Naming
from pipeline.domain.records import Cell, Delivery, JobInput, Output, Run, Take
from pipeline.domain.requests import Recipes, told
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus, JobStatus, RunStatus
from pipeline.services.advance import Advance

_OPEN = [status for status in CellStatus if status not in (CellStatus.APPROVED, CellStatus.CANCELLED)]
_SUFFIXES = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "image/gif": ".gif",
    "image/png": ".png",
    "image/apng": ".png",
    "image/jpeg": ".jpg",
}
_ROLES = ("export", "sprite_sheet")


class Sealing:
    """Prepares deliveries within one transaction."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._store = advance.store

    def deliver_when_ready(self, run_id: int, cause: int | None = None) -> Delivery | None:
        """Queue the delivery of a run that wants one by itself, once nothing is missing and none is under way.

        A run that was opened again and came back to what is sealed already is complete: it needs no other package.
        """
        run = self._advance.run(run_id)
        if not run.auto_deliver or run.status is not RunStatus.RUNNING:
            return None
        if self._store.cells.any_with(run_id, _OPEN) or self._store.jobs.any_unfinished(run_id, Stage.EXPORT):
            return None
        if not self._store.cells.any_with(run_id, [CellStatus.APPROVED]):
            return None
        made = [delivery for delivery in self._store.deliveries.of_run(run_id) if delivery.status is not DeliveryStatus.FAILED]
        if made and (made[-1].status is DeliveryStatus.PACKAGING or self.is_current(made[-1])):
            if self.is_delivered(run_id):
                self._advance.complete_run(run_id, cause=cause)
            return None
        return self._again(run, cause) or self.deliver(run, cause=cause)

    def _again(self, run: Run, cause: int | None) -> Delivery | None:
        """Take the newest delivery up again when it failed and is what would be made now: trying again adds no other one."""
        made = self._store.deliveries.of_run(run.id)
        if not made or made[-1].status is not DeliveryStatus.FAILED or not self.is_current(made[-1]):
            return None
        if not self.is_same(run, made[-1]):
            return None
        plan = self._store.deliveries.plan(made[-1].id)
        [job] = self._store.jobs.of("delivery", made[-1].id)
        self._store.jobs.set_status([job.id], job.status, JobStatus.READY, now=self._store.journal.now)
        self._store.deliveries.reopen(made[-1])
        self._tell(made[-1], len(plan["files"]), cause)
        return self._store.deliveries.by_id(made[-1].id)

    def retry(self, run_id: int) -> list[Delivery]:
        """Pack the newest delivery of the run again if its packaging has failed and nothing is missing; the answer is that."""
        run, made = self._advance.run(run_id), self._store.deliveries.of_run(run_id)
        if not made or made[-1].status is not DeliveryStatus.FAILED or self.missing(run):
            return []
        [job] = self._store.jobs.of("delivery", made[-1].id)
        if job.status is not JobStatus.FAILED:  # a person has cancelled it
            return []
        self._advance.go_on(run_id)
        return [self._again(run, None) or self.deliver(run)]

    def is_same(self, run: Run, delivery: Delivery) -> bool:
        """Whether a delivery of the run would be made of the same files in the same way now."""
        plan, inputs, _ = self._plan(run, self._store.cells.with_status(run.id, CellStatus.APPROVED))
        [job] = self._store.jobs.of("delivery", delivery.id)
        return json.loads(json.dumps(plan)) == self._store.deliveries.plan(delivery.id) and tuple(inputs) == job.inputs

    def is_current(self, delivery: Delivery) -> bool:
        """Whether the delivery holds exactly the takes that are approved now."""
        approved = self.approved(delivery.run_id, delivery.character)
        return bool(self._store.deliveries.plan(delivery.id)["takes"] == _takes(approved))

    def is_delivered(self, run_id: int) -> bool:
        """Whether what is approved in the run now is sealed already, all of it, and nothing is being packaged."""
        made = self._store.deliveries.every(run_id)
        sealed = [one for one in made if one.status is DeliveryStatus.SEALED and one.character is None]
        is_packaging = any(one.status is DeliveryStatus.PACKAGING for one in made)
        return not is_packaging and bool(sealed) and self.is_current(sealed[-1])

    def is_exported(self, run_id: int, cell_ids: Collection[int]) -> bool:
        """Whether no export of these cells is still to be made."""
        unfinished = self._store.jobs.unfinished(run_id, Stage.EXPORT)
        return not any(job.subject_id in cell_ids for job in unfinished)

    def missing(self, run: Run) -> list[Missing]:
        """Everything that keeps the run from being delivered; cancelled cells are out and not missed."""
        every, stills = self._store.cells.of_run(run.id), self._store.stills.of_run(run.id)
        waits = blocking.reasons(blocking.hindrances(blocking.blocked(every, stills), stills))
        cells = [cell for cell in every if cell.status is not CellStatus.CANCELLED]
        missing = readiness(CellState(cell.plan.key, cell.status.value, waits.get(cell.plan.key, ())) for cell in cells)
        keys = {cell.id: cell.plan.key for cell in cells}
        outputs = self._advance.book(run.id).recipes.production.outputs
        for job in self._store.jobs.unfinished(run.id, Stage.EXPORT):
            if job.subject_id in keys:
                key = keys[job.subject_id]
                name = outputs[job.part - 1].name
                cure = f"failed: {job.reason} Retry it." if job.status.value == "failed" else "is not ready. Let the run go on."
                missing.append(Missing(key, job.status.value, f'Export {name} of cell "{key}" {cure}'))
        return missing

    def deliver(self, run: Run, character: str | None = None, cause: int | None = None) -> Delivery:
        """Store a delivery of everything approved, or of one character, and queue its packaging.

        The caller has seen that nothing is missing.
        """
        cells = self.approved(run.id, character)
        if not cells:
            raise Conflict(f"Run {run.name} has no approved cell to deliver. Submit some, and approve them.")
        plan, inputs, size = self._plan(run, cells)
        now = self._store.journal.now
        delivery = self._store.deliveries.add(run.id, plan, now, character=character)
        self._store.jobs.add(plans.delivery_job(run, delivery.id, inputs, size), now)
        self._tell(delivery, len(plan["files"]), cause)
        return delivery

    def _tell(self, delivery: Delivery, files: int, cause: int | None) -> None:
        self._store.journal.record(
            "delivery.packaging", actor=self._advance.actor, subject="delivery", subject_id=delivery.id,
            run_id=delivery.run_id, cause=cause, data={"number": delivery.number, "files": files},
        )  # fmt: skip

    def approved(self, run_id: int, character: str | None = None) -> list[Cell]:
        """The approved cells of a run, or those of one character in it, in matrix order."""
        cells = self._store.cells.with_status(run_id, CellStatus.APPROVED)
        return [cell for cell in cells if character is None or cell.plan.character == character]

    def named_exports(self, run: Run, cells: Sequence[Cell]) -> list[tuple[Output, Cell, FileName]]:
        """Every export of these cells' approved takes with its names, in matrix order.

        A production without outputs delivers its scenes as they were assembled: as they were when they came to review, however
        often they were put together again since.
        """
        recipes = self._advance.book(run.id).recipes
        taken = {cell.id: cell for cell in cells}
        stage, roles = (Stage.EXPORT, _ROLES) if recipes.production.outputs else (Stage.ASSEMBLY, ("scene",))
        exports = [
            output
            for output in self._store.outputs.of_cells(list(taken), stage)
            if output.take == taken[output.subject_id].approved_take
            and output.role in roles
            and (stage is Stage.EXPORT or output.part == 1)
        ]
        exports.sort(key=lambda output: (taken[output.subject_id].plan.ordinal, output.part, output.id))
        namings = [_naming(recipes, output, taken[output.subject_id]) for output in exports]
        names = file_names.name_all(recipes.production, namings)
        return [(output, taken[output.subject_id], names[str(output.id)]) for output in exports]

    def possible_exports(self, run: Run, cells: Sequence[Cell]) -> list[tuple[Output, FileName]]:
        """Every export that was made of these cells, whether it counts or not, with each pair of names that it may have had.

        What another run of the production into the same folder still has approved is not among them.
        """
        recipes = self._advance.book(run.id).recipes
        chosen = {cell.id: cell for cell in cells}
        made = self._store.outputs.of_cells(list(chosen), Stage.EXPORT)
        exports = [output for output in made if output.role in _ROLES]
        elsewhere = self._store.outputs.exported_by_others(run, [output.file.sha256 for output in exports]) if exports else set()
        return [
            (output, name)
            for output in exports
            if output.file.sha256 not in elsewhere
            for name in file_names.every_name(
                recipes.production, _naming(recipes, output, replace(chosen[output.subject_id], approved_take=output.take))
            )
        ]

    def _plan(self, run: Run, cells: Sequence[Cell]) -> tuple[dict[str, Any], list[JobInput], int]:
        recipes = self._advance.book(run.id).recipes
        self._advance.load_sources(run.id, [cell.plan.character for cell in cells])
        ids = [cell.id for cell in cells]
        takes = self._store.takes.numbered([(cell.id, cell.approved_take or 0) for cell in cells])
        made = self._made(cells, ids)
        files, inputs, size = [], [], 0
        posters: dict[int, JobInput] = {}
        for output, cell, name in self.named_exports(run, cells):
            pictures = [other for other in made[cell.id] if other.role == "poster"]
            role = "export" if output.role == "scene" else output.role
            label = f"file-{cell.plan.ordinal}-{output.part}-{role}"
            poster = f"poster-{cell.plan.ordinal}" if pictures else None
            inputs.append(JobInput(role, output.file.sha256, output.file.media_type, label))
            if poster:
                file = pictures[0].file
                posters[cell.id] = JobInput("poster", file.sha256, file.media_type, poster)
            recipe = self._recipe(run, recipes, cell, takes[cell.id], made[cell.id])
            files.append(_file(recipes, output, cell, name=name.packaged, role=role, label=label, poster=poster, recipe=recipe))
            size += output.file.size_bytes
        plan = {
            "delivery": {"project": run.title, "run": run.number},
            "author": recipes.production.author,
            "files": files,
            "timeline": [cell.plan.key for cell in cells],
            "takes": _takes(cells),
            "digital_source_type": "algorithmicMedia" if run.backend == "animatic" else "trainedAlgorithmicMedia",
        }
        return plan, [*inputs, *posters.values()], size

    def _made(self, cells: Sequence[Cell], ids: list[int]) -> Mapping[int, list[Output]]:
        taken = {cell.id: cell.approved_take for cell in cells}
        found: dict[int, list[Output]] = defaultdict(list)
        for output in self._store.outputs.of_cells(ids, Stage.SCENE_GENERATION, Stage.ASSEMBLY):
            if output.take == taken[output.subject_id]:
                found[output.subject_id].append(output)
        return found

    def _recipe(self, run: Run, recipes: Recipes, cell: Cell, take: Take, made: Sequence[Output]) -> dict[str, Any]:
        """What made this take: every input, parameter, seed, measure and decision."""
        origins = plans.kept_origins(take.kept)
        kept = [{"segment": part, **origin.told} for part, origin in enumerate(origins, 1)]
        first = origins[0] if origins else plans.Origin(take.number, take.seed, take.prompt)
        return {
            "backend": run.backend,
            "prompt": take.prompt or cell.plan.prompt,
            "seed": take.seed,
            "take": take.number,
            "parameters": told(recipes.segment(cell.plan, take=first.take, number=1, seed=first.seed, prompt=first.prompt)),
            "sources": [file.sha256 for file in self._advance.sources(run.id, cell.plan.character)],
            "segments": [output.file.sha256 for output in made if output.role == "segment"],
            "scene": take.scene_sha256,
            "quality": take.verdict,
            "approved_by": take.decided_by,
            "approved_at": take.decided_at.isoformat() if take.decided_at else None,
            **({"kept": kept} if kept else {}),
        }


def _takes(cells: Sequence[Cell]) -> dict[str, int]:
    return {cell.plan.key: cell.approved_take or 0 for cell in cells}


def _naming(recipes: Recipes, output: Output, cell: Cell) -> Naming:
    suffix = _SUFFIXES.get(output.file.media_type, ".bin")
    return file_names.naming_of(
        recipes.production, cell.plan, part=output.part, take=cell.approved_take, label=str(output.id), suffix=suffix
    )


def _format(recipes: Recipes, output: Output) -> str:
    return file_names.format_of(recipes.production, output.part)


def _file(
    recipes: Recipes,
    output: Output,
    cell: Cell,
    *,
    name: str,
    role: str,
    label: str,
    poster: str | None,
    recipe: Mapping[str, Any],
) -> dict[str, Any]:
    plan, facts = cell.plan, output.facts
    return {
        "label": label,
        "name": name,
        "role": role,
        "cell": plan.key,
        "character": plan.character,
        "scene_type": plan.scene_type,
        "variant": plan.variant,
        "location": plan.location,
        "scene_number": plan.scene_number,
        "take": cell.approved_take,
        "format": _format(recipes, output),
        "poster_label": poster,
        "recipe": dict(recipe),
        **{key: facts.get(key) for key in ("fps", "frames", "width", "height", "duration_s")},
    }
