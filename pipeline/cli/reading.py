"""Reads productions for commands: says what is wrong with one, and ends with exit code 3 when it cannot run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline import wiring
from pipeline.cli.console import plain, print_json
from pipeline.cli.entry import tell
from pipeline.cli.exits import Ended, Exit
from pipeline.cli.text import clean_lines, counted, joined
from pipeline.domain import estimates, matrix
from pipeline.domain.errors import Invalid
from pipeline.domain.issues import Issue, Severity
from pipeline.domain.production import Production
from pipeline.wiring import LoadedProduction, Productions

path_argument = click.argument("path", type=click.Path(path_type=Path))
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def read(
    path: Path,
    *,
    backend: str | None = None,
    productions: Productions | None = None,
    as_json: bool = False,
) -> LoadedProduction:
    """Everything about the production at a path.

    Raises NotFound when there is no such path; ends with 3 when what is there cannot be read.
    """
    service = productions or wiring.build_productions()
    try:
        loaded = service.read(path)
    except Invalid as error:
        tell(error.kind, str(error), as_json=as_json)
        raise Ended(Exit.INVALID) from error
    if backend is not None and isinstance(loaded.document.data, dict):
        loaded = service.examine(replace(loaded.document, data=_with_backend(loaded.document.data, backend)), path)
    return loaded


def with_budget(loaded: LoadedProduction) -> LoadedProduction:
    """The same with what stated defaults say of its budget: for those that look at the file alone."""
    if not loaded.is_valid:
        return loaded
    totals = estimates.estimate(loaded.require(), matrix.build(loaded.require()), estimates.NEW)
    return wiring.build_productions().with_estimate(loaded, totals)


def read_valid(path: Path, *, backend: str | None = None, as_json: bool = False, quiet: bool = False) -> LoadedProduction:
    """A production that may run. Shows its issues, and ends with 3 when there is an error among them."""
    loaded = read(path, backend=backend, as_json=as_json)
    if not loaded.is_valid:
        if as_json:
            print_json(report(loaded))
        else:
            show_issues(loaded.issues, source=path)
        raise Ended(Exit.INVALID)
    if not as_json and not quiet:
        show_issues(loaded.issues, source=path, least=Severity.WARNING)
    return loaded


def production_of(loaded: LoadedProduction) -> Production:
    """The production of what `read_valid` has let through."""
    return loaded.require()


def show_issues(issues: Sequence[Issue], *, source: Path, least: Severity = Severity.INFO) -> None:
    """Issues as lines `production.yaml:14: error: …`, worst first."""
    from rich.text import Text

    from pipeline.cli.console import console

    name = str(source / "…") if source.is_dir() else str(source)
    for issue in issues:
        if list(Severity).index(issue.severity) > list(Severity).index(least):
            continue
        place = ":".join(str(part) for part in (str(source / issue.file) if issue.file else name, issue.line) if part)
        line = Text()
        line.append(f"{clean_lines(place)}: ")
        line.append(issue.severity.value, style=_STYLES[issue.severity])
        line.append(clean_lines(f": {issue.message}"))
        if issue.suggestion:
            line.append(clean_lines(f" {issue.suggestion}"), style="dim")
        if issue.path:
            line.append(clean_lines(f"  [{issue.path}]"), style="dim")
        console().print(line, soft_wrap=True)


def counts(issues: Sequence[Issue]) -> str:
    """`2 errors, 1 warning`."""
    found = {severity: sum(issue.severity is severity for issue in issues) for severity in Severity}
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    return joined(counted(count, words[severity]) for severity, count in found.items() if count)


def report(loaded: LoadedProduction) -> dict[str, Any]:
    """The outcome of a validation for programs."""
    title = loaded.production.title if loaded.production else None
    return {"valid": loaded.is_valid, "title": title, "source": str(loaded.source), "issues": plain(loaded.issues)}


def _with_backend(data: dict[str, Any], backend: str) -> dict[str, Any]:
    body = data.get("production")
    return {**data, "production": {**body, "backend": backend}} if isinstance(body, dict) else data
