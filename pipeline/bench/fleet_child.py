"""The side of a benchmark that works with a fleet, in a process of its own: for its memory, and for its processor time."""

from __future__ import annotations

import json
import resource
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import wiring
from pipeline.bench import setting
from pipeline.bench.performers import InstantPerformer
from pipeline.domain.choices import RunOptions
from pipeline.domain.production import Production
from pipeline.domain.work import Request
from pipeline.services.turns import Report, Turn
from pipeline.wiring import Studio
from pipeline.wiring_performers import READERS, FleetPerformer

_GRAPHS = Path(__file__).resolve().parents[1] / "double" / "workflows"
_WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


class Stays:
    """When each attempt at a segment was handed over, and when it was settled, in seconds of the wall clock."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self.count = 0
        """How many have been settled."""

    def begin(self, request: Request) -> None:
        """Handed over, right after its claim was committed."""
        if request.stage == "scene_generation":
            self.times[request.attempt_id] = [time.time()]

    def settled(self, attempt_id: str) -> None:
        """The transaction that took its result in is committed."""
        if attempt_id in self.times:
            self.times[attempt_id].append(time.time())
            self.count += 1


class WatchedFleet(FleetPerformer):
    """The performer of the fleet; notes what it is given."""

    stays = Stays()

    def submit(self, request: Request) -> None:
        """Note it, and pass it on."""
        self.stays.begin(request)
        super().submit(request)


class WatchedDispatch:
    """The dispatch of a studio; notes which attempts are over, once that is in the database."""

    def __init__(self, studio: Studio, stays: Stays) -> None:
        self._dispatch = studio.dispatch
        self._stays = stays

    @property
    def has_fleet(self) -> bool:
        """Passed on."""
        return self._dispatch.has_fleet

    def turn(self, engine_id: str, reports: Sequence[Report], *rest: Any) -> Turn:
        """Pass it on, and note what it has settled."""
        turn = self._dispatch.turn(engine_id, reports, *rest)
        for _, update in turn.reports:
            self._stays.settled(update.attempt_id)
        return turn


class Bell:
    """Wakes the engine, which is made after its performers."""

    def __init__(self) -> None:
        self.ring: Any = lambda: None

    def set(self) -> None:
        """Something has ended."""
        self.ring()


def work(home: Path, scenes: int, segments: int, servers: int) -> dict[str, Any]:
    """Work through a run on the first so many of the servers whose addresses lie in the home."""
    urls = json.loads((home / "servers.json").read_text())[:servers]
    with setting.studio_at(home / f"studio-{scenes}") as studio:
        stays = Stays()
        _make_shelves(studio)
        run = studio.runs.create(_production(studio, scenes, segments), studio.settings.home, _OPTIONS, setting.SOMEBODY)
        for number, url in enumerate(urls, 1):
            studio.workers.register(f"gpu-{number}", url, setting.SOMEBODY)
        studio.workers.look()
        bell = Bell()
        fleet = WatchedFleet(studio.settings, bell, None)  # type: ignore[arg-type]
        fleet.stays = stays
        stages = InstantPerformer(place=studio.media.path_of)
        watched = studio.with_services(dispatch=WatchedDispatch(studio, stays))  # type: ignore[arg-type]
        engine = wiring.build_engine(watched, backends={"comfyui": fleet, "stages": stages, "animatic": stages})
        bell.ring = engine.wake.set
        began, used_s = time.time(), _used_s()
        setting.submit(studio, run)
        engine.run(is_over=lambda: stays.count >= scenes * segments and not engine.busy and not setting.is_open(studio, run))
        seconds = max(settled for _, settled in stays.times.values()) - began
        fleet.close()
        used_s = _used_s() - used_s
        setting.completions(studio, run)
        made = len(stays.times) + len(studio.reports.matrix(run.id).stills)
    own, reader = (resource.getrusage(who).ru_maxrss / 1024 for who in _WHOSE)
    return {"seconds": seconds, "used_s": used_s, "generated": made, "peak_mb": own + READERS * reader, "stays": stays.times}


def _make_shelves(studio: Studio) -> None:
    """All folders of the media store: a studio has them after a few hundred files, and each takes a moment to make."""
    for number in range(256):
        studio.media.path_of(f"{number:02x}" + "0" * 62).parent.mkdir(parents=True, exist_ok=True)


def _used_s() -> float:
    """Processor time of this process and of its readers; theirs is known once they have ended."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, _WHOSE))


def _production(studio: Studio, scenes: int, segments: int) -> Production:
    """The benchmark's production, made by graphs; one scene of many segments where one is asked for."""
    for name in ("image_to_video.json", "text_to_image.json"):
        shutil.copy2(_GRAPHS / name, studio.settings.home / name)
    made = setting.production_of(max(scenes, 16), segments)
    kinds = tuple(replace(kind, workflow="image_to_video.json") for kind in made.scene_types)
    looks = tuple(replace(look, workflow="text_to_image.json") for look in made.variants)
    made = replace(made, backend="comfyui", scene_types=kinds, variants=looks)
    if scenes > 1 or made.matrix is None:
        return made
    one = replace(kinds[0], duration_s=segments)
    matrix = replace(made.matrix, scene_types=(one.name,), variants=(looks[0].name,))
    return replace(made, scene_types=(one, *kinds[1:]), matrix=matrix)


_OPTIONS = RunOptions(auto_approve=True, auto_deliver=False)
