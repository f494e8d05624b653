"""Registered workflows as people see them: how a version stands, who can run it, what has been made with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.workflows.findings import Finding, errors_in
from pipeline.domain.workflows.fit import Fit
from pipeline.domain.workflows.library import Judgement, RegisteredWorkflow, TestShot, WorkflowVersion
from pipeline.domain.workflows.workflow import Workflow


class State(StrEnum):
    """How a version stands, the most pressing first."""

    UNFINISHED = "unfinished"  # its bindings lack something that it cannot do without
    NOWHERE = "nowhere"  # no worker has what it needs
    BAD = "bad"  # a person has said that it is no good
    GOOD = "good"  # a person has seen a test shot and said that it is good
    TRIED = "tried"  # a test shot has succeeded; nobody has said anything
    UNTRIED = "untried"  # no test shot has succeeded yet


WORDS = {
    State.UNFINISHED: "bindings unfinished",
    State.NOWHERE: "cannot run anywhere",
    State.BAD: "tried, no good",
    State.GOOD: "tried, good",
    State.TRIED: "tried, to be judged",
    State.UNTRIED: "never tried",
}


@dataclass(frozen=True)
class VersionView:
    """A version with what is known of it. `tried` counts test shots that succeeded; `used_by` are runs, the newest first."""

    version: WorkflowVersion
    is_default: bool
    is_finished: bool
    tried: int
    used_by: tuple[str, ...]
    fits: tuple[Fit, ...] = ()

    @property
    def state(self) -> State:
        """How it stands."""
        if not self.is_finished:
            return State.UNFINISHED
        if self.fits and all(fit.is_known and not fit.can_run for fit in self.fits):
            return State.NOWHERE
        if self.version.judgement is not Judgement.NONE:
            return State.GOOD if self.version.judgement is Judgement.GOOD else State.BAD
        return State.TRIED if self.tried else State.UNTRIED


@dataclass(frozen=True)
class WorkflowView:
    """A name with its versions, the newest first, and the one that productions get that name none."""

    workflow: RegisteredWorkflow
    versions: tuple[VersionView, ...]

    @property
    def default(self) -> VersionView:
        """The default version."""
        return next(version for version in self.versions if version.is_default)


@dataclass(frozen=True)
class VersionPage:
    """Everything about one version: the workflow itself, what was found on it, its test shots, the newest first."""

    view: WorkflowView
    shown: VersionView
    workflow: Workflow
    findings: tuple[Finding, ...]
    shots: tuple[TestShot, ...]

    @property
    def is_usable(self) -> bool:
        """Whether test shots and productions may use it."""
        return not errors_in(self.findings)
