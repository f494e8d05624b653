"""Files and small pictures over HTTP: only what rows name, whole or in ranges, under types that cannot lie."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from pipeline import wiring_serving
from pipeline.adapters.media.images import write_png
from pipeline.api import application
from pipeline.domain.records import StoredFile
from tests.factories import House, make_production, quick_folder


@pytest.fixture
def house(sqlite_url: str) -> Iterator[House]:
    with quick_folder() as folder:
        house = House(folder, f"sqlite:///{folder / 'stripboard.db'}")
        yield house
        house.close()


def get(house: House, path: str, **headers: str) -> httpx.Response:
    """What the application answers; the feed and the engine are left alone."""
    api = application.build(house.studio, wiring_serving.idle)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=api)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return asyncio.run(ask())


def stored(house: House, content: bytes, media_type: str = "video/mp4") -> str:
    """The hash of a file that a row names."""
    path = house.folder / "given"
    path.write_bytes(content)
    file: StoredFile = house.studio.media.adopt(path, media_type)
    with house.studio.stores.begin(house.clock.now()) as store:
        store.outputs.add_import(file, house.clock.now())
    return file.sha256


def picture(path: Path, width: int = 800, height: int = 450) -> None:
    write_png(np.full((height, width, 3), (200, 40, 90), np.uint8), path)


def test_a_stored_file_comes_whole_and_may_be_kept_for_ever(house: House) -> None:
    sha256 = stored(house, b"0123456789")
    answer = get(house, f"/media/files/{sha256}")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"0123456789", "video/mp4")
    assert answer.headers["etag"] == f'"{sha256}"'
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-disposition" not in answer.headers
    assert get(house, f"/media/files/{sha256}", If_None_Match=f'W/"x", "{sha256}"').status_code == 304


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=x", 200, b"0123456789", None),
        ("bytes=", 200, b"0123456789", None),
    ],
)
def test_ranges_follow_the_rules(house: House, asked: str, status: int, content: bytes | None, told: str | None) -> None:
    answer = get(house, f"/media/files/{stored(house, b'0123456789')}", Range=asked)
    assert (answer.status_code, answer.headers.get("content-range")) == (status, told)
    if content is not None:
        assert answer.content == content


def test_a_range_of_another_version_gives_the_whole_file(house: House) -> None:
    sha256 = stored(house, b"0123456789")
    assert get(house, f"/media/files/{sha256}", Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert get(house, f"/media/files/{sha256}", Range="bytes=0-1", If_Range=f'"{sha256}"').status_code == 206


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..%2F..%2Fetc%2Fpasswd", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "%00", "0" * 64 + "\n", "%2e%2e/x"],
)
def test_what_is_no_hash_finds_nothing(house: House, name: str) -> None:
    assert get(house, f"/media/files/{name.replace(chr(10), '%0A')}").status_code in (404, 422)


def test_a_file_that_no_row_names_is_not_given_out(house: House) -> None:
    path = house.folder / "secret"
    path.write_bytes(b"secret")
    file = house.studio.media.adopt(path, "video/mp4")
    answer = get(house, f"/media/files/{file.sha256}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert get(house, f"/media/files/{hashlib.sha256(b'other').hexdigest()}").status_code == 404


def test_a_file_that_has_gone_from_the_disk_is_told_of(house: House) -> None:
    sha256 = stored(house, b"here for now")
    house.studio.media.path_of(sha256).unlink()
    answer = get(house, f"/media/files/{sha256}")
    assert answer.status_code == 404
    assert "missing" in answer.json()["detail"]


def test_only_pictures_sound_and_video_are_shown_in_place(house: House) -> None:
    answer = get(house, f"/media/files/{stored(house, b'<script>alert(1)</script>', 'text/html')}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    vector = get(house, f"/media/files/{stored(house, b'<svg onload=alert(1) />', 'image/svg+xml')}")
    assert vector.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("take.mp4", 'attachment; filename="take.mp4"'),
        ("../../evil.mp4", 'attachment; filename="_.._evil.mp4"'),
        ('a"; filename=b.exe', "attachment; filename*=utf-8''a_%3B%20filename%3Db.exe"),
        ("日本.mp4", "attachment; filename*=utf-8''%E6%97%A5%E6%9C%AC.mp4"),
    ],
)
def test_a_download_gets_a_clean_name(house: House, name: str, expected: str) -> None:
    answer = get(house, f"/media/files/{stored(house, b'x')}?" + str(httpx.QueryParams(download=name)))
    assert answer.headers["content-disposition"] == expected


def test_small_pictures_are_bounded_made_once_and_asked_for_again_cheaply(house: House) -> None:
    picture(house.folder / "c1.png")
    run = house.create(make_production(characters=1))
    answer = get(house, f"/media/runs/{run.id}/characters/0.jpg?h=90")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    made = list((house.studio.settings.cache_root / "thumbnails").rglob("*.*"))
    assert len(made) == 1
    with Image.open(made[0]) as image:
        assert image.size == (160, 90)
    before = made[0].stat().st_mtime_ns
    assert get(house, f"/media/runs/{run.id}/characters/0.jpg?h=90").content == answer.content
    assert made[0].stat().st_mtime_ns == before
    again = get(house, f"/media/runs/{run.id}/characters/0.jpg?h=90", If_None_Match=answer.headers["etag"])
    assert again.status_code == 304


@pytest.mark.parametrize("height", ["91", "0", "-1", "100000", "x", "720.0"])
def test_no_other_heights_are_made(house: House, height: str) -> None:
    picture(house.folder / "c1.png")
    run = house.create(make_production(characters=1))
    assert get(house, f"/media/runs/{run.id}/characters/0.jpg?h={height}").status_code == 422


def test_a_picture_that_is_not_there_is_not_found(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1))
    cell = house.cells(run)["c1 / s1 / v1"]
    for path in (
        f"cells/{cell.id}/poster.jpg",
        "cells/99999/poster.jpg",
        "cells/0/poster.jpg",
        f"cells/{2**70}/poster.jpg",
        "stills/99999/1.jpg",
        f"runs/{run.id}/characters/9.jpg",
        "runs/99999/characters/0.jpg",
        f"runs/{run.id}/characters/0.jpg",  # its bytes are no picture
    ):
        assert get(house, f"/media/{path}").status_code in (404, 422), path


def test_stills_and_posters_are_found_by_what_they_show(house: House) -> None:
    run = house.start(make_production(characters=1, scene_types=1, variants=1, candidates=2))
    house.work()
    cell, still = house.cells(run)["c1 / s1 / v1"], house.stills(run)["variant c1 / v1"]
    files = house.studio.files
    with house.studio.stores.read() as store:
        made = store.outputs.of("cell", cell.id, 1)
        candidates = {output.part: output for output in store.outputs.of("still", still.id, 1, "still")}
    assert files.poster(cell.id, None) == files.poster(cell.id, 1)
    assert files.poster(cell.id, 1) == next(output.file for output in made if output.role == "poster")
    assert files.still(still.id, 2) == candidates[2].file
    assert files.still(still.id, 0) == next(output.file for output in candidates.values() if output.id == still.hero)
    source = house.stills(run)["source c1"]
    assert files.still(source.id, 0) == files.character(run.id, 0)
