"""Saves rules inside a caller's transaction: checked, held against the others for loops, in versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from data.store import Store
from pipeline.domain.errors import Conflict, Invalid, NotFound, Refused
from pipeline.domain.issues import Issue, has_errors
from pipeline.domain.names import fold
from pipeline.domain.records import Actor
from pipeline.domain.rules.loops import Loop, analyse
from pipeline.domain.rules.model import Rule
from pipeline.domain.rules.reading import read_rule
from pipeline.domain.rules.stored import StoredRule
from pipeline.domain.rules.writing import write_rule


class InvalidRule(Invalid):
    """What was given is no rule; `issues` has everything that is wrong, each at its place."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        first = next((issue for issue in issues if issue.severity == "error"), issues[0])
        super().__init__(f"The rule cannot be saved: {first.message} {first.suggestion}".strip())
        self.issues = tuple(issues)


def save_in(
    store: Store, spec: Any, *, project: str | None, actor: Actor, rule_id: int | None = None, origin: str = "people"
) -> StoredRule:
    """Save a rule; see `Triggers.save` for what is promised."""
    read = read_rule(spec, project=project)
    if has_errors(read.issues) or not read.rules:
        raise InvalidRule(read.issues)
    [rule] = read.rules
    project_id = None if rule.scope.project is None else store.runs.find_project(rule.scope.project)
    if rule.scope.project is not None and project_id is None:
        raise NotFound(f'There is no production "{rule.scope.project}". Create a run of it first, or write everywhere: true.')
    live = store.triggers.live()
    old = _old(live, rule, project_id, rule_id)
    plain = write_rule(rule)
    if old is not None and dict(old.spec) == plain and old.enabled == rule.enabled:
        return old
    _refuse_loops(live, rule, old)
    now, by = store.journal.now, str(actor)
    if old is None:
        if not live:
            store.triggers.move_cursor(store.journal.seq)
        key = store.triggers.add(
            project_id=project_id, name=rule.name, spec=plain, enabled=rule.enabled, origin=origin, by=by,
            from_seq=store.journal.seq, now=now,
        )  # fmt: skip
    else:
        key = old.id
        store.triggers.add_version(old, name=rule.name, spec=plain, enabled=rule.enabled, origin=origin, by=by, now=now)
    saved = current_rule(store, key)
    tell(store, "saved", saved, actor)
    return saved


def vanished(live: Sequence[StoredRule], project: str, specs: Sequence[Mapping[str, Any]]) -> list[StoredRule]:
    """The rules that are on and came with the file of a production, and that are not among those of the file any more.

    What people have saved since is theirs.
    """
    names = {fold(str(spec.get("name", ""))) for spec in specs}
    ours = (one for one in live if one.project == project and one.origin == "production" and one.enabled)
    return [one for one in ours if fold(one.name) not in names]


def keep_those_of_file(store: Store, project: str, specs: Sequence[Mapping[str, Any]], actor: Actor) -> None:
    """Save the rules of a production's file; those that have vanished from it are switched off, and stay for their history."""
    for spec in specs:
        save_in(store, dict(spec), project=project, actor=actor, origin="production")
    for one in vanished(store.triggers.live(), project, specs):
        store.triggers.enable(one.id, False, store.journal.seq)
        tell(store, "disabled", one, actor, reason="it is not in the file of its production any more")


def unbounded(live: Sequence[StoredRule], rule: Rule, old: StoredRule | None) -> list[Loop]:
    """The circles that nothing bounds and that this rule would be part of, or that something would bound without it.

    It may wake a rule of a circle that it is not part of: then that one is not used up by its attempts any more.
    """
    own = "new" if old is None else str(old.id)
    others = [one.rule for one in live if one is not old]
    refused = analyse([*others, replace(rule, id=own, age=len(live))]).refused
    if all(own in loop.rules for loop in refused):
        return list(refused)
    before = {loop.rules for loop in analyse(others).refused}
    return [loop for loop in refused if own in loop.rules or loop.rules not in before]


def _refuse_loops(live: Sequence[StoredRule], rule: Rule, old: StoredRule | None) -> None:
    loops = unbounded(live, rule, old)
    if loops:
        raise Refused(f"Nothing bounds the loop {loops[0].words}. {loops[0].cure}".strip())


def _old(live: Sequence[StoredRule], rule: Rule, project_id: int | None, rule_id: int | None) -> StoredRule | None:
    """The rule of which this is another version. Raises NotFound for a number that is not there, Conflict for a name taken."""
    same = next((one for one in live if one.project_id == project_id and fold(one.name) == fold(rule.name)), None)
    if rule_id is None:
        return same
    found = next((one for one in live if one.id == rule_id), None)
    if found is None:
        raise NotFound(f"There is no rule {rule_id}.")
    if same is not None and same.id != rule_id:
        raise Conflict(f'There is another rule "{rule.name}". Give each rule a name of its own.')
    if found.project_id != project_id:
        raise Conflict("A rule stays with its production. Save it as a new rule.")
    return found


def current_rule(store: Store, rule_id: int) -> StoredRule:
    """The rule as it is stored now. Raises NotFound."""
    found = store.triggers.by_id(rule_id)
    if found is None:
        raise NotFound(f"There is no rule {rule_id} any more.")
    return found


def tell(store: Store, what: str, rule: StoredRule, actor: Actor, reason: str = "") -> None:
    """Record what became of a rule."""
    data = {"name": rule.name, "version": rule.version, **({"reason": reason} if reason else {})}
    store.journal.record(f"trigger.{what}", actor=actor, subject="trigger", subject_id=rule.id, data=data)
