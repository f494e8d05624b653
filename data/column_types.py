"""Column types: times and plain JSON, the same on every database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Text, TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time kept as whole microseconds since 1970: exact, sortable, the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Aware time -> microseconds."""
        return None if value is None else _microseconds(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """Microseconds -> aware time."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


@lru_cache(maxsize=64)
def _microseconds(value: datetime) -> int:
    """Remembered, because all rows of a transaction carry the same time."""
    return (value - _EPOCH) // timedelta(microseconds=1)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_EMPTY = {dict: "{}", list: "[]"}


class Json(TypeDecorator[Any]):
    """Plain JSON values as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """Value -> text."""
        if value is None:
            return None
        return _encode(value) if value else _EMPTY.get(type(value)) or _encode(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        """Text -> value."""
        if value is None:
            return None
        return [] if value == "[]" else {} if value == "{}" else json.loads(value)
