"""Rules in force: what happens wakes them, what they ask for is done once, and why is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.domain.budget import Action, Quantity, Scope, Threshold
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Refused, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Actor
from pipeline.domain.rules.templates import TEMPLATES
from pipeline.domain.statuses import CellStatus, DeliveryStatus
from pipeline.services.rule_keeping import InvalidRule
from tests.factories import HUMAN, PERSON, House, make_production
from tests.fakes import failing

TITLE = "Harbor Nights"
ADMIN = Actor("user", "admin")
PACKAGE = next(template.rule for template in TEMPLATES if template.key == "auto-package")


def save(house: House, spec: Any, *, project: str | None = TITLE) -> Any:
    """Save a rule, approved."""
    stored = house.studio.triggers.save(spec, project=project, actor=PERSON)
    return house.studio.triggers.approve(stored, ADMIN)


def go_on(house: House) -> None:
    """Work and fire until both are quiet."""
    for _ in range(50):
        house.work()
        if not house.studio.firing.turn():
            return
    raise AssertionError("rules and work do not come to rest")


def test_a_character_is_packaged_once_its_last_scene_is_approved_and_people_are_told(house: House) -> None:
    run = house.create(make_production(characters=2, scene_types=2, variants=1, approvals=HUMAN))
    save(house, PACKAGE)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    for waiting in house.studio.review.waiting(run):
        house.studio.review.approve_variant(run, waiting.key, PERSON)
    go_on(house)
    house.studio.review.approve(run, Selection(keys=("c1 / s1 / v1",)), PERSON)
    go_on(house)
    assert house.studio.trigger_views.firings() == []
    [verdict] = [one.verdict for one in house.studio.trigger_views.verdicts()]
    assert (verdict.outcome, verdict.reason) == ("condition_failed", "1 of 2")
    house.studio.review.approve(run, Selection(keys=("c1 / s2 / v1",)), PERSON)
    go_on(house)
    [fired] = house.studio.trigger_views.firings()
    assert [effect.state for effect in fired.firing.effects] == ["done", "done"]
    [delivery] = house.studio.deliveries.of_run(run)
    assert delivery.status is DeliveryStatus.SEALED
    with house.studio.stores.read() as store:
        assert set(store.deliveries.plan(delivery.id)["takes"]) == {"c1 / s1 / v1", "c1 / s2 / v1"}
        [message] = store.messages.latest(10)
    assert (message.state, message.target, message.payload["text"]) == ("sent", "producers", "A character is complete.")
    assert house.statuses(run)[CellStatus.REVIEW] == 2


def test_people_are_told_when_the_package_of_a_character_is_sealed_and_not_before(house: House) -> None:
    run = house.create(make_production(characters=2, scene_types=1, variants=1), auto_deliver=False)
    save(house, PACKAGE)
    sealed = next(template.rule for template in TEMPLATES if template.key == "notify-when-sealed")
    save(house, {**sealed, "for": {"characters": ["c2"]}})
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.backend.holds = lambda request: request.stage == "delivery"
    go_on(house)
    assert [one.rule for one in house.studio.trigger_views.firings()] == ["auto-package", "auto-package"]
    house.backend.release()
    go_on(house)
    [told] = [one.firing for one in house.studio.trigger_views.firings() if one.rule == "notify-when-sealed"]
    with house.studio.stores.read() as store:
        [delivery] = store.deliveries.with_ids([house.events("delivery.sealed")[-1].subject_id])
    assert told.depth == 2 and delivery.character in ("c1", "c2")
    [verdict] = house.studio.trigger_views.verdicts(rule_id=told.trigger_id)
    assert verdict.verdict.deciding == "character is not none (it is c2)"


def test_the_run_is_delivered_by_itself_beside_the_packages_of_its_characters(house: House) -> None:
    run = house.create(make_production(characters=2, scene_types=1, variants=1))
    save(house, PACKAGE)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    made = house.studio.deliveries.of_run(run)
    whose = sorted(str(one.character) for one in made if one.status is DeliveryStatus.SEALED)
    assert whose == ["None", "c1", "c2"]
    assert house.run(run).status == "completed"


def test_a_rule_that_can_generate_waits_for_an_admin_and_editing_it_asks_again(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1))
    spec = {
        "name": "again",
        "when": "cell.approved",
        "where": {"field": "attempts", "below": 2},
        "do": [{"submit": {"mode": "all"}}],
    }
    rule = house.studio.triggers.save(spec, project=TITLE, actor=PERSON)
    assert not rule.rule.approved
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    assert {one.verdict.outcome for one in house.studio.trigger_views.verdicts()} == {"waits_for_approval"}
    rule = house.studio.triggers.approve(rule, ADMIN)
    assert rule.rule.approved
    edited = house.studio.triggers.save({**spec, "priority": 3}, project=TITLE, actor=PERSON)
    assert (edited.version, edited.rule.approved) == (2, False)


def test_what_follows_from_a_firing_belongs_to_its_chain_and_ends(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    spec = {"name": "again", "when": "cell.approved", "where": {"field": "attempts", "below": 3}}
    save(house, {**spec, "do": [{"submit": {"mode": "all"}}], "per": "subject"})
    save(house, {"name": "told", "when": "cell.review", "do": [{"notify": {"to": "x"}}]})
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    log = list(reversed(house.studio.trigger_views.firings()))
    told = [(one.rule, one.firing.depth, one.caused_by) for one in log]
    again = next(one.firing for one in log if one.rule == "again")
    assert told == [("told", 1, None), ("again", 1, None), ("told", 2, again.id)]
    [_, last] = [one.verdict for one in house.studio.trigger_views.verdicts() if one.rule == "again"][::-1]
    assert last.outcome == "fired_in_chain"
    assert {one.cause for one in house.events("trigger.fired")} == {one.firing.event_seq for one in log}


def test_what_a_firing_has_led_to_and_cost_is_told_to_any_depth(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1, segments=2), auto_deliver=False)
    spec = {"name": "again", "when": "cell.approved", "where": {"field": "attempts", "below": 2}}
    save(house, {**spec, "do": [{"submit": {"mode": "all"}}]})
    save(house, {"name": "told", "when": "cell.review", "where": {"field": "depth", "at_least": 1}, "do": ["flag"]})
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    [again] = [one.firing for one in house.studio.trigger_views.firings() if one.rule == "again"]
    tree = house.studio.trigger_views.what_followed(again.id)
    assert [(one.rule, one.event_type, one.about) for one in tree.walk()] == [
        ("again", "cell.approved", "c1 / s1 / v1"), ("told", "cell.review", "c1 / s1 / v1")
    ]  # fmt: skip
    second = [job for job in house.jobs(run) if job.subject == "cell" and job.take == 2]
    assert tree.total.jobs == len(second) and not tree.open_jobs
    with house.studio.stores.read() as store:
        attempts = store.jobs.attempts_of([job.id for job in second if job.stage == "scene_generation"])
        sizes = [output.file.size_bytes for output in store.outputs.of("cell", second[0].subject_id, 2)]
    assert tree.total.gpu_seconds == pytest.approx(sum(one.seconds for one in attempts)) and tree.total.gpu_seconds > 0
    assert tree.total.disk_bytes == sum(sizes)
    assert tree.traces.events["cell.review"] == 1
    assert house.studio.trigger_views.what_followed_event(again.event_seq) == (tree,)


def test_three_failures_pause_a_scene_type_and_the_others_go_on(house: House) -> None:
    run = house.create(make_production(characters=4, scene_types=2, variants=1, segments=1), auto_deliver=False)
    rule = {"name": "pause", "when": "cell.failed", "where": {"field": "scene_type.failed", "at_least": 1},
            "do": [{"pause": {"of": "scene_type"}}], "per": "scene_type"}  # fmt: skip
    save(house, rule)
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no"))
    first = Selection(keys=("c1 / s1 / v1",))
    house.studio.submission.submit(run, first, Mode.MISSING, PERSON)
    go_on(house)
    assert house.cells(run)["c1 / s1 / v1"].status is CellStatus.FAILED
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    kinds = {cell.plan.scene_type for cell in house.cells(run).values() if cell.status is CellStatus.APPROVED}
    assert kinds == {"s2"}


def test_a_loop_that_nothing_bounds_is_refused_and_drawn(house: House) -> None:
    house.create(make_production())
    with pytest.raises(Refused, match="again → again"):
        house.studio.triggers.save(
            {"name": "again", "when": "cell.queued", "do": [{"submit": {"mode": "all"}}]}, project=TITLE, actor=PERSON
        )
    assert house.studio.triggers.all() == []


def test_halted_rules_do_not_fire_and_go_on_with_what_comes_after_the_resumption(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1), auto_deliver=False)
    save(house, {"name": "told", "when": "cell.approved", "do": [{"notify": {"to": "x"}}]})
    receipt = house.studio.triggers.halt(ADMIN, reason="too much")
    assert receipt.receipt["rules"] == 1
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    assert [one.verdict.outcome for one in house.studio.trigger_views.verdicts()] == ["halted"]
    house.studio.triggers.resume(ADMIN)
    house.studio.submission.submit(run, Selection(), Mode.ALL, PERSON)
    go_on(house)
    assert len(house.studio.trigger_views.firings()) == 1


def test_rules_that_vanish_from_the_file_of_a_production_are_switched_off_and_those_of_people_stay(house: House) -> None:
    told = {"name": "told", "when": "cell.approved", "do": [{"notify": {"to": "x"}}]}
    specs = tuple({**told, "name": name} for name in ("kept", "gone", "edited"))
    production = make_production(characters=1, scene_types=1, variants=1)
    house.create(replace(production, triggers=specs))
    house.studio.triggers.save({**told, "name": "edited", "priority": 2}, project=TITLE, actor=PERSON)
    house.studio.triggers.save({**told, "name": "of people"}, project=TITLE, actor=PERSON)
    later = replace(production, triggers=specs[:1])
    assert house.studio.planning.plan(later, house.folder).rules_off == ("gone",)
    house.create(later)
    assert {one.name: one.enabled for one in house.studio.triggers.all()} == {
        "kept": True, "gone": False, "edited": True, "of people": True
    }  # fmt: skip
    [event] = house.events("trigger.disabled")
    assert (event.data["name"], event.data["reason"]) == ("gone", "it is not in the file of its production any more")
    assert house.studio.triggers.vanished(TITLE, later.triggers) == []
    house.create(replace(production, triggers=specs[:2]))
    assert next(one for one in house.studio.triggers.all() if one.name == "gone").enabled


def test_a_rule_hears_that_a_level_of_a_budget_of_its_production_is_reached(house: House) -> None:
    production = make_production(characters=1, scene_types=1, variants=1)
    run = house.create(production, auto_deliver=False)
    told = {"name": "told", "when": "budget.reached", "where": {"field": "budget.at_percent", "at_least": 50}}
    told |= {"do": [{"notify": {"to": "producers"}}]}
    for title in (TITLE, "Other"):
        house.create(replace(production, title=title))
        save(house, told, project=title)
    for quantity, limit in ((Quantity.DISK_BYTES, 1e12), (Quantity.GPU_SECONDS, 1e6)):
        subject = house.studio.budgets.subject(Scope.PROJECT, TITLE)
        levels = [Threshold(1e-9, Action.NOTIFY), Threshold(50, Action.NOTIFY)]
        house.studio.budgets.put(subject, quantity, PERSON, limit=limit, thresholds=levels)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    assert house.studio.trigger_views.firings() == []
    assert {one.verdict.reason for one in house.studio.trigger_views.verdicts()} == {"1e-09"}
    spent = house.run(run).spent_seconds
    house.studio.budgets.put(subject, Quantity.GPU_SECONDS, PERSON, limit=spent * 1.5, thresholds=[Threshold(60, Action.NOTIFY)])
    house.start(replace(production, title="Third"))
    go_on(house)
    [fired] = house.studio.trigger_views.firings()
    assert (fired.event_type, fired.firing.run_id) == ("budget.reached", None)


def test_an_event_of_a_budget_is_told_and_nothing_more(house: House) -> None:
    house.create(make_production())
    with pytest.raises(InvalidRule, match=r"belongs to no run"):
        save(house, {"name": "no", "when": "budget.reached", "do": ["pause"]})
