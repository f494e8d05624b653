"""What is wrong with a workflow, as values: the same form for its graph, its bindings and the server that is to run it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.errors import Invalid
from pipeline.domain.issues import Severity
from pipeline.domain.names import more_errors

MOST_TOLD = 100
"""A graph that is wrong everywhere is described by this many findings at most."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `node`, `input` and `slot` say where; they are empty where it concerns more than that."""

    severity: Severity
    message: str
    cure: str = ""
    node: str = ""
    input: str = ""
    slot: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.cure}".strip()


class WorkflowInvalid(Invalid):
    """A workflow that cannot be used; `findings` holds everything that is wrong with it."""

    def __init__(self, name: str, findings: Iterable[Finding]) -> None:
        self.name, self.findings = name, tuple(findings)
        errors = [finding for finding in self.findings if finding.severity is Severity.ERROR]
        subject = f"The workflow {name}" if name else "The workflow"
        first = errors[0] if errors else "nothing is known of it."
        super().__init__(f"{subject} cannot be used: {first}{more_errors(len(errors) - 1)}")

    def __reduce__(self) -> tuple[type, tuple[str, tuple[Finding, ...]]]:
        """Keep the findings when the error crosses a process border."""
        return (type(self), (self.name, self.findings))


def errors_in(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that keep the workflow from being used."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
