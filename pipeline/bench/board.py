"""How quickly the board shows itself and what changes, in a real browser."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from sqlalchemy import event, text

from pipeline import wiring
from pipeline.bench import setting, tabs
from pipeline.bench.children import SLOTS
from pipeline.bench.figures import Figure, at_most, percentile, plain
from pipeline.bench.performers import SlottedPerformer
from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Run
from pipeline.wiring import Studio

_PAINT_GOALS_S = {400: 0.7, 8_000: 1.0, 100_000: 2.0}
_QUICK_CELLS = 400
_OPENINGS, _QUICK_OPENINGS = 5, 2
_CHANGES_S, _QUICK_CHANGES_S = 20.0, 2.0
_RATE = 50
_TABS, _QUICK_TABS = 50, 5
_CHOSEN = 10_000
_STEADY_S, _QUICK_STEADY_S = 60.0, 2.0
_WATCHING = 20
_WORKED, _QUICK_WORKED = 400, 16
_JOB_S = 0.05
_PATIENCE_S = 30.0

_WATCH = """(() => {
  window.drawn = [];
  const note = (seq) => requestAnimationFrame(() => {
    const channel = new MessageChannel();  // after the frame has been painted
    channel.port1.onmessage = () => window.drawn.push([seq, performance.timeOrigin + performance.now()]);
    channel.port2.postMessage(0);
  });
  new MutationObserver((changes) => changes.forEach(({ target }) => { if (target.id === "matrix") note(+target.dataset.drawn); }))
    .observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });
})();"""
"""Notes each drawing of the matrix: how far it has come in the feed, and when it was on the screen."""

_IS_DRAWN = "!!(window.drawn && window.drawn.length)"

_BARE = """<!doctype html><div id="at" style="width:1000px;height:700px"></div><script src="plotly.min.js"></script><script>
  const z = Array.from({ length: %d }, (_, y) => Array.from({ length: %d }, (_, x) => (x + y) %% 9));
  Plotly.newPlot("at", [{ type: "heatmap", z, showscale: false }]).then(() => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { window.drawn = [[0, performance.timeOrigin + performance.now()]]; };
    channel.port2.postMessage(0);
  }));
</script>"""
"""The same number of cells in a heatmap and nothing else: what Plotly and the browser alone take."""

_CHOOSE = """(count) => new Promise((done) => {
  const board = window.stripboardBoard, cells = Array.from({ length: count }, (_, at) => at);
  board.choose([]);
  const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = then;
    channel.port2.postMessage(0);
  }));
  painted(() => {
    const began = performance.now();
    board.choose(cells);
    painted(() => {
      if (window.stripboard.board.selection().length !== count) throw new Error("not chosen");
      done(performance.now() - began);
    });
  });
})"""
"""Milliseconds from the choice of so many cells to the second frame after it."""


def run(quick: bool = False) -> list[Figure]:
    """All figures of this benchmark. `quick` takes small sizes: it shows that everything works, and measures little."""
    sizes = [_QUICK_CELLS] if quick else list(_PAINT_GOALS_S)
    with setting.fresh_home() as home, setting.studio_at(home) as studio, tabs.browser() as window:
        runs = {size: _mixed(studio, size) for size in sizes}
        with tabs.server_over(home) as server:
            bench = _Bench(studio, server, window, quick)
            figures = [figure for size, one in runs.items() for figure in bench.painted(one, size)]
            figures += bench.changed(runs[sizes[0]], sizes[0])
            figures += bench.chosen(runs[sizes[-1]], min(_CHOSEN, sizes[-1]))
            figures += bench.many_tabs(runs[sizes[0]])
            figures += bench.remembered(runs[sizes[-1]], sizes[-1])
        figures += _statements(studio, runs)
    return [*figures, *_slowed(quick)]


def _mixed(studio: Studio, cells: int) -> Run:
    """A run in which every status is seen. Its rows are set by hand: nothing was made for them."""
    found = setting.create(studio, cells)
    with studio.stores.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE production_run_cells SET status = CASE id % 5 WHEN 0 THEN 'approved' WHEN 1 THEN 'failed' "
                "WHEN 2 THEN 'review' WHEN 3 THEN 'cancelled' ELSE 'not_started' END WHERE run_id = :run"
            ),
            {"run": found.id},
        )
    return found


class _Bench:
    """What all measurements in the browser need."""

    def __init__(self, studio: Studio, server: tabs.Server, window: Any, quick: bool) -> None:
        self._studio = studio
        self._server = server
        self._window = window
        self._quick = quick
        self._asked: set[tuple[int, str]] = set()

    # Paint --------------------------------------------------------------------------------------------------------

    def painted(self, run: Run, cells: int) -> list[Figure]:
        """From the call of the address to the matrix on the screen; everything that a browser keeps is there already."""
        with self._board(run) as page:
            ours = self._quickest(page, f"{self._server.url}/runs/{run.id}")
        with self._tab() as page, tabs.plain_server({"bare.html": _BARE % setting.shape(cells)}) as address:
            bare = self._quickest(page, f"{address}/bare.html")
        goal = _PAINT_GOALS_S[cells]
        return [
            at_most(f"paint of {cells} cells", ours, "s", goal),
            plain(f"a bare heatmap of {cells} cells", bare, "s"),
            plain(f"paint of {cells} cells, against the bare heatmap", ours / bare, "times"),
        ]

    def _quickest(self, page: Any, address: str) -> float:
        """Seconds of the quickest of a few openings: the others had somebody else on the machine."""
        times = []
        for _ in range(_QUICK_OPENINGS if self._quick else _OPENINGS):
            page.goto(address, wait_until="commit")
            _wait_until(lambda: page.evaluate(_IS_DRAWN))
            times.append(page.evaluate("window.drawn[0][1] - performance.timeOrigin") / 1000)
        return min(times)

    # Changes ------------------------------------------------------------------------------------------------------

    def changed(self, run: Run, cells: int) -> list[Figure]:
        """From the commit of a change to the frame that shows it, with many changes a second."""
        with self._board(run) as page:
            page.evaluate("window.drawn.length = 0")
            commits = self._change(run, _QUICK_CHANGES_S if self._quick else _CHANGES_S)
            last = max(commits)
            _wait_until(lambda: page.evaluate("(last) => window.drawn.some(([seq]) => seq >= last)", last))
            drawn = sorted(page.evaluate("window.drawn"))
        waits = []
        for seq, at in commits.items():
            waits.append(next(shown for reached, shown in drawn if reached >= seq) - at * 1000)
        rate = len(commits) / (max(commits.values()) - min(commits.values()))
        return [
            plain("changes a second", rate, "1/s"),
            plain(f"committed to pixels in {cells} cells, median", percentile(waits, 0.5), "ms"),
            at_most(f"committed to pixels in {cells} cells, p95", percentile(waits, 0.95), "ms", 250),
        ]

    def _change(self, run: Run, seconds: float) -> dict[int, float]:
        """Change one cell after the other at the given rate; which event number was committed when."""
        keys = itertools.cycle(self._keys(run, 200))
        service, commits = self._studio.submission, {}
        began = time.perf_counter()
        for number in itertools.count():
            if number / _RATE > seconds:
                return commits
            time.sleep(max(0.0, began + number / _RATE - time.perf_counter()))
            key = run.id, next(keys)
            selection = Selection(keys=(key[1],))
            if key in self._asked:
                service.cancel(run, selection, setting.SOMEBODY)
            else:
                service.submit(run, selection, Mode.ALL, setting.SOMEBODY)
            self._asked ^= {key}
            commits[self._studio.reports.last_seq()] = time.time()
        raise AssertionError("the count ends")

    def _keys(self, run: Run, most: int) -> list[str]:
        """Cells that can be submitted and cancelled again and again."""
        return [cell.plan.key for cell in self._studio.reports.matrix(run.id).cells[:most]]

    # Choosing -----------------------------------------------------------------------------------------------------

    def chosen(self, run: Run, cells: int) -> list[Figure]:
        """From the choice of many cells to the side panel that sums them up."""
        with self._board(run) as page:
            times = [page.evaluate(_CHOOSE, cells) for _ in range(_QUICK_OPENINGS if self._quick else _OPENINGS)]
        return [at_most(f"selection of {cells} cells", percentile(times, 0.5), "ms", 300)]

    # Many tabs ----------------------------------------------------------------------------------------------------

    def many_tabs(self, run: Run) -> list[Figure]:
        """All tabs on one process: when the slowest of them is told of a change."""
        count = _QUICK_TABS if self._quick else _TABS
        with tabs.listeners(self._server, count, run.id) as open_ones:
            commits = self._change(run, _QUICK_CHANGES_S if self._quick else _CHANGES_S / 2)
            _wait_until(lambda: all(max(commits) in one.heard for one in open_ones))
        waits = [(max(one.heard[seq] for one in open_ones) - at) * 1000 for seq, at in commits.items()]
        return [plain(f"committed to the last of {count} tabs, p95", percentile(waits, 0.95), "ms")]

    # Memory -------------------------------------------------------------------------------------------------------

    def remembered(self, run: Run, cells: int) -> list[Figure]:
        """The server's memory with the largest run open, and what a minute of changes adds to it."""
        with self._board(run):
            before = self._server.memory_mb()
            self._change(run, _QUICK_STEADY_S if self._quick else _STEADY_S)
            after = self._server.memory_mb()
        return [
            at_most(f"memory of the server at {cells} cells", before, "MB", 400),
            plain("the same after a minute of changes", after, "MB"),
        ]

    # Tabs ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _tab(self) -> Iterator[Any]:
        page = self._window.new_page()
        yield page
        page.close()

    @contextmanager
    def _board(self, run: Run) -> Iterator[Any]:
        """A tab with the board of this run, drawn and live."""
        with self._tab() as page:
            page.add_init_script(_WATCH)
            page.goto(f"{self._server.url}/runs/{run.id}")
            _wait_until(lambda: page.evaluate(_IS_DRAWN))
            page.wait_for_selector("#live-pill[data-state=live]")
            yield page


def _statements(studio: Studio, runs: dict[int, Run]) -> list[Figure]:
    """How many statements the whole matrix takes; the same number for every size, or it is not one a table."""
    counts = {}
    for cells, found in runs.items():
        studio.boards.sheet(found.id)  # a run's configuration and rates are read once and kept
        seen: list[str] = []
        note = partial(_note, seen)
        event.listen(studio.stores.engine, "before_cursor_execute", note)
        studio.boards.sheet(found.id)
        event.remove(studio.stores.engine, "before_cursor_execute", note)
        counts[cells] = sum(statement.lstrip().upper().startswith(("SELECT", "WITH")) for statement in seen)
    return [
        at_most(f"statements for the matrix of {cells} cells", count, "statements", min(counts.values()))
        for cells, count in counts.items()
    ]


def _note(seen: list[str], _connection: object, _cursor: object, statement: str, *_: object) -> None:
    seen.append(statement)


def _slowed(quick: bool) -> list[Figure]:
    """A production at work, alone and watched by many tabs."""
    alone, watched = (min(_worked(quick, count) for _ in range(1 if quick else 2)) for count in (0, _WATCHING))
    return [
        plain("a production of jobs of 50 ms, alone", alone, "s"),
        at_most(f"the same with {_WATCHING} tabs, slower by", 100 * (watched / alone - 1), "%", 10),
    ]


def _worked(quick: bool, count: int) -> float:
    """Seconds of a production with so many tabs open on it."""
    with setting.fresh_home() as home, setting.studio_at(home) as studio, ExitStack() as around:
        found = setting.create(studio, _QUICK_WORKED if quick else _WORKED)
        server = around.enter_context(tabs.server_over(home))
        if count:
            around.enter_context(tabs.listeners_apart(server, count, found.id))
        wakes: list[Callable[[], None]] = []
        performer = SlottedPerformer(SLOTS, _JOB_S, lambda: wakes[0]())
        engine = wiring.build_engine(studio, parallel=SLOTS, backends={"animatic": performer, "stages": performer})
        wakes.append(engine.wake.set)
        began = time.perf_counter()
        setting.submit(studio, found)
        scenes = _QUICK_WORKED if quick else _WORKED
        engine.run(is_over=lambda: performer.ended["assembly"] >= scenes and not engine.busy)
        took = time.perf_counter() - began
        performer.close()
        return took


def _wait_until(is_so: Callable[[], bool]) -> None:
    """Return when it is so; what never comes is an error."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > give_up_at:
            raise RuntimeError("a tab did not come to where it should be")
        time.sleep(0.02)
