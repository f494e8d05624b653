"""The frame round every page: the rail, the theme, the live pill, and what an unknown address says."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Complaints, Opens
from tests.serving import Server


def test_a_new_home_says_what_to_do_first(opens: Opens) -> None:
    page = opens("/")
    expect(page.locator(".page")).to_contain_text("./stripboard demo")


def test_pulse_lists_every_run_and_leads_to_its_board(opens: Opens, stage: Stage) -> None:
    run = stage.start(fresh_production(title="Harbor Nights"))
    page = opens("/")
    page.get_by_text("Harbor Nights").first.click()
    expect(page).to_have_url(f"{page.url.partition('/runs')[0]}/runs/{run.id}")


def test_the_theme_is_switched_and_kept(opens: Opens) -> None:
    page = opens("/", theme="dark")
    assert theme_of(page) == "dark"
    page.click("#theme-switch")
    assert theme_of(page) == "light"
    page.reload()
    assert theme_of(page) == "light"


def test_the_pill_tells_that_the_server_is_gone_and_the_page_returns_by_itself(
    opens: Opens, server: Server, complaints: Complaints
) -> None:
    page = opens("/")
    server.stop()
    page.wait_for_selector("#live-pill[data-state=away]")
    server.start()
    page.wait_for_selector("#live-pill[data-state=live]")
    complaints.forgive("ERR_CONNECTION_REFUSED|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET")


RINGS = """() => [...document.querySelectorAll(".btn, .nav-link, .form-control, .form-select, .form-check-input, .btn-close")]
  .filter((one) => one.checkVisibility() && !one.disabled)
  .map((one) => { one.focus({ focusVisible: true }); const style = getComputedStyle(one);
    return [one.className, document.activeElement !== one || style.outline.endsWith("solid 2px")]; })"""


def test_whatever_has_the_focus_of_the_keyboard_has_a_ring(opens: Opens, stage: Stage) -> None:
    run = stage.start(fresh_production(title="Ring Road"))
    for path in ("/", f"/runs/{run.id}", "/fleet", "/workflows", "/budgets", "/triggers"):
        page = opens(path)
        page.keyboard.press("Tab")
        found = page.evaluate(RINGS)
        assert found and [name for name, has_ring in found if not has_ring] == [], path


def test_nothing_is_asked_of_other_sites(opens: Opens) -> None:
    page = opens("/")
    asked = page.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).host)")
    assert set(asked) == {page.evaluate("location.host")}


def theme_of(page: Page) -> str:
    """Which theme the document has."""
    return str(page.evaluate("document.documentElement.dataset.theme"))
