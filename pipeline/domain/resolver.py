"""What a cell needs before it may start, and which cells may: pure conclusions from stored facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.domain.cells import CellPlan
from pipeline.domain.production import Production
from pipeline.domain.statuses import CellStatus, StillKind, in_words


@dataclass(frozen=True)
class Need:
    """One dependency: `kind` is `cell` or a still kind, `key` its name in the run."""

    kind: str
    key: str


@dataclass(frozen=True)
class Unmet:
    """A dependency that is not approved yet, with where it stands."""

    need: Need
    status: CellStatus

    def __str__(self) -> str:
        what = {"cell": "scene", "source": "source images of", "variant": "variant image", "plate": "location plate"}
        is_many = self.need.kind == "source"
        if self.status is CellStatus.FAILED:
            cure = ": replace them, or try again" if is_many else ""
            return f"{what[self.need.kind]} {self.need.key} {'have' if is_many else 'has'} failed{cure}"
        verb = "are" if is_many else "is"
        return f"{what[self.need.kind]} {self.need.key} {verb} {_state(self.status)}"


def _state(status: CellStatus) -> str:
    return "in review" if status is CellStatus.REVIEW else in_words(status)


@dataclass(frozen=True)
class StillPlan:
    """A still that a run has to make or check."""

    kind: StillKind
    key: str
    character: str | None = None
    variant: str | None = None
    location: str | None = None
    candidates: int = 1


def needs_of_cell(cell: CellPlan) -> tuple[Need, ...]:
    """Everything the cell depends on: its variant image (or its character's source images), its plate, earlier shots."""
    needs = []
    if cell.character:
        kind = StillKind.VARIANT if cell.variant else StillKind.SOURCE
        key = f"{cell.character} / {cell.variant}" if cell.variant else cell.character
        needs.append(Need(kind.value, key))
    if cell.location:
        needs.append(Need(StillKind.PLATE.value, cell.location))
    needs.extend(Need("cell", key) for key in cell.after)
    return tuple(needs)


def needs_of_still(still: StillPlan) -> tuple[Need, ...]:
    """A variant image depends on its character's checked source images; other stills on nothing."""
    if still.kind is StillKind.VARIANT and still.character:
        return (Need(StillKind.SOURCE.value, still.character),)
    return ()


def stills_for(production: Production, cells: Iterable[CellPlan]) -> tuple[StillPlan, ...]:
    """The stills these cells need, each once, sources first, in the order of first use."""
    variants = {variant.name: variant for variant in production.variants}
    sources: dict[str, StillPlan] = {}
    others: dict[tuple[str, str], StillPlan] = {}
    for cell in cells:
        if cell.character:
            sources.setdefault(cell.character, StillPlan(StillKind.SOURCE, cell.character, character=cell.character))
        if cell.character and cell.variant:
            key = f"{cell.character} / {cell.variant}"
            candidates = variants[cell.variant].candidates if cell.variant in variants else 1
            others.setdefault(
                ("variant", key),
                StillPlan(StillKind.VARIANT, key, character=cell.character, variant=cell.variant, candidates=max(1, candidates)),
            )
        if cell.location:
            others.setdefault(("plate", cell.location), StillPlan(StillKind.PLATE, cell.location, location=cell.location))
    return (*sources.values(), *others.values())


@dataclass(frozen=True)
class Resolution:
    """Queued cells, parted: what may start now, and what is blocked by what."""

    ready: tuple[str, ...]
    blocked: Mapping[str, tuple[Unmet, ...]]


def resolve(
    cells: Iterable[tuple[CellPlan, CellStatus]],
    stills: Mapping[tuple[str, str], CellStatus],
    cell_statuses: Mapping[str, CellStatus],
) -> Resolution:
    """Part the queued cells into ready and blocked, naming *every* unmet dependency of each blocked one.

    `stills` maps (kind, key) and `cell_statuses` maps a cell's key to where it stands; an unknown need is not started.
    """
    ready: list[str] = []
    blocked: dict[str, tuple[Unmet, ...]] = {}
    for cell, status in cells:
        if status is not CellStatus.QUEUED:
            continue
        unmet = []
        for need in needs_of_cell(cell):
            found = cell_statuses.get(need.key) if need.kind == "cell" else stills.get((need.kind, need.key))
            if found is not CellStatus.APPROVED:
                unmet.append(Unmet(need, found or CellStatus.NOT_STARTED))
        if unmet:
            blocked[cell.key] = tuple(unmet)
        else:
            ready.append(cell.key)
    return Resolution(tuple(ready), blocked)
