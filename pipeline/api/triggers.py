"""`/triggers`: rules that advance productions: kept, tried, explained, halted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field, StringConstraints

from pipeline.api import schemas_asked as asked
from pipeline.api.asking import Key, Studio, Who, routes
from pipeline.api.schemas_triggers import (
    ChainGraph,
    Firings,
    GivenAftermath,
    GivenCourse,
    GivenHalt,
    GivenPlan,
    GivenReplay,
    GivenRule,
    Rules,
    Verdicts,
    aftermath,
    chain_graph,
    course,
    firings,
    plan,
    replayed,
    rule_of,
    verdicts,
)
from pipeline.domain.errors import Invalid
from pipeline.domain.rules.assumptions import Assumption, People
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.reading import read_rule
from pipeline.domain.rules.vocabulary import EVENTS

router = routes("triggers")

Spec = dict[str, Any]
Title = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Seq = Annotated[int, Field(ge=1, le=2**53)]
Limit = Annotated[int, Query(ge=1, le=500)]


class NewRule(asked.Asked):
    """A rule in its form in files. `project` is the title of its production; without it, it says `everywhere`."""

    rule: Spec
    project: Title | None = None


class Approval(asked.Asked):
    """Which version was looked at."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class Tried(asked.Asked):
    """A stored event, by number."""

    event: Seq


class Composed(asked.Asked):
    """An event that is stored, or one that is composed of a type and the number of what it is about.

    One that is composed has happened on the copy of the board. `under_way`: the work of the run that is under way goes on, too.
    """

    run: Annotated[int, Field(ge=1, le=2**53)]
    event: Seq | None = None
    type: Annotated[str, StringConstraints(max_length=60)] | None = None
    subject_id: Annotated[int, Field(ge=0, le=2**53)] = 0
    under_way: bool = False
    people: Annotated[str, StringConstraints(pattern="^(stop|approve|reject)$")] = "stop"
    scenes_fail: bool = False
    drafts: Annotated[list[Spec], Field(max_length=50)] = []


class Period(asked.Asked):
    """Which stored events of a run are run through which drafts."""

    run: Annotated[int, Field(ge=1, le=2**53)]
    drafts: Annotated[list[Spec], Field(min_length=1, max_length=50)]


class NewHalt(asked.Asked):
    """Why, and whether the work that rules asked for is stopped, too."""

    reason: Annotated[str, StringConstraints(max_length=1000)] = ""
    stop_queued: bool = False
    stop_running: bool = False


@router.get("/triggers", response_model=Rules)
def list_triggers(studio: Studio) -> object:
    """Every rule in the order of their turn, how it stands, and why all are halted when they are"""
    return {"halted": studio.triggers.halted(), "items": [rule_of(one) for one in studio.trigger_views.rules()]}


@router.post("/triggers", response_model=GivenRule, status_code=201)
def create_trigger(body: NewRule, studio: Studio, who: Who, key: Key = None) -> object:
    """Save a rule, or the next version of the one of that name. 403 for a loop that nothing bounds"""
    return _given(studio, studio.triggers.save(body.rule, project=body.project, actor=who).id)


@router.get("/triggers/chain-graph", response_model=ChainGraph)
def read_chain_graph(studio: Studio) -> object:
    """Which rule may wake which, through which event, and the loops"""
    return chain_graph(studio.trigger_views.analysis())


@router.get("/triggers/firings", response_model=Firings)
def list_firings(
    studio: Studio, rule: Seq | None = None, run: Seq | None = None, root: Seq | None = None, before: Seq | None = None,
    limit: Limit = 100,
) -> object:  # fmt: skip
    """The log: the newest firings first, with what each action came to"""
    return firings(studio.trigger_views.firings(rule_id=rule, run_id=run, root=root, before=before, limit=limit))


@router.get("/triggers/firings/{firing_id}", response_model=GivenAftermath)
def read_firing(firing_id: asked.Id, studio: Studio) -> object:
    """A firing with what it has led to and cost, and all that followed from it, to any depth"""
    return aftermath(studio.trigger_views.what_followed(firing_id))


@router.get("/triggers/verdicts", response_model=Verdicts)
def list_verdicts(
    studio: Studio, rule: Seq | None = None, event: Seq | None = None, cell: Seq | None = None, limit: Limit = 100
) -> object:
    """Why rules fired or did not: of a rule, of an event, of a cell; the newest first"""
    subject = "cell" if cell is not None else None
    found = studio.trigger_views.verdicts(rule_id=rule, event_seq=event, subject=subject, subject_id=cell, limit=limit)
    return verdicts(found)


@router.post("/triggers/simulate", response_model=GivenCourse)
def simulate(body: Composed, studio: Studio) -> object:
    """All that would follow from an event, stored or made up, to the end; nothing is done"""
    assumption = Assumption(People(body.people), body.scenes_fail)
    drafts = _drafts(body.drafts, _title(studio, body.run))
    found = studio.trigger_views.simulate(
        body.run, _event(body), drafts=drafts, assumption=assumption, goes_on=body.under_way
    )  # fmt: skip
    return course(found)


@router.post("/triggers/replay", response_model=GivenReplay)
def replay(body: Period, studio: Studio, since: datetime | None = None, until: datetime | None = None) -> object:
    """What drafts would have done on the stored events of a run"""
    drafts = _drafts(body.drafts, _title(studio, body.run))
    return replayed(studio.trigger_views.replay(body.run, drafts, since=since, until=until))


@router.post("/triggers/halt", response_model=GivenHalt)
def halt(body: NewHalt, studio: Studio, who: Who, key: Key = None) -> object:
    """Stop all rules at once, with a receipt of what was stopped, and of the rules that had asked for it"""
    return studio.triggers.halt(who, reason=body.reason, stop_queued=body.stop_queued, stop_running=body.stop_running)


@router.post("/triggers/resume", status_code=204)
def resume(studio: Studio, who: Who, key: Key = None) -> None:
    """Let rules fire again, on what happens from now on"""
    studio.triggers.resume(who)


@router.get("/triggers/{rule_id}", response_model=GivenRule)
def read_trigger(rule_id: asked.Id, studio: Studio) -> object:
    """One rule"""
    return _given(studio, rule_id)


@router.put("/triggers/{rule_id}", response_model=GivenRule)
def change_trigger(rule_id: asked.Id, body: NewRule, studio: Studio, who: Who, key: Key = None) -> object:
    """Save the next version of a rule; one that can submit generation waits for an admin again"""
    return _given(studio, studio.triggers.save(body.rule, project=body.project, actor=who, rule_id=rule_id).id)


@router.delete("/triggers/{rule_id}", status_code=204)
def remove_trigger(rule_id: asked.Id, studio: Studio, who: Who, key: Key = None) -> None:
    """Take a rule away; what it did stays explained"""
    studio.triggers.remove(studio.triggers.find(rule_id), who)


@router.post("/triggers/{rule_id}/enable", response_model=GivenRule)
def enable_trigger(rule_id: asked.Id, studio: Studio, who: Who, key: Key = None) -> object:
    """Switch a rule on"""
    return _given(studio, studio.triggers.enable(studio.triggers.find(rule_id), True, who).id)


@router.post("/triggers/{rule_id}/disable", response_model=GivenRule)
def disable_trigger(rule_id: asked.Id, studio: Studio, who: Who, key: Key = None) -> object:
    """Switch a rule off"""
    return _given(studio, studio.triggers.enable(studio.triggers.find(rule_id), False, who).id)


@router.post("/triggers/{rule_id}/approve", response_model=GivenRule)
def approve_trigger(rule_id: asked.Id, body: Approval, studio: Studio, who: Who, key: Key = None) -> object:
    """Let a version fire that can submit generation. 409 when it is not the newest any more"""
    return _given(studio, studio.triggers.approve(studio.triggers.find(rule_id), who, version=body.version).id)


@router.post("/triggers/{rule_id}/dry-run", response_model=GivenPlan)
def dry_run(rule_id: asked.Id, body: Tried, studio: Studio) -> object:
    """What a stored event would set in motion now through this rule: the very plan that a firing carries out"""
    return plan(studio.trigger_views.dry_run(body.event, [studio.triggers.find(rule_id).rule]))


def _given(studio: Studio, rule_id: int) -> object:
    rule = studio.triggers.find(rule_id)
    return rule_of(next(one for one in studio.trigger_views.rules() if one.stored.id == rule.id))


def _title(studio: Studio, run_id: int) -> str:
    return studio.runs.find(run_id).title


def _drafts(specs: list[Spec], project: str) -> list[Rule]:
    found: list[Rule] = []
    for spec in specs:
        read = read_rule(spec, project=project)
        if not read.rules:
            raise Invalid(f"A draft is no rule: {read.issues[0].path}: {read.issues[0].message}")
        found += read.rules
    return found


def _event(body: Composed) -> Occurrence | int:
    if body.event is not None:
        return body.event
    if body.type not in EVENTS:
        raise Invalid("Give the number of a stored event, or a type of event and the number of what it is about.")
    return Occurrence(1, body.type, EVENTS[body.type].subject, body.subject_id or body.run, "person", 1, 0)
