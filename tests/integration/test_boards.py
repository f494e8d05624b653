"""The board's document says of every cell what is stored of it, and events bring an older one up to date."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event

from pipeline.domain import board
from pipeline.domain.choices import Mode
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.matrix import Selection
from pipeline.domain.production import Location, Shot
from pipeline.services.boards import Sheet
from tests.factories import EVERYTHING, HUMAN, PERSON, House, make_production
from tests.rest import RestClient

LETTERS = {letter: status for status, letter in board.CODES.items()}


def keys_of(sheet: Sheet) -> list[str]:
    """Every cell's key as the browser puts it together."""
    layout = sheet.layout
    places = zip(layout.at_row, layout.at_column, strict=True)
    return [
        layout.names.get(number)
        or board.plain_key(layout.rows[row].name, layout.groups[layout.columns[column].group], layout.columns[column].name)
        for number, (row, column) in enumerate(places)
    ]


def blocked_of(sheet: Sheet) -> set[str]:
    """The cells that are blocked, as the browser concludes it."""

    def is_met(need: int) -> bool:
        return (sheet.statuses[-1 - need] if need < 0 else sheet.stills[need][3]) == "a"

    blocked = [not all(map(is_met, needs)) for needs in sheet.need_sets]
    cells = zip(keys_of(sheet), sheet.statuses, sheet.need_of, strict=True)
    return {key for key, letter, needs in cells if letter == "q" and blocked[needs]}


def test_the_sheet_says_of_every_cell_what_is_stored_of_it(house: House):
    shots = (Shot("s001_wide", "s1", 1, location="Harbor"), Shot("s002_cu", "s2", 2, character="c1", after=("s001_wide",)))
    run = house.create(make_production(approvals=HUMAN, shots=shots, locations=(Location("Harbor"),)))
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    sheet, view = house.studio.boards.sheet(run.id), house.studio.reports.matrix(run.id)
    assert keys_of(sheet) == [cell.plan.key for cell in view.cells]
    assert [LETTERS[letter] for letter in sheet.statuses] == [cell.status for cell in view.cells]
    assert list(sheet.versions) == [cell.version for cell in view.cells]
    assert list(sheet.takes) == [cell.take for cell in view.cells]
    assert list(sheet.since) == [int(cell.status_at.timestamp()) for cell in view.cells]
    assert [first + step for first, count in sheet.ids_in_runs for step in range(count)] == [cell.id for cell in view.cells]
    assert blocked_of(sheet) == set(view.blocked) != set()


def test_the_sheet_is_a_statement_a_table_however_large_the_run(house: House):
    counts = []
    for size in (2, 12):
        run = house.create(make_production(characters=size, title=f"{size} people"))
        house.studio.boards.sheet(run.id)
        seen: list[str] = []
        record = seen.append
        listen = lambda *args, record=record: record(args[2])  # noqa: E731
        event.listen(house.studio.stores.engine, "before_cursor_execute", listen)
        house.studio.boards.sheet(run.id)
        event.remove(house.studio.stores.engine, "before_cursor_execute", listen)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 6


def test_layers_have_a_number_for_each_cell_that_was_worked_on(house: House):
    run = house.create(make_production(segments=2))
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.rest()
    ids = {cell.id for cell in house.studio.reports.matrix(run.id).cells}
    assert house.studio.boards.layer(run.id, "segments") == dict.fromkeys(ids, 2)
    assert set(house.studio.boards.layer(run.id, "attempts")) == ids
    for name in board.LAYERS:
        assert set(house.studio.boards.layer(run.id, name)) <= ids


def test_a_layer_that_there_is_not_is_refused_with_those_that_there_are(house: House):
    run = house.create(make_production())
    with pytest.raises(Invalid, match="qa, duration, cost, attempts, segments"):
        house.studio.boards.layer(run.id, "beauty")


def test_a_run_that_there_is_not_is_not_found(house: House):
    for ask in (house.studio.boards.run, house.studio.boards.sheet, house.studio.boards.views):
        with pytest.raises(NotFound):
            ask(4711)


def test_a_view_is_kept_by_name_for_the_project_and_replaced_by_one_of_the_same_name(house: House):
    boards, run = house.studio.boards, house.create(make_production())
    assert boards.keep_view(run.id, "  my   failures ", "status=failed", PERSON) == "my failures"
    boards.keep_view(run.id, "my failures", "status=failed,rejected", PERSON)
    assert boards.views(run.id) == [("my failures", "status=failed,rejected")]
    other = house.create(make_production(title="Another"))
    assert boards.views(other.id) == []
    boards.drop_view(run.id, "my failures", PERSON)
    assert boards.views(run.id) == []
    house.check()


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_view_without_a_usable_name_is_refused(house: House, name: str):
    run = house.create(make_production())
    with pytest.raises(Invalid, match="name"):
        house.studio.boards.keep_view(run.id, name, "", PERSON)


def test_a_view_that_is_too_long_is_refused(house: House):
    run = house.create(make_production())
    with pytest.raises(Invalid, match="too long"):
        house.studio.boards.keep_view(run.id, "all", "x" * 5000, PERSON)


@pytest.fixture
def client(house: House) -> RestClient:
    """Somebody who asks by HTTP."""
    return RestClient(house)


def patched(document: dict[str, Any], events: list[Any]) -> str:
    """The statuses of a document after these events, as the browser patches them."""
    letters, at = list(document["cells"]["status"]), {}
    for first, count in document["cells"]["ids"]:
        at.update((first + step, len(at)) for step in range(count))
    for one in events:
        what, _, status = one.type.partition(".")
        if what == "cell" and status in set(board.CODES):
            letters[at[one.subject_id]] = next(letter for known, letter in board.CODES.items() if known == status)
    return "".join(letters)


def test_events_after_its_number_bring_an_older_document_up_to_date(house: House, client: RestClient):
    run = house.create(make_production())
    address = f"production-runs/{run.id}/matrix"
    older = client.get(address).json()
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.rest()
    events = house.studio.reports.events(older["seq"], run_id=run.id)
    newer = client.get(address).json()
    assert patched(older, list(events)) == newer["cells"]["status"]
    assert Counter(newer["cells"]["status"]) == {"a": len(older["cells"]["row"])}


def test_versions_count_the_events_of_a_cell(house: House, client: RestClient):
    """The page counts them so, and sends them along with a decision."""
    run = house.create(make_production(approvals=HUMAN))
    address = f"production-runs/{run.id}/matrix"
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.work()
    for still in house.studio.review.waiting(run):
        house.studio.review.approve_variant(run, still.key, PERSON)
    house.work()
    older = client.get(address).json()
    keys = tuple(cell.plan.key for cell in house.studio.reports.matrix(run.id).cells)
    house.studio.review.approve(run, Selection(keys=keys[:2]), PERSON)
    house.studio.review.reject(run, Selection(keys=keys[:1]), PERSON, reason="no")
    house.studio.review.mark_stale(run, {keys[1]: "the script has changed"}, PERSON)
    moved = Counter(
        one.subject_id for one in house.studio.reports.events(older["seq"], run_id=run.id) if one.type.startswith("cell.")
    )
    newer = client.get(address).json()
    ids = [first + step for first, count in older["cells"]["ids"] for step in range(count)]
    expected = [version + moved[cell] for version, cell in zip(older["cells"]["version"], ids, strict=True)]
    assert newer["cells"]["version"] == expected
    assert newer["cells"]["stale"] == {"1": "the script has changed"}


def test_the_matrix_of_a_run_that_there_is_not_is_a_problem_document(client: RestClient):
    answer = client.get("production-runs/4711/matrix")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_layer_by_http_has_its_values_by_cell(house: House, client: RestClient):
    run = house.create(make_production(segments=2))
    house.studio.submission.submit(run, EVERYTHING, Mode.ALL, PERSON)
    house.rest()
    answer = client.get(f"production-runs/{run.id}/matrix?layer=segments").json()
    assert answer["layer"] == "segments"
    assert set(answer["values"].values()) == {2}
    assert client.get(f"production-runs/{run.id}/matrix?layer=beauty").status_code == 422


def test_a_page_may_ask_quietly_for_a_run_that_there_may_not_be(house: House, client: RestClient):
    assert client.get("production-runs/4711/matrix?quiet=1").status_code == 204
    run = house.create(make_production())
    assert client.get(f"production-runs/{run.id}/matrix?quiet=1").json()["run"]["id"] == run.id
