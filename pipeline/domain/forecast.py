"""How much work a whole run is: for progress bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pipeline.domain.cells import CellPlan
from pipeline.domain.production import Production
from pipeline.domain.progress import Progress
from pipeline.domain.resolver import stills_for
from pipeline.domain.stages import Phase, last_rank
from pipeline.domain.statuses import StillKind


def expected_jobs(production: Production, cells: Iterable[CellPlan]) -> Mapping[Phase, int]:
    """Jobs by phase when every cell is made once."""
    cells = tuple(cells)
    segments = {kind.name: kind.segments for kind in production.scene_types}
    expected: Counter[Phase] = Counter()
    for still in stills_for(production, cells):
        if still.kind is StillKind.SOURCE:
            expected[Phase.PREPARE] += 1
        else:
            expected[Phase.CHARACTERS] += still.candidates + 1
    for cell in cells:
        expected[Phase.SHOTS] += segments[cell.scene_type] + 1
    expected[Phase.POST_PROCESS] = len(cells)
    expected[Phase.EXPORT] = len(cells) * len(production.outputs)
    expected[Phase.FINALIZE] = 1
    return {phase: expected[phase] for phase in Phase if expected[phase]}


def bars(progress: Progress, expected: Mapping[Phase, int], until: Phase) -> list[tuple[Phase, int, int, int]]:
    """(phase, done, total, failed) of every phase up to the wanted one; a total covers what is known and what is expected."""
    known = {found.phase: found for found in progress.phases}
    rows = []
    for phase in Phase:
        found = known.get(phase)
        total = max(expected.get(phase, 0), found.total if found else 0)
        if total and last_rank(phase) <= last_rank(until):
            rows.append((phase, found.done if found else 0, total, found.failed if found else 0))
    return rows
