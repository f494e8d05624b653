"""What rules look at: one run as it stands, and a board over it that can be moved on.

A `Snapshot` is read once, with one statement a table. A `Board` answers questions about it (which scenes, how many of them are
approved) and takes changes at the cost of what changes, so that a simulation can go on from ten thousand scenes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.domain import costs
from pipeline.domain.rules.tallies import Queued, Tally
from pipeline.domain.statuses import CellStatus, RunStatus, StillKind

Plain = str | int | float | bool


@dataclass(frozen=True)
class Cost:
    """What work takes: jobs, seconds of generation, bytes on disk, and money in the currency of the installation."""

    jobs: int = 0
    gpu_seconds: float = 0.0
    disk_bytes: int = 0
    money: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.jobs + other.jobs,
            self.gpu_seconds + other.gpu_seconds,
            self.disk_bytes + other.disk_bytes,
            self.money + other.money,
        )


@dataclass(frozen=True)
class SceneTypeFacts:
    """A scene type, and what one scene of it takes by the estimates: all its segments, its checks and its assembly."""

    name: str
    height: int = 720
    segments: int = 1
    duration_s: float = 4.0
    cost: Cost = Cost(jobs=3, gpu_seconds=10.0)

    @property
    def tier(self) -> str:
        """The resolution in one word: `sd`, `hd`, `full_hd` or `uhd`."""
        steps = ((720, "sd"), (1080, "hd"), (2160, "full_hd"))
        return next((word for height, word in steps if self.height < height), "uhd")


@dataclass(frozen=True)
class CellFacts:
    """A scene as rules see it. `attempts` counts how often it was asked for; `stills` and `after` are ids of what it needs.
    `priority` is its own, beside that of the run.

    `qa` has the worst value of each measure of its newest take, and `verdict` what was made of them; empty where nothing was
    measured.
    """

    id: int
    key: str
    scene_type: str
    character: str | None = None
    variant: str | None = None
    location: str | None = None
    scene: int | None = None
    status: CellStatus = CellStatus.NOT_STARTED
    take: int = 0
    attempts: int = 0
    is_stale: bool = False
    verdict: str = ""
    qa: Mapping[str, float] = field(default_factory=dict)
    stills: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    priority: int = 0


@dataclass(frozen=True)
class StillFacts:
    """A picture as rules see it: fields as in CellFacts. `cost` is that of one take of it, all candidates included."""

    id: int
    key: str
    kind: StillKind = StillKind.VARIANT
    character: str | None = None
    variant: str | None = None
    location: str | None = None
    candidates: int = 1
    status: CellStatus = CellStatus.NOT_STARTED
    take: int = 0
    attempts: int = 0
    verdict: str = ""
    qa: Mapping[str, float] = field(default_factory=dict)
    needs: tuple[int, ...] = ()
    cost: Cost = Cost()


@dataclass(frozen=True)
class DeliveryFacts:
    """A delivery as rules see it: of one character, or (None) of the run."""

    id: int
    character: str | None = None


@dataclass(frozen=True)
class Gates:
    """Who decides: `human` or `auto`, with the characters that have their own. `accepts_flags` as the run has it."""

    variants: str = "human"
    scenes: str = "human"
    variants_of: Mapping[str, str] = field(default_factory=dict)
    scenes_of: Mapping[str, str] = field(default_factory=dict)
    accepts_flags: bool = False

    def of_still(self, character: str | None) -> str:
        """Who decides on a character's variant images."""
        return self.variants_of.get(character or "", self.variants)

    def of_cell(self, character: str | None) -> str:
        """Who decides on a character's scenes."""
        return self.scenes_of.get(character or "", self.scenes)


@dataclass(frozen=True)
class Left:
    """What the budgets of the run still cover; None is without limit."""

    gpu_seconds: float | None = None
    disk_bytes: float | None = None
    money: float | None = None

    def lacks(self, cost: Cost) -> str:
        """Which budget does not cover this, in words; empty when all do."""
        if self.gpu_seconds is not None and cost.gpu_seconds > self.gpu_seconds:
            return f"it needs {cost.gpu_seconds:,.0f} GPU-seconds and the budget has {max(0.0, self.gpu_seconds):,.0f} left"
        if self.disk_bytes is not None and cost.disk_bytes > self.disk_bytes:
            return f"it needs {cost.disk_bytes / 1e9:,.1f} GB and the budget has {max(0.0, self.disk_bytes) / 1e9:,.1f} left"
        if self.money is not None and cost.money > self.money:
            return f"it costs at least {costs.money(cost.money)} and the budget has {costs.money(self.money)} left"
        return ""

    def less(self, cost: Cost) -> Left:
        """What is left once this is spent."""
        return Left(
            None if self.gpu_seconds is None else self.gpu_seconds - cost.gpu_seconds,
            None if self.disk_bytes is None else self.disk_bytes - cost.disk_bytes,
            None if self.money is None else self.money - cost.money,
        )


@dataclass(frozen=True)
class Snapshot:
    """One run as it stands. `metadata` is that of characters by name; `outputs` counts the exports of every approved scene."""

    run_id: int = 0
    project: str = ""
    status: RunStatus = RunStatus.RUNNING
    cells: tuple[CellFacts, ...] = ()
    stills: tuple[StillFacts, ...] = ()
    scene_types: Mapping[str, SceneTypeFacts] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, Plain]] = field(default_factory=dict)
    gates: Gates = Gates()
    left: Left = Left()
    outputs: int = 1
    delivers_by_itself: bool = True
    paused_scene_types: frozenset[str] = frozenset()
    deliveries: tuple[DeliveryFacts, ...] = ()


_NO_COST = SceneTypeFacts("")
GroupKey = tuple[str, str | None]
"""A group of scenes: `character`, `scene_type`, `variant` or `run`, and its name."""


class Board:
    """A snapshot with the changes of one decision, of one simulation, or of what has happened since; shared by none of those."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.cells = {cell.id: cell for cell in snapshot.cells}
        self.stills = {still.id: still for still in snapshot.stills}
        self.deliveries = {delivery.id: delivery for delivery in snapshot.deliveries}
        self.status = snapshot.status
        self.left = snapshot.left
        self.paused_scene_types = set(snapshot.paused_scene_types)
        self._members: dict[GroupKey, list[int]] = {}
        self._tallies: dict[GroupKey, Tally] = {}
        self._queued: Queued | None = None

    def renew(
        self,
        *,
        status: RunStatus,
        gates: Gates,
        left: Left,
        scene_types: Mapping[str, SceneTypeFacts],
        delivers_by_itself: bool,
        paused_scene_types: frozenset[str],
    ) -> None:
        """What is around the scenes and pictures is like this now."""
        self.status, self.left, self.paused_scene_types = status, left, set(paused_scene_types)
        self.snapshot = replace(self.snapshot, gates=gates, scene_types=scene_types, delivers_by_itself=delivers_by_itself)

    def as_snapshot(self) -> Snapshot:
        """The run as it stands on the board."""
        return replace(
            self.snapshot,
            status=self.status,
            cells=tuple(self.cells.values()),
            stills=tuple(self.stills.values()),
            deliveries=tuple(self.deliveries.values()),
            left=self.left,
            paused_scene_types=frozenset(self.paused_scene_types),
        )

    @property
    def queued(self) -> Queued:
        """What is queued; counted when first asked for, kept up to date from then on."""
        if self._queued is None:
            self._queued = queued_of(self.cells.values())
        return self._queued

    def members(self, group: str, name: str | None) -> list[int]:
        """The ids of the cells of a group, in their order on the board."""
        if not self._members:
            found: dict[GroupKey, list[int]] = defaultdict(list)
            for cell in self.snapshot.cells:
                for key in _groups(cell):
                    found[key].append(cell.id)
            self._members = found
        return self._members.get((group, name), [])

    def tally(self, group: str, name: str | None) -> Tally:
        """The counts of a group; counted when first asked for, kept up to date from then on."""
        key = (group, name)
        if key not in self._tallies:
            counted = Tally()
            for cell_id in self.members(group, name):
                counted.add(self.cells[cell_id], 1)
            self._tallies[key] = counted
        return self._tallies[key]

    def put_cell(self, cell: CellFacts) -> None:
        """Replace a cell by a newer state of it; its names stay what they are."""
        for key in _groups(cell):
            tally = self._tallies.get(key)
            if tally is not None:
                tally.add(self.cells[cell.id], -1)
                tally.add(cell, 1)
        if self._queued is not None:
            self._queued.add(self.cells[cell.id], -1)
            self._queued.add(cell, 1)
        self.cells[cell.id] = cell

    def move_cell(self, cell_id: int, status: CellStatus) -> CellFacts:
        """Move a cell to another status and nothing else."""
        self.put_cell(replace(self.cells[cell_id], status=status))
        return self.cells[cell_id]

    def move_still(self, still_id: int, status: CellStatus) -> StillFacts:
        """Move a still to another status and nothing else."""
        self.stills[still_id] = replace(self.stills[still_id], status=status)
        return self.stills[still_id]

    def scene_type(self, name: str) -> SceneTypeFacts:
        """The scene type of this name; one that nothing is known of costs next to nothing and has one segment."""
        return self.snapshot.scene_types.get(name, _NO_COST)

    def stills_under(self, cell_ids: Iterable[int]) -> list[int]:
        """The stills that these cells need, and those that those need, each once, those needed first."""
        found: dict[int, None] = {}
        for cell_id in cell_ids:
            for still_id in self.cells[cell_id].stills:
                for needed in (*self.stills[still_id].needs, still_id):
                    found.setdefault(needed)
        return list(found)


def queued_of(cells: Iterable[CellFacts]) -> Queued:
    """What of these is queued."""
    found = Queued()
    for cell in cells:
        found.add(cell, 1)
    return found


def _groups(cell: CellFacts) -> tuple[GroupKey, ...]:
    return (
        ("character", cell.character),
        ("scene_type", cell.scene_type),
        ("variant", cell.variant),
        ("run", None),
    )
