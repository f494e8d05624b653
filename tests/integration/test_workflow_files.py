"""Workflows are read out of the files that people have: JSON, and what ComfyUI writes them into; nothing else gets through."""

from __future__ import annotations

import json
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pipeline.adapters import workflow_files
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.workflows.graphs import parse
from tests import workflow_graphs

GRAPH: dict[str, Any] = workflow_graphs.recorded("video_from_image_mp4")["prompt"]
TEXT = json.dumps(GRAPH)
EDITOR: dict[str, Any] = {"last_node_id": 1, "nodes": [{"id": 1, "type": "LoadImage"}], "links": [], "version": 0.4}


def save_json(path: Path, text: str = TEXT) -> None:
    path.write_text(text, encoding="utf-8")


def save_png(path: Path, text: str = TEXT) -> None:
    """As SaveImage does."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("prompt", text)
    chunks.add_text("workflow", "{}")
    Image.new("RGB", (16, 16)).save(path, pnginfo=chunks)


def save_webp(path: Path, text: str = TEXT) -> None:
    """As SaveAnimatedWEBP does."""
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{text}"
    exif[0x010F] = "workflow:{}"
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:], exif=exif)


def save_clip(path: Path, text: str = TEXT) -> None:
    """As SaveVideo and SaveWEBM do."""
    write_clip(path, prompt=text, workflow="{}")


def write_clip(path: Path, **metadata: str) -> None:
    """A clip of one frame with these texts."""
    options = {"movflags": "use_metadata_tags"} if path.suffix == ".mp4" and "comment" not in metadata else {}
    with av.open(str(path), "w", options=options) as container:
        container.metadata.update(metadata)
        stream = container.add_stream("h264" if path.suffix == ".mp4" else "libvpx-vp9", rate=8)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for packet in stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")):
            container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


SAVERS = {"w.json": save_json, "w.png": save_png, "w.webp": save_webp, "w.mp4": save_clip, "w.webm": save_clip}


@pytest.mark.parametrize("name", SAVERS)
def test_the_graph_is_found_in_every_kind_of_file_whatever_its_name(name: str, tmp_path: Path) -> None:
    SAVERS[name](tmp_path / name)
    fact = workflow_files.look(tmp_path / name)
    assert (fact.problem, fact.graph) == ("", parse(GRAPH))
    assert fact.size_bytes == (tmp_path / name).stat().st_size
    (tmp_path / name).rename(tmp_path / "4d1f")
    assert workflow_files.load(tmp_path / "4d1f") == parse(GRAPH)


@pytest.mark.parametrize("name", SAVERS)
def test_what_is_in_the_file_is_judged_like_any_graph(name: str, tmp_path: Path) -> None:
    SAVERS[name](tmp_path / name, json.dumps({"1": {"inputs": {}}}))
    fact = workflow_files.look(tmp_path / name)
    assert fact.graph is None and "not a graph in API format" in fact.findings[0].message
    SAVERS[name](tmp_path / name, "{not json")
    assert "not JSON" in workflow_files.look(tmp_path / name).problem


def test_pictures_and_clips_without_a_workflow_say_where_to_get_one(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "plain.png")
    fact = workflow_files.look(tmp_path / "plain.png")
    assert fact.problem == "is a picture without a workflow in it." and "ComfyUI has saved" in fact.cure


@pytest.mark.parametrize("name", ["w.mp4", "w.webm"])
@pytest.mark.parametrize("prompt", [TEXT, GRAPH], ids=["text", "object"])
def test_the_graph_is_found_in_the_comment_of_a_clip_of_video_helper_suite(name: str, prompt: Any, tmp_path: Path) -> None:
    write_clip(tmp_path / name, comment=json.dumps({"prompt": prompt, "workflow": EDITOR}))
    assert workflow_files.load(tmp_path / name) == parse(GRAPH)


def save_webp_of_the_editor(path: Path, text: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = f"workflow:{text}"
    Image.new("RGB", (16, 16)).save(path, exif=exif)


def save_png_of_the_editor(path: Path, text: str) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("workflow", text)
    Image.new("RGB", (16, 16)).save(path, pnginfo=chunks)


EDITOR_SAVERS = {
    "w.json": save_json,
    "w.png": save_png_of_the_editor,
    "w.webp": save_webp_of_the_editor,
    "w.mp4": lambda path, text: write_clip(path, workflow=text),
    "w.webm": lambda path, text: write_clip(path, comment=f'{{"workflow": {text}}}'),
}


@pytest.mark.parametrize("name", EDITOR_SAVERS)
def test_what_holds_only_the_format_of_the_editor_says_so_with_the_cure(name: str, tmp_path: Path) -> None:
    EDITOR_SAVERS[name](tmp_path / name, json.dumps(EDITOR))
    with pytest.raises(Invalid, match=r"It is in ComfyUI's editor format.*choose Workflow > Export \(API\)"):
        workflow_files.load(tmp_path / name)


@pytest.mark.parametrize("comment", ["made with love", "[" * 100_000, "[1]", '{"prompt": null}', '{"other": 1}'])
def test_a_comment_of_another_kind_holds_no_workflow(comment: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "w.webm", comment=comment)
    assert workflow_files.look(tmp_path / "w.webm").problem == "is a clip without a workflow in it."


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks."""
    written = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


HEADER = (b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0))
HOSTILE = {
    "empty": b"",
    "noise": bytes(range(256)) * 20,
    "a PNG cut off": png(HEADER)[:20],
    "a PNG of nothing": png(HEADER, (b"IEND", b"")),
    "a text that unfolds to a gigabyte": png(HEADER, (b"zTXt", b"prompt\0\0" + zlib.compress(b"x" * 2**28)), (b"IDAT", b"")),
    "a million pixels a side": png((b"IHDR", struct.pack(">IIBBBBB", 10**6, 10**6, 8, 2, 0, 0, 0)), (b"IDAT", b"")),
    "a WebP cut off": b"RIFF\x00\x10\x00\x00WEBPVP8X",
    "an MP4 of nothing": b"\x00\x00\x00\x18ftypisom" + b"\x00" * 100,
    "a Matroska of nothing": b"\x1aE\xdf\xa3" + b"\x00" * 100,
    "JSON nested without end": b"[" * 1_000_000,
    "a number without end": b'{"1": ' + b"9" * 100_000 + b"}",
    "half a character": b'{"\xed\xa0\x80": 1}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_a_moment_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_bytes(HOSTILE[name])
    started = time.process_time()
    fact = workflow_files.look(path)
    assert fact.graph is None and ((fact.problem and fact.cure) or fact.findings)
    with pytest.raises(Invalid, match=r"^The workflow graphs/w\.json "):
        workflow_files.load(path, "graphs/w.json")
    assert time.process_time() - started < 5


def test_a_file_of_json_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "w.json").open("wb") as file:
        file.truncate(workflow_files.MAX_JSON_BYTES + 1)
    assert "larger than 32 MiB" in workflow_files.look(tmp_path / "w.json").problem


def test_what_is_no_file_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        workflow_files.load(tmp_path / "none.json")
    with pytest.raises(Invalid, match=r"is a folder\. Name one of the files in it"):
        workflow_files.load(tmp_path)
    with pytest.raises(NotFound, match="cannot be read"):
        workflow_files.load(tmp_path / ("x" * 5000))


def test_a_graph_that_cannot_be_used_is_an_error_with_its_name(tmp_path: Path) -> None:
    save_json(tmp_path / "w.json", json.dumps(workflow_graphs.invalid("cycle")))
    with pytest.raises(Invalid, match=r"The workflow w\.json cannot be used: Nodes are linked in a loop"):
        workflow_files.load(tmp_path / "w.json")
