"""What REST takes: strict models with bounded sizes, because what comes from outside is not trusted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.stages import Phase

LARGEST = 2**63 - 1
_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_MOST_NAMES = 20_000

Id = Annotated[int, Path(ge=1, le=LARGEST)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_LINE)]
Note = Annotated[str, StringConstraints(max_length=4000, pattern=_TEXT)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=_TEXT)]
Priority = Annotated[int, Field(ge=-1000, le=1000)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Names = Annotated[list[Name], Field(max_length=_MOST_NAMES)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Asked(BaseModel):
    """What is taken: no field that is not named, no value that only looks like one."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Cells(Asked):
    """Which cells are meant: every group that is given must match; none given means all of the run."""

    characters: Names = []
    scene_types: Names = []
    variants: Names = []
    keys: Names = Field([], description="Cells by their key.")

    def selection(self) -> Selection:
        """As a value."""
        return Selection(tuple(self.characters), tuple(self.scene_types), tuple(self.variants), tuple(self.keys))


class Submission(Asked):
    """Cells to ask for. `missing`: never made; `failed`: failed and rejected; `all`: every one not under way, as a new take."""

    cells: Cells = Cells()
    mode: Literal["missing", "failed", "all"] = "missing"

    def chosen_mode(self) -> Mode:
        """As a value."""
        return Mode(self.mode)


class Resubmission(Asked):
    """What failed or was rejected, of these cells: the cells themselves, the variant images they need, and their exports."""

    cells: Cells = Cells()


class Cancellation(Asked):
    """Which cells to take out; without `cells` the whole run ends, and what is approved stays."""

    cells: Cells | None = None


class Ranking(Asked):
    """What has a higher priority is served first."""

    priority: Priority


class RunRanking(Ranking):
    """The priority of a run, or of some of its cells."""

    cells: Cells | None = None


class Going(Asked):
    """How a run goes on."""

    until: Literal["prepare", "characters", "locations", "shots", "post_process", "export", "finalize"] | None = None
    auto_deliver: bool | None = None

    def phase(self) -> Phase | None:
        """As a value."""
        return None if self.until is None else Phase(self.until)


_SOURCE = "The production as YAML."
_FILES = (
    "Every file that the production names, by its path exactly as it is written there; the value is the hash that "
    "`POST /files` answered with."
)


class Source(Asked):
    """A production and its files."""

    yaml: Annotated[str, StringConstraints(min_length=1, max_length=8 * 2**20)] = Field(description=_SOURCE)
    files: Annotated[dict[Name, Sha256], Field(max_length=1000, description=_FILES)] = {}


class NewRun(Source):
    """A production to run. Nothing is submitted unless `submit` is true."""

    submit: bool = False
    auto_approve: bool = False
    auto_deliver: bool = True
    until: Literal["prepare", "characters", "locations", "shots", "post_process", "export", "finalize"] = "finalize"
    priority: Priority = 0


class Approval(Asked):
    """A decision to accept."""

    note: Note = ""


class Rejection(Asked):
    """A decision to refuse."""

    reason: Reason
    note: Note = ""


_TAKE = "The take whose candidates you saw: with a newer one, or after another decision, nothing is done (409)."


class Choice(Asked):
    """Which candidate becomes the hero; the best by its measures when none is named."""

    candidate: Number | None = None
    take: Number | None = Field(None, description=_TAKE)


class Refusal(Asked):
    """Why all candidates are refused."""

    reason: Reason
    take: Number | None = Field(None, description=_TAKE)


_VERSIONS = "The `version` of each cell as you saw it: a cell that has changed since is not decided on, and nothing else is."


class Approvals(Approval):
    """Cells to accept: those of the selection that are in review; `{"cells": {}}` says that all of the run are meant."""

    cells: Cells
    versions: Annotated[dict[Name, Version], Field(max_length=_MOST_NAMES, description=_VERSIONS)] = {}


class Rejections(Rejection):
    """Cells to refuse: those of the selection that are in review, and approved ones that are named by key."""

    cells: Cells
    versions: Annotated[dict[Name, Version], Field(max_length=_MOST_NAMES, description=_VERSIONS)] = {}

    @model_validator(mode="after")
    def _named(self) -> Any:
        if self.cells.selection() == Selection():
            raise ValueError("name the cells to reject")
        return self


class NewTake(Asked):
    """A new take: with a seed or words of your own, or from a segment on, with what is good before it kept."""

    from_segment: Number = 1
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    prompt: Note = Field("", description="In place of the prompt of the cell, for what is made anew.")


class Undoing(Asked):
    """Whose decisions to take back: cells and variant images by their key."""

    keys: Annotated[list[Name], Field(min_length=1, max_length=_MOST_NAMES)]


class View(Asked):
    """A way to look at the board: the query part of its address, under a name."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_LINE)]
    query: Annotated[str, StringConstraints(max_length=20_000, pattern=_LINE)]


class Return(Asked):
    """Back to an earlier approved take; to the previous one when none is named."""

    take: Number | None = None
