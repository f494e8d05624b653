"""Rules tried without doing anything: the test console with its chain step by step, and replays of what has happened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from pipeline.domain.matrix import Selection
from pipeline.domain.production import Approvals
from pipeline.domain.records import Run
from tests.browser.looks import barriers
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Complaints, Opens
from tests.browser.test_looks import THEMES, at_every_size, told
from tests.browser.test_triggers import clear, put
from tests.factories import PERSON

SCENES = {
    "name": "auto-scenes",
    "when": "still.approved",
    "where": {"field": "kind", "is": "variant"},
    "do": [{"submit": {"scene_types": "all"}}],
}
TELL = {"name": "tell", "when": "cell.approved", "do": [{"notify": {"to": "producers", "text": "One more."}}]}

NEVER = {**TELL, "name": "never", "where": {"field": "attempts", "above": 5}}
MANY = {"name": "many", "when": "cell.review", "where": {"field": "attempts", "above": 5}, "do": [{"flag": {"text": "again"}}]}


@pytest.fixture(autouse=True)
def _forgives(complaints: Complaints) -> Iterator[None]:
    """The drawing of the list warns of a sensitivity of the wheel that its Dash component always sets."""
    yield
    complaints.forgive("custom wheel sensitivity")


def test_without_a_run_the_console_says_what_it_is_for(opens: Opens, stage: Stage) -> None:
    page = opens("/triggers/test")
    expect(page.locator("#console-none")).to_contain_text("It needs a run")
    assert not told(barriers(page))


@pytest.fixture(scope="module")
def run(stage: Stage) -> Run:
    """A run whose scenes wait, with two rules; in another one, a scene has been approved."""
    half = Approvals("auto", "human")
    other = stage.start(fresh_production(characters=1, scene_types=2, variants=1, title="Two scenes", approvals=half))
    stage.work()
    clear(stage)
    put(stage, SCENES)
    put(stage, TELL)
    put(stage, MANY)
    put(stage, NEVER)
    first = next(iter(stage.cells(other).values()))
    stage.studio.review.approve(other, Selection(keys=(first.plan.key,)), PERSON)
    stage.studio.firing.settle()
    return stage.create(fresh_production(characters=2, scene_types=3, variants=1, title="Harbor Nights", approvals=half))


def try_picture(page: Page) -> None:
    """Take it that somebody approves a picture."""
    page.locator("#console-type").select_option("still.approved")
    page.locator("#console-about").fill("c1 / v1")
    page.locator("#console-do").click()
    expect(page.locator("#tc-place")).to_have_text("1 of 6")


def test_a_chain_is_gone_through_by_keys_and_buttons_and_nothing_is_done(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(f"/triggers/test?run={run.id}")
    expect(page.locator(".tc-promise")).to_contain_text("Nothing is done")
    before = len(stage.events())
    try_picture(page)
    expect(page.locator(".tc-says")).to_contain_text("Would fire 1 time")
    expect(page.locator(".tc-step:visible")).to_have_count(1)
    expect(page.locator(".tc-one:visible")).to_contain_text("submit all scenes of the same character")
    page.locator(".tc-step:visible button").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tc-place")).to_have_text("2 of 6")
    expect(page.locator(".tc-one:visible")).to_contain_text("because auto-scenes fired")
    expect(page.locator(".tc-one", has_text="attempts > 5 (it is 1)")).to_have_count(3)
    page.locator("#tc-next").click()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tc-place")).to_have_text("2 of 6")
    page.locator("#tc-all").click()
    expect(page.locator(".tc-step:visible")).to_have_count(6)
    page.keyboard.press("End")
    expect(page.locator(".tc-one:visible")).to_contain_text("Scene approval stops it here.")
    expect(page.locator("#tc-next")).to_be_disabled()
    assert len(stage.events()) == before


def test_what_is_taken_to_happen_decides_how_far_a_chain_leads(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(f"/triggers/test?run={run.id}")
    page.locator("#console-goes").select_option("approve")
    page.locator("#console-type").select_option("still.approved")
    page.locator("#console-about").fill("c1 / v1")
    page.locator("#console-about").press("Enter")
    expect(page.locator(".tc-says")).to_contain_text("Would fire 4 times")
    expect(page.locator(".tc-says")).to_contain_text("send 3 messages")
    page.locator("#console-type").select_option("run.completed")
    expect(page.locator("#console-about")).to_be_disabled()
    page.locator("#console-do").click()
    expect(page.locator("#tc-nobody")).to_contain_text("no rule that applies here listens to “run completed”")
    page.locator("#console-type").select_option("cell.approved")
    expect(page.locator("#console-about")).to_be_enabled()
    page.locator("#console-about").fill("nobody")
    page.locator("#console-do").click()
    expect(page.locator(".tc-chain [role=alert]")).to_contain_text("There is no scene “nobody” in this run.")


def test_a_stored_event_is_tried_as_the_address_says_and_its_past_is_replayed(opens: Opens, stage: Stage, run: Run) -> None:
    approved = stage.events("cell.approved")[-1]
    page = opens(f"/triggers/test?event={approved.seq}")
    expect(page.locator("#console-stored")).to_be_visible()
    expect(page.locator(".tc-one:visible")).to_contain_text("tell")
    expect(page.locator(".tc-one:visible")).to_contain_text("notify producers")
    expect(page.locator("#console-replay .rp-says")).to_contain_text("Would have fired 2 times")
    page.locator("#console-rule").select_option(label="tell as if it were on")
    expect(page.locator("#console-replay .rp-says")).to_contain_text("Would have fired 1 time")
    page.get_by_role("button", name="Make up an event").click()
    expect(page.locator("#console-stored")).not_to_be_visible()
    expect(page.locator("#console-type")).to_be_visible()


def test_the_past_of_a_rule_is_replayed_where_it_is_written(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(f"/triggers/rule/{stage.studio.triggers.find('tell').id}")
    replay = page.locator("#rule-replay")
    expect(replay.locator(".rp-says")).to_contain_text("Would have fired")
    replay.get_by_role("button", name="all").click()
    expect(replay.get_by_role("button", name="all")).to_have_attribute("aria-pressed", "true")
    page.locator("#rule-test").click()
    expect(page.locator("h1", has_text="Test console")).to_be_visible()
    expect(page.locator("#console-rule option:checked")).to_have_text("tell as if it were on")


@pytest.mark.parametrize("theme", THEMES)
def test_the_console_looks_right_and_keeps_nobody_out(opens: Opens, stage: Stage, run: Run, theme: str) -> None:
    page = opens(f"/triggers/test?run={run.id}", theme=theme)
    try_picture(page)
    page.locator("#tc-all").click()
    assert not told(at_every_size(page))
    page.keyboard.press("End")
    assert not told(barriers(page))


def test_a_scene_leads_to_why_a_rule_did_not_fire_and_to_what_rules_would_do(opens: Opens, stage: Stage, run: Run) -> None:
    seen = stage.events("cell.approved")[-1].subject_id
    page = opens(f"/cells/{seen}")
    page.locator("#cell-rules").click()
    expect(page.locator(".tl-only")).to_contain_text("c1 / s1 / v1")
    expect(page.locator(".tl-entry").first).to_contain_text("scene approved")
    expect(page.locator("#trigger-log-side")).to_contain_text("Why did it not fire?")
    page.locator(".rw-again").click()
    expect(page.locator("h1", has_text="Test console")).to_be_visible()
    untouched = next(iter(stage.cells(run).values()))
    page.goto(f"/cells/{untouched.id}")
    page.locator("#cell-try").click()
    expect(page.locator("#tc-place")).to_have_text("1 of 1")
    expect(page.locator(".tc-one:visible")).to_contain_text(untouched.plan.key)


def test_what_was_given_up_is_sent_again_where_it_is_listed(opens: Opens, stage: Stage, run: Run) -> None:
    with stage.studio.stores.begin(stage.clock.now()) as store:
        payload = {"text": "A character is complete.", "rule": "tell"}
        number = store.messages.add(kind="webhook", target="https://example.com/x", payload=payload, now=stage.clock.now())
        store.messages.failed(number, "example.com answered 503", None)
    page = opens("/triggers")
    expect(page.locator("#triggers-messages")).to_contain_text("✕ 1")
    page.locator("#triggers-messages").click()
    row = page.locator(".tm-list tbody tr", has_text="A character is complete.")
    expect(row).to_contain_text("example.com answered 503")
    assert not told(barriers(page))
    assert not told(at_every_size(page))
    row.get_by_role("button").click()
    expect(row).to_contain_text("waiting")
    expect(page.locator(".toast-done")).to_contain_text(f"Message {number} is due again")
    page.locator(".chip", has_text="given up").click()
    expect(page.locator(".tr-empty")).to_contain_text("Nothing was given up.")
    [message] = [one for one in stage.studio.messages.latest(50) if one.id == number]
    assert (message.state, message.attempts) == ("waiting", 0)
