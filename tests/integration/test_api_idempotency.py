"""REST: a request that is sent again has one effect and one answer, whoever crashes, races or is slow."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from pipeline import wiring_rest
from pipeline.domain.errors import Conflict
from pipeline.domain.patience import KEPT_ANSWERS, UNDER_WAY
from pipeline.domain.records import Run
from pipeline.domain.statuses import RunStatus
from pipeline.wiring import Studio
from tests.factories import PERSON, House, make_production, make_studio
from tests.rest import RestClient, problem, source


@pytest.fixture
def client(house: House) -> RestClient:
    """REST over the house."""
    return RestClient(house)


@pytest.fixture
def neighbour(house: House) -> Iterator[Studio]:
    """What another server process on the same database has."""
    studio = make_studio(house.folder, house.url, house.clock)
    yield studio
    studio.close()


@pytest.fixture
def run(house: House) -> Run:
    """A running run."""
    return house.start(make_production(characters=1))


def test_the_same_request_again_has_no_effect_and_the_same_answer(house: House, client: RestClient) -> None:
    sent = source(client)
    first = client.post("production-runs", sent, key="once")
    again = client.post("production-runs", sent, key="once")
    assert (again.status_code, again.json()) == (first.status_code, first.json()) and first.status_code == 201
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert len(house.studio.runs.all()) == 1


def test_another_request_with_the_same_key_is_refused(house: House, client: RestClient, run: Run) -> None:
    client.post(f"production-runs/{run.id}/pause", key="mine")
    for path, body in (("pause", {}), ("resume", None), ("cancel", None)):
        assert "was used for another request" in problem(client.post(f"production-runs/{run.id}/{path}", body, key="mine"), 422)
    assert house.run(run).status is RunStatus.PAUSED


def test_without_a_key_everything_is_done_each_time(house: House, client: RestClient) -> None:
    sent = source(client)
    for _ in range(2):
        client.post("production-runs", sent)
    assert len(house.studio.runs.all()) == 2


def test_requests_at_the_same_time_have_one_effect_over_two_servers(house: House, client: RestClient, neighbour: Studio) -> None:
    sent, other = source(client), RestClient(house, neighbour)
    options = {"json": sent, "headers": {"Idempotency-Key": "race"}}
    for each in (client, other):  # FastAPI makes its routes at the first request, and silences warnings for all threads meanwhile
        assert each.ask("GET", "nowhere").status_code == 404
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(each.together, 4, "POST", "production-runs", **options) for each in (client, other)]
        answers = [answer for each in waiting for answer in each.result()]
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.text for answer in answers}) == 1
    assert len(house.studio.runs.all()) == 1


def test_an_error_without_an_effect_leaves_the_key_free(house: House, client: RestClient, run: Run) -> None:
    client.post(f"production-runs/{run.id}/pause")
    problem(client.post(f"production-runs/{run.id}/pause", key="again"), 409)
    client.post(f"production-runs/{run.id}/resume")
    assert client.post(f"production-runs/{run.id}/pause", key="again").json()["status"] == "paused"


def test_an_error_after_a_part_of_the_effect_is_the_answer(
    house: House, client: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {**source(client), "submit": True}

    def refuse(*_: object) -> None:
        raise Conflict("not now")

    with monkeypatch.context() as patch:
        patch.setattr(type(house.studio.submission), "submit", refuse)
        problem(client.post("production-runs", sent, key="half"), 409)
    assert problem(client.post("production-runs", sent, key="half"), 409) == "not now"
    assert len(house.studio.runs.all()) == 1


def test_a_fault_is_told_without_what_it_was_and_is_not_repeated(
    house: House, client: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {**source(client), "submit": True}

    def break_down(*_: object) -> None:
        raise RuntimeError("secret of the house")

    with monkeypatch.context() as patch:
        patch.setattr(type(house.studio.submission), "submit", break_down)
        first = client.post("production-runs", sent, key="fault")
    assert "secret" not in first.text
    told = problem(first, 500)
    assert problem(client.post("production-runs", sent, key="fault"), 500) == told
    assert len(house.studio.runs.all()) == 1


# Crashes: what a process that died left behind -----------------------------------------------------------------------


def begin(house: House, key: str = "k", request: str = "a" * 64) -> tuple[wiring_rest.Idempotency, str]:
    """A request that somebody began."""
    kept = wiring_rest.build_rest(house.studio).idempotency
    begun = kept.claim("tester", key, route="POST /x", request_sha256=request)
    assert begun.answer is None
    return kept, begun.claim


def test_a_request_that_died_before_its_effect_is_carried_out_by_the_next(house: House) -> None:
    kept, dead = begin(house)
    with pytest.raises(wiring_rest.UnderWay):
        kept.claim("tester", "k", route="POST /x", request_sha256="a" * 64)
    house.clock.advance(UNDER_WAY.total_seconds())
    alive = kept.claim("tester", "k", route="POST /x", request_sha256="a" * 64).claim
    assert alive and alive != dead


def test_one_that_was_slow_and_not_dead_has_no_effect_any_more(house: House, run: Run) -> None:
    kept, slow = begin(house)
    house.clock.advance(UNDER_WAY.total_seconds())
    quick = kept.claim("tester", "k", route="POST /x", request_sha256="a" * 64).claim
    with pytest.raises(Conflict, match="its repetition was begun"), kept.acting_on(slow):
        house.studio.runs.pause(run, PERSON)
    assert house.run(run).status is RunStatus.RUNNING
    with kept.acting_on(quick):
        house.studio.runs.pause(run, PERSON)
    kept.keep(slow, status=200, headers={}, body="slow")
    kept.keep(quick, status=200, headers={}, body="quick")
    answer = kept.claim("tester", "k", route="POST /x", request_sha256="a" * 64).answer
    assert answer is not None and answer.body == "quick"


def test_one_that_died_between_its_effect_and_its_answer_is_not_repeated(house: House, run: Run) -> None:
    kept, dead = begin(house)
    with kept.acting_on(dead):
        house.studio.runs.pause(run, PERSON)
    house.clock.advance(UNDER_WAY.total_seconds())
    with pytest.raises(Conflict, match="was carried out at"):
        kept.claim("tester", "k", route="POST /x", request_sha256="a" * 64)
    assert house.run(run).status is RunStatus.PAUSED


def test_answers_are_kept_for_a_day(house: House) -> None:
    kept, claim = begin(house)
    kept.keep(claim, status=200, headers={}, body="{}")
    house.clock.advance((KEPT_ANSWERS - timedelta(minutes=1)).total_seconds())
    house.studio.upkeep.sweep()
    assert kept.claim("tester", "k", route="POST /x", request_sha256="a" * 64).answer is not None
    house.clock.advance(120)
    house.studio.upkeep.sweep()
    begin(house, request="b" * 64)


def test_keys_of_two_people_are_two_keys(house: House) -> None:
    kept, _ = begin(house)
    assert kept.claim("somebody else", "k", route="POST /x", request_sha256="b" * 64).answer is None


@pytest.mark.parametrize("key", ["two words", "x" * 256, "tab\t"])
def test_malformed_keys_are_told(client: RestClient, run: Run, key: str) -> None:
    assert "Idempotency-Key" in problem(client.post(f"production-runs/{run.id}/pause", key=key), 422)
