"""The page of budgets: a limit is set, seen, raised and removed; costs are told apart; it looks right in any size and theme."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from pipeline.domain.budget import Action, Quantity, Scope, Threshold
from pipeline.domain.records import Run
from tests.browser.looks import barriers
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Opens
from tests.browser.test_looks import THEMES, at_every_size, told
from tests.factories import PERSON

LONG = "The long and winding story of a lighthouse keeper and her three sisters"


def put(
    stage: Stage, scope: Scope, of: str, limit: float, *levels: tuple[float, Action], of_what: Quantity = Quantity.GPU_SECONDS
) -> None:
    """Set a budget."""
    subject = stage.studio.budgets.subject(scope, of)
    thresholds = [Threshold(at, action) for at, action in levels]
    stage.studio.budgets.put(subject, of_what, PERSON, limit=limit, thresholds=thresholds)


def clear(stage: Stage) -> None:
    """No budget at all."""
    for budget in stage.studio.budgets.all():
        stage.studio.budgets.remove(budget, PERSON)


@pytest.fixture(scope="module")
def run(stage: Stage) -> Run:
    """A run that is delivered."""
    found = stage.start(fresh_production(characters=3, scene_types=3, variants=2, title="Harbor Nights"))
    stage.work()
    return found


def test_without_a_budget_the_page_teaches_and_sets_the_first(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    page = opens("/budgets")
    expect(page.locator("#rail-budgets")).to_have_attribute("aria-current", "page")
    expect(page.locator(".bu-empty")).to_contain_text("never exceeded")
    page.locator("#budgets-new").click()
    for choice in page.locator("#budgets-dialog select").all():
        assert choice.evaluate("(drawn) => getComputedStyle(drawn).backgroundImage") != "none"  # what is chosen from has an arrow
    page.locator("#budgets-limit").fill("0")
    page.locator("#budgets-do").click()
    expect(page.locator("#budgets-limit-error")).to_contain_text("Choose a higher limit")
    page.locator("#budgets-limit").fill("2")
    page.locator("#budgets-levels").fill("80, often")
    page.locator("#budgets-do").click()
    expect(page.locator("#budgets-levels-error")).to_contain_text("is no level")
    page.locator("#budgets-levels").fill("80, 95:finish")
    page.locator("#budgets-do").click()

    expect(page.locator(".bu-row.on")).to_contain_text("Harbor Nights")
    expect(page.locator(".bu-row.on")).to_contain_text("of 2 h")
    expect(page.locator(".bu-chart .bu-limit")).to_contain_text("limit 2 h")
    [budget] = stage.studio.budgets.all()
    assert (budget.limit, [level.action for level in budget.thresholds]) == (7200, [Action.NOTIFY, Action.FINISH])


def test_a_limit_is_raised_and_removed_where_it_is_drawn(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    put(stage, Scope.PROJECT, run.title, 3600, (50, Action.NOTIFY))
    page = opens("/budgets")
    page.locator("#budgets-change").click()
    expect(page.locator("#budgets-limit")).to_have_value("1")
    expect(page.locator("#budgets-levels")).to_have_value("50")
    page.locator("#budgets-limit").fill("4")
    page.locator("#budgets-do").click()
    expect(page.locator(".bu-row.on")).to_contain_text("of 4 h")
    expect(page.locator("#budgets-dialog")).not_to_be_visible()

    page.locator("#budgets-change").click()
    page.locator("#budgets-remove").click()
    expect(page.locator(".bu-empty")).to_be_visible()
    assert stage.studio.budgets.all() == []


def test_a_limit_is_removed_from_the_address_that_the_page_was_opened_at(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    put(stage, Scope.PROJECT, run.title, 3600, (50, Action.NOTIFY))
    put(stage, Scope.USER, "ann", 7200)
    page = opens("/budgets")
    page.locator(".bu-row.on").wait_for()
    for left in (1, 0):
        page.locator("#budgets-change").click()
        page.locator("#budgets-remove").click()
        expect(page.locator(".bu-row")).to_have_count(left)
        expect(page.locator("#budgets-dialog")).not_to_be_visible()
    assert stage.studio.budgets.all() == []


def test_somebody_that_there_is_not_is_told_at_the_field(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens("/budgets")
    page.locator("#budgets-new").click()
    page.locator("#budgets-of").fill("Habor Nights")
    page.locator("#budgets-limit").fill("2")
    page.locator("#budgets-do").click()
    expect(page.locator("#budgets-of-error")).to_contain_text("Harbor Nights")


def test_costs_are_told_apart_by_what_is_chosen(opens: Opens, stage: Stage, run: Run) -> None:
    page = opens(f"/budgets?run={run.id}")
    table = page.locator("#budgets-costs")
    expect(table).to_contain_text("variant images")
    page.get_by_role("link", name="character").click()
    expect(table.locator("tbody tr").first).to_contain_text("c")
    expect(table).not_to_contain_text("variant images")
    page.get_by_role("link", name="cause").click()
    expect(table).to_contain_text("first try")


def test_a_budget_of_a_run_brings_the_costs_of_that_run_unless_those_of_another_are_asked_for(
    opens: Opens, stage: Stage, run: Run
) -> None:
    clear(stage)
    other = stage.start(fresh_production(characters=1, scene_types=1, variants=1, title="Other"))
    stage.work()
    put(stage, Scope.RUN, str(run.id), 1e6)
    put(stage, Scope.RUN, str(other.id), 2e6)
    page = opens(f"/budgets?budget=run:gpu_seconds:{run.id}")
    shown = page.locator("#budgets-costs .card-head")
    expect(shown).to_contain_text(run.name)
    page.locator(".bu-row", has_text=other.name).click()
    expect(shown).to_contain_text(other.name)
    page.goto(page.url.split("?")[0] + f"?budget=run:gpu_seconds:{run.id}&run={other.id}")
    expect(page.locator("#budgets-costs .card-head")).to_contain_text(other.name)


def test_what_is_spent_is_seen_as_it_happens(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    put(stage, Scope.USER, str(PERSON), 1e6)
    page = opens("/budgets")
    before = stage.studio.budgets.all()[0].spent
    stage.start(fresh_production(characters=2, scene_types=2, variants=1, title="Another"))
    stage.work()
    assert stage.studio.budgets.all()[0].spent > before
    put(stage, Scope.USER, str(PERSON), 9.5 * 3600)
    expect(page.locator(".bu-row.on")).to_contain_text("of 9.5 h")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state", ["none", "some", "many"])
def test_nothing_is_cut_and_nobody_is_kept_out(opens: Opens, stage: Stage, run: Run, state: str, theme: str) -> None:
    clear(stage)
    spent = stage.run(run).spent_seconds
    if state != "none":
        levels = ((25, Action.NOTIFY), (50, Action.FINISH), (90, Action.CANCEL))
        put(stage, Scope.PROJECT, run.title, spent * 1.7 + 1, *levels)
        put(stage, Scope.PROJECT, run.title, 5e9, (80, Action.NOTIFY), of_what=Quantity.DISK_BYTES)
        put(stage, Scope.USER, str(PERSON), 40 * 3600, (80, Action.NOTIFY))
    if state == "many":
        stage.create(fresh_production(characters=1, title=LONG))
        for number in range(12):
            put(stage, Scope.USER, f"{LONG} {number}", 3600, *((float(at), Action.NOTIFY) for at in range(10, 101, 10)))
        put(stage, Scope.PROJECT, LONG, 3600 * 1234)
    page = opens("/budgets", theme=theme)
    found = [*at_every_size(page), *barriers(page)]
    page.locator("#budgets-new").click()
    page.locator("#budgets-do").wait_for(state="visible")
    assert told([*found, *barriers(page)]) == ""


def test_what_presses_most_stands_first_on_pulse_and_leads_to_its_page(opens: Opens, stage: Stage, run: Run) -> None:
    clear(stage)
    put(stage, Scope.PROJECT, "Harbor Nights", 3600.0 * 40)
    put(stage, Scope.PROJECT, "Harbor Nights", 5e9, of_what=Quantity.DISK_BYTES)
    # The person has paid for other runs, too: what this one cost is a quarter of the limit, more than the level in any case.
    put(stage, Scope.USER, str(PERSON), stage.run(run).spent_seconds * 4, (20, Action.FINISH))
    page = opens("/")
    rows = page.locator("a.spend")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text(str(PERSON))
    expect(rows.nth(1)).to_contain_text("GPU-hours")
    expect(rows.nth(2)).to_contain_text("disk")
    rows.nth(1).click()
    expect(page.locator(".bu-row.on")).to_contain_text("GPU-hours of a production")
