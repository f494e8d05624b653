"""Fountain files read with jouvence, and what it would trip over."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline.adapters import screenplays
from pipeline.adapters.screenplays import ScreenplayNotFound, ScreenplayUnreadable, load, read
from pipeline.domain.screenplay import Cue

FILM = """\
Title: Harbor Nights
Author: Studio

INT. WAREHOUSE - NIGHT

Rain.

MARA
We should go.

@McAvoy (V.O.)
No.

MARA (CONT'D)
Yes.

CUT TO:

.PIER #7#

Waves. /* A note
over two lines */ More waves.

MARA
It is over.
"""


def test_headings_and_cues_are_read_in_order() -> None:
    found = read(FILM)
    assert found.title == "Harbor Nights"
    assert [(scene.heading, scene.line) for scene in found.scenes] == [("INT. WAREHOUSE - NIGHT", 4), ("PIER #7#", 19)]
    assert [(cue.name, cue.is_off_screen) for cue in found.scenes[0].cues] == [("MARA", False), ("McAvoy", True)]
    assert [cue.name for cue in found.scenes[1].cues] == ["MARA"]


@pytest.mark.parametrize("cue", ["ZOË", "O'BRIEN", "GUARD 2", "ŁUKASZ", "R2D2", "ANNE-MARIE D’ARC", "ΜΑΡΊΑ", "J"])
def test_a_cue_may_have_any_letters_digits_and_apostrophes(cue: str) -> None:
    [scene] = read(f"INT. BAKERY - NIGHT\n\nFlour.\n\n{cue}\nBread first.\n\n{cue} (V.O.)\nAnd then?\n").scenes
    assert scene.cues == (Cue(cue), Cue(cue, is_off_screen=True))


@pytest.mark.parametrize("line", ["BANG! A door.", "THE END", "INT. ÉCOLE - DAY", "דוד", "1914"])
def test_what_is_no_cue_is_taken_for_none(line: str) -> None:
    after = "" if line == "THE END" else "More."
    scenes = read(f"INT. BAKERY - NIGHT\n\nFlour.\n\n{line}\n{after}\n").scenes
    assert not any(scene.cues for scene in scenes)


def test_line_ends_of_any_system_are_understood() -> None:
    assert read(FILM.replace("\n", "\r\n")).scenes == read(FILM).scenes


@pytest.mark.parametrize(
    "text",
    [
        "/* open\n" * 2000,
        "INT. A\n\n" + ">" + " " * 100_000 + "x",
        "A" + " A" * 100_000 + "!\n",
        "INT. A\n\n" * 9_000,
        "\n" * 200_000,
        "~\n" * 20_000,
    ],
)
def test_hostile_texts_end_quickly(text: str) -> None:
    started = time.process_time()
    read(text)
    assert time.process_time() - started < 5


def test_too_many_scenes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenplays, "MAX_SCENES", 2)
    with pytest.raises(ScreenplayUnreadable, match="it has 3 scenes; at most 2 are allowed"):
        read("INT. A\n\n" * 3)


def test_files_that_are_no_screenplays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScreenplayNotFound, match=r"The screenplay film\.fountain does not exist"):
        load(tmp_path / "film.fountain", "film.fountain")
    with pytest.raises(ScreenplayUnreadable, match="it is not a file"):
        load(tmp_path)
    path = tmp_path / "film.fountain"
    for data, said in ((b"\xff\xfeI", "not UTF-8"), (b"INT. A\x00", "binary"), (b"x" * (2 * 2**20 + 1), "larger than 2 MiB")):
        path.write_bytes(data)
        with pytest.raises(ScreenplayUnreadable, match=said):
            load(path)
    with pytest.raises(ScreenplayNotFound):
        load(Path("/tmp/\x00"))
