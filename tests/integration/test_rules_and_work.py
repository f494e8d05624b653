"""What rules ask for beside the work of people: urgency, deliveries, circles, and what a simulation knows of the store."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.errors import NotFound, Refused, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, DeliveryStatus
from tests.factories import PERSON, House, make_production
from tests.fakes import failing
from tests.integration.test_firing import TITLE, go_on, save

TWO = Selection(keys=("c1 / s2 / v1",))


def made(house: House, *, outputs: int = 1, **options: Any) -> Run:
    """A run of two scenes that are made and approved."""
    run = house.create(make_production(characters=1, scene_types=2, variants=1, outputs=outputs, title=TITLE), **options)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.work()
    return run


def rule(name: str, when: str, *do: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "when": when, "do": list(do), **more}


def test_a_scene_that_is_put_together_again_is_delivered_as_it_came_to_review(house: House) -> None:
    run = made(house, outputs=0, auto_deliver=False)
    save(house, rule("again", "cell.stale", {"assemble": {}}))
    house.studio.review.mark_stale(run, {"c1 / s1 / v1": "new"}, PERSON)
    go_on(house)
    assert len(house.jobs(run, Stage.ASSEMBLY)) == 3
    house.studio.deliveries.deliver(run, PERSON)
    house.work()
    [delivery] = house.studio.deliveries.of_run(run)
    assert delivery.status is DeliveryStatus.SEALED
    with house.studio.stores.read() as store:
        assert len(store.deliveries.plan(delivery.id)["files"]) == 2


def test_what_had_failed_is_as_urgent_as_its_scene_is_by_now(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=2, variants=1), auto_deliver=False)
    house.hands.troubles = failing("scene_generation", lambda: WorkFailed("bad_input", "no"), times=2)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.work()
    assert house.statuses(run)[CellStatus.FAILED] == 2
    house.studio.submission.prioritise(run, TWO, 5, PERSON)
    house.studio.submission.submit(run, Selection(), Mode.FAILED, PERSON)
    urgent = [job.urgency for job in house.jobs(run, Stage.SCENE_GENERATION)]
    assert urgent[1] == urgent[0] - 50_000


def test_an_export_that_is_tried_again_is_as_urgent_as_its_scene_is_by_now(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=2, variants=1), auto_deliver=False)
    house.hands.troubles = failing("export", lambda: WorkFailed("bad_input", "no"), times=2)
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    house.work()
    house.studio.submission.prioritise(run, TWO, 5, PERSON)
    house.studio.review.retry(run, Selection(), PERSON)
    urgent = {job.subject_id: job.urgency for job in house.jobs(run, Stage.EXPORT)}
    first, second = (urgent[house.cells(run)[key].id] for key in ("c1 / s1 / v1", "c1 / s2 / v1"))
    assert second == first - 50_000


def test_a_delivery_that_the_approval_of_a_rule_has_made_complete_belongs_to_its_chain(house: House) -> None:
    gates = Approvals("auto", "human")
    run = house.create(make_production(characters=1, scene_types=2, variants=1, outputs=0, approvals=gates, title=TITLE))
    save(house, rule("accept", "cell.review", "approve"))
    save(house, rule("sealed", "delivery.sealed", {"notify": {"to": "producers"}}, max_depth=1))
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    [sealed] = house.events("delivery.sealed")
    with house.studio.stores.read() as store:
        mark = store.firings.chains_of([sealed.seq])[sealed.seq]
    assert (mark.root, mark.depth) == (house.events("cell.review")[-1].seq, 1)
    told = [one for one in house.studio.trigger_views.verdicts(event_seq=sealed.seq) if one.rule == "sealed"]
    assert [one.verdict.outcome for one in told] == ["too_deep"]


def test_a_package_does_not_wait_for_the_exports_of_a_run_that_is_cancelled(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=2, variants=1, title=TITLE), auto_deliver=False)
    save(house, rule("parcel", "cell.approved", {"package": {}}, per="run"))
    save(house, rule("hear", "run.cancelled", {"notify": {"to": "producers"}}))
    house.backend.holds = lambda request: request.stage == "export"
    house.studio.submission.submit(run, Selection(), Mode.MISSING, PERSON)
    go_on(house)
    states = [effect.state for one in house.studio.trigger_views.firings() for effect in one.firing.effects]
    assert set(states) == {"waiting"}
    house.studio.runs.cancel(run, PERSON)
    house.studio.firing.settle()
    fired = house.studio.trigger_views.firings(run_id=run.id)
    effects = [effect for one in fired for effect in one.firing.effects if effect.kind == "package"]
    assert {(effect.state, effect.reason) for effect in effects} == {("failed", "The run is cancelled.")}


def test_a_rule_that_would_unbound_a_circle_of_others_is_refused_too(house: House) -> None:
    house.create(make_production(title=TITLE))
    bound = {"field": "attempts", "at_most": 2}
    save(house, rule("retry", "scene_qa.completed", {"submit": {"mode": "all"}}, where=bound))
    with pytest.raises(Refused, match="Nothing bounds the loop"):
        save(house, rule("measure", "cell.queued", {"qa": {}}, where=bound))


def stale_too(house: House, run: Run, *keys: str) -> list[int]:
    """Mark these scenes, one after the other; the numbers of the events."""
    marked: dict[str, str] = {}
    for key in keys:
        marked[key] = "new"
        house.studio.review.mark_stale(run, marked, PERSON)
    return [event.seq for event in house.events("cell.stale")]


def test_a_firing_that_gathered_several_events_stands_in_the_tree_of_each_of_them_marked_as_gathered(house: House) -> None:
    run = made(house, auto_deliver=False)
    save(house, rule("anew", "cell.stale", {"submit": {"mode": "all"}}))
    save(house, rule("tell", "cell.queued", {"notify": {"to": "producers"}}, wait_s=30))
    first, second = stale_too(house, run, "c1 / s1 / v1", "c1 / s2 / v1")
    house.studio.firing.settle()
    house.clock.advance(30)
    go_on(house)
    views = house.studio.trigger_views
    [one], [other] = views.what_followed_event(first), views.what_followed_event(second)
    assert [(below.rule, below.firing.gathered) for below in one.followed] == [("tell", 2)]
    assert (one.shared, other.followed) == ((), ())
    [shared] = other.shared
    assert (shared.rule, shared.gathered, shared.firing_id) == ("tell", 2, one.followed[0].firing.id)
    queued = [event.seq for event in house.events("cell.queued")][-2:]
    for seq in queued:
        [tree] = views.what_followed_event(seq)
        assert (tree.rule, tree.firing.gathered, tree.firing.events) == ("tell", 2, tuple(queued))
    log = house.studio.trigger_pages.log()
    rows = [line for entry in log.entries for line in entry.lines if line.rule == "tell" and line.gathered]
    assert [(line.gathered, line.told_at) for line in rows] == [(2, queued[0]), (2, None)]


def test_a_chain_that_began_with_a_gathered_event_has_the_firing_that_gathered_it(house: House) -> None:
    run = made(house, auto_deliver=False)
    save(house, rule("tell", "cell.changed", {"notify": {"to": "producers"}}, wait_s=30))
    house.studio.submission.prioritise(run, Selection(), 3, PERSON)
    house.studio.firing.settle()
    house.clock.advance(30)
    go_on(house)
    for seq in [event.seq for event in house.events("cell.changed")]:
        [found] = house.studio.trigger_views.firings(root=seq)
        assert (found.rule, found.firing.gathered) == ("tell", 2)


def test_the_log_has_what_a_firing_set_out_to_do_and_what_its_ended_jobs_took(house: House) -> None:
    run = made(house, auto_deliver=False)
    save(house, rule("anew", "cell.stale", {"submit": {"mode": "all"}}))
    stale_too(house, run, "c1 / s1 / v1")
    house.studio.firing.settle()
    before = house.studio.trigger_pages.log()
    [key] = before.planned
    assert before.planned[key].jobs == 4
    assert (before.left[key].cost.jobs, before.left[key].open_jobs) == (0, 1)
    go_on(house)
    after = house.studio.trigger_pages.log().left[key]
    assert (after.cost.jobs, after.open_jobs) == (5, 0)  # its export is made because of it, and was not planned


def test_a_simulation_knows_what_a_rule_has_fired_for_that_fires_once(house: House) -> None:
    run = made(house, auto_deliver=False)
    save(house, rule("once", "cell.stale", {"notify": {"to": "producers"}}, once=True))
    for reason in ("one", "two"):
        house.studio.review.mark_stale(run, {"c1 / s1 / v1": reason}, PERSON)
        seq = house.events("cell.stale")[-1].seq
        foretold = house.studio.trigger_views.simulate(run.id, seq)
        go_on(house)
        assert len(foretold.firings) == len(house.studio.trigger_views.firings(event_seq=seq)) == (reason == "one")


def test_an_event_made_up_has_happened_on_the_copy_of_the_board(house: House) -> None:
    run = house.create(make_production(characters=1, scene_types=1, variants=1, title=TITLE))
    save(house, rule("whole", "cell.approved", {"package": {}}, where={"field": "character.all_approved", "is": True}))
    cell_id = house.cells(run)["c1 / s1 / v1"].id
    event = Occurrence(1, "cell.approved", Subject.CELL, cell_id, "person", 1, 0)
    [fired] = house.studio.trigger_views.simulate(run.id, event).firings
    assert fired.effects[0].refusal == ""
    assert house.cells(run)["c1 / s1 / v1"].status is CellStatus.NOT_STARTED
    with pytest.raises(NotFound, match="no scene 999"):
        house.studio.trigger_views.simulate(run.id, Occurrence(1, "cell.approved", Subject.CELL, 999, "person", 1, 0))
