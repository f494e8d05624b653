"""Folders of attempts whose end is in the database are taken again, and nothing of an earlier attempt counts for a later one."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.adapters.storage.workspace import Spool
from pipeline.domain.work import OutputFile, Request, Result
from tests.comfyui import still_request


def request(name: str) -> Request:
    return replace(still_request("http://127.0.0.1:1"), attempt_id=name)


def result(words: str) -> Result:
    return Result(outputs=(OutputFile("still", "ab" * 32, 3, "image/png", label=words),))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", tmp_path / "media")


def number_of(folder: Path) -> int:
    return folder.stat().st_ino


def test_a_folder_is_taken_again_and_what_was_kept_there_counts_no_more(spool: Spool) -> None:
    spool.begin(request("first"))
    spool.leave_result("first", result("the first"))
    folder = number_of(spool.attempt_folder("first"))
    spool.forget("first")
    assert spool.attempts() == [] and spool.result("first") is None
    spool.begin(request("second"))
    assert number_of(spool.attempt_folder("second")) == folder
    assert spool.result("second") is None


@pytest.mark.parametrize("words", ["", "a longer one " * 500])
def test_what_is_written_over_an_earlier_attempt_is_read_whole(spool: Spool, words: str) -> None:
    spool.begin(request("first"))
    spool.leave_result("first", result("of some length " * 20))
    spool.forget("first")
    spool.begin(request("second"))
    spool.leave_result("second", result(words))
    assert spool.result("second") == result(words)


@pytest.mark.parametrize("cut", [1, 40, -1])
def test_what_a_crash_has_cut_short_over_an_earlier_attempt_is_nothing(spool: Spool, cut: int) -> None:
    for name in ("first", "second"):
        spool.begin(request(name))
        spool.leave_result(name, result("of one length"))
    old, new = ((spool.attempt_folder(name) / "result.json").read_bytes() for name in ("first", "second"))
    (spool.attempt_folder("second") / "result.json").write_bytes(new[:cut] + b"\0" + old[cut:])
    assert spool.result("second") is None


def test_nothing_else_of_an_earlier_attempt_is_left(spool: Spool) -> None:
    spool.begin(request("first"))
    for name in ("made-00001", "preview.jpg", "cancel", "progress"):
        (spool.attempt_folder("first") / name).write_bytes(b"old")
    spool.forget("first")
    spool.begin(request("second"))
    assert list(spool.attempt_folder("second").iterdir()) == []


def test_a_folder_with_folders_in_it_is_removed(spool: Spool) -> None:
    spool.begin(request("first"))
    (spool.attempt_folder("first") / "frames" / "raw").mkdir(parents=True)
    spool.forget("first")
    spool.begin(request("second"))
    assert spool.attempts() == ["second"] and list(spool.attempt_folder("second").iterdir()) == []


def test_a_link_in_the_place_of_a_folder_is_not_followed(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("mine")
    spool.begin(request("first"))
    spool.attempt_folder("second").symlink_to(tmp_path / "elsewhere")
    spool.forget("second")
    assert (tmp_path / "elsewhere" / "precious").read_text() == "mine"


def test_an_attempt_that_begins_twice_keeps_its_folder(spool: Spool) -> None:
    for name in ("first", "second", "third"):
        spool.begin(request(name))
    spool.forget("first")
    spool.forget("second")
    spool.leave_result("third", result("kept"))
    spool.begin(request("third"))
    assert spool.result("third") == result("kept")


def test_no_two_attempts_take_one_folder(tmp_path: Path) -> None:
    spools = [Spool(tmp_path / "spool", tmp_path / "media") for _ in range(4)]
    names = [f"first-{number}" for number in range(12)]
    for name in names:
        spools[0].begin(request(name))
    for name in names:
        spools[0].forget(name)
    later = [request(f"second-{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda begun: spools[int(begun.attempt_id[7:]) % 4].begin(begun), later))
    assert len({number_of(spools[0].attempt_folder(f"second-{number}")) for number in range(24)}) == 24


def test_a_result_of_an_older_version_is_none(spool: Spool) -> None:
    spool.begin(request("first"))
    (spool.attempt_folder("first") / "result.json").write_text(json.dumps({"outputs": []}))
    assert spool.result("first") is None
