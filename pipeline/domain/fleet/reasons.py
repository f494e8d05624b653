"""Why a job waits for a worker, and what would change that, in words for people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from pipeline.domain.fleet.jobs import FleetJob, Kind, Lane
from pipeline.domain.fleet.open_lanes import Need, OpenLane, Seat
from pipeline.domain.fleet.standing import Standing
from pipeline.domain.fleet.workers import UNSEEN, Worker, fits
from pipeline.domain.graphics_memory import gibibytes, in_words

GO_FIRST = "raise its priority"
"""The remedy where others go first, for those who know no run by its name."""
_RAISE = "raise that budget: `./stripboard budgets` lists them"
_NAMED = 3
_TAKEN_OUT = ("paused", "draining")


@dataclass(frozen=True)
class Reason:
    """`cause` is a word to count by, `words` the sentence, `remedy` what would change it; empty when only time does.

    `is_stuck` says that no worker of the fleet may do it as they stand: waiting alone changes nothing.
    """

    cause: str
    words: str
    remedy: str
    is_stuck: bool = False


def explain(standing: Standing, job: FleetJob) -> Reason:
    """Why this job was given to nobody in the decision that ended as `standing`."""
    hold = standing.rules.held.get(job.kind.run)
    if hold is not None:
        return Reason(hold.cause, hold.words, hold.remedy)
    if job.not_before_s > standing.now_s:
        return Reason("not_before", f"starts in {duration(job.not_before_s - standing.now_s)} at the earliest", "")
    lane = _lane(standing, job)
    able = [seat for seat in standing.seats if standing.may_do(seat, lane)]
    if not able:
        return _nobody(standing, job)
    capped = standing.cap_reached(job.kind)
    if capped:
        name, cap, held = capped
        return Reason("cap", f"concurrency of {name} is {cap}, {_taken(held)}", f"raise the concurrency of {name}")
    free = sorted((seat for seat in able if not seat.held), key=lambda seat: seat.ready_s)
    for seat in free:
        sooner = standing.sooner(seat, lane)
        if sooner is not None:
            return _left_for(standing, lane, seat=seat, sooner=sooner)
    found = _busy(standing, lane, able)
    if not standing.presses(lane):
        return found
    return replace(found, words=f"{found.words}; its run {due((job.kind.deadline_s or 0.0) - standing.now_s)}")


def duration(seconds: float) -> str:
    """`36 s`, `12 min`, `2 h 14 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def for_others(count: int) -> str:
    """`6 jobs of somebody else`."""
    return f"{count} {'job' if count == 1 else 'jobs'} of somebody else"


def due(in_s: float) -> str:
    """`is due in 12 min`, `is overdue by 40 s`."""
    return f"is due in {duration(in_s)}" if in_s > 0 else f"is overdue by {duration(-in_s)}"


def _lane(standing: Standing, job: FleetJob) -> OpenLane:
    lane = Lane(job.kind, job.not_before_s, job.home, job.excluded)
    lane.jobs[job.id] = job
    return OpenLane(lane, standing.rates.typical(job.kind.workflow), Need())


def _nobody(standing: Standing, job: FleetJob) -> Reason:
    """No worker of the fleet may do it now: say of each group what keeps it."""
    if not standing.workers:
        return Reason("no_worker", "the fleet has no workers", "add a worker", is_stuck=True)
    kind = job.kind
    kept: dict[str, list[Worker]] = {}
    for worker in standing.workers:
        kept.setdefault(_obstacle(worker, kind, job.excluded), []).append(worker)
    parts, remedies = [], []
    for obstacle, workers in kept.items():
        names = _names([worker.name for worker in workers])
        be = "is" if len(workers) == 1 else "are"
        if obstacle == "memory":
            most = max(worker.memory_bytes for worker in workers)
            have = "has" if len(workers) == 1 else "have"
            parts.append(f"needs {in_words(kind.memory_bytes)}: {names} {have} {gibibytes(most)}")
            remedies.append(f"add a worker with {in_words(kind.memory_bytes)}")
        elif obstacle == "tags":
            parts.append(f"needs {_tags(kind)}, which {names} {be} not marked with")
            remedies.append(_mark(workers, kind))
        elif obstacle == "excluded":
            parts.append(f"failed on {names}")
            remedies.append("add another worker")
        elif obstacle == "dear":
            parts.append(_too_dear(workers))
            remedies.append(_RAISE)
        elif obstacle == "lacks":
            parts.append(f"{names} cannot: {workers[0].lacks[kind.graph]}")
            remedies.append(f"install it on {names}")
        elif obstacle == "aside":
            parts.append(f"{names} {be} set aside for {kind.workflow}")
            remedies.append(f'`./stripboard workers take-back {workers[0].name} "{kind.workflow}"` when that is mended')
        elif obstacle == UNSEEN:
            parts.append(f"{names} {'was' if len(workers) == 1 else 'were'} {UNSEEN}")
            remedies.append(f"see that the address of {names} is right")
        else:
            parts.append(f"{names} {be} {obstacle}")
            remedies.append(_enable(workers) if _word(obstacle) in _TAKEN_OUT else f"look at {names}")
    cause = _word(next(iter(kept))) if len(kept) == 1 else "no_worker"
    return Reason(cause, "; ".join(parts), " or ".join(dict.fromkeys(remedies)), is_stuck=True)


def _word(obstacle: str) -> str:
    """What keeps a worker, without the particulars."""
    return obstacle.partition(":")[0]


def _obstacle(worker: Worker, kind: Kind, excluded: Collection[str]) -> str:
    if worker.name in excluded:
        return "excluded"
    if worker.name in kind.too_dear:
        return "dear"
    if kind.memory_bytes > worker.memory_bytes > 0:
        return "memory"
    if not kind.tags <= worker.tags:
        return "tags"
    if kind.graph in worker.lacks:
        return "lacks"
    return "aside" if not fits(worker, kind) else worker.away


def _too_dear(workers: Sequence[Worker]) -> str:
    be = "is" if len(workers) == 1 else "are"
    return f"{_names([worker.name for worker in workers])} {be} too dear for what a budget has left"


def _mark(workers: Sequence[Worker], kind: Kind) -> str:
    """The command that gives one of these workers the tags that are asked for; it names all that the worker then has."""
    worker = next((one for one in workers if not one.away), workers[0])
    tags = " ".join(f"--tag {tag}" for tag in sorted(worker.tags | kind.tags))
    return f"`./stripboard workers edit {quote(worker.name)} {tags}`"


def _enable(workers: Sequence[Worker]) -> str:
    """The command that lets one of these workers take work again."""
    return " or ".join(f"`./stripboard workers enable {quote(worker.name)}`" for worker in workers[:_NAMED])


def _left_for(standing: Standing, lane: OpenLane, *, seat: Seat, sooner: Seat) -> Reason:
    """A worker is free, and still the job is done sooner by another."""
    in_s = duration(sooner.ready_s - standing.now_s)
    if standing.is_behind_others(seat):
        return Reason("others", f"{_for_others(seat)}; {sooner.worker.name} is next in {in_s}", "")
    name, loading_s = sooner.worker.name, standing.cost_s(seat, lane.kind, lane.home)
    if lane.home == name:
        what = "loading" if lane.kind.model != seat.model else "copying"
        return Reason("home", f"stays with {name}: moving costs {duration(loading_s)} of {what}", "")
    if lane.kind.model and lane.kind.model not in {"", seat.model} and lane.kind.model == sooner.model:
        words = f"{name} has {lane.kind.model} loaded and will have done it sooner than {seat.worker.name}, which is free"
        return Reason("model", f"{words}; it is next in {in_s}", "")
    return Reason("faster", f"{name} will have done it sooner than {seat.worker.name}, which is free; it is next in {in_s}", "")


def _busy(standing: Standing, lane: OpenLane, able: Sequence[Seat]) -> Reason:
    """Everybody who could do it has something else to do."""
    kind = lane.kind
    first = min(able, key=lambda seat: standing.finish_s(seat, lane))
    in_s = duration(first.ready_s - standing.now_s)
    held_priorities = {job.kind.priority for seat in able for job in seat.worker.holds}
    if max(held_priorities | standing.priorities, default=kind.priority) > kind.priority:
        return Reason("priority", f"work of higher priority goes first; {first.worker.name} is next in {in_s}", GO_FIRST)
    due_s = standing.due_before(kind)
    if due_s is not None and not standing.presses(lane):
        words = f"a run that {due(due_s - standing.now_s)} goes first; {first.worker.name} is next in {in_s}"
        return Reason("deadline", words, f"give its run an earlier deadline, or {GO_FIRST}")
    held, share = standing.held_of_run[kind.run], standing.entitled.get(kind.run, 0.0)
    others = len(standing.entitled) > 1
    if others and held and held >= share and not standing.presses(lane):
        has = "1 job" if held == 1 else f"{held} jobs"
        part = f"{share:.1f}".removesuffix(".0")
        words = f"fair share: {kind.run} already has {has} and is entitled to {part} of {standing.able} workers; "
        words += f"{first.worker.name} is next in {in_s}"
        return Reason("fair_share", words, GO_FIRST)
    if kind.model and first.model == kind.model and not all(seat.held for seat in able):
        return Reason("model", f"{first.worker.name} has {kind.model} loaded and does it next, in {in_s}", "")
    found = _narrowed(standing, lane, able)
    about = f" ({found.words})" if found.words else ""
    if first.ready_s <= standing.now_s + standing.rules.ahead_s and all(seat.held and seat.is_full for seat in able):
        return Reason("places", f"{_full(able)}{about}; {first.worker.name} is next in {in_s}", found.remedy)
    if found.cause == "memory":
        words = f"{found.words}; of the {len(able)} workers with that, {first.worker.name} is next in {in_s}"
        return replace(found, words=words)
    everybody = "the only worker for it is" if len(able) == 1 else f"all {len(able)} workers for it are"
    return replace(found, words=f"{everybody} busy{about}; {first.worker.name} is next in {in_s}")


def _tags(kind: Kind) -> str:
    return f"the {'tag' if len(kind.tags) == 1 else 'tags'} {', '.join(sorted(kind.tags))}"


def _narrowed(standing: Standing, lane: OpenLane, able: Sequence[Seat]) -> Reason:
    """What keeps other workers from it, what people have set before what machines have; `busy` where nothing does."""
    kept: dict[str, list[Worker]] = {}
    for worker in standing.workers:
        obstacle = _word(_obstacle(worker, lane.kind, lane.lane.excluded))
        if obstacle in _TAKEN_OUT or not worker.away:
            kept.setdefault(obstacle, []).append(worker)
    found: list[Reason] = []
    if "tags" in kept:
        names, be = _names([seat.worker.name for seat in able]), "is" if len(able) == 1 else "are"
        words = f"only {names} {be} marked with {_tags(lane.kind)}"
        found.append(Reason("tags", words, _mark(kept["tags"], lane.kind)))
    for state in _TAKEN_OUT:
        if state in kept:
            names, be = _names([worker.name for worker in kept[state]]), "is" if len(kept[state]) == 1 else "are"
            found.append(Reason(state, f"{names} {be} {state}", _enable(kept[state])))
    if "dear" in kept:
        found.append(Reason("dear", _too_dear(kept["dear"]), _RAISE))
    behind = [_for_others(seat) for seat in able if standing.is_behind_others(seat)]
    if behind:
        found.append(Reason("others", " and ".join(behind[:_NAMED]), ""))
    if "lacks" in kept:
        names = _names([worker.name for worker in kept["lacks"]])
        found.append(Reason("lacks", f"{names} cannot: {kept['lacks'][0].lacks[lane.kind.graph]}", f"install it on {names}"))
    if not found and "memory" in kept:
        needs = in_words(lane.kind.memory_bytes)
        return Reason("memory", f"needs {needs}", f"add a worker with {needs}")
    remedies = [one.remedy for one in found if one.remedy] or ["add a worker"]
    return Reason(found[0].cause if found else "busy", ", ".join(one.words for one in found), " or ".join(remedies))


def _for_others(seat: Seat) -> str:
    """That its server is at work for somebody else."""
    return f"{seat.worker.name} works on {for_others(seat.worker.others)}"


def _full(able: Sequence[Seat]) -> str:
    """That all places of these workers are taken, or more than one has, since somebody gave it fewer."""
    places = sum(seat.worker.places for seat in able)
    if len(able) == 1 and able[0].held > places:
        return f"the only worker for it has {able[0].held} jobs and may have {places}"
    return {1: "the only place for it is taken", 2: "both places for it are taken"}.get(places, f"all {places} places are taken")


def _names(names: Sequence[str]) -> str:
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 2 else names)


def _taken(held: int) -> str:
    return {0: "nothing may start", 1: "taken", 2: "both taken"}.get(held, f"all {held} taken")
