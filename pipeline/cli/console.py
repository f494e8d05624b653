"""Prints to people and to programs: text and tables by rich, JSON that is nothing but JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import PurePath
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from pipeline.cli.text import clean, clean_lines, one_line

_PIPED_WIDTH = 200
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@cache
def console() -> Console:
    """Standard output. Colour on a terminal only, and never with NO_COLOR."""
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def say(text: str = "", style: str = "") -> None:
    """One or more lines, wrapped by the terminal alone."""
    console().print(Text(clean_lines(text), style=style), soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """A table; a column whose name ends with `>` is right-aligned."""
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, title=Text(clean(title)) if title else None, title_justify="left", pad_edge=False)
    for name in columns:
        grid.add_column(name.removesuffix(">"), justify="right" if name.endswith(">") else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(entry if isinstance(entry, Text) else Text(clean(one_line(entry))) for entry in row))
    console().print(grid)


def print_json(value: Any) -> None:
    """A value as JSON, and nothing else, on standard output."""
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:
    """Dataclasses, mappings and enums as plain JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain_entry(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain_entry(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, (PurePath, str)) else value


def _plain_entry(name: str, value: Any) -> Any:
    """Times in whole milliseconds: sums of fractions leave crumbs such as 1.4e-17."""
    if isinstance(value, float) and name.endswith("seconds"):
        return round(value, 3) + 0.0
    return plain(value)
