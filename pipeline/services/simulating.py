"""One simulation of rules on a run, for whoever asks: the test console, REST, the command line. In a caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from data.store import Store
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.names import did_you_mean
from pipeline.domain.rules.assumptions import ALL_GOES_WELL, Assumption
from pipeline.domain.rules.chains import Course, as_if, simulate
from pipeline.domain.rules.console import as_happened
from pipeline.domain.rules.facts import Occurrence, occurrence
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.planning import Past
from pipeline.domain.rules.rulebook import Rulebook
from pipeline.domain.rules.snapshot import Board, Snapshot
from pipeline.domain.rules.vocabulary import EVENTS, Subject
from pipeline.services.rule_snapshots import snapshot
from pipeline.services.rule_under_way import under_way
from pipeline.services.runbooks import RunBooks

_THINGS = {Subject.CELL: "scene", Subject.STILL: "picture"}


@dataclass(frozen=True)
class Simulated:
    """The events that were taken to happen now, the board that they happened on, and all that follows."""

    events: tuple[Occurrence, ...]
    board: Snapshot
    course: Course


def simulated(
    store: Store, books: RunBooks, run_id: int, happens: Occurrence | Sequence[int], rules: Collection[Rule], *,
    assumption: Assumption = ALL_GOES_WELL, goes_on: bool = False,
) -> Simulated:  # fmt: skip
    """All that would follow, through these rules, if this happened now in a run.

    `happens` is an event that somebody made up, which has then happened on the copy of the board, too; or stored events by
    number, in order, as if each happened now. With `goes_on` the work that is under way in the run is done, too, and what it
    wakes is told. Rules that fire once know what they have fired for. Raises NotFound for a run, an event, or a scene or picture
    of an event that is not there.
    """
    board = snapshot(store, books, run_id)
    if board.run_id != run_id:
        raise NotFound(f"There is no run {run_id}.")
    if isinstance(happens, Occurrence):
        _check(happens, Board(board))
        board, found = as_happened(board, happens), [happens]
    else:
        found = [stored(store, seq) for seq in happens]
    last = store.journal.last_seq()
    events = tuple(as_if(event, last + number) for number, event in enumerate(found, 1))
    past = already_fired(store, rules)
    work = under_way(store, run_id, is_followed=goes_on)
    course = simulate(events, Rulebook(rules), board, assumption=assumption, past=past, under_way=work)
    return Simulated(events, board, course)


def already_fired(store: Store, rules: Collection[Rule]) -> Past:
    """What those of these rules that fire once have fired for; a draft has fired for nothing."""
    once = [int(rule.id) for rule in rules if rule.once and rule.id.isdecimal()]
    return Past(once=frozenset((str(key), thing) for key, thing in store.firings.fired_things(once)))


def stored(store: Store, seq: int) -> Occurrence:
    """A stored event as the beginning of a chain. Raises NotFound for none, and for one that no rule can listen to."""
    event = store.journal.numbered([seq]).get(seq)
    happened = occurrence(event, root=seq, depth=0) if event else None
    if happened is None:
        raise NotFound(f"There is no event {seq} that a rule can listen to.")
    return happened


def made_up(store: Store, run_id: int, type: str, about: str) -> Occurrence:
    """An event of this type, about the scene or picture of this name, as if a person had caused it.

    Raises Invalid where it is not said what happens, or to what, and NotFound for a name that is not in the run.
    """
    kind = EVENTS.get(type)
    if kind is None:
        unknown = f' There is no event "{type}".{did_you_mean(type, EVENTS, cure="")}' if type else ""
        raise Invalid(f"Choose what happens.{unknown}")
    if kind.subject in _THINGS:
        subject_id = _named(store, run_id, kind.subject, about)
    else:
        subject_id = run_id if kind.subject is Subject.RUN else 0
    return Occurrence(1, type, kind.subject, subject_id, "person", 1, 0)


def _named(store: Store, run_id: int, subject: Subject, name: str) -> int:
    """The id of the scene or picture of this name; of pictures with one name, the first."""
    word = _THINGS[subject]
    if not name:
        raise Invalid(f"Choose the {word} that it happens to.")
    if subject is Subject.CELL:
        ids = {cell.plan.key.casefold(): cell.id for cell in store.cells.of_run(run_id)}
    else:
        ids = {still.key.casefold(): still.id for still in reversed(store.stills.of_run(run_id))}
    if name.casefold() not in ids:
        raise NotFound(f"There is no {word} “{name}” in this run.")
    return ids[name.casefold()]


def _check(event: Occurrence, board: Board) -> None:
    known = {Subject.CELL: set(board.cells), Subject.STILL: set(board.stills)}.get(event.subject)
    if known is not None and event.subject_id not in known:
        raise NotFound(f"There is no {_THINGS[event.subject]} {event.subject_id} in this run.")
