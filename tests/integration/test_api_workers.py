"""REST: workers that were set aside are taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.workers import WorkRecord
from tests.factories import PERSON, House
from tests.rest import RestClient, problem

WORK = "comfyui|scene_generation|wan#0f3a99c1d2e4|832x480"


@pytest.mark.parametrize("named", [WORK, "wan at 832x480"])
def test_a_worker_gets_a_kind_of_work_again_when_it_is_taken_back(house: House, named: str) -> None:
    client = RestClient(house)
    worker = house.studio.workers.register("gpu-1", "127.0.0.1:8188", PERSON)
    with house.studio.stores.begin(house.clock.now()) as store:
        aside = replace(WorkRecord(worker.id, WORK), failures=3, reason="out of memory", aside_since=house.clock.now())
        store.workers.keep_record(aside, is_new=True)
    assert client.get(f"workers/{worker.id}").json()["records"][0]["aside_since"]

    answer = client.ask("POST", f"workers/{worker.id}/take-back", json={"work": named})

    assert answer.status_code == 200 and answer.json()["records"][0]["aside_since"] is None
    told = problem(client.ask("POST", f"workers/{worker.id}/take-back", json={"work": named}), 409)
    assert f'is not set aside for "{named}", but for nothing' in told
