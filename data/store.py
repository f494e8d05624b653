"""The door to the database: one `Store` is one transaction."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from data import claims, sqlite
from data.batch import Batch
from data.reads import DriverCursor
from data.repositories.audit import Audit
from data.repositories.budgets import Budgets
from data.repositories.cells import Cells
from data.repositories.costs import Costs
from data.repositories.deliveries import Deliveries
from data.repositories.engines import Engines
from data.repositories.firings import Firings
from data.repositories.fleet_work import FleetWorks
from data.repositories.idempotency import Idempotency
from data.repositories.jobs import Jobs
from data.repositories.journal import Journal
from data.repositories.messages import Messages
from data.repositories.outputs import Outputs
from data.repositories.pages import Pages
from data.repositories.runs import Runs
from data.repositories.schedules import Schedules
from data.repositories.stills import Stills
from data.repositories.takes import Takes
from data.repositories.tallies import Tallies
from data.repositories.telemetry import Telemetry
from data.repositories.test_shots import TestShots
from data.repositories.triggers import Triggers
from data.repositories.workers import Workers
from data.repositories.workflows import Workflows
from pipeline.domain.errors import Conflict, Unavailable

_WAIT_MS = 30_000
_STATEMENTS = 1024
"""So many statements a connection of SQLite keeps prepared: a turn sends lists of many lengths, each with its own."""
_LOOK_AGAIN_S = 0.01


_Kind = TypeVar("_Kind")


class _Part(Generic[_Kind]):
    """A repository of a store, made when it is first asked for: a turn uses a third of them."""

    def __init__(self, make: Callable[[Connection, Batch], _Kind]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, store: Store, owner: type) -> _Kind:
        made = store.__dict__[self._name] = self._make(store.connection, store.batch)
        return made


def _reading(make: Callable[[Connection], _Kind]) -> _Part[_Kind]:
    """A repository that writes at once, or not at all."""
    return _Part(lambda connection, batch: make(connection))


class Store:
    """One transaction: repositories over one connection, their writes batched, committed together or not at all."""

    runs = _Part(Runs)
    cells = _Part(Cells)
    stills = _Part(Stills)
    jobs = _Part(Jobs)
    outputs = _Part(Outputs)
    takes = _Part(Takes)
    deliveries = _Part(Deliveries)
    engines = _reading(Engines)
    budgets = _Part(Budgets)
    schedules = _reading(Schedules)
    costs = _reading(Costs)
    workers = _Part(Workers)
    fleet_work = _reading(FleetWorks)
    telemetry = _Part(Telemetry)
    workflows = _reading(Workflows)
    test_shots = _reading(TestShots)
    audit = _reading(Audit)
    idempotency = _reading(Idempotency)
    pages = _reading(Pages)
    tallies = _reading(Tallies)
    triggers = _reading(Triggers)
    firings = _Part(Firings)
    messages = _reading(Messages)

    def __init__(self, connection: Connection, now: datetime | None) -> None:
        self.connection = connection
        self.batch = Batch(connection)
        self.journal = Journal(connection, self.batch, now)

    def flush(self) -> None:
        """Send the waiting writes, so that reads in this transaction see them."""
        self.batch.flush()

    def flush_work(self) -> None:
        """Send the waiting writes but for events: enough for reads of jobs, cells and stills in this transaction."""
        self.batch.flush_work()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of the transaction that is undone as a whole when it raises; the error goes on to the caller."""
        self.flush()
        place = self.journal.place
        with self.batch.kept_apart(), self.journal.going_back(place), self.connection.begin_nested():
            yield
            self.flush()


class Stores:
    """Opens transactions on one database. `checkpoint` is called by name around the commit; tests crash there."""

    def __init__(self, url: str, checkpoint: Callable[[str], None] = lambda name: None) -> None:
        self.url = url
        self.engine = _connect(url)
        self._writers = (_connect_writer(url) or self.engine).execution_options(stripboard_write=True)
        self._checkpoint = checkpoint
        self._writing = threading.Lock()
        self._kept: Connection | None = None
        self.after_commit: Callable[[], None] = lambda: None
        """Called after every commit of this process: whoever waits for events looks at once."""

    @property
    def product(self) -> str:
        """The database program, to be shown."""
        if self.engine.dialect.name != "sqlite":
            return "PostgreSQL"
        return f"SQLite {sqlite.VERSION} ({sqlite.journal_mode()} journal)"

    @contextmanager
    def begin(self, now: datetime) -> Iterator[Store]:
        """A writing transaction: the only one at a time, over all processes. Commits on a clean exit, else rolls back."""
        with _in_our_words(), self._writing, self._written_by() as connection:
            store = Store(connection, now)
            store.journal.lock_head()
            self._checkpoint("store.begun")
            yield store
            _mark_effect(store)
            self._checkpoint("store.flush")
            store.journal.write_head()
            store.flush()
            self._checkpoint("store.commit")
        self.after_commit()
        self._checkpoint("store.committed")

    @contextmanager
    def read(self) -> Iterator[Store]:
        """A reading transaction: one consistent picture."""
        with _in_our_words(), self._reader() as connection, connection.begin():
            yield Store(connection, None)

    def _reader(self) -> Connection:
        """SQLite reads one picture anyway; PostgreSQL would take a new one for each statement."""
        connection = self.engine.connect()
        if connection.dialect.name == "sqlite":
            return connection
        return connection.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def _written_by(self) -> Iterator[Connection]:
        """SQLite's one writer stays out of its pool until something fails: fetching it each time took a tenth of a small turn."""
        connection, self._kept = self._kept or self._writers.connect(), None
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.close()
            raise
        if connection.dialect.name == "sqlite":
            self._kept = connection
        else:
            connection.close()

    def close(self) -> None:
        """Give the connections back."""
        with self._writing:
            if self._kept is not None:
                self._kept.close()
                self._kept = None
        self.engine.dispose()
        self._writers.dispose()


def _mark_effect(store: Store) -> None:
    """A claimed request notes its effect in the same transaction; a claim that was taken over has none."""
    claim = claims.current()
    if claim and not store.idempotency.mark_effect(claim, store.journal.now):
        raise Conflict("This request took so long that its repetition was begun. Nothing was changed by this one.")


@contextmanager
def _in_our_words() -> Iterator[None]:
    """A database that is away, locked or out of room is Unavailable: nothing was changed, and it may work later."""
    try:
        yield
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "no reason given"
        cure = "Free some room on its disk." if "full" in reason else "See that it runs and that nobody else holds it."
        raise Unavailable(f"The database did not answer: {reason}. {cure} Nothing was changed.") from error


def _connect_writer(url: str) -> Engine | None:
    """SQLite drops the pages it holds in memory when another connection has written: so all writing goes by one of its own."""
    if not _is_sqlite(url):
        return None
    engine = _connect(url, pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _give_room)
    return engine


def _give_room(connection: sqlite.Connection, record: object) -> None:
    """Room for the inner pages of a long history, 16 MiB instead of two: what is appended then reads nothing again."""
    connection.execute("PRAGMA cache_size=-16384")


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _connect(url: str, **options: Any) -> Engine:
    options["json_serializer"] = json.dumps
    if not _is_sqlite(url):
        return create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED", **options)
    engine = create_engine(
        url,
        module=sqlite.driver,
        poolclass=QueuePool,
        connect_args={"timeout": _WAIT_MS / 1000, "check_same_thread": False, "cached_statements": _STATEMENTS},
        **options,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite.Connection, record: object) -> None:
    """Every commit on the disk before it is reported; transactions begin where we say."""
    connection.isolation_level = None
    for pragma in ("synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_WAIT_MS}"):
        connection.execute(f"PRAGMA {pragma}")
    _set_journal_mode(connection)


def _set_journal_mode(connection: sqlite.Connection) -> None:
    """SQLite does not wait for others here, whatever its timeout: of programs that open a new file at once, one succeeds."""
    give_up_at = time.monotonic() + _WAIT_MS / 1000
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode={sqlite.journal_mode()}")
            return
        except sqlite.driver.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(_LOOK_AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("stripboard_write", False)
    sql = "BEGIN IMMEDIATE" if write else "BEGIN"
    with DriverCursor(connection, sql) as cursor:
        cursor.execute(sql)
