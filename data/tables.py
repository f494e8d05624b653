"""What all tables are made with: their metadata, keys, references, partial indices, and status words in statements."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, ForeignKey, Integer, MetaData, String, literal_column, text


def fixed(*values: str) -> list[ColumnElement[str]]:
    """Status words as part of a statement's text: the partial indices serve only statements that spell the word out, and
    SQLite parses a statement again for each new value of a parameter that an index depends on."""
    return [literal_column(f"'{value}'", String) for value in values]


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key() -> Column[int]:
    """The number that rows of a table go by."""
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def ref(name: str, target: str, **options: Any) -> Column[int]:
    """A column that holds the number of a row of another table."""
    return Column(name, BigInteger, ForeignKey(f"{target}.id"), nullable=options.pop("nullable", False), **options)


def only(condition: str) -> dict[str, Any]:
    """A partial index: small, because finished work leaves it."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
