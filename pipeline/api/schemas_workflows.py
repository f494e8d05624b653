"""What REST takes and gives of registered workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.domain.workflows import difference as differences
from pipeline.domain.workflows.editing import free_inputs, result_choices
from pipeline.domain.workflows.library import Judgement, ShotStatus, TestShot
from pipeline.domain.workflows.shots import SHARE, Wishes
from pipeline.domain.workflows.slots import Kind, ValueType
from pipeline.domain.workflows.views import State, VersionPage, VersionView

NodeId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Prompt = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Side = Annotated[int, Field(ge=16, le=16_384)]


class AskedPlace(asked.Asked):
    """One input of one node, and the slot that it takes its values from."""

    slot: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    node: NodeId
    input: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NewShot(asked.Asked):
    """What a test shot is to be. What is left out is taken from the graph, sizes and length reduced to `share`.

    `source` is the hash of a picture that was sent to `/files`; without one a portrait is drawn.
    """

    worker: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    source: asked.Sha256 | None = None
    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    seed: Annotated[int, Field(ge=0, le=2**64 - 1)] | None = None
    width: Side | None = None
    height: Side | None = None
    frames: Annotated[int, Field(ge=1, le=16_384)] | None = None
    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = SHARE

    def wishes(self) -> Wishes:
        """As a value."""
        return Wishes(**self.model_dump(exclude={"worker", "source"}))


class Gap(given.Given):
    """One reason why a server cannot run a graph, and what to install or change."""

    lack: str
    node: str
    class_type: str
    input: str
    wanted: str
    message: str
    cure: str


class Fit(given.Given):
    """How a worker stands to a version; `is_known` is false while nobody has read what its server can do."""

    worker_id: int
    worker: str
    is_known: bool
    can_run: bool
    words: str
    gaps: list[Gap]


class Version(given.Given):
    """A version as a list shows it; `fits` are there for the default one. `tried` counts test shots that succeeded."""

    number: int
    kind: Kind
    sha256: str
    node_count: int
    origin: str
    note: str
    actor: str
    created_at: datetime
    state: State
    judgement: Judgement
    judged_by: str
    judged_at: datetime | None
    is_default: bool
    tried: int
    used_by: list[str]
    fits: list[Fit]


class Binding(given.Given):
    """An input that takes the value of a slot."""

    slot: str
    node: str
    input: str
    type: ValueType


class Finding(given.Given):
    """Something that is wrong with the bindings, and the cure."""

    severity: str
    message: str
    cure: str
    node: str
    input: str
    slot: str


class Input(given.Given):
    """An input that may be bound, with the value that it has in the graph."""

    node: str
    title: str
    class_type: str
    input: str
    type: ValueType
    value: Any
    is_live: bool


class Choice(given.Given):
    """A node that may give the result."""

    node: str
    title: str
    class_type: str


class File(given.Given):
    """A stored file."""

    sha256: str
    size_bytes: int
    media_type: str


class Measurement(given.Given):
    """A measured number."""

    name: str
    value: float
    subject: str


class Shot(given.Given):
    """A test shot. Times in seconds, sizes in bytes; `memory_bytes` is 0 where the cards of the worker tell nothing."""

    id: int
    version_id: int
    worker: str
    status: ShotStatus
    actor: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    parameters: dict[str, Any]
    progress: float
    step: str
    failure_class: str
    reason: str
    tries: int
    seconds: float
    cost: float
    memory_bytes: int
    source: File | None
    result: File | None
    poster: File | None
    facts: dict[str, Any]
    measurements: list[Measurement]


class WholeVersion(Version):
    """Everything about a version."""

    name: str
    bindings: list[Binding]
    outputs: list[str]
    findings: list[Finding]
    inputs: list[Input]
    choices: list[Choice]
    shots: list[Shot]
    graph: dict[str, Any]


class Proposal(Binding):
    """A binding that was found, how surely, and why."""

    confidence: float
    reason: str


class Imported(WholeVersion):
    """The version that an import or a correction came to; `is_new` is false where it is one that was there before."""

    is_new: bool
    workflow_id: int
    proposals: list[Proposal]


class InputChange(given.Given):
    """One input that has another value; null stands for one that is not there."""

    node: str
    title: str
    input: str
    old: Any
    new: Any


class ClassChange(given.Given):
    """A node that is of another class."""

    node: str
    old: str
    new: str


class Difference(given.Given):
    """What has changed between two versions."""

    is_empty: bool
    added: list[Choice]
    removed: list[Choice]
    classes: list[ClassChange]
    inputs: list[InputChange]
    bound: list[Binding]
    unbound: list[Binding]


def version(view: VersionView) -> dict[str, Any]:
    """A version as a list shows it."""
    own = {name: value for name, value in vars(view.version).items() if name not in ("id", "workflow_id", "name")}
    fits = [
        {"worker_id": fit.worker.id, "worker": fit.worker.name, "is_known": fit.is_known, "can_run": fit.can_run,
         "words": fit.words, "gaps": fit.gaps}
        for fit in view.fits
    ]  # fmt: skip
    return own | {
        "state": view.state, "is_default": view.is_default, "tried": view.tried, "used_by": view.used_by, "fits": fits,
    }  # fmt: skip


def whole(page: VersionPage) -> dict[str, Any]:
    """Everything about a version."""
    graph = page.workflow.graph
    return version(page.shown) | {
        "name": page.view.workflow.name,
        "bindings": page.workflow.bindings,
        "outputs": page.workflow.outputs,
        "findings": page.findings,
        "inputs": free_inputs(graph),
        "choices": [_choice(node) for node in result_choices(graph)],
        "shots": [shot(one) for one in page.shots],
        "graph": graph.to_json(),
    }


def shot(found: TestShot) -> dict[str, Any]:
    """A test shot."""
    return dict(vars(found))


def difference(found: differences.Difference) -> dict[str, Any]:
    """A difference between versions."""

    def plain(value: Any) -> Any:
        return None if value is differences.ABSENT else value

    return {
        "is_empty": found.is_empty,
        "added": [_choice(node) for node in found.added],
        "removed": [_choice(node) for node in found.removed],
        "classes": found.classes,
        "inputs": [vars(change) | {"old": plain(change.old), "new": plain(change.new)} for change in found.inputs],
        "bound": found.bound,
        "unbound": found.unbound,
    }


def _choice(node: Any) -> dict[str, str]:
    return {"node": node.id, "title": node.title, "class_type": node.class_type}
