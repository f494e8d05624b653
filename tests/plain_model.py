"""A run as plain Python: what the services ought to do, written down a second time and as simply as possible.

Two scene types × two variants of one character, human gates, one segment pair a scene, one export, no automatic delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SEGMENTS = 2
LANES = {"variant_generation": "generation", "scene_generation": "generation"}
TRIES = {"bad_input": 1, "crashed": 3, "lost": 20}
ASKABLE = {
    "missing": {"not_started", "cancelled"},
    "failed": {"failed", "rejected"},
    "all": {"not_started", "cancelled", "failed", "rejected", "review", "approved"},
}
UNDER_WAY = {"queued", "generating"}
UNFINISHED = {"ready", "running", "failed"}


@dataclass
class Thing:
    """A still or a cell. `decisions` maps a take's number to what the gate said; `came_from` is the status before."""

    needs: tuple[str, ...] = ()
    status: str = "not_started"
    take: int = 0
    approved_take: int | None = None
    decisions: dict[int, str] = field(default_factory=dict)
    came_from: str = ""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "status" and value != getattr(self, "status", value):
            self.came_from = self.status
        super().__setattr__(name, value)

    @property
    def approved_takes(self) -> list[int]:
        return [number for number, decision in sorted(self.decisions.items()) if decision == "approved"]


@dataclass
class Work:
    """A job. `owner` and `attempt` are set while it runs."""

    status: str = "ready"
    tries: int = 0
    owner: str = ""
    attempt: str = ""


Key = tuple[str, str, int, int]
"""Of a job: the thing's name, the stage, the take, the part."""


class PlainRun:
    """The whole run, moved by the verbs that the services have."""

    def __init__(self) -> None:
        self.status = "draft"
        self.things: dict[str, Thing] = {"source c1": Thing()}
        for variant in ("v1", "v2"):
            self.things[f"variant c1 / {variant}"] = Thing(("source c1",))
        for scene in ("s1", "s2"):
            for variant in ("v1", "v2"):
                self.things[f"c1 / {scene} / {variant}"] = Thing((f"variant c1 / {variant}",))
        self.jobs: dict[Key, Work] = {}
        self.begun: set[Key] = set()
        self.steps = 0
        self.born: dict[Key, int] = {}
        self.approvals: dict[str, int] = {}

    def cells(self) -> dict[str, Thing]:
        return {name: thing for name, thing in self.things.items() if is_cell(name)}

    def stills(self) -> dict[str, Thing]:
        return {name: thing for name, thing in self.things.items() if not is_cell(name)}

    def named(self, status: str, names: Iterable[str]) -> list[str]:
        """Which of these stand there."""
        return [name for name in names if self.things[name].status == status]

    # What people do ---------------------------------------------------------------------------------------------

    def submit(self, names: Iterable[str], mode: str) -> list[str]:
        chosen = [name for name in names if self.things[name].status in ASKABLE[mode]]
        if not chosen:
            return []
        self.status = "running"
        for name in chosen:
            cell = self.things[name]
            if cell.status == "failed":
                self._revive(name, cell.take)
            else:
                self._cancel_work(name)
                cell.take += 1
            cell.status = "queued"
        for still in {need for name in chosen for need in self._all_needs(name)}:
            self._ask_for_still(still)
        self._start()
        return chosen

    def retry(self) -> None:
        stuck = [name for name in self.stills() if self.things[name].status in ("failed", "rejected")]
        exports = [key for key, job in self.jobs.items() if key[1] == "export" and job.status == "failed"]
        for name in stuck:
            self._ask_for_still(name)
        for key in exports:
            self.jobs[key] = Work()
        if stuck or exports:
            self._go_on()
        self._start()

    def cancel_cells(self, names: Iterable[str]) -> None:
        for name in self.taken_out(names):
            self._cancel_work(name)
            self.things[name].status = "cancelled"

    def taken_out(self, names: Iterable[str]) -> list[str]:
        """What is cancelled with these cells: those under way, and the stills that no other cell asks for."""
        settled = ("not_started", "cancelled", "approved")
        out = [name for name in names if self.things[name].status not in settled]
        asked = [name for name, cell in self.cells().items() if cell.status not in ("not_started", "cancelled")]
        used = {need for name in asked if name not in out for need in self._all_needs(name)}
        needed = {need for name in out for need in self._all_needs(name)}
        return [*out, *(name for name in needed - used if self.things[name].status not in settled)]

    def cancel(self) -> None:
        self.status = "cancelled"
        for name, thing in self.things.items():
            if thing.status not in ("approved", "cancelled"):
                self._cancel_work(name)
                thing.status = "cancelled"

    def approve(self, name: str) -> None:
        thing = self.things[name]
        thing.status = "approved"
        self.steps += 1
        self.approvals[name] = self.steps
        if is_cell(name):
            thing.approved_take = thing.take
            thing.decisions[thing.take] = "approved"
            self.jobs[name, "export", thing.take, 1] = Work()
        self._start()

    def can_undo(self, name: str) -> bool:
        """Whether a person decided on it in review last, and nothing has begun since that followed."""
        thing = self.things[name]
        if self.status == "cancelled" or thing.status not in ("approved", "rejected") or thing.came_from != "review":
            return False
        if thing.status == "approved" and is_cell(name) and thing.approved_take != thing.take:
            return False
        return not any(key in self.begun or self.jobs[key].status != "ready" for key in self._followers(name))

    def undo(self, name: str) -> None:
        thing = self.things[name]
        for key in self._followers(name):
            del self.jobs[key]
        thing.decisions.pop(thing.take, None)
        if thing.status == "approved":
            thing.approved_take = thing.approved_takes[-1] if thing.approved_takes else None
        thing.status = "review"

    def _followers(self, name: str) -> list[Key]:
        """The jobs that exist because it is approved: a cell's exports, the first ones of cells that need a still."""
        thing = self.things[name]
        if thing.status != "approved":
            return []
        if is_cell(name):
            return [key for key in self.jobs if key[:3] == (name, "export", thing.approved_take)]
        needing = [(other, "scene_generation", one.take, 1) for other, one in self.things.items() if name in one.needs]
        return [key for key in needing if key in self.jobs and self.born[key] >= self.approvals[name]]

    def reject(self, name: str) -> None:
        thing = self.things[name]
        if is_cell(name):
            number = thing.take
            if thing.status == "approved":
                number = thing.approved_take or 0
                self._cancel_work(name)
            thing.decisions[number] = "rejected"
        thing.status = "rejected"

    def rollback(self) -> list[str]:
        back = []
        for name, cell in self.cells().items():
            target = self._earlier(cell)
            if target is not None:
                self._cancel_work(name)
                key = (name, "export", target, 1)
                if self.jobs[key].status == "cancelled":
                    self.jobs[key] = Work()
                cell.status, cell.approved_take = "approved", target
                back.append(name)
        if back:
            self._go_on()
        self._start()
        return back

    @staticmethod
    def _earlier(cell: Thing) -> int | None:
        approved = cell.approved_takes
        if cell.status == "approved":
            earlier = [number for number in approved if number < (cell.approved_take or 0)]
            return earlier[-1] if earlier else None
        if cell.approved_take in approved:
            return cell.approved_take
        return approved[-1] if approved else None

    # What engines do --------------------------------------------------------------------------------------------

    def ready(self, lane: str) -> list[Key]:
        if self.status != "running":
            return []
        return [key for key, job in self.jobs.items() if job.status == "ready" and LANES.get(key[1], "cpu") == lane]

    def claim(self, key: Key, owner: str, attempt: str) -> None:
        job = self.jobs[key]
        assert job.status == "ready"
        self.begun.add(key)
        self.jobs[key] = Work("running", job.tries + 1, owner, attempt)
        thing = self.things[key[0]]
        if thing.status == "queued":
            thing.status = "generating"

    def running(self, owner: str | None = None) -> dict[str, Key]:
        return {job.attempt: key for key, job in self.jobs.items() if job.status == "running" and owner in (None, job.owner)}

    def complete(self, key: Key) -> None:
        self.jobs[key].status = "done"
        name, stage, take, part = key
        if not self._is_current(key):
            return
        followers: dict[str, Callable[[], None]] = {
            "source_qa": lambda: self.approve(name),
            "variant_generation": lambda: self._add(name, "variant_qa", take),
            "variant_qa": lambda: self._show(name),
            "scene_generation": lambda: self._add(
                name, *(("scene_generation", take, part + 1) if part < SEGMENTS else ("scene_qa", take))
            ),
            "scene_qa": lambda: self._add(name, "assembly", take),
            "assembly": lambda: self._show(name),
            "export": lambda: None,
        }
        followers[stage]()

    def fail(self, key: Key, failure_class: str) -> None:
        job = self.jobs[key]
        if job.tries < TRIES[failure_class]:
            self.jobs[key] = Work("ready", job.tries)
            return
        job.status = "failed"
        if key[1] != "export" and self._is_current(key):
            self.things[key[0]].status = "failed"

    def adopt(self, new: str, dead: Iterable[str]) -> set[str]:
        gone = set(dead)
        taken = [job for job in self.jobs.values() if job.status == "running" and job.owner in gone]
        for job in taken:
            job.owner = new
        return {job.attempt for job in taken}

    def leave(self, owner: str) -> None:
        for key, job in self.jobs.items():
            if job.status == "running" and job.owner == owner:
                self.jobs[key] = Work("ready", job.tries - 1)

    # Inside -----------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self.status != "paused":
            self.status = "running"

    def _is_current(self, key: Key) -> bool:
        thing = self.things[key[0]]
        return key[1] == "export" or (thing.take == key[2] and thing.status in UNDER_WAY)

    def _show(self, name: str) -> None:
        self.things[name].status = "review"

    def _add(self, name: str, stage: str, take: int, part: int = 1) -> None:
        self.jobs[name, stage, take, part] = Work()
        self.steps += 1
        self.born[name, stage, take, part] = self.steps

    def _all_needs(self, name: str) -> set[str]:
        direct = set(self.things[name].needs)
        return direct.union(*(self._all_needs(need) for need in direct))

    def _ask_for_still(self, name: str) -> None:
        still = self.things[name]
        if still.status not in (*UNDER_WAY, "review", "approved"):
            still.status = "queued"
            self._cancel_work(name)
            still.take += 1

    def _revive(self, name: str, take: int) -> None:
        for key, job in self.jobs.items():
            if key[0] == name and key[2] == take and job.status == "failed":
                self.jobs[key] = Work()

    def _cancel_work(self, name: str) -> None:
        for key, job in self.jobs.items():
            if key[0] == name and job.status in UNFINISHED:
                self.jobs[key] = Work("cancelled", job.tries)

    def _start(self) -> None:
        """Everything queued whose needs are approved and whose take has no job yet begins."""
        for name, thing in self.things.items():
            met = all(self.things[need].status == "approved" for need in thing.needs)
            begun = any(key[0] == name and key[2] == thing.take for key in self.jobs)
            if thing.status == "queued" and met and not begun:
                self._add(name, first_stage(name), thing.take)


def is_cell(name: str) -> bool:
    """Whether this is a cell's name."""
    return name.startswith("c1")


def first_stage(name: str) -> str:
    """The stage that a thing begins with."""
    if is_cell(name):
        return "scene_generation"
    return "source_qa" if name.startswith("source") else "variant_generation"
