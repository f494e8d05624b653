"""What the board shows: the whole matrix as columns, its layers of numbers, and the views that people have kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from data.repositories.board import Board
from data.store import Store, Stores
from pipeline.domain import board, estimates
from pipeline.domain.board import Layout, Place
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.records import Actor, Run
from pipeline.ports import Clock
from pipeline.services.runbooks import RunBooks

_LONGEST_NAME = 60
_PLACE = itemgetter(slice(1, 8))
_LETTERS = {status.value: letter for status, letter in board.CODES.items()}
_LONGEST_QUERY = 4000
_REASON_SHOWN = 240


@dataclass(frozen=True)
class Sheet:
    """A run's board at one moment: columns with an entry for each cell, in matrix order, and what they refer to.

    `seq` is the number of the newest event that the picture holds. Ids are pairs of (first, how many).
    `since` is in seconds. A need is the index of a still, or `-1 - index` of a cell; `need_sets` has each distinct list of needs
    once, and `need_of` its index by cell. `stale` and `reasons` hold texts by cell, where there are any.
    `costs` has (seconds, bytes) of one scene by scene type.
    """

    run: Run
    seq: int
    layout: Layout
    ids_in_runs: Sequence[tuple[int, int]]
    type_names: Sequence[str]
    type_of: Sequence[int]
    statuses: str
    since: Sequence[int]
    takes: Sequence[int]
    versions: Sequence[int]
    stale: Mapping[int, str]
    reasons: Mapping[int, str]
    need_sets: Sequence[tuple[int, ...]]
    need_of: Sequence[int]
    stills: Sequence[tuple[Any, ...]]
    costs: Mapping[str, tuple[float, int]]
    segments: Mapping[str, int]
    pictured: Mapping[str, int]


class Boards:
    """Reads boards, and keeps views."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock

    def run(self, run_id: int) -> Run:
        """The run with this id. Raises NotFound."""
        with self._stores.read() as store:
            return _run(store, run_id)

    def has(self, run_id: int) -> bool:
        """Whether there is a run with this id."""
        with self._stores.read() as store:
            return bool(store.runs.by_ids([run_id]))

    def sheet(self, run_id: int) -> Sheet:
        """The whole board: one statement a table, however large the run. Raises NotFound."""
        with self._stores.read() as store:
            run = _run(store, run_id)
            seq = store.journal.last_seq()
            book = self._books.get(store, run_id)
            rows = Board(store.connection)
            cells, stills, needs = rows.cells(run_id), rows.stills(run_id), rows.needs(run_id)
        production = book.recipes.production
        ids = [row[0] for row in cells]
        need_sets, need_of = board.shared(_needs(ids, [row[0] for row in stills], needs))
        kinds = {kind.name: number for number, kind in enumerate(production.scene_types)}
        still_needs = _still_needs([row[0] for row in stills], needs)
        return Sheet(
            run=run,
            seq=seq,
            layout=board.layout(map(Place._make, map(_PLACE, cells))),
            ids_in_runs=board.runs_of(ids),
            type_names=list(kinds),
            type_of=[kinds[row[2]] for row in cells],
            statuses="".join(_LETTERS[row[8]] for row in cells),
            since=[row[9] // 1_000_000 for row in cells],
            takes=[row[10] for row in cells],
            versions=[row[11] for row in cells],
            stale={number: row[12][:_REASON_SHOWN] for number, row in enumerate(cells) if row[12]},
            reasons={number: row[13][:_REASON_SHOWN] for number, row in enumerate(cells) if row[13]},
            need_sets=need_sets,
            need_of=need_of,
            stills=[
                (row[0], row[1], row[2], _LETTERS[row[3]], row[4] // 1_000_000, above)
                for row, above in zip(stills, still_needs, strict=True)
            ],
            costs={kind.name: estimates.scene_cost(production, kind, book.history) for kind in production.scene_types},
            segments={kind.name: kind.segments for kind in production.scene_types},
            pictured={one.name: number for number, one in enumerate(production.characters) if one.source_images},
        )

    def layer(self, run_id: int, name: str) -> dict[int, float]:
        """One number by cell id, for the cells that have one. Raises NotFound, or Invalid for a layer that there is not."""
        if name not in board.LAYERS:
            raise Invalid(f'There is no layer "{name}". There are: {", ".join(board.LAYERS)}.')
        with self._stores.read() as store:
            _run(store, run_id)
            rows = Board(store.connection)
            if name != "qa":
                return rows.layer(run_id, name)
            verdicts = rows.verdicts(run_id)
        margins = ((cell, _margin(verdict)) for cell, verdict in verdicts)
        return {cell: margin for cell, margin in margins if margin is not None}

    def costs(self, run_id: int) -> tuple[str, dict[int, float]]:
        """(`money` or `seconds`, a number by cell id): what scenes have cost where workers have prices, else generation time."""
        with self._stores.read() as store:
            _run(store, run_id)
            rows = Board(store.connection)
            money = rows.money(run_id)
            return ("money", money) if money else ("seconds", rows.layer(run_id, "cost"))

    def views(self, run_id: int) -> list[tuple[str, str]]:
        """(name, query) of the kept views of the run's project, by name."""
        with self._stores.read() as store:
            return Board(store.connection).views(_run(store, run_id).project_id)

    def keep_view(self, run_id: int, name: str, query: str, actor: Actor) -> str:
        """Keep a view of the board under a name, for everyone who works on the project; the answer is the name as kept."""
        name = " ".join(name.split())
        if not name or len(name) > _LONGEST_NAME:
            raise Invalid(f"A view needs a name of 1 to {_LONGEST_NAME} characters.")
        if len(query) > _LONGEST_QUERY:
            raise Invalid("This view is too long to keep: select whole rows, columns or statuses instead of single cells.")
        now = self._clock.now()
        with self._stores.begin(now) as store:
            run = _run(store, run_id)
            Board(store.connection).keep_view(run.project_id, name, query, actor=str(actor), now=now)
            store.journal.record(
                "view.kept", actor=actor, subject="run", subject_id=run_id, run_id=run_id, data={"name": name, "query": query}
            )
        return name

    def drop_view(self, run_id: int, name: str, actor: Actor) -> None:
        """Forget a view."""
        with self._stores.begin(self._clock.now()) as store:
            run = _run(store, run_id)
            Board(store.connection).drop_view(run.project_id, name)
            store.journal.record(
                "view.dropped", actor=actor, subject="run", subject_id=run_id, run_id=run_id, data={"name": name}
            )


def _run(store: Store, run_id: int) -> Run:
    run = store.runs.by_ids([run_id]).get(run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    return run


def _needs(cell_ids: Sequence[int], still_ids: Sequence[int], rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, ...]]:
    """What each cell needs, as indices of stills and, below zero, of cells."""
    stills = {key: number for number, key in enumerate(still_ids)}
    cells: dict[int, int] = {}
    if any(needs == "cell" for _, _, needs, _ in rows):
        cells = {key: -1 - number for number, key in enumerate(cell_ids)}
    found: dict[int, tuple[int, ...]] = {}
    for subject, subject_id, needs, needs_id in rows:
        if subject == "cell":
            found[subject_id] = (*found.get(subject_id, ()), stills[needs_id] if needs == "still" else cells[needs_id])
    return [found.get(key, ()) for key in cell_ids]


def _still_needs(still_ids: Sequence[int], rows: Sequence[tuple[Any, ...]]) -> list[list[int]]:
    at = {key: number for number, key in enumerate(still_ids)}
    found: list[list[int]] = [[] for _ in still_ids]
    for subject, subject_id, _, needs_id in rows:
        if subject == "still":
            found[at[subject_id]].append(at[needs_id])
    return found


def _margin(verdict: Mapping[str, Any]) -> float | None:
    judged = verdict.get("judged", ())
    return board.margin((float("nan") if one["value"] is None else one["value"], one["limit"], one["kind"]) for one in judged)
