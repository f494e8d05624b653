"""What a new run of a production would do for each cell, compared with an earlier run of the same production."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from pipeline.domain import estimates, matrix
from pipeline.domain.cells import CellPlan
from pipeline.domain.estimates import Estimate, History, still_size
from pipeline.domain.production import Production
from pipeline.domain.records import Cell, RunConfig
from pipeline.domain.statuses import CellStatus, in_words

_CHANGED = "changed: "
_LOOKED_AT_APART = frozenset({
    "name", "prompt", "qa", "variants", "location", "needs_character", "workflow", "workflow_bindings", "worker_tags",
})  # fmt: skip
"""What of a scene type changes nothing of a cell, or is compared elsewhere."""


class Step(StrEnum):
    """What becomes of a cell."""

    ADD = "add"  # never made before
    RERUN = "re-run"  # made before, and has to be made again
    REUSE = "reuse"  # its approved take still fits: the stored result is taken


@dataclass(frozen=True)
class Before:
    """An earlier run of the production, as far as a plan compares with it. `images`: keys of its approved variant images."""

    name: str
    config: RunConfig
    cells: Mapping[str, Cell]
    images: Collection[str] = ()


@dataclass(frozen=True)
class PlannedCell:
    """One cell of a plan. `waits_for` names the decisions of people that block it until they are made."""

    key: str
    step: Step
    why: str
    waits_for: tuple[str, ...]
    generation_seconds: float
    disk_bytes: int

    @property
    def is_stale(self) -> bool:
        """Whether it was made from something that has changed since."""
        return self.why.startswith(_CHANGED)


@dataclass(frozen=True)
class Plan:
    """Every cell with its step; `estimate` covers what has to be made, stills included.

    `rules_off` are the rules that came with the file before and are not in it any more: a new run switches them off.
    `unserved` tells of the graphs that no worker can run as it is now.
    """

    title: str
    compared_with: str | None
    cells: tuple[PlannedCell, ...]
    dropped: tuple[str, ...]
    estimate: Estimate
    rules_off: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """Cells by step, and how many of all are blocked until people decide."""
        found = Counter(cell.step.value for cell in self.cells)
        blocked = sum(bool(cell.waits_for) for cell in self.cells)
        return {**{step.value: found[step.value] for step in Step}, "blocked": blocked, "dropped": len(self.dropped)}


def plan(production: Production, sources: Mapping[str, str], before: Before | None, history: History) -> Plan:
    """Compare cell by cell. `sources` maps each picture of the production to the hash of its file."""
    cells = matrix.build(production)
    compare = _Comparison(production, sources, before) if before else None
    costs: dict[str, tuple[float, int]] = {}
    kinds = {kind.name: kind for kind in production.scene_types}
    planned, to_make = [], []
    steps = {cell.key: compare.step(cell) if compare else (Step.ADD, "") for cell in cells}
    by_itself = {cell.key for cell in cells if production.approvals.scenes_of(cell.character) == "auto"}
    decided = by_itself | {key for key, (step, _) in steps.items() if step is Step.REUSE}
    for cell in cells:
        step, why = steps[cell.key]
        if cell.scene_type not in costs:
            costs[cell.scene_type] = estimates.scene_cost(production, kinds[cell.scene_type], history)
        seconds, size = (0.0, 0) if step is Step.REUSE else costs[cell.scene_type]
        has_image = compare is not None and compare.keeps_image(cell)
        planned.append(PlannedCell(cell.key, step, why, _waits(production, cell, decided, has_image=has_image), seconds, size))
        if step is not Step.REUSE:
            to_make.append(cell)
    keys = {cell.key for cell in cells}
    return Plan(
        title=production.title,
        compared_with=before.name if before else None,
        cells=tuple(planned),
        dropped=tuple(key for key in before.cells if key not in keys) if before else (),
        estimate=estimates.estimate(production, to_make, history),
    )


def reused(production: Production, sources: Mapping[str, str], before: Before, cells: Iterable[CellPlan]) -> frozenset[str]:
    """The keys of those of these cells whose approved take in the earlier run comes out the same."""
    compare = _Comparison(production, sources, before)
    return frozenset(cell.key for cell in cells if compare.step(cell)[0] is Step.REUSE)


def differs(production: Production, sources: Mapping[str, str], config: RunConfig) -> bool:
    """Whether a production, its gates, budget and schedule apart, or one of its pictures is not what a run was made from."""
    made_from = config.production
    if replace(production, approvals=made_from.approvals, budget=made_from.budget, schedule=made_from.schedule) != made_from:
        return True
    return any(path in config.sources and config.sources[path].sha256 != sha256 for path, sha256 in sources.items())


def _waits(production: Production, cell: CellPlan, decided: Collection[str], *, has_image: bool) -> tuple[str, ...]:
    """What people have to decide first. A decision on something that comes out the same holds in the next run, too."""
    waits = []
    if cell.character and cell.variant and production.approvals.variants_of(cell.character) == "human" and not has_image:
        waits.append(f"your decision on variant image {cell.character} / {cell.variant}")
    waits += [f"your decision on scene {key}" for key in cell.after if key not in decided]
    return tuple(waits)


class _Comparison:
    """Two productions part by part; what is alike for many cells is compared once."""

    def __init__(self, production: Production, sources: Mapping[str, str], before: Before) -> None:
        self._new = production
        self._old = before.config.production
        self._new_sources = sources
        self._old_sources = {path: file.sha256 for path, file in before.config.sources.items()}
        self._cells = before.cells
        self._images = frozenset(before.images)
        self._kept: dict[tuple[str, str], tuple[str, ...]] = {}
        self._general = tuple(self._general_changes())
        self._old_plans = {key: cell.plan for key, cell in before.cells.items()}

    def step(self, cell: CellPlan) -> tuple[Step, str]:
        """Add, re-run or reuse, and why."""
        known = self._cells.get(cell.key)
        if known is None:
            return Step.ADD, "new"
        if known.status in (CellStatus.NOT_STARTED, CellStatus.CANCELLED) and not known.approved_take:
            return Step.ADD, f"was {in_words(known.status)}"
        changed = self._changes(cell, self._old_plans[cell.key])
        if changed:
            return Step.RERUN, _CHANGED + ", ".join(changed)
        if known.approved_take is None or known.status in (CellStatus.FAILED, CellStatus.REJECTED):
            reason = f" ({known.reason})" if known.reason else ""
            return Step.RERUN, f"was {in_words(known.status)}{reason}"
        return Step.REUSE, f"take {known.approved_take} is approved"

    def keeps_image(self, cell: CellPlan) -> bool:
        """Whether the variant image of this cell is approved and would come out the same."""
        if not cell.character or not cell.variant or f"{cell.character} / {cell.variant}" not in self._images:
            return False
        then, now = (_named(made.variants, cell.variant) for made in (self._old, self._new))
        if then is None or now is None or now.candidates < then.candidates:
            return False
        parts = (self._of("characters", cell.character, self._character), self._of("variants", cell.variant, self._variant))
        return not self._general and not any(parts)

    def _changes(self, new: CellPlan, old: CellPlan) -> list[str]:
        found = list(self._general)
        for label in ("scene_number", "location"):
            if getattr(new, label) != getattr(old, label):
                found.append(label.replace("_", " "))
        if new.prompt != old.prompt:
            found.append("prompt")
        found += self._of("scene_types", new.scene_type, self._scene_type)
        if new.character:
            found += self._of("characters", new.character, self._character)
        if new.variant:
            found += self._of("variants", new.variant, self._variant)
        if new.location:
            found += self._of("locations", new.location, self._location)
        return list(dict.fromkeys(found))

    def _of(self, table: str, name: str, describe: Callable[[Any, bool], Mapping[str, Any]]) -> tuple[str, ...]:
        """The changed labels of one named thing."""
        if (table, name) not in self._kept:
            new = _named(getattr(self._new, table), name)
            old = _named(getattr(self._old, table), name)
            if new is None or old is None:
                labels = [] if new is old else [f"{table[:-1].replace('_', ' ')} {name}"]
            else:
                now, then = describe(new, True), describe(old, False)
                labels = [_told(label, then[label], now[label]) for label in now if now[label] != then[label]]
            self._kept[table, name] = tuple(labels)
        return self._kept[table, name]

    def _general_changes(self) -> list[str]:
        old, new = self._old, self._new
        pairs = {
            "backend": (old.backend, new.backend),
            "command": (old.command, new.command),
            "seed": (old.seed, new.seed),
            "style": (old.style, new.style),
            "size of variant images": (still_size(old), still_size(new)),
        }
        return [label for label, (then, now) in pairs.items() if then != now]

    def _character(self, character: Any, is_new: bool) -> Mapping[str, Any]:
        return {"source images": [self._hash(path, is_new) for path in character.source_images]}

    def _location(self, location: Any, is_new: bool) -> Mapping[str, Any]:
        plate = self._hash(location.plate, is_new) if location.plate else None
        look = (location.preset, location.hdri, location.prompt, dict(location.look), plate)
        return {"location": look, "workflow of the location": self._graph(location, is_new)}

    def _scene_type(self, kind: Any, is_new: bool) -> Mapping[str, Any]:
        plain = {field.name: getattr(kind, field.name) for field in fields(kind) if field.name not in _LOOKED_AT_APART}
        return {**plain, "content of the workflow": self._graph(kind, is_new)}

    def _variant(self, variant: Any, is_new: bool) -> Mapping[str, Any]:
        return {"prompt of the variant": variant.prompt, "workflow of the variant": self._graph(variant, is_new)}

    def _graph(self, entry: Any, is_new: bool) -> tuple[str | None, Mapping[str, str]]:
        """What a graph does: its content and where values go. The file's name is of no account where the content is known."""
        return (self._hash(entry.workflow, is_new) if entry.workflow else None, dict(entry.workflow_bindings))

    def _hash(self, path: str, is_new: bool) -> str:
        return (self._new_sources if is_new else self._old_sources).get(path, path)


def _named(entries: Sequence[Any], name: str) -> Any:
    return next((entry for entry in entries if entry.name == name), None)


def _told(label: str, then: object, now: object) -> str:
    if isinstance(then, (int, float, str)) and isinstance(now, (int, float, str)) and " " not in label:
        return f"{label} {then} → {now}"
    return label
