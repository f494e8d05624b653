"""Rules as people keep them: saved, switched, approved, removed; and halted, all of them, with a receipt.

A rule that could run in a circle which nothing bounds is refused when it is saved, with the circle drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.store import Store, Stores
from pipeline.domain.errors import Conflict, NotFound, Refused
from pipeline.domain.names import did_you_mean, fold
from pipeline.domain.records import Actor
from pipeline.domain.rules.stored import Halt, StoredRule
from pipeline.ports import Clock
from pipeline.services.halting import stop_work
from pipeline.services.rule_keeping import current_rule, save_in, tell, vanished
from pipeline.services.runbooks import RunBooks


class Triggers:
    """Every verb on rules."""

    def __init__(self, stores: Stores, books: RunBooks, clock: Clock) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock

    def all(self) -> list[StoredRule]:
        """Every rule, the oldest first."""
        with self._stores.read() as store:
            return store.triggers.live()

    def find(self, name: str | int) -> StoredRule:
        """A rule by number or by name. Raises NotFound with the nearest name."""
        found = self.all()
        for rule in found:
            if str(name) == str(rule.id) or fold(str(name)) == fold(rule.name):
                return rule
        near = did_you_mean(str(name), [rule.name for rule in found])
        raise NotFound(f'There is no rule "{name}".{near} `./stripboard triggers list` shows all.')

    def save(
        self, spec: Any, *, project: str | None, actor: Actor, rule_id: int | None = None, origin: str = "people"
    ) -> StoredRule:
        """Save a rule in its form in files: a new one, or the next version of one (`rule_id`, or of that name).

        `project` is the title of the production that it belongs to, unless it says `everywhere`. Raises InvalidRule with all
        issues, NotFound for a production or rule that is not there, Refused for a circle that nothing bounds. A version that
        can submit generation waits for an admin; saving what is there already changes nothing.
        """
        with self._stores.begin(self._clock.now()) as store:
            return save_in(store, spec, project=project, actor=actor, rule_id=rule_id, origin=origin)

    def apply(self, specs: Sequence[Any], *, project: str | None, actor: Actor) -> list[StoredRule]:
        """Save several rules at once, or none of them; see `save` for what is raised."""
        with self._stores.begin(self._clock.now()) as store:
            return [save_in(store, spec, project=project, actor=actor) for spec in specs]

    def vanished(self, project: str, specs: Sequence[Mapping[str, Any]]) -> list[str]:
        """The names of the rules that a new run of a production with these rules switches off: its file had them once."""
        return [one.name for one in vanished(self.all(), project, specs)]

    def enable(self, rule: StoredRule, enabled: bool, actor: Actor) -> StoredRule:
        """Switch a rule on or off. What happened while it was off is not made up for."""
        with self._stores.begin(self._clock.now()) as store:
            current = current_rule(store, rule.id)
            if current.enabled != enabled:
                store.triggers.enable(rule.id, enabled, store.journal.seq)
                tell(store, "enabled" if enabled else "disabled", current, actor)
            return current_rule(store, rule.id)

    def approve(self, rule: StoredRule, actor: Actor, *, version: int | None = None) -> StoredRule:
        """An admin approves the newest version. Raises Conflict when it is not `version` any more, Refused for rules."""
        if actor.kind == "rule":
            raise Refused("A rule cannot approve a rule. An admin has to look at it.")
        with self._stores.begin(self._clock.now()) as store:
            current = current_rule(store, rule.id)
            if version is not None and version != current.version:
                raise Conflict(f'Rule "{current.name}" is at version {current.version} now. Look at that one first.')
            if current.approved_at is None:
                store.triggers.approve(current, str(actor), store.journal.now)
                tell(store, "approved", current, actor)
            return current_rule(store, rule.id)

    def remove(self, rule: StoredRule, actor: Actor) -> None:
        """Take a rule away. What it did stays explained."""
        with self._stores.begin(self._clock.now()) as store:
            current = current_rule(store, rule.id)
            store.triggers.remove(rule.id, store.journal.now)
            tell(store, "removed", current, actor)

    def halt(self, actor: Actor, *, reason: str = "", stop_queued: bool = False, stop_running: bool = False) -> Halt:
        """Stop every rule at once; as a choice also the work that rules have asked for and that waits or runs.

        The receipt says what was stopped, and which rules had caused that work. Halting again while halted stops more work, as
        chosen, and gives another receipt.
        """
        why = reason.strip() or f"all rules were halted by {actor}"
        with self._stores.begin(self._clock.now()) as store:
            stopped: dict[str, Any] = {"jobs": 0, "cells": [], "stills": [], "causes": []}
            if stop_queued or stop_running:
                stopped = stop_work(store, self._books, actor, running=stop_running)
            receipt = {
                "rules": sum(rule.enabled for rule in store.triggers.live()),
                "waiting": store.firings.forget_gathered(),
                **stopped,
            }
            made = store.triggers.halt(str(actor), why, receipt, store.journal.now)
            _tell_all(store, "halted", actor, {"reason": why, **receipt})
        return made

    def resume(self, actor: Actor) -> None:
        """Let rules fire again, on what happens from now on. Raises Conflict when they are not halted."""
        with self._stores.begin(self._clock.now()) as store:
            if not store.triggers.edition()[1]:
                raise Conflict("The rules are not halted.")
            store.triggers.resume(str(actor), store.journal.now)
            store.triggers.move_cursor(store.journal.seq)
            _tell_all(store, "resumed", actor, {})

    def halts(self) -> list[Halt]:
        """The newest halts with their receipts, the newest first."""
        with self._stores.read() as store:
            return store.triggers.halts()

    def halted(self) -> str:
        """Why all rules are halted; empty while they are not."""
        with self._stores.read() as store:
            return store.triggers.edition()[1]


def _tell_all(store: Store, what: str, actor: Actor, data: Mapping[str, Any]) -> None:
    store.journal.record(f"triggers.{what}", actor=actor, subject="trigger", subject_id=0, data=data)
