"""Boards that are kept between the transactions of the engine of rules, and brought up to date from what has happened since.

Whatever changes a scene or a picture tells so by an event, in the same transaction. So a board that knows up to which event it
has heard finds the rest by reading on, whoever has written it, and reads again only what those events are about.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from data.store import Store
from pipeline.domain.estimates import History
from pipeline.domain.records import Run
from pipeline.domain.rules.snapshot import Board
from pipeline.services.accounts import price_of
from pipeline.services.rule_snapshots import (
    NO_RUN,
    deliveries_of,
    gates_of,
    left_of,
    measured_of_cell,
    measured_of_still,
    paused_of,
    scene_types_of,
    snapshot,
    still_costs,
)
from pipeline.services.runbooks import RunBooks

_KEPT = 4
_MOST_EVENTS = 5_000
"""After so many events, a board is read anew: that takes no longer."""


@dataclass
class _Warm:
    """A board with what it rests on: the newest event that it has heard of, and what estimates were made from."""

    board: Board
    seq: int
    price: float
    history: History


class WarmBoards:
    """The boards of the runs that were looked at last. For one thread; a caller whose transaction fails calls `forget`."""

    def __init__(self, books: RunBooks) -> None:
        self._books = books
        self._kept: OrderedDict[int, _Warm] = OrderedDict()
        self._current: dict[int | None, int] = {}

    def begin(self) -> None:
        """Another transaction begins: what other processes have done since is looked for when a board is asked for."""
        self._current = {}

    def forget(self) -> None:
        """Nothing that was kept counts any more."""
        self._kept.clear()
        self._current = {}

    def board(self, store: Store, run_id: int | None) -> Board:
        """The run as it stands in this transaction, what it has done itself included. Not to be changed by the caller."""
        warm = self._kept.get(run_id) if run_id is not None else None
        if warm is not None and self._current.get(run_id) == store.journal.seq:
            return warm.board
        store.flush()
        run = store.runs.by_ids([run_id]).get(run_id) if run_id is not None else None
        if run is None:
            return Board(NO_RUN)
        if warm is None or not self._bring_up(store, run, warm):
            warm = self._read(store, run)
        self._current[run.id] = store.journal.seq
        self._kept.move_to_end(run.id)
        return warm.board

    def _read(self, store: Store, run: Run) -> _Warm:
        book = self._books.get(store, run.id)
        board = Board(snapshot(store, self._books, run.id))
        price = price_of(store, run, book)
        warm = self._kept[run.id] = _Warm(board, store.journal.seq, price, book.history)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return warm

    def _bring_up(self, store: Store, run: Run, warm: _Warm) -> bool:
        """Read on from where the board stands; False when it is better read anew, or when it is in doubt."""
        book = self._books.get(store, run.id)
        price = price_of(store, run, book)
        if price != warm.price or store.journal.seq < warm.seq:
            return False
        touched = store.journal.touched(run.id, warm.seq, _MOST_EVENTS) if store.journal.seq > warm.seq else []
        if len(touched) >= _MOST_EVENTS:
            return False
        board, production = warm.board, book.recipes.production
        asked = Counter((subject, key) for type, subject, key in touched if type == f"{subject}.queued")
        _renew_cells(store, board, _ids(touched, "cell"), asked)
        _renew_stills(store, board, _ids(touched, "still"), asked)
        if _ids(touched, "delivery"):
            board.deliveries = {one.id: one for one in deliveries_of(store, run)}
        scene_types = board.snapshot.scene_types
        if book.history is not warm.history:
            scene_types = scene_types_of(production, book.history, price)
            cost = still_costs(book, price)
            board.stills.update({key: replace(still, cost=cost(still)) for key, still in board.stills.items()})
        gates = board.snapshot.gates
        if gates.accepts_flags != run.accept_flags:
            gates = gates_of(production, run)
        left = left_of(store, run, book, scene_types, board.queued)
        board.renew(
            status=run.status,
            gates=gates,
            left=left,
            scene_types=scene_types,
            delivers_by_itself=run.auto_deliver,
            paused_scene_types=paused_of(store, run),
        )
        warm.seq, warm.history = store.journal.seq, book.history
        return True


def _ids(touched: Iterable[tuple[str, str, int]], subject: str) -> list[int]:
    return sorted({key for _, of, key in touched if of == subject})


def _renew_cells(store: Store, board: Board, ids: list[int], asked: Counter[tuple[str, int]]) -> None:
    """Read these scenes again, with what was made of their newest takes."""
    if not ids:
        return
    found = store.cells.by_ids(ids)
    takes = store.takes.newest(list(found.values()))
    for key, cell in found.items():
        take = takes.get(key)
        verdict, qa = measured_of_cell(take.verdict if take is not None else None)
        before = board.cells[key]
        board.put_cell(
            replace(
                before, status=cell.status, take=cell.take, is_stale=bool(cell.stale), verdict=verdict, qa=qa,
                attempts=before.attempts + asked["cell", key], priority=cell.priority,
            )
        )  # fmt: skip


def _renew_stills(store: Store, board: Board, ids: list[int], asked: Counter[tuple[str, int]]) -> None:
    """Read these pictures again."""
    for key, still in store.stills.by_ids(ids).items():
        verdict, qa = measured_of_still(still)
        before = board.stills[key]
        board.stills[key] = replace(
            before, status=still.status, take=still.take, verdict=verdict, qa=qa, attempts=before.attempts + asked["still", key]
        )
