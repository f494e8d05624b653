"""Several hundred answers that no honest server gives: each attempt ends, with a class and a clean reason, and all go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.adapters.backends.comfyui.looking import canary, free, look, object_info
from pipeline.domain.errors import StripboardError
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import InputFile, Request, Update, UpdateState
from tests.comfyui import PATIENCE_S, QUICK, STILL_GRAPH, Watched, binding, new_request
from tests.hostile import ANSWERS, CASES, Hostile
from tests.media_factories import character

NAMES = list(CASES)
BRISK = replace(QUICK, answer_s=2.0, gone_s=1.0, refused_s=1.0, poll_s=0.1, socket_s=1.0)


@dataclass
class Ordeal:
    """What came of every case, by its name, and what was left behind."""

    updates: dict[str, Update]
    files: list[Path]
    strayed: list[str]
    survivor: Update
    hostile: Hostile


def hostile_request(url: str, source: InputFile) -> Request:
    """A still from a picture, on a server that the case chooses."""
    graph = STILL_GRAPH | {"1": {"class_type": "LoadImage", "inputs": {"image": "none"}}}
    workflow = {"kind": "still", "graph": graph, "bindings": [binding("start_image", "1", "image", "image")], "outputs": []}
    return new_request("variant_generation", url, (source,), {"workflow": workflow, "width": 64, "height": 48})


@pytest.fixture(scope="module")
def ordeal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    """All cases at once, on one backend: what is done to one must not hold up another."""
    home = tmp_path_factory.mktemp("ordeal")
    source = character(tmp_path_factory.mktemp("source"), "Mara", 32)
    with Hostile() as hostile, Watched(home / "studio", BRISK) as house:
        requests = {name: hostile_request(hostile.url(number), source) for number, name in enumerate(NAMES)}
        for request in requests.values():
            house.backend.submit(request)
        updates: dict[str, Update] = {}
        deadline = time.monotonic() + 2 * PATIENCE_S
        while len(updates) < len(requests) and time.monotonic() < deadline:
            house.woken.wait(0.1)
            house.woken.clear()
            waiting = {request.attempt_id: name for name, request in requests.items() if name not in updates}
            for update in house.backend.poll(list(waiting)):
                if update.state != UpdateState.RUNNING:
                    updates[waiting[update.attempt_id]] = update
        survivor = house.performed(hostile_request(hostile.url(len(NAMES)), source))
        files = [path.relative_to(home) for path in home.rglob("*") if path.is_file()]
        yield Ordeal(updates, files, hostile.visited, survivor, hostile)


def test_there_are_hundreds_of_cases() -> None:
    assert len(NAMES) >= 300


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_answer_ends_in_a_result_or_in_a_clean_failure(ordeal: Ordeal, name: str) -> None:
    assert name in ordeal.updates, "it never ended"
    update = ordeal.updates[name]
    if update.state == UpdateState.DONE:
        assert update.result is not None
        assert update.result.outputs[0].facts == {"width": 64, "height": 48}
        assert 0 <= update.result.seconds < 2 * PATIENCE_S
        return
    assert update.failure_class in set(FailureClass) | {""}
    assert 0 < len(update.reason) < 1300
    assert update.reason.isprintable()
    assert not any(word in update.reason for word in ("etc", "/home", "ann", "Traceback", "169.254", "Users"))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("/prompt", "/history", "/view"))])
def test_an_answer_without_sense_is_no_success(ordeal: Ordeal, name: str) -> None:
    update = ordeal.updates[name]
    # Whatever a submission is answered with, the honest history has the job; a file may have any name on its server.
    if name.startswith(("/history file", "/history many", "/history times", "/history messages", "/prompt")):
        return
    assert update.state != UpdateState.DONE, update


def test_nothing_is_written_outside_the_store_and_the_attempts_folders(ordeal: Ordeal) -> None:
    assert {path.parts[:2] for path in ordeal.files} <= {
        ("studio", "media"), ("studio", "spool"),
    }  # fmt: skip
    strange = [path for path in ordeal.files if path.parts[1] == "media" and len(path.name) != 62]
    assert strange == []


def test_no_redirection_is_followed(ordeal: Ordeal) -> None:
    assert ordeal.strayed == []


def test_who_comes_after_them_is_served(ordeal: Ordeal) -> None:
    assert ordeal.survivor.state == UpdateState.DONE


@pytest.mark.parametrize(
    "badness", [answer for answer in ANSWERS if answer.name not in ("drip", "silence")], ids=lambda a: a.name
)
def test_questions_about_a_server_are_answered_or_end_in_an_error_of_ours(ordeal: Ordeal, badness: object) -> None:
    number = next(n for n, (route, kind) in enumerate(ordeal.hostile.cases) if route == "/queue" and kind is badness)
    for ask in (look, object_info, free, canary):
        try:
            ask(ordeal.hostile.url(number), timeout_s=1.0)
        except StripboardError as error:
            assert str(error)
