"""Names come from users: they run no script, break no layout, and are shown as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.adapters.packaging import contact_sheet
from pipeline.domain.production import Matrix, Production
from pipeline.domain.records import Run
from tests.browser.boards import Board
from tests.browser.looks import flaws
from tests.browser.stage import Stage, fresh_production
from tests.browser.tabs import Opens

MARKUP = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script>"
NAMES = (
    MARKUP,
    "\"quotes\" & 'apostrophes' &amp; `ticks` ${window.hurt=1} {{7*7}}",
    "\u202eright to left\u202c שלום مرحبا",
    "👩‍👩‍👧‍👦 família 日本語 ąęß",
    "A very long name that goes on and on " * 3,
    "W" * 100,
)


@pytest.fixture(scope="module")
def named(stage: Stage) -> Run:
    """A run whose every name is a trap, some of it made."""
    run = stage.start(with_names(fresh_production(characters=6, scene_types=6, variants=2, title=MARKUP)))
    stage.work()
    return run


def with_names(production: Production) -> Production:
    """The same production with other names."""
    people = tuple(replace(one, name=name.strip()) for one, name in zip(production.characters, NAMES, strict=True))
    kinds = tuple(replace(one, name=name.strip()) for one, name in zip(production.scene_types, reversed(NAMES), strict=True))
    looks = tuple(replace(one, name=name.strip()) for one, name in zip(production.variants, NAMES, strict=False))
    names = [tuple(one.name for one in group) for group in (people, kinds, looks)]
    return replace(production, characters=people, scene_types=kinds, variants=looks, matrix=Matrix(*names))


def test_looks_whose_names_are_long_and_alike_show_what_tells_them_apart(opens: Opens, stage: Stage) -> None:
    made = fresh_production(characters=2, scene_types=4, variants=3, title="Alike")
    looks = tuple(
        replace(one, name=f"look {word} with a rather long name")
        for one, word in zip(made.variants, ("1 day", "2 dusk", "3 night"), strict=True)
    )
    matrix = Matrix(("c1", "c2"), tuple(one.name for one in made.scene_types), tuple(one.name for one in looks))
    page = opens(f"/runs/{stage.create(replace(made, variants=looks, matrix=matrix)).id}")
    page.set_viewport_size({"width": 1024, "height": 800})
    heads = page.locator(".bx-look")
    expect(heads).to_have_count(12)
    expect(heads.first).to_contain_text("1")
    assert len(set(heads.all_text_contents())) == 3
    assert flaws(page) == []


def test_a_name_that_is_too_long_for_its_column_stands_there_whole_in_two_lines(opens: Opens, stage: Stage) -> None:
    made = fresh_production(characters=1, scene_types=6, variants=1, title="Ferry")
    kinds = tuple(replace(one, name=f"00{at} establishing_wide") for at, one in enumerate(made.scene_types))
    matrix = Matrix(("c1",), tuple(one.name for one in kinds), ("v1",))
    page = opens(f"/runs/{stage.create(replace(made, scene_types=kinds, matrix=matrix)).id}")
    heads = page.locator(".bx-group span")
    expect(heads).to_have_count(6)
    shown = heads.all_text_contents()
    assert ["".join(text.split()) for text in shown] == ["".join(one.name.split()) for one in kinds]
    assert all(len(text.splitlines()) == 2 for text in shown)
    assert flaws(page) == []


def is_unhurt(page: Page) -> bool:
    """No name has become a script or an element."""
    return bool(page.evaluate("() => window.hurt === undefined && !document.querySelector('img[src=x]')"))


def test_names_run_no_script_and_break_no_layout_on_the_board(opens: Opens, named: Run) -> None:
    page = opens(f"/runs/{named.id}")
    board = Board(page)
    key = f"{MARKUP} / {'W' * 100} / {MARKUP}"
    assert board.status(key) != "null"
    board.click(key)
    page.wait_for_selector("#side-one *")
    found = flaws(page)
    board.open_grid()
    page.locator("#grid-toggle").click()
    for zoom in ("character", "type"):
        page.locator(f"[data-zoom={zoom}]").click()
        page.wait_for_selector("#cards:visible")
        found += flaws(page)
    assert "\n".join(found) == ""
    assert is_unhurt(page)


@pytest.mark.parametrize("path", ["/", "/deliveries"])
def test_names_run_no_script_and_break_no_layout_elsewhere(opens: Opens, named: Run, path: str) -> None:
    page = opens(path)
    assert "\n".join(flaws(page)) == ""
    assert is_unhurt(page)


def test_names_run_no_script_and_break_no_layout_on_a_scene(opens: Opens, stage: Stage, named: Run) -> None:
    for cell in list(stage.cells(named).values())[::14]:
        page = opens(f"/cells/{cell.id}")
        assert "\n".join(flaws(page)) == ""
        assert is_unhurt(page)


def test_names_are_found_by_their_words_in_the_palette(opens: Opens, named: Run) -> None:
    page = opens(f"/runs/{named.id}")
    Board(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("onerror")
    page.get_by_text(MARKUP).first.wait_for()
    assert is_unhurt(page)


def test_a_long_name_leaves_the_scenes_of_a_contact_sheet_in_sight(browser: Browser) -> None:
    files = [
        {"name": f"{number}.mp4", "cell": str(number), "character": name, "scene_type": "dance", "media_type": "video/mp4"}
        for number, name in enumerate(("W" * 80, "Mara"))
    ]
    sheet = contact_sheet.lay_out(title="Harbor Nights", subtitle="Delivery 1", files=files, posters={})
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_content(contact_sheet.render_page(sheet, documents=()))
    name, scene = (page.locator(place).first.bounding_box() for place in ("tbody th", "td .card"))
    page.close()
    assert name is not None and scene is not None
    assert name["width"] <= 260 and scene["x"] < 400
