"""What the actions of a rule would do, as values: which scenes, what it takes, and why something is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.domain.choices import MODE_STATUSES
from pipeline.domain.rules.facts import Occurrence, Place, place_of, subject_of
from pipeline.domain.rules.model import Action, Actions, Kind, Names, Same
from pipeline.domain.rules.snapshot import Board, CellFacts, Cost, StillFacts
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.statuses import CellStatus, RunStatus

UNDER_WAY = frozenset({CellStatus.QUEUED, CellStatus.GENERATING, CellStatus.REVIEW, CellStatus.APPROVED})
"""A still in one of these is not asked for again."""
_HAS_TAKE = frozenset({CellStatus.REVIEW, CellStatus.APPROVED, CellStatus.REJECTED})
WHOLE_RUN = "the run"
"""What a package of all scenes is called."""
NO_COST = Cost()


@dataclass(frozen=True)
class Effect:
    """One action as it would be carried out. `number` counts the actions of its branch from 0.

    `cells` and `stills` are ids: those asked for, measured, approved or flagged. `skipped` says how many selected scenes are
    left as they are. With a `refusal` nothing of it is done.
    """

    number: int
    action: Action
    cells: tuple[int, ...] = ()
    stills: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    skipped: int = 0
    cost: Cost = NO_COST
    refusal: str = ""


@dataclass
class Claims:
    """What earlier effects of the same plan have taken already: they are not done yet, and count as if they were."""

    cells: set[int] = field(default_factory=set)
    stills: set[int] = field(default_factory=set)
    cost: Cost = NO_COST
    is_paused: bool = False

    def take(self, effects: Iterable[Effect]) -> None:
        """Count these effects as done."""
        for effect in effects:
            if effect.refusal:
                continue
            self.cost += effect.cost
            if effect.action.kind in (Kind.SUBMIT, Kind.APPROVE):
                self.cells.update(effect.cells)
                self.stills.update(effect.stills)
            elif effect.action.kind is Kind.PAUSE:
                self.is_paused = self.is_paused or effect.action.of == "run"

    def hindrance(self, board: Board) -> str:
        """Why nothing new may begin in the run; empty when it may."""
        status = RunStatus.PAUSED if self.is_paused else board.status
        return f"the run is {status.value}" if status in (RunStatus.PAUSED, RunStatus.CANCELLED) else ""


def effects_of(actions: Actions, events: Sequence[Occurrence], board: Board, claims: Claims) -> tuple[Effect, ...]:
    """The effects of these actions, for one event or for several that were gathered. `claims` is not changed.

    One after the other, nothing is done after a refusal unless the actions go on.
    """
    ours = Claims(set(claims.cells), set(claims.stills), claims.cost, claims.is_paused)
    made: list[Effect] = []
    stopped_by = 0
    for number, action in enumerate(actions.steps):
        if stopped_by:
            made.append(Effect(number, action, refusal=f"action {stopped_by} before it was refused"))
            continue
        effect = replace(_EFFECTS[action.kind](action, events, board, ours), number=number)
        ours.take([effect])
        made.append(effect)
        if effect.refusal and not actions.at_once and not actions.goes_on:
            stopped_by = number + 1
    return tuple(made)


def selected(action: Action, events: Sequence[Occurrence], board: Board) -> list[int]:
    """The ids of the scenes that an action selects, seen from its events, each once, in order."""
    found: set[int] = set()
    for event in events:
        found.update(_selected_from(action, place_of(event, board), board))
    return sorted(found)


def _selected_from(action: Action, place: Place, board: Board) -> list[int]:
    selection = action.selection
    wanted = (
        (_names(selection.characters, place.character), "character"),
        (_names(selection.scene_types, place.scene_type), "scene_type"),
        (_names(selection.variants, place.variant), "variant"),
    )
    narrow = [(names, group) for names, group in wanted if names is not None]
    if not narrow:
        return board.members("run", None)
    groups = [[cell_id for name in sorted(names) for cell_id in board.members(group, name)] for names, group in narrow]
    candidates = min(groups, key=len)
    cells = board.cells
    return [one for one in candidates if all(getattr(cells[one], group) in names for names, group in narrow)]


def _names(names: Names, of_event: str | None) -> frozenset[str] | None:
    """The names that are meant; None is all. An event without such a name narrows nothing down."""
    if names is Same.ALL:
        return None
    if names is Same.SAME:
        return None if of_event is None else frozenset((of_event,))
    return frozenset(names)


def _submit(action: Action, events: Sequence[Occurrence], board: Board, claims: Claims) -> Effect:
    chosen = selected(action, events, board)
    allowed = MODE_STATUSES[action.mode]
    cells = [one for one in chosen if board.cells[one].status in allowed and one not in claims.cells]
    cells = [one for one in cells if board.cells[one].scene_type not in board.paused_scene_types]
    stills = [one for one in board.stills_under(cells) if board.stills[one].status not in UNDER_WAY and one not in claims.stills]
    cost = sum((board.scene_type(board.cells[one].scene_type).cost for one in cells), NO_COST)
    cost = sum((board.stills[one].cost for one in stills), cost)
    effect = Effect(0, action, tuple(cells), tuple(stills), _keys(cells, board.cells), len(chosen) - len(cells), cost)
    hindrance = claims.hindrance(board) if cells else ""
    if hindrance:  # a person who submits sets a paused run going again; a rule must not undo a pause
        return replace(effect, refusal=hindrance)
    lacking = board.left.lacks(claims.cost + cost) if cells else ""
    return replace(effect, refusal=lacking)


def _with_takes(action: Action, events: Sequence[Occurrence], board: Board, claims: Claims) -> Effect:
    """QA and assembly: of selected scenes whose newest take is complete. One job each, none of it generation."""
    chosen = selected(action, events, board)
    cells = [one for one in chosen if board.cells[one].status in _HAS_TAKE and one not in claims.cells]
    return Effect(0, action, tuple(cells), (), _keys(cells, board.cells), len(chosen) - len(cells), Cost(jobs=len(cells)))


def _package(action: Action, events: Sequence[Occurrence], board: Board, claims: Claims) -> Effect:
    groups: list[tuple[str, str | None]] = [("run", None)]
    if action.of == "character":
        groups = [("character", name) for name in dict.fromkeys(place_of(event, board).character for event in events)]
    members = [one for group, name in groups for one in board.members(group, name)]
    cells = [one for one in members if board.cells[one].status is CellStatus.APPROVED]
    effect = Effect(0, action, tuple(cells), (), tuple(name or WHOLE_RUN for _, name in groups), 0, Cost(jobs=len(groups)))
    hindrance = claims.hindrance(board)
    if hindrance:
        return replace(effect, refusal=hindrance)
    return effect if cells else replace(effect, cost=NO_COST, refusal="no scene of it is approved")


def _approve(action: Action, events: Sequence[Occurrence], board: Board, claims: Claims) -> Effect:
    cells: dict[int, None] = {}
    stills: dict[int, None] = {}
    waiting = []
    for event in events:
        about = subject_of(event, board)
        is_cell = isinstance(about, CellFacts)
        if about is None or about.status is not CellStatus.REVIEW or about.id in (claims.cells if is_cell else claims.stills):
            waiting.append(about.key if about else "it")
        else:
            (cells if is_cell else stills)[about.id] = None
    names = _keys(list(cells), board.cells) + _keys(list(stills), board.stills)
    exports = Cost(jobs=len(cells) * board.snapshot.outputs)
    refusal = f"{waiting[0]} is not in review" if waiting and not names else ""
    return Effect(0, action, tuple(cells), tuple(stills), names, len(waiting), exports, refusal)


def _flag(action: Action, events: Sequence[Occurrence], board: Board, claims: Claims) -> Effect:
    cells = list(dict.fromkeys(event.subject_id for event in events if event.subject is Subject.CELL))
    stills = list(dict.fromkeys(event.subject_id for event in events if event.subject is Subject.STILL))
    names = _keys([one for one in cells if one in board.cells], board.cells)
    return Effect(0, action, tuple(cells), tuple(stills), names + _keys([s for s in stills if s in board.stills], board.stills))


def _tell(action: Action, events: Sequence[Occurrence], board: Board, claims: Claims) -> Effect:
    """Notify and webhook: one message, however many events were gathered."""
    return Effect(0, action, names=(action.to or action.url,))


def _pause(action: Action, events: Sequence[Occurrence], board: Board, claims: Claims) -> Effect:
    if action.of == "scene_type":
        names = tuple(dict.fromkeys(place_of(event, board).scene_type or "" for event in events))
        return Effect(0, action, names=names)
    effect = Effect(0, action, names=(WHOLE_RUN,))
    status = RunStatus.PAUSED if claims.is_paused else board.status
    return effect if status is RunStatus.RUNNING else replace(effect, refusal=f"the run is {status.value}")


def _keys(ids: Sequence[int], found: Mapping[int, CellFacts] | Mapping[int, StillFacts]) -> tuple[str, ...]:
    return tuple(found[one].key for one in ids)


_EFFECTS: dict[Kind, Callable[[Action, Sequence[Occurrence], Board, Claims], Effect]] = {
    Kind.SUBMIT: _submit,
    Kind.QA: _with_takes,
    Kind.ASSEMBLE: _with_takes,
    Kind.PACKAGE: _package,
    Kind.NOTIFY: _tell,
    Kind.WEBHOOK: _tell,
    Kind.APPROVE: _approve,
    Kind.FLAG: _flag,
    Kind.PAUSE: _pause,
}
