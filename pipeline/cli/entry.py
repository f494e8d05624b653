"""Runs one command: errors become one line on standard error and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, cast

import click

from pipeline.cli import main
from pipeline.cli.exits import BY_KIND, Ended, Exit
from pipeline.cli.text import clean_lines
from pipeline.domain.errors import StripboardError


def start(arguments: Sequence[str]) -> int:
    """Run the command of these arguments; the answer is the exit code."""
    for stream in (sys.stdout, sys.stderr):
        cast("TextIO", stream).reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
    as_json = "--json" in arguments
    try:
        code = main.main(args=list(arguments), prog_name="stripboard", standalone_mode=False)
        sys.stdout.flush()
    except Ended as ended:
        return ended.code
    except StripboardError as error:
        tell(error.kind, str(error), as_json=as_json)
        return BY_KIND.get(error.kind, Exit.FAILED)
    except click.UsageError as error:
        context = error.ctx
        cure = "" if context is None else f" `./{context.command_path} --help` shows how it is used."
        tell("usage", error.format_message() + cure, as_json=as_json)
        return Exit.USAGE
    except click.ClickException as error:
        tell("failed", error.format_message(), as_json=as_json)
        return Exit.FAILED
    except (click.Abort, KeyboardInterrupt):
        tell("interrupted", "Interrupted.", as_json=as_json)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:
        return _unexpected(error, as_json=as_json)
    return code if isinstance(code, int) else Exit.DONE


def tell(kind: str, message: str, *, as_json: bool) -> None:
    """One error on standard error."""
    message = clean_lines(message)
    if as_json:
        print(json.dumps({"error": {"kind": kind, "message": message}}), file=sys.stderr)
    else:
        print(message if kind == "interrupted" else f"Error: {message}", file=sys.stderr)


def _unexpected(error: Exception, *, as_json: bool) -> int:
    """An error nobody has foreseen: one line, and the whole story in a file."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        tell("unavailable", f"{error.filename}: {error.strerror}. Check the path, its permissions and the disk.", as_json=as_json)
        return Exit.FAILED
    kept = _keep(error)
    where = f" The whole story is in {kept}." if kept else ""
    first = (str(error).splitlines() or [""])[0]
    if type(error).__name__ in ("OperationalError", "DatabaseError"):
        message = f"The database cannot be used: {first.rstrip('. ')}. Check DATABASE_URL, STRIPBOARD_HOME and the disk.{where}"
        tell("unavailable", message, as_json=as_json)
    else:
        tell("unexpected", f"Something unexpected happened: {type(error).__name__}: {first}.{where}", as_json=as_json)
    return Exit.FAILED


def _keep(error: Exception) -> Path | None:
    """Write the traceback to a log file; None when even that is not possible."""
    try:
        from pipeline import settings

        folder = settings.load().logs_root
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"error-{os.getpid()}.log"
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except (OSError, StripboardError):
        return None
    return path
