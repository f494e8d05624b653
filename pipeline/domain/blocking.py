"""What keeps queued cells from starting, down to what waits for nothing itself, and what people can do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain import resolver
from pipeline.domain.plans import still_plan
from pipeline.domain.records import Cell, Still
from pipeline.domain.resolver import Need, Unmet
from pipeline.domain.statuses import CellStatus

_NOT_ASKED = frozenset({CellStatus.NOT_STARTED, CellStatus.CANCELLED})
_WRONG = frozenset({CellStatus.FAILED, CellStatus.REJECTED})


@dataclass(frozen=True)
class Hindrance:
    """Something that waits for nothing else, and that these blocked cells wait for, directly or by way of others."""

    unmet: Unmet
    cells: tuple[str, ...]

    @property
    def is_not_asked_for(self) -> bool:
        """Whether nobody asks for it: the cells wait for ever, and there is nothing to try again."""
        return self.unmet.status in _NOT_ASKED


def blocked(cells: Sequence[Cell], stills: Iterable[Still]) -> Mapping[str, tuple[Unmet, ...]]:
    """Every queued cell that may not start, with all that it waits for."""
    return resolver.resolve(
        [(cell.plan, cell.status) for cell in cells],
        {(still.kind.value, still.key): still.status for still in stills},
        {cell.plan.key: cell.status for cell in cells},
    ).blocked


def hindrances(blocked: Mapping[str, Sequence[Unmet]], stills: Sequence[Still]) -> tuple[Hindrance, ...]:
    """What these blocked cells wait for in the end, each once, in the order in which it is met first."""
    behind = {Need("cell", key): tuple(needs) for key, needs in blocked.items()} | _behind_stills(stills)
    waiting: dict[Need, list[Need]] = {}
    last: dict[Need, Unmet] = {}
    for need, unmets in behind.items():
        for unmet in unmets:
            waiting.setdefault(unmet.need, []).append(need)
            if unmet.need not in behind:
                last.setdefault(unmet.need, unmet)
    places = {key: place for place, key in enumerate(blocked)}
    found = [
        Hindrance(unmet, tuple(sorted(_cells_behind(need, waiting), key=places.__getitem__))) for need, unmet in last.items()
    ]
    return tuple(one for one in found if one.cells)


def reasons(hindrances: Iterable[Hindrance]) -> Mapping[str, tuple[Unmet, ...]]:
    """The same by cell: what each waits for in the end."""
    found: dict[str, tuple[Unmet, ...]] = {}
    for one in hindrances:
        for key in one.cells:
            found[key] = (*found.get(key, ()), one.unmet)
    return found


def cure(unmet: Unmet) -> str:
    """What lets a cell go on that waits for this, as a sentence."""
    if unmet.status in _NOT_ASKED:
        return "Submit that, or cancel this one." if unmet.need.kind == "cell" else "Cancel this one, and submit it again."
    if unmet.status in _WRONG:
        return "Retry that, or cancel this one."
    return "Approve or reject that." if unmet.status is CellStatus.REVIEW else "Let the run go on."


def _behind_stills(stills: Sequence[Still]) -> dict[Need, tuple[Unmet, ...]]:
    """What queued stills wait for."""
    statuses = {(still.kind.value, still.key): still.status for still in stills}
    found = {}
    for still in stills:
        if still.status is CellStatus.QUEUED:
            needs = resolver.needs_of_still(still_plan(still))
            stands = [(need, statuses.get((need.kind, need.key), CellStatus.NOT_STARTED)) for need in needs]
            unmet = tuple(Unmet(need, status) for need, status in stands if status is not CellStatus.APPROVED)
            if unmet:
                found[Need(still.kind.value, still.key)] = unmet
    return found


def _cells_behind(need: Need, waiting: Mapping[Need, Sequence[Need]]) -> set[str]:
    """The blocked cells that wait for this, however far behind it."""
    seen, ahead = {need}, [need]
    while ahead:
        new = [one for one in waiting.get(ahead.pop(), ()) if one not in seen]
        seen.update(new)
        ahead += new
    return {one.key for one in seen - {need} if one.kind == "cell"}
