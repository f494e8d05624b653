"""What a probe says of the files a production names."""

from __future__ import annotations

import struct
import time
import zlib
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.adapters import workflow_files
from pipeline.adapters.file_facts import probe
from pipeline.adapters.media.images import open_image
from pipeline.domain.errors import WorkFailed
from pipeline.domain.files import FileFact, FileReference
from tests.production_documents import picture


def look(base: Path, path: str, wants: str = "image") -> FileFact:
    return probe(base, [FileReference((), path, wants)], workflow_files.look)[(path, wants)]


def png(width: int, height: int) -> bytes:
    """A PNG that says it is this large and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def test_a_real_picture_has_its_size(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", (64, 48))
    fact = look(tmp_path, "a.png")
    assert (fact.problem, fact.width, fact.height) == ("", 64, 48) and fact.size_bytes > 0


@pytest.mark.parametrize("format", ["png", "jpg", "webp", "tif", "bmp", "gif", "ico"])
def test_what_a_probe_accepts_is_what_the_renderer_reads(format: str, tmp_path: Path) -> None:
    path = picture(tmp_path / f"a.{format}", (64, 64))
    try:
        open_image(path)
    except WorkFailed:
        assert look(tmp_path, path.name).problem
    else:
        assert not look(tmp_path, path.name).problem


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    one, other = (picture(tmp_path / name, (64, 48)) for name in ("a.png", "b.png"))
    assert look(tmp_path, one.name).digest == sha256(one.read_bytes()).hexdigest() != look(tmp_path, other.name).digest


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_half_a_picture_is_damaged(suffix: str, tmp_path: Path) -> None:
    path = picture(tmp_path / f"a.{suffix}", (640, 480))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "damaged" in look(tmp_path, path.name).problem


@pytest.mark.parametrize("size", [(60_000, 60_000), (20_000, 6_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused_by_its_header(size: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(*size))
    started = time.process_time()
    assert "pixels" in look(tmp_path, "bomb.png").problem
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"text", "is not a picture"),
        (png(64, 64)[:20], "picture"),
        (png(4, 400), "is only 4x400 pixels"),
        (b"%PDF-1.4\n", "is not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is not a picture"),
    ],
)
def test_files_that_are_no_pictures(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(data)
    fact = look(tmp_path, "a.png")
    assert said in fact.problem and fact.cure


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    picture(tmp_path / "mara.png")
    assert look(tmp_path, "marra.png").cure == 'Did you mean "mara.png"?'
    (tmp_path / "assets").mkdir()
    picture(tmp_path / "assets" / "mara.png")
    assert look(tmp_path, "assets/marra.png").cure == 'Did you mean "assets/mara.png"?'
    assert look(tmp_path, "assets/ivo.png").cure == "Check the path, or put the file there."
    assert "does not exist either" in look(tmp_path, "no/such/a.png").cure
    assert "is a folder" in look(tmp_path, ".").problem
    assert look(tmp_path, "mara.png/x.png").problem == "does not exist."
    assert look(tmp_path, "a\x00.png").problem.startswith("cannot be looked at")
    assert look(tmp_path, "x" * 5000).problem.startswith("cannot be looked at")
    assert "not a regular file" in look(Path("/"), "dev/null").problem


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"1": {}}', ""),
        (b"[1]", ""),
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 99_999, "is not JSON"),
    ],
)
def test_workflows_are_json_and_their_graph_is_looked_at(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_bytes(data)
    fact = look(tmp_path, "w.json", "workflow")
    assert (said in fact.problem and fact.cure) if said else (fact.problem == "" and fact.graph is None and fact.findings)


def test_folders_are_writable_or_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert look(tmp_path, "new/deep/folder", "folder").problem == ""
    assert "is a file" in look(tmp_path, "file/out", "folder").problem
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_programs_are_found_by_name_or_path(tmp_path: Path) -> None:
    assert look(tmp_path, "sh", "program").problem == ""
    assert "search path" in look(tmp_path, "no-such-program", "program").problem
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    assert "may not be executed" in look(tmp_path, "./run.sh", "program").problem
    (tmp_path / "run.sh").chmod(0o755)
    assert look(tmp_path, "./run.sh", "program").problem == ""
    assert look(tmp_path, "./none.sh", "program").problem == "does not exist."
