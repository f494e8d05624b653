"""A production as written in YAML, as values: what the loader makes and every other room reads.

All paths are as written (relative to the production file). Everything is resolved: presets are merged in,
built-in shot templates that shots use appear among `scene_types`, wardrobe has chosen each shot's variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.domain.budget import Threshold
from pipeline.domain.schedule import Schedule


@dataclass(frozen=True)
class Style:
    """The look of the whole production. `grade` holds the numbers of the style preset (see `presets/styles.yaml`)."""

    preset: str | None = None
    era: str = ""
    mood: str = ""
    prompt: str = ""
    grade: Mapping[str, float | str | list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class WardrobeRange:
    """From scene `first` to scene `last` (both included) the character wears `variant`."""

    first: int
    last: int
    variant: str


@dataclass(frozen=True)
class Character:
    """An on-screen identity. `source_images` are paths; `model` is a 3D file for backends that read one."""

    name: str
    source_images: tuple[str, ...] = ()
    model: str | None = None
    wardrobe: tuple[WardrobeRange, ...] = ()
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """A named look. `candidates` stills are made per character, one becomes the hero.

    `workflow` and `workflow_bindings` as in SceneType; the graph makes the variant images.
    """

    name: str
    prompt: str = ""
    candidates: int = 1
    workflow: str | None = None
    workflow_bindings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Location:
    """A place. `plate` is an image path; without one the backend makes a plate from `preset`, whose numbers are in `look`.

    `workflow` and `workflow_bindings` as in SceneType; the graph makes the plate.
    """

    name: str
    preset: str | None = None
    hdri: str | None = None
    plate: str | None = None
    prompt: str = ""
    look: Mapping[str, float | str | list[float]] = field(default_factory=dict)
    workflow: str | None = None
    workflow_bindings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Camera:
    """How an animatic moves: `move` is one of `presets/cameras.yaml`; `amount` scales it (1.0 = as designed)."""

    move: str = "push_in"
    amount: float = 1.0


@dataclass(frozen=True)
class SceneType:
    """Template of a scene. `variants` is None when it applies to all; `qa` overrides the default ruleset by measure name.

    `workflow` is the path of a graph for the backend `comfyui`; `workflow_bindings` maps a slot to the inputs it stands for,
    where that was written down (see `workflows.workflow.resolve`). `worker_tags` are tags that a worker must have, besides
    those that the production asks for.
    """

    name: str
    prompt: str = ""
    duration_s: float = 4.0
    segments: int = 1
    fps: int = 24
    width: int = 1280
    height: int = 720
    workflow: str | None = None
    camera: Camera = Camera()
    qa: Mapping[str, float] = field(default_factory=dict)
    variants: tuple[str, ...] | None = None
    location: str | None = None
    framing: str = "medium"
    slate: bool = True
    needs_character: bool = True
    workflow_bindings: Mapping[str, str] = field(default_factory=dict)
    worker_tags: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """Frames of one whole scene (validation has made sure that it is a whole number)."""
        return round(self.duration_s * self.fps)


@dataclass(frozen=True)
class Exclusion:
    """Cells left out of the matrix: every field that is given must match."""

    character: str | None = None
    scene_type: str | None = None
    variant: str | None = None


@dataclass(frozen=True)
class Matrix:
    """characters × scene types × variants, names as listed, less the exclusions."""

    characters: tuple[str, ...] = ()
    scene_types: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    exclude: tuple[Exclusion, ...] = ()


@dataclass(frozen=True)
class Shot:
    """One entry of the shot list. `name` is unique in the production; `template` names a scene type; `after` names shots."""

    name: str
    template: str
    scene: int = 1
    character: str | None = None
    variant: str | None = None
    location: str | None = None
    after: tuple[str, ...] = ()
    prompt: str | None = None


@dataclass(frozen=True)
class OwnApprovals:
    """Gates of one character that differ from everybody else's; None is as everybody else's."""

    character: str
    variants: str | None = None
    scenes: str | None = None


@dataclass(frozen=True)
class Approvals:
    """Gate mode per stage: `human` or `auto`; `except_for` are the characters that have their own."""

    variants: str = "human"
    scenes: str = "human"
    except_for: tuple[OwnApprovals, ...] = ()

    def variants_of(self, character: str | None) -> str:
        """Who decides on a character's variant images."""
        return next((own.variants for own in self.except_for if own.character == character and own.variants), self.variants)

    def scenes_of(self, character: str | None) -> str:
        """Who decides on a character's scenes."""
        return next((own.scenes for own in self.except_for if own.character == character and own.scenes), self.scenes)


@dataclass(frozen=True)
class Budget:
    """Upper limits; None means no limit. `gpu_hours` counts generation time of any backend.

    `thresholds` are the levels of each of these limits.
    """

    gpu_hours: float | None = None
    disk_gb: float | None = None
    money: float | None = None
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True)
class Timing:
    """When its generation may start, as `Schedule` has it.

    `start_after` and `deadline` are moments with their time zones (ISO 8601): before it nothing starts, then it is due.
    """

    schedule: Schedule = field(default_factory=Schedule)
    start_after: str | None = None
    deadline: str | None = None


@dataclass(frozen=True)
class Output:
    """One export of every approved scene. `settings` is the whole output format (see `presets/formats.yaml`)."""

    format: str
    path: str
    name: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Production:
    """The whole production, resolved. `backend` is `animatic`, `comfyui` or `command`; `command` is an argument list.

    `command_timeout_s` is how long the program may take for one still or segment; None is the default. `worker_tags` are tags
    that a worker of the fleet must have to get work of it. `naming` is the name template of its files; None is the default.
    """

    title: str
    version: str = "1.0"
    author: str = ""
    script: str | None = None
    style: Style = Style()
    backend: str = "animatic"
    command: tuple[str, ...] = ()
    command_timeout_s: float | None = None
    seed: int = 0
    characters: tuple[Character, ...] = ()
    variants: tuple[Variant, ...] = ()
    locations: tuple[Location, ...] = ()
    scene_types: tuple[SceneType, ...] = ()
    matrix: Matrix | None = None
    shots: tuple[Shot, ...] = ()
    approvals: Approvals = Approvals()
    budget: Budget = Budget()
    schedule: Timing = Timing()
    triggers: tuple[Mapping[str, object], ...] = ()
    outputs: tuple[Output, ...] = ()
    worker_tags: tuple[str, ...] = ()
    naming: str | None = None
