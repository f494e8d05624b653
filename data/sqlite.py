"""Which SQLite library stands under the default database."""

from __future__ import annotations

import json
from contextlib import closing

try:
    from pysqlite3 import dbapi2 as sqlite
except ImportError:
    import sqlite3 as sqlite  # platforms that the wheel does not serve have the interpreter's own

Connection = sqlite.Connection
connect = sqlite.connect
driver = sqlite
"""The module for `create_engine(module=…)`."""

VERSION: str = sqlite.sqlite_version
_SAFE_WAL = (3, 51, 3)
_SAFE_WAL_BACKPORTS = {(3, 50, 7), (3, 44, 6)}


def _json_is_exact() -> bool:
    """Whether this SQLite writes numbers into JSON with all of their digits; older ones give 15."""
    number = 0.1 + 0.2
    with closing(connect(":memory:")) as memory:
        [(text,)] = memory.execute("SELECT json_array(?)", (number,)).fetchall()
    return json.loads(text) == [number]


JSON_IS_EXACT = _json_is_exact()


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether an SQLite of this version may run in WAL mode with several connections.

    Before 3.51.3 (mended also in 3.50.7 and 3.44.6) two connections that write or checkpoint at the same instant
    can corrupt a WAL database; the rollback journal has no such fault.
    """
    return version >= _SAFE_WAL or version in _SAFE_WAL_BACKPORTS


def journal_mode() -> str:
    """How this SQLite keeps its journal: WAL has one flush a commit instead of three, where the version is safe."""
    return "WAL" if wal_is_safe(sqlite.sqlite_version_info) else "TRUNCATE"
