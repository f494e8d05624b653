"""The backend `comfyui` against doubles of both recorded versions: what comes out, and what is said on the way."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.adapters.backends.comfyui.looking import canary, free, look, object_info
from pipeline.adapters.media.images import open_image, probe_image
from pipeline.adapters.media.video import probe, read_frames
from pipeline.adapters.storage.workspace import Spool
from pipeline.domain.errors import Invalid, Unavailable
from pipeline.domain.work import InputFile, UpdateState
from pipeline.double import DoubleServer
from tests.comfyui import ENDS, STILL_GRAPH, Watched, eventually, segment_request, still_request
from tests.comfyui_fixtures import server_of_each_release, watched_backend
from tests.media_factories import character

server = server_of_each_release
house = watched_backend


@pytest.fixture
def newest(tmp_path: Path) -> Iterator[DoubleServer]:
    with DoubleServer(tmp_path / "server", is_instant=True) as started:
        yield started


@pytest.fixture
def start(tmp_path: Path) -> InputFile:
    return replace(character(tmp_path, "Mara", 64), role="start")


def executions(server: DoubleServer, attempt_id: str) -> int:
    """How often the server really ran the attempt."""
    return sum(line["event"] == "began" and line["prompt_id"] == attempt_id for line in server.ledger.lines())


def test_a_still_comes_back_clean_and_of_the_asked_size(server: DoubleServer, house: Watched) -> None:
    request = still_request(server.url)
    update = house.performed(request)
    assert update.state == UpdateState.DONE, update
    assert update.result is not None
    [still] = update.result.outputs
    assert (still.role, still.media_type, still.facts) == ("still", "image/png", {"width": 64, "height": 48})
    assert b"ImageAddNoise" not in house.path(still.sha256).read_bytes(), "the graph must not travel with the picture"
    assert 0 <= update.result.seconds < 60
    assert executions(server, request.attempt_id) == 1


@pytest.mark.parametrize("end", list(ENDS))
def test_a_segment_is_h264_whatever_the_server_saves(server: DoubleServer, house: Watched, start: InputFile, end: str) -> None:
    update = house.performed(segment_request(server.url, start, end))
    assert update.state == UpdateState.DONE, update
    assert update.result is not None
    segment, last = update.result.files("segment")[0], update.result.files("last_frame")[0]
    facts = probe(house.path(segment.sha256), count=True)
    assert (facts["frames"], facts["fps"], facts["width"], facts["height"], facts["codec"]) == (12, 25.0, 64, 48, "h264")
    *_, final = read_frames(house.path(segment.sha256))
    assert (open_image(house.path(last.sha256)) == final).all()


def test_a_picture_is_sent_once_under_the_name_of_its_content(newest: DoubleServer, house: Watched, start: InputFile) -> None:
    for seed in (1, 2):
        assert house.performed(segment_request(newest.url, start, seed=seed)).state == UpdateState.DONE
    [stored] = list((tmp := newest.setup.home).rglob(f"{start.sha256}.png"))
    assert stored.read_bytes() == Path(start.path).read_bytes()
    stored.write_bytes(b"somebody has overwritten it")
    life = newest.restart().life
    assert life is not None
    eventually(lambda: bool(life.sockets.open))  # the loss of the old connection has been noticed
    assert house.performed(segment_request(newest.url, start, seed=3)).state == UpdateState.DONE
    assert len(list(tmp.rglob(f"{start.sha256}*"))) == 1


def test_every_attempt_saves_below_a_folder_of_its_own_so_the_cache_gives_no_old_names(
    newest: DoubleServer, house: Watched
) -> None:
    first, second = (still_request(newest.url) for _ in range(2))
    made = [house.performed(request).result for request in (first, second)]
    assert made[0] is not None and made[1] is not None
    assert made[0].outputs == made[1].outputs
    folders = {path.parent.name for path in newest.setup.home.rglob("out_*.png")}
    assert folders == {first.attempt_id, second.attempt_id}


def test_progress_names_the_running_node_and_waiting_does_not_count_as_begun(newest: DoubleServer, house: Watched) -> None:
    first, second = still_request(newest.url), still_request(newest.url, seed=6)
    with newest.gates.held("ImageAddNoise") as gate:
        house.backend.submit(first)
        assert gate.reached.wait(60)
        update = house.wait(first, lambda update: update.note == "ImageAddNoise" and update.progress > 0)
        assert update.progress == pytest.approx(1 / 3)
        assert update.has_begun
        house.backend.submit(second)
        update = house.wait(second, lambda update: update.note == "waits for gpu-1")
        assert not update.has_begun
        gate.open()
        assert house.wait(first).state == UpdateState.DONE
    assert house.wait(second).state == UpdateState.DONE


def test_the_newest_preview_is_kept_as_a_small_picture_while_somebody_looks(newest: DoubleServer, house: Watched) -> None:
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "stripboard_still.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "dusk", "clip": ["1", 1]}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 48, "batch_size": 1}},
        "4": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0], "seed": 1,
                "steps": 5, "cfg": 3.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0,
            },
        },
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "x"}},
    }  # fmt: skip
    request = still_request(newest.url, graph=graph)
    spool = Spool(house.home / "spool", house.home / "media")
    preview = spool.attempt_folder(request.attempt_id) / "preview.jpg"
    with newest.gates.held("KSampler", "step 2") as nobody_looks, newest.gates.held("KSampler", "step 4") as gate:
        house.backend.submit(request)
        assert nobody_looks.reached.wait(60)
        assert house.wait(request, lambda update: update.note.startswith("KSampler ")).note.endswith(" of 5")
        assert spool.newest_preview(request.attempt_id) is None and not preview.exists()
        nobody_looks.open()
        assert gate.reached.wait(60)
        eventually(preview.is_file)
        assert spool.newest_preview(request.attempt_id) == preview.read_bytes()
        facts = probe_image(preview)
        assert facts.format == "JPEG"
        assert max(facts.width, facts.height) <= 512
        gate.open()
        assert house.wait(request).state == UpdateState.DONE


def test_an_attempt_without_a_place_or_with_a_strange_one_is_refused(house: Watched) -> None:
    with pytest.raises(Invalid):
        house.backend.submit(replace(still_request("http://127.0.0.1:1"), place=None))
    for url in ("file:///etc/passwd", "ftp://a", "http://", "http://user:secret@host", "http://a b", "gpu-1:8188"):
        with pytest.raises(Invalid):
            house.backend.submit(still_request(url))


@pytest.mark.parametrize(
    "workflow",
    [
        None,
        {},
        {"graph": {}},
        {"graph": {"1": {"inputs": {}}}},
        {"graph": {"1": "node"}},
        {"kind": "still", "graph": STILL_GRAPH, "bindings": [7], "outputs": []},
    ],
)
def test_a_workflow_that_cannot_be_sent_is_bad_input_and_nothing_is_sent(
    newest: DoubleServer, house: Watched, workflow: object
) -> None:
    request = still_request(newest.url)
    request = replace(request, parameters={**request.parameters, "workflow": workflow})
    update = house.performed(request)
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "bad_input")
    assert executions(newest, request.attempt_id) == 0


def test_a_wrong_size_is_not_taken_in(newest: DoubleServer, house: Watched) -> None:
    update = house.performed(still_request(newest.url, graph=STILL_GRAPH))
    assert update.failure_class == "corrupt_output"
    assert "64x48" in update.reason


@pytest.mark.parametrize("end", ["mp4", "webm", "webp", "png"])
def test_a_segment_of_another_length_is_not_taken_in(newest: DoubleServer, house: Watched, start: InputFile, end: str) -> None:
    request = segment_request(newest.url, start, end)
    request.parameters["workflow"]["bindings"][3] |= {"slot": "custom:wrong"}
    request.parameters["wrong"] = 7  # type: ignore[index]
    update = house.performed(request)
    assert (update.state, update.failure_class) == (UpdateState.FAILED, "corrupt_output"), update


def test_a_server_tells_how_it_stands(server: DoubleServer) -> None:
    stand = look(server.url)
    assert stand.version == server.setup.version
    assert (stand.running, stand.pending) == (0, 0)
    assert stand.devices
    assert "KSampler" in object_info(server.url)
    assert canary(server.url) < 10
    free(server.url)


def test_a_server_that_is_away_or_busy_says_so(newest: DoubleServer, house: Watched) -> None:
    with newest.gates.held("ImageAddNoise") as gate:
        house.backend.submit(request := still_request(newest.url))
        assert gate.reached.wait(60)
        with pytest.raises(Unavailable):
            canary(newest.url, timeout_s=0.5)
        gate.open()
        assert house.wait(request).state == UpdateState.DONE
    newest.stop()
    with pytest.raises(Unavailable):
        look(newest.url)
    with pytest.raises(Invalid):
        look("gopher://x")


@pytest.mark.parametrize("end", ["mp4", "webm", "webp", "png"])
def test_of_a_clip_that_can_only_be_longer_the_first_frames_are_kept(
    newest: DoubleServer, house: Watched, start: InputFile, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The node makes 1, 6, 11, 16 frames; 12 are wanted."""
    assert newest.life is not None
    schema = copy.deepcopy(newest.life.catalog.schema("RepeatImageBatch")) or {}
    schema["input"]["required"]["amount"][1] |= {"min": 1, "step": 5}
    monkeypatch.setitem(newest.life.catalog._schemas, "RepeatImageBatch", schema)
    update = house.performed(segment_request(newest.url, start, end))
    assert update.state == UpdateState.DONE and update.result is not None, update
    assert update.result.outputs[0].facts["frames"] == 12
    [line] = [line for line in newest.ledger.lines() if line["event"] == "ended"]
    assert line["outcome"] == "success"
    [job] = newest.life.queue.history.values()
    assert job["prompt"][2]["3"]["inputs"]["amount"] == 16
