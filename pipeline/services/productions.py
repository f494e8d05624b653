"""Reads productions: files, screenplay, presets and probes together give a production with everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.domain.document import Parsed, parse, script_path
from pipeline.domain.errors import Invalid, StripboardError
from pipeline.domain.files import FileFact, FileReference, references
from pipeline.domain.issues import Issue, Report, Severity, has_errors, in_order
from pipeline.domain.names import more_errors
from pipeline.domain.presets import Presets
from pipeline.domain.production import Production
from pipeline.domain.screenplay import Screenplay
from pipeline.domain.sources import Document
from pipeline.domain.validation import Totals, check, check_budget
from pipeline.domain.workflows.library import Reference, reference_of
from pipeline.ports import Clock

LookUp = Callable[[Collection[Reference]], Mapping[Reference, FileFact]]
"""Finds registered workflows; what is not there, or cannot be used, has a problem."""

Probe = Callable[[Path, Iterable[FileReference]], dict[tuple[str, str], FileFact]]


class ProductionInvalid(Invalid):
    """A production has errors; `issues` holds everything found."""

    def __init__(self, source: str, issues: tuple[Issue, ...]) -> None:
        errors = [issue for issue in issues if issue.severity is Severity.ERROR]
        told = f"{errors[0]}{more_errors(len(errors) - 1)}"
        super().__init__(f"{source} is not a valid production: {told} Run `./stripboard validate {source}` to see all.")
        self.issues = issues


@dataclass(frozen=True)
class LoadedProduction:
    """A production as far as it could be understood, and its issues, worst first.

    `base_dir` is the folder that its relative paths start from. Only a valid one may run: take it with `require`.
    """

    production: Production | None
    issues: tuple[Issue, ...]
    base_dir: Path
    source: Path
    document: Document
    parsed: Parsed

    @property
    def is_valid(self) -> bool:
        """Whether it may run."""
        return self.production is not None and not has_errors(self.issues)

    def require(self) -> Production:
        """The production; raises ProductionInvalid when it has errors."""
        if self.production is None or has_errors(self.issues):
            raise ProductionInvalid(str(self.source), self.issues)
        return self.production


class Productions:
    """Reads and checks productions. The adapters are handed in."""

    def __init__(
        self,
        *,
        load: Callable[[Path], Document],
        load_screenplay: Callable[[Path, str], Screenplay],
        probe: Probe,
        presets: Presets,
        look_up: LookUp,
        clock: Clock,
    ) -> None:
        self._load = load
        self._load_screenplay = load_screenplay
        self._probe = probe
        self.presets = presets
        self._look_up = look_up
        self._clock = clock

    def read(self, path: Path) -> LoadedProduction:
        """Read one file or folder and check everything. Raises NotFound or Invalid when there is nothing to read."""
        return self.examine(self._load(path), path)

    def examine(self, document: Document, source: Path) -> LoadedProduction:
        """Check a document that is read already."""
        base = Path(document.base)
        screenplay, told = self._screenplay(document, base)
        parsed = parse(document, self.presets, screenplay)
        facts = {}
        if parsed.production is not None:
            facts = self._facts(base, references(parsed.production))
        issues = check(parsed, document, self.presets, facts=facts, now=self._clock.now())
        return LoadedProduction(parsed.production, in_order((*issues, *told)), base, source, document, parsed)

    def with_estimate(self, loaded: LoadedProduction, estimate: Totals) -> LoadedProduction:
        """The same production, held against its budget."""
        over = check_budget(loaded.parsed, loaded.document, self.presets, estimate)
        return replace(loaded, issues=in_order((*loaded.issues, *over)))

    def _facts(self, base: Path, named: Iterable[FileReference]) -> dict[tuple[str, str], FileFact]:
        """What is where a production names something: files below `base`, and registered workflows."""
        files, kept = [], {}
        for one in named:
            reference = reference_of(one.path) if one.wants == "workflow" else None
            if reference is None:
                files.append(one)
            else:
                kept[reference] = (one.path, one.wants)
        found = self._look_up(list(kept)) if kept else {}
        return self._probe(base, files) | {key: found[reference] for reference, key in kept.items()}

    def _screenplay(self, document: Document, base: Path) -> tuple[Screenplay | None, tuple[Issue, ...]]:
        path = script_path(document)
        if path is None:
            return None, ()
        try:
            return self._load_screenplay(base / path, path), ()
        except StripboardError as error:
            report = Report(document.places)
            report.error(("production", "script"), str(error), "Check the path; it starts from the folder of this file.")
            return None, tuple(report.issues)
