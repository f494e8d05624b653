"""Which job comes next: pure builders of new jobs from a run's recipes and what is already made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.domain.cells import CellPlan
from pipeline.domain.estimates import NEW, History, default_rate, export_bytes, segment_cost, segment_frames, still_cost
from pipeline.domain.fingerprints import derive_seed, fingerprint
from pipeline.domain.records import Cell, JobInput, NewJob, Run, Still, StoredFile
from pipeline.domain.requests import TIME_LIMIT, Recipes
from pipeline.domain.resolver import StillPlan
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import StillKind

_QA_SECONDS = 0.2
_EMPTY: Mapping[str, Any] = {}


@dataclass
class RunBook:
    """A run's recipes and what was measured of its work, kept in memory while the run is worked on."""

    recipes: Recipes
    history: History = NEW


def take_seed(book: RunBook, cell: CellPlan, take: int) -> int:
    """The seed of one take of a cell: the same in every run of the production."""
    return derive_seed(book.recipes.production.seed, "take", cell.key, take)


@dataclass(frozen=True)
class Origin:
    """What a segment is made with: the number and seed of a take, and words in place of those of the production, if any."""

    take: int
    seed: int
    prompt: str = ""

    @property
    def row(self) -> list[Any]:
        """As it is stored: the words only where there are any."""
        return [self.take, self.seed, *([self.prompt] if self.prompt else [])]

    @property
    def told(self) -> dict[str, Any]:
        """As a manifest tells it."""
        return {"take": self.take, "seed": self.seed, **({"prompt": self.prompt} if self.prompt else {})}


def kept_origins(kept: Sequence[Sequence[Any]]) -> list[Origin]:
    """The origins of the segments that a take has taken over, from the first on."""
    return [Origin(int(number), int(seed), str(*prompt)) for number, seed, *prompt in kept]


def segment_origin(book: RunBook, cell: CellPlan, take: int, part: int, options: Mapping[str, Any]) -> Origin:
    """What a segment is made with: what an earlier take had where it is kept, else the job's own."""
    kept = kept_origins(options.get("keep", ()))
    if part <= len(kept):
        return kept[part - 1]
    return Origin(take, int(options.get("seed", take_seed(book, cell, take))), str(options.get("prompt", "")))


def asked(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a person asked of a whole take: it goes from the job of one segment to that of the next."""
    return {name: options[name] for name in ("keep", "seed", "prompt") if name in options}


def parameters(
    book: RunBook, stage: Stage, subject: Cell | Still, take: int, part: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of a job's request; nothing else decides its result besides its inputs."""
    recipes = book.recipes
    if isinstance(subject, Still):
        if stage is Stage.VARIANT_GENERATION:
            return recipes.still(still_plan(subject), take=take, candidate=part)
        return {}
    if stage is Stage.SCENE_GENERATION:
        origin = segment_origin(book, subject.plan, take, part, options)
        return recipes.segment(subject.plan, take=origin.take, number=part, seed=origin.seed, prompt=origin.prompt)
    if stage is Stage.SCENE_QA:
        return recipes.scene_qa(subject.plan)
    if stage is Stage.ASSEMBLY:
        return recipes.assembly(subject.plan, blend_boundaries=tuple(options.get("blend", ())))
    return recipes.export(recipes.production.outputs[part - 1])


def still_plan(still: Still) -> StillPlan:
    """What the still is, without its state."""
    return StillPlan(still.kind, still.key, still.character, still.variant, still.location, still.candidates)


def source_inputs(book: RunBook, character: str | None) -> tuple[JobInput, ...]:
    """A character's source images as inputs, as they were when the run was made."""
    found = book.recipes.characters.get(character or "")
    return tuple(_import(book, path, "source") for path in found.source_images) if found else ()


def plate_import(book: RunBook, location: str | None) -> JobInput | None:
    """The plate image a person gave for a location, if any."""
    found = book.recipes.locations.get(location or "")
    return replace(_import(book, found.plate, "still"), label="1") if found and found.plate else None


def _import(book: RunBook, path: str, role: str) -> JobInput:
    file: StoredFile = book.recipes.config.sources[path]
    return JobInput(role, file.sha256, file.media_type, path.rsplit("/", 1)[-1])


def still_jobs(book: RunBook, run: Run, still: Still, sources: Sequence[JobInput]) -> list[NewJob]:
    """The first jobs of a still: the check of the character's `sources`, or one generation a candidate."""
    if still.kind is StillKind.SOURCE:
        return [_job(book, run, Stage.SOURCE_QA, still, part=1, inputs=sources)]
    seconds, size = still_cost(run.backend, book.recipes.still_size, book.history.of_still(still.variant, still.location))
    keys = book.recipes.cost_keys
    key = keys.plates[still.location or ""] if still.kind is StillKind.PLATE else keys.images[still.variant or ""]
    return [
        _job(
            book, run, Stage.VARIANT_GENERATION, still,
            part=part, inputs=sources, seconds=seconds, size=size, key=key, frames=1,
        )
        for part in range(1, still.candidates + 1)
    ]  # fmt: skip


def still_qa_job(book: RunBook, run: Run, still: Still, candidates: Sequence[JobInput], sources: Sequence[JobInput]) -> NewJob:
    """The check of all candidates of a still against its character's `sources`."""
    return _job(book, run, Stage.VARIANT_QA, still, part=1, inputs=(*candidates, *sources))


def segment_job(
    book: RunBook,
    run: Run,
    cell: Cell,
    number: int,
    *,
    base: Iterable[JobInput],
    start: JobInput | None = None,
    made: Sequence[str] = (),
    wishes: Mapping[str, Any] = _EMPTY,
) -> NewJob:
    """Segment `number` of the cell's newest take. `base` is its still and plate; `made` the hashes of the segments before.

    `wishes` is what `asked` of the segment before it gave, or what a person asked of the take.
    """
    scene = book.recipes.scene_type(cell.plan)
    frames = segment_frames(scene)[number - 1]
    rate = book.history.segments.get(scene.name) or default_rate(run.backend, scene.width, scene.height)
    seconds, size = segment_cost(rate, frames, scene.width, scene.height)
    inputs = (*base, start) if start else tuple(base)
    options = {**wishes, "made": list(made)} if made else wishes
    return _job(
        book, run, Stage.SCENE_GENERATION, cell,
        part=number, inputs=inputs, options=options, seconds=seconds, size=size, frames=frames,
        key=book.recipes.cost_keys.segments[scene.name],
    )  # fmt: skip


def scene_qa_job(book: RunBook, run: Run, cell: Cell, segments: Sequence[str]) -> NewJob:
    """The check of all segments of the newest take."""
    return _job(book, run, Stage.SCENE_QA, cell, part=1, inputs=_segments(segments))


def assembly_job(book: RunBook, run: Run, cell: Cell, segments: Sequence[str], *, verdict: str, blend: Sequence[int]) -> NewJob:
    """The assembly of the newest take; flagged boundaries are blended. The verdict travels to the gate behind it."""
    scene = book.recipes.scene_type(cell.plan)
    rate = default_rate(run.backend, scene.width, scene.height)
    options = {"verdict": verdict, "blend": list(blend)}
    size = int(rate.bytes_per_frame * scene.frames)
    return _job(book, run, Stage.ASSEMBLY, cell, part=1, inputs=_segments(segments), options=options, size=size)


def export_jobs(book: RunBook, run: Run, cell: Cell, scene: JobInput) -> list[NewJob]:
    """One job for each output format of the production, from the approved scene file."""
    kind = book.recipes.scene_type(cell.plan)
    return [
        _job(book, run, Stage.EXPORT, cell, part=part, inputs=(scene,), size=export_bytes(kind, output.settings))
        for part, output in enumerate(book.recipes.production.outputs, 1)
    ]


def delivery_job(run: Run, delivery_id: int, inputs: Sequence[JobInput], size: int) -> NewJob:
    """The packaging of a delivery; it is never reused, so its fingerprint is its own."""
    name = fingerprint(stage=Stage.DELIVERY, backend=run.backend, inputs=[], parameters={"delivery": delivery_id})
    return NewJob(
        run_id=run.id,
        stage=Stage.DELIVERY,
        subject="delivery",
        subject_id=delivery_id,
        take=0,
        part=1,
        priority=run.priority,
        inputs=tuple(inputs),
        fingerprint=name,
        estimated_seconds=_QA_SECONDS * len(inputs),
        estimated_bytes=size,
    )


def _segments(hashes: Sequence[str]) -> tuple[JobInput, ...]:
    return tuple(JobInput("segment", sha256, "video/mp4", str(number)) for number, sha256 in enumerate(hashes, 1))


def _job(
    book: RunBook,
    run: Run,
    stage: Stage,
    subject: Cell | Still,
    *,
    part: int,
    inputs: Sequence[JobInput],
    options: Mapping[str, Any] = _EMPTY,
    seconds: float = _QA_SECONDS,
    size: int = 0,
    key: str = "",
    frames: int = 0,
) -> NewJob:
    recipe = parameters(book, stage, subject, subject.take, part, options)
    limit = recipe.pop(TIME_LIMIT, None)
    if limit is not None:
        options = {**options, TIME_LIMIT: limit}
    pairs = [(file.role, file.sha256) for file in inputs]
    return NewJob(
        run_id=run.id,
        stage=stage,
        subject="cell" if isinstance(subject, Cell) else "still",
        subject_id=subject.id,
        take=subject.take,
        part=part,
        priority=run.priority + (subject.priority if isinstance(subject, Cell) else 0),
        inputs=tuple(inputs),
        options=options,
        fingerprint=fingerprint(stage=stage, backend=run.backend, inputs=pairs, parameters=recipe),
        estimated_seconds=seconds,
        estimated_bytes=size,
        cost_key=key or f"{stage.value}",
        frames=frames,
    )
