"""A draft tried on the board of today, beside the rules that are live: what it would do, what would follow, and where it ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pipeline.domain.rules.assumptions import ALL_GOES_WELL, Assumption
from pipeline.domain.rules.chains import Stop, simulate
from pipeline.domain.rules.effects import NO_COST, Effect
from pipeline.domain.rules.evaluation import Funnel, Near, funnel, nearest
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.loops import Analysis, analyse
from pipeline.domain.rules.model import Kind, Rule
from pipeline.domain.rules.planning import NOTHING_BEFORE, Firing, Past
from pipeline.domain.rules.previews import looks, standing_events
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board, Cost, Snapshot

_MOST_CELLS = 8
_TELL = (Kind.NOTIFY, Kind.WEBHOOK)


@dataclass(frozen=True)
class Step:
    """What one rule does at one depth of the chains, all firings together."""

    depth: int
    rule: Rule
    firings: int
    effects: tuple[Effect, ...]
    cost: Cost

    @property
    def messages(self) -> int:
        """How many messages go out."""
        return sum(effect.action.kind in _TELL and not effect.refusal for effect in self.effects)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why some of it would not be done, each reason once."""
        return tuple(dict.fromkeys(effect.refusal for effect in self.effects if effect.refusal))


@dataclass(frozen=True)
class FirstCell:
    """A scene that would be touched, by name, with what one of its kind takes where it would be made."""

    id: int
    key: str
    cost: Cost


@dataclass(frozen=True)
class Trial:
    """What a draft would do. `events` stand on the board in its scope; `otherwise` counts firings of the branch `else`.

    `cost` is that of the draft's own firings; `steps` go on downstream, and `stops` are where people are waited for.
    """

    events: int
    firings: int
    otherwise: int
    cost: Cost
    steps: tuple[Step, ...]
    stops: tuple[Stop, ...]
    cells: tuple[FirstCell, ...]
    touched: int
    funnel: Funnel
    near: Near | None
    analysis: Analysis
    ended: str


def try_out(
    draft: Rule,
    others: Sequence[Rule],
    snapshot: Snapshot,
    *,
    assumption: Assumption = ALL_GOES_WELL,
    events: Sequence[Occurrence] = (),
    past: Past = NOTHING_BEFORE,
) -> Trial:
    """Try a draft as if it were on and approved, on what stands on the board or on these `events`, with the rules that are live.

    `past` says what rules that fire once have fired for. Nothing is changed. What other rules would make of the same events is
    left out: it has happened, or is not of the draft.
    """
    board = Board(snapshot)
    live = replace(draft, enabled=True, approved=True)
    standing = tuple(events) or standing_events(live, board)
    downstream = [rule for rule in others if rule.id != draft.id and rule.enabled and rule.approved]
    course = simulate(standing, Rulebook([live, *downstream]), snapshot, assumption=assumption, past=past)
    ours: set[int] = set()
    for number, firing in enumerate(course.firings):
        if firing.rule.id == draft.id or course.what_woke(number) & ours:
            ours.add(number)
    followed = [course.firings[number] for number in sorted(ours)]
    own = [firing for firing in followed if firing.rule.id == draft.id]
    touched = tuple(
        dict.fromkeys(one for firing in own for effect in firing.effects if not effect.refusal for one in effect.cells)
    )
    made = {
        one
        for firing in own
        for effect in firing.effects
        if effect.action.kind is Kind.SUBMIT and not effect.refusal
        for one in effect.cells
    }
    found = looks(standing, board)
    return Trial(
        events=len(standing),
        firings=len(own),
        otherwise=sum(firing.branch == "else" for firing in own),
        cost=sum((firing.cost for firing in own), NO_COST),
        steps=_steps(followed),
        stops=course.stops,
        cells=tuple(_first(one, board, made) for one in touched[:_MOST_CELLS]),
        touched=len(touched),
        funnel=funnel(draft.where, [look for _, look in found]),
        near=nearest(draft.where, found) if not own else None,
        analysis=analyse([live, *(rule for rule in others if rule.id != draft.id)], snapshot.gates),
        ended=course.ended,
    )


def _steps(firings: Sequence[Firing]) -> tuple[Step, ...]:
    groups: dict[tuple[int, str], list[Firing]] = {}
    for firing in firings:
        groups.setdefault((firing.depth, firing.rule.id), []).append(firing)
    return tuple(
        Step(
            depth,
            ours[0].rule,
            len(ours),
            tuple(effect for firing in ours for effect in firing.effects),
            sum((firing.cost for firing in ours), NO_COST),
        )
        for (depth, _), ours in sorted(groups.items(), key=lambda entry: entry[0][0])
    )


def _first(cell_id: int, board: Board, made: Collection[int]) -> FirstCell:
    cell = board.cells[cell_id]
    return FirstCell(cell_id, cell.key, board.scene_type(cell.scene_type).cost if cell_id in made else NO_COST)
