"""What rules are measured with: a run whose scenes wait for approval, rules that hear it and rules that do not, old logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import text

from pipeline import wiring
from pipeline.bench import setting
from pipeline.bench.performers import InstantPerformer
from pipeline.domain.choices import RunOptions
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus
from pipeline.wiring import Studio

HEARD = 10
"""So many rules hear the approval of a scene, however many there are."""


@contextmanager
def ruled_studio(home: Path, scenes: int, rules: Sequence[dict[str, Any]]) -> Iterator[tuple[Studio, Run]]:
    """A studio with these rules and a run whose scenes are all in review; what came before is not heard by any rule."""
    with setting.studio_at(home) as studio:
        production = replace(setting.production_of(scenes), approvals=Approvals("auto", "human"))
        run = studio.runs.create(production, home, RunOptions(auto_deliver=False), setting.SOMEBODY)
        setting.submit(studio, run)
        performer = InstantPerformer()
        engine = wiring.build_engine(studio, parallel=4, backends={"animatic": performer, "stages": performer})
        while engine.turn():
            pass
        save(studio, run, rules)
        yield studio, run


def save(studio: Studio, run: Run, rules: Sequence[dict[str, Any]]) -> None:
    """Store rules as they are, approved: looking for loops among a thousand is not what is measured."""
    with studio.stores.begin(studio.clock.now()) as store:
        for spec in rules:
            project_id = None if spec.get("everywhere") else run.project_id
            store.triggers.add(
                project_id=project_id, name=spec["name"], spec=spec, enabled=True, origin="people", by="bench",
                from_seq=store.journal.seq, now=store.journal.now, approved_by="bench",
            )  # fmt: skip
        store.triggers.move_cursor(store.journal.seq)


def rules(count: int) -> list[dict[str, Any]]:
    """So many rules, of which `HEARD` hear the approval of any scene: one tells it, one marks it, the others look at counts.

    The rest listens to other events, or to the approval of scenes of types that the production does not have.
    """
    return [_heard(number) if number < HEARD else _unheard(number) for number in range(count)]


def _heard(number: int) -> dict[str, Any]:
    told: dict[str, Any] = {"name": f"rule {number}", "when": "cell.approved"}
    if number == 0:
        return {**told, "do": [{"notify": {"to": "producers", "text": "approved"}}]}
    if number == 1:
        return {**told, "where": {"field": "variant", "is": "look 1"}, "do": [{"flag": {"text": "look"}}]}
    if number == 2:
        whole = {"field": "character.all_approved", "is": True}
        return {**told, "where": whole, "per": "character", "once": True, "do": [{"notify": {"to": "producers"}}]}
    never = {"all": [{"field": "run.approved", "at_least": 0}, {"field": "scene_type.failed", "above": number}]}
    return {**told, "where": never, "do": ["flag"]}


def _unheard(number: int) -> dict[str, Any]:
    told: dict[str, Any] = {"name": f"rule {number}", "do": ["flag"]}
    if number % 2:
        return {**told, "when": "cell.failed"}
    return {**told, "when": "cell.approved", "for": {"scene_types": [f"another scene {number}"]}}


def approve(studio: Studio, run: Run, keys: Sequence[str]) -> None:
    """A person approves these scenes, one by one."""
    for key in keys:
        studio.review.approve(run, Selection(keys=(key,)), setting.SOMEBODY)


def waiting_keys(studio: Studio, run: Run) -> list[str]:
    """The scenes in review, in matrix order."""
    with studio.stores.read() as store:
        return [cell.plan.key for cell in store.cells.with_status(run.id, CellStatus.REVIEW)]


def fill(studio: Studio, run: Run, verdicts: int) -> None:
    """So many old verdicts of the rules of this studio, with events, firings, effects, messages and chains in proportion.

    One verdict in ten fired. The events are of the scenes of the run; the audit chain is not continued for them.
    """
    with studio.stores.begin(studio.clock.now()) as store:
        cells = [row.id for row in store.cells.names(run.id)]
        rules = [rule.id for rule in store.triggers.live()]
        values = {
            "run": run.id, "seq": store.journal.seq, "now": int(store.journal.now.timestamp() * 1_000_000),
            "cell": cells[0], "cells": len(cells), "rule": rules[0], "heard": HEARD,
        }  # fmt: skip
        for share, statement in _LOG:
            store.connection.execute(text(_ROWS + statement), values | {"count": verdicts // share})
        # The head is written by hand: the journal of this transaction has recorded nothing.
        store.connection.execute(text("UPDATE heads SET event_seq = :last"), {"last": values["seq"] + verdicts // HEARD})
        store.connection.execute(text("UPDATE trigger_state SET cursor = :last"), {"last": values["seq"] + verdicts // HEARD})


_ROWS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) "
_LOG = (
    (
        HEARD,
        "INSERT INTO events (seq, at, type, run_id, subject, subject_id, actor, depth, data) SELECT :seq + 1 + i, :now, "
        "'cell.changed', :run, 'cell', :cell + i % :cells, 'bench', 0, '{}' FROM n",
    ),
    (
        1,
        "INSERT INTO trigger_verdicts (event_seq, trigger_id, version, run_id, subject, subject_id, at, outcome, reason, "
        "deciding) SELECT :seq + 1 + i / :heard, :rule + i % :heard, 1, :run, 'cell', :cell + i / :heard % :cells, :now, "
        "'condition_failed', '3 of 100', 'failed scenes of the same scene type > 3' FROM n",
    ),
    (
        HEARD,
        "INSERT INTO trigger_firings (event_seq, trigger_id, version, run_id, root, depth, branch, things, events, at, jobs, "
        "gpu_seconds) SELECT :seq + 1 + i, :rule + i % :heard, 1, :run, :seq + 1 + i, 1, 'do', "
        "'[[\"cell\",\"' || (:cell + i % :cells) || '\"]]', '[' || (:seq + 1 + i) || ']', :now, 0, 0 FROM n",
    ),
    (
        HEARD,
        "INSERT INTO trigger_effects (firing_id, number, kind, state, names, result) SELECT f.id, 0, 'notify', 'done', "
        "'[\"producers\"]', '{}' FROM trigger_firings f LIMIT (SELECT count(*) FROM n)",
    ),
    (
        HEARD,
        "INSERT INTO messages (firing_id, effect_number, run_id, kind, target, payload, state, created_at, due_at, sent_at) "
        "SELECT f.id, 0, :run, 'in_app', 'producers', '{}', 'sent', :now, :now, :now FROM trigger_firings f "
        "LIMIT (SELECT count(*) FROM n)",
    ),
    (
        HEARD,
        "INSERT INTO event_chains (seq, root, depth, firing_id) SELECT :seq + 1 + i, :seq + 1 + i, 1, NULL FROM n",
    ),
    (
        10 * HEARD,
        "INSERT INTO chain_marks (subject, subject_id, from_seq, root, depth, firing_id) SELECT 'cell', :cell + i % :cells, "
        ":seq + 1 + i * 10, :seq + 1 + i * 10, 0, NULL FROM n",
    ),
)
"""(so many verdicts a row, the rows). In the words of the default database, as one statement each: the quickest way."""
