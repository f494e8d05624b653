"""What a studio sets about the sharing of its fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BUDGET, ENGINE = "budget", "engine"
"""The causes of holds that only a higher limit of a budget ends, and only an engine that works."""


@dataclass(frozen=True)
class Hold:
    """Why nothing new of a run starts now: a word to count by, the sentence, and what would change it."""

    cause: str
    words: str
    remedy: str


NO_ENGINE = Hold(ENGINE, "waits for an engine: none works on its run", "`./stripboard up` or `./stripboard engine`")
"""Why nothing at all of a run goes on."""


@dataclass(frozen=True)
class Rules:
    """Caps, shares and patience.

    `project_caps`, `group_caps` and, by project and group, `scene_caps` bound what is held at once, running and waiting at
    workers. Of runs that are `held` nothing new starts. `shares` weigh projects against
    each other; 1 where nothing is said. `passed_over_s` is the longest that jobs of one run and model wait while others of their
    priority start, for the sake of a loaded model or of fair shares. `ahead_s`: a worker gets its next job so long before
    it is free. `move_s` is what it costs to continue a scene at another worker, besides loading. A deadline presses when less
    than `deadline_margin` times the expected rest of its run is left, and a scene and the longest other job.
    """

    project_caps: Mapping[str, int] = field(default_factory=dict)
    group_caps: Mapping[str, int] = field(default_factory=dict)
    scene_caps: Mapping[tuple[str, str], int] = field(default_factory=dict)
    held: Mapping[str, Hold] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    passed_over_s: float = 900.0
    ahead_s: float = 5.0
    move_s: float = 2.0
    deadline_margin: float = 1.25
