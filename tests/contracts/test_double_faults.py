"""The double's faults, its witness and its traps: each planned thing goes wrong exactly as planned."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
import requests
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from pipeline.double import DoubleServer, fleet
from pipeline.double.application import LATE_POINT

DEADLINE_S = 20
WORKFLOWS = Path(__file__).parents[2] / "pipeline" / "double" / "workflows"


def tiny(color: int = 1, prefix: str = "tiny/t") -> dict[str, Any]:
    """The smallest job: one picture, saved."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": color}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }


def until(is_so: Callable[[], Any]) -> Any:
    """Wait until something is so; fails at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := is_so()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    return found


def submit(server: DoubleServer, graph: dict[str, Any], **more: Any) -> str:
    """Queue a graph; the answer is its id."""
    answer = requests.post(f"{server.url}/prompt", json={"prompt": graph, **more}, timeout=DEADLINE_S)
    assert answer.status_code == 200, answer.text
    return answer.json()["prompt_id"]


def history(server: DoubleServer, prompt_id: str) -> dict[str, Any]:
    """What the history says of a job now."""
    return requests.get(f"{server.url}/history/{prompt_id}", timeout=DEADLINE_S).json().get(prompt_id, {})


def ended(server: DoubleServer, prompt_id: str) -> dict[str, Any]:
    """The history entry of a job, once it has ended."""
    return until(lambda: history(server, prompt_id))


def file_of(server: DoubleServer, entry: dict[str, Any]) -> bytes:
    """The first file of an ended job, fetched."""
    shown = next(iter(entry["outputs"].values()))["images"][0]
    return requests.get(f"{server.url}/view", params=shown, timeout=DEADLINE_S).content


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DoubleServer]:
    """A running double."""
    with DoubleServer(tmp_path / "home", speed=1e9, controls_faults=True) as running:
        yield running


def outcomes(server: DoubleServer) -> list[str]:
    """What the ledger says, a word a line."""
    return [line.get("outcome", line["event"]) for line in server.ledger.lines()]


def test_a_dropped_request_is_not_carried_out(server: DoubleServer) -> None:
    """The connection ends, and nothing was queued."""
    server.faults.add("drop", route="/prompt")
    with pytest.raises(requests.ConnectionError):
        submit(server, tiny())
    assert server.ledger.lines() == []
    assert ended(server, submit(server, tiny()))["status"]["completed"]


def test_a_request_whose_answer_is_reset_was_carried_out(server: DoubleServer) -> None:
    """The client sees a broken connection; the job runs once."""
    server.faults.add("reset_after", route="/prompt")
    prompt_id = "6e76a4cb-d54e-4398-b6ef-53c3b6662919"
    with pytest.raises(requests.ConnectionError):
        submit(server, tiny(), prompt_id=prompt_id)
    assert ended(server, prompt_id)["status"]["completed"]
    assert outcomes(server) == ["began", "success"]


def test_a_workflow_can_arrive_long_after_its_connection_broke(server: DoubleServer) -> None:
    """Nothing is known of it until its time has come and its gate is open; then it runs, once."""
    server.faults.add("late", route="/prompt", seconds=0.01)
    late, other = "6e76a4cb-d54e-4398-b6ef-53c3b6662919", "6e76a4cb-d54e-4398-b6ef-53c3b6662920"
    with server.gates.held(*LATE_POINT) as gate:
        with pytest.raises(requests.ConnectionError):
            submit(server, tiny(), prompt_id=late)
        assert gate.reached.wait(DEADLINE_S)
        assert ended(server, submit(server, tiny(2), prompt_id=other))["status"]["completed"]
        assert history(server, late) == {} and server.faults.taken == ["late"]
    assert ended(server, late)["status"]["completed"]
    assert [line["prompt_id"] for line in server.ledger.lines() if line["event"] == "began"] == [other, late]


def test_a_workflow_that_is_on_its_way_to_a_server_that_ends_is_lost(server: DoubleServer) -> None:
    """The next life knows nothing of it."""
    server.faults.add("late", route="/prompt", seconds=0)
    with server.gates.held(*LATE_POINT) as gate:
        with pytest.raises(requests.ConnectionError):
            submit(server, tiny())
        assert gate.reached.wait(DEADLINE_S)
        server.restart()
    assert ended(server, submit(server, tiny()))["status"]["completed"]
    assert outcomes(server) == ["began", "success"]


def test_answers_can_be_wrong_in_every_way(server: DoubleServer) -> None:
    """A status, garbage, another shape, a huge body; afterwards all is well again."""
    url = f"{server.url}/queue"
    server.faults.add("status", route="/queue", status=503)
    assert requests.get(url, timeout=DEADLINE_S).status_code == 503
    server.faults.add("garbage", route="/queue")
    with pytest.raises(ValueError):
        requests.get(url, timeout=DEADLINE_S).json()
    server.faults.add("wrong_types", route="/queue")
    assert isinstance(requests.get(url, timeout=DEADLINE_S).json(), list)
    server.faults.add("huge", route="/queue", size_bytes=3_000_000)
    assert len(requests.get(url, timeout=DEADLINE_S).content) >= 3_000_000
    assert requests.get(url, timeout=DEADLINE_S).json() == {"queue_running": [], "queue_pending": []}
    assert server.faults.taken == ["status", "garbage", "wrong_types", "huge"]


def test_answers_can_be_late_and_slow(server: DoubleServer) -> None:
    """A stall and a dripping body, each of which a client's time limit meets."""
    server.faults.add("stall", route="/prompt", seconds=5)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}/prompt", timeout=0.2)
    server.faults.add("drip", route="/prompt", seconds=0.4)
    began = time.monotonic()
    assert requests.get(f"{server.url}/prompt", timeout=DEADLINE_S).json() == {"exec_info": {"queue_remaining": 0}}
    assert time.monotonic() - began >= 0.3


def test_a_fault_with_a_probability_is_thrown_by_its_own_seed(tmp_path: Path) -> None:
    """The same seed, the same misfortunes."""

    def statuses(home: Path) -> list[int]:
        with DoubleServer(home) as server:
            server.faults.add("status", times=100, probability=0.5, seed=7)
            return [requests.get(f"{server.url}/prompt", timeout=DEADLINE_S).status_code for _ in range(12)]

    first = statuses(tmp_path / "one")
    assert first == statuses(tmp_path / "two")
    assert {200, 500} == set(first)


@pytest.mark.parametrize(
    ("point", "began"), [("before_accept", {0}), ("after_accept", {0, 1}), ("mid_job", {1}), ("after_job", {1})]
)
def test_a_server_killed_at_a_point_has_lost_the_job(server: DoubleServer, point: str, began: set[int]) -> None:
    """Connections are refused afterwards; a new life knows nothing, and only the ledger has seen the job."""
    server.faults.add("kill", point=point)
    prompt_id = "6e76a4cb-d54e-4398-b6ef-53c3b6662919"
    try:
        submit(server, tiny(), prompt_id=prompt_id)
    except requests.ConnectionError:
        server.faults.taken.append("refused")
    until(lambda: not is_up(server))
    server.restart()
    assert history(server, prompt_id) == {}
    assert len(outcomes(server)) in began
    assert set(outcomes(server)) <= {"began"}
    assert "refused" in server.faults.taken or "accept" not in point


def is_up(server: DoubleServer) -> bool:
    """Whether it answers."""
    try:
        return requests.get(f"{server.url}/prompt", timeout=DEADLINE_S).ok
    except requests.ConnectionError:
        return False


def test_a_kill_in_the_middle_leaves_no_file_and_resets_the_sockets(server: DoubleServer) -> None:
    """The running job vanishes; the port stays the same; the number counter starts again at 0."""
    url = server.url
    with server.gates.held("EmptyImage") as gate, connect(f"{url.replace('http', 'ws')}/ws?clientId=a") as socket:
        socket.recv(timeout=DEADLINE_S)
        submit(server, tiny(), client_id="a")
        until(gate.reached.is_set)
        server.kill()
        with pytest.raises(ConnectionClosed):
            while True:
                socket.recv(timeout=DEADLINE_S)
    server.start()
    assert server.url == url
    assert list((server.setup.home / "output").rglob("*.png")) == []
    answer = requests.post(f"{url}/prompt", json={"prompt": tiny()}, timeout=DEADLINE_S).json()
    assert answer["number"] == 0


def test_history_can_be_lost(server: DoubleServer) -> None:
    """The job ran, its file is there, and nobody tells."""
    server.faults.add("lose_history")
    prompt_id = submit(server, tiny())
    until(lambda: outcomes(server) == ["began", "success"])
    assert history(server, prompt_id) == {}
    assert list((server.setup.home / "output" / "tiny").iterdir())


@pytest.mark.parametrize(("form", "running"), [("a", 0), ("b", 1)])
def test_a_dead_worker_goes_on_answering(server: DoubleServer, form: str, running: int) -> None:
    """200 everywhere, and no job runs any more; only a restart helps."""
    server.faults.add("dead_worker", form=form)
    submit(server, tiny())
    until(lambda: not server.is_working)
    submit(server, tiny(2))
    queue = requests.get(f"{server.url}/queue", timeout=DEADLINE_S).json()
    assert (len(queue["queue_running"]), len(queue["queue_pending"])) == (running, 1)
    server.restart()
    assert ended(server, submit(server, tiny(3)))["status"]["completed"]


@pytest.mark.parametrize(("gpu", "kind"), [("", "RuntimeError"), ("NVIDIA L40S", "torch.OutOfMemoryError")])
def test_a_server_without_memory_says_so_in_its_own_words(tmp_path: Path, gpu: str, kind: str) -> None:
    """The error of a card, or of the allocator."""
    with DoubleServer(tmp_path, gpu_name=gpu) as server:
        server.faults.add("out_of_memory")
        messages = ended(server, submit(server, tiny()))["status"]["messages"]
        assert messages[-1][0] == "execution_error"
        assert messages[-1][1]["exception_type"] == kind


def test_output_files_can_be_spoiled(server: DoubleServer) -> None:
    """Cut short, or wrong inside, while everything else says success."""
    good = file_of(server, ended(server, submit(server, tiny(prefix="a"))))
    server.faults.add("truncate_output")
    short = file_of(server, ended(server, submit(server, tiny(prefix="b"))))
    server.faults.add("corrupt_output")
    wrong = file_of(server, ended(server, submit(server, tiny(prefix="c"))))
    assert len(short) == len(good) // 2
    assert len(wrong) == len(good)
    assert wrong != good


@pytest.mark.parametrize("kind", ["silent_socket", "half_open_socket"])
def test_a_deaf_socket_stays_open(server: DoubleServer, kind: str) -> None:
    """A job runs to its end and the socket says nothing of it."""
    server.faults.add(kind)
    with connect(f"{server.url.replace('http', 'ws')}/ws?clientId=a", ping_interval=None, close_timeout=0.1) as socket:
        first = json.loads(socket.recv(timeout=DEADLINE_S)) if kind == "half_open_socket" else {"type": "status"}
        ended(server, submit(server, tiny(), client_id="a"))
        assert first["type"] == "status"
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.1)


def test_the_same_seed_makes_the_same_film_and_another_seed_another_one(tmp_path: Path) -> None:
    """The demo workflow makes moving pictures of the asked size, from the start image on."""
    graph = json.loads((WORKFLOWS / "image_to_video.json").read_text())
    graph["5"]["inputs"] |= {"width": 128, "height": 96, "frames": 10, "steps": 2}
    films = []
    for number, seed in enumerate((1, 1, 2)):
        with DoubleServer(tmp_path / str(number), speed=1e9) as server:
            Image.radial_gradient("L").convert("RGB").save(server.setup.home / "input" / "example.png")
            graph["5"]["inputs"]["seed"] = seed
            entry = ended(server, submit(server, graph))
            assert entry["status"]["completed"], entry["status"]["messages"][-1]
            films.append(file_of(server, entry))
    assert films[0] == films[1] != films[2]
    path = tmp_path / "film.mp4"
    path.write_bytes(films[0])
    with av.open(str(path)) as opened:
        frames = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert len(frames) == 10
    assert frames[0].shape == (96, 128, 3)
    assert abs(frames[0].astype(int) - frames[9]).mean() > 1


def test_the_demo_still_is_made_from_the_source_image(tmp_path: Path) -> None:
    """A PNG of exactly the asked size, with progress told step by step."""
    graph = json.loads((WORKFLOWS / "image_to_image.json").read_text())
    graph["5"]["inputs"] |= {"width": 96, "height": 128, "steps": 3}
    with DoubleServer(tmp_path / "home", speed=1e9, previews="auto") as server:
        Image.radial_gradient("L").convert("RGB").save(server.setup.home / "input" / "example.png")
        with connect(f"{server.url.replace('http', 'ws')}/ws?clientId=a") as socket:
            prompt_id = submit(server, graph, client_id="a")
            steps = []
            while (message := socket.recv(timeout=DEADLINE_S)) and not is_end(message):
                if isinstance(message, str) and json.loads(message)["type"] == "progress":
                    steps.append(json.loads(message)["data"]["value"])
        path = tmp_path / "still.png"
        path.write_bytes(file_of(server, ended(server, prompt_id)))
    assert steps == [1, 2, 3]
    with Image.open(path) as still:
        assert still.size == (96, 128)


def is_end(message: Any) -> bool:
    """Whether this is the last message of a job."""
    return (
        isinstance(message, str)
        and json.loads(message) | {"data": {}} == {"type": "executing", "data": {}}
        and (json.loads(message)["data"]["node"] is None)
    )


def test_a_model_is_loaded_once_and_forgotten_on_demand(tmp_path: Path) -> None:
    """The card fills, and /free empties it."""
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "stripboard_motion.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "x", "clip": ["1", 1]}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
    }
    with DoubleServer(tmp_path, gpu_name="NVIDIA L40S", vram_gb=48, model_load_s=0.2) as server:

        def free_bytes() -> int:
            device = requests.get(f"{server.url}/system_stats", timeout=DEADLINE_S).json()["devices"][0]
            assert device["name"].startswith("cuda:0 NVIDIA L40S")
            return device["vram_free"]

        empty = free_bytes()
        began = time.monotonic()
        ended(server, submit(server, graph))
        assert time.monotonic() - began >= 0.2
        assert free_bytes() < empty
        requests.post(f"{server.url}/free", json={"unload_models": True}, timeout=DEADLINE_S)
        until(lambda: free_bytes() == empty)


def test_a_fleet_of_instant_servers_runs_in_one_process(tmp_path: Path) -> None:
    """Thirty servers, ninety jobs, files of the asked size that cost nothing."""
    graph = json.loads((WORKFLOWS / "image_to_video.json").read_text())
    servers = fleet(tmp_path, 30, is_instant=True)
    try:
        jobs = []
        for number, server in enumerate(servers):
            Image.new("RGB", (8, 8)).save(server.setup.home / "input" / "example.png")
            for job in range(3):
                graph["5"]["inputs"]["seed"] = 3 * number + job
                graph["7"]["inputs"]["filename_prefix"] = f"jobs/{number}-{job}"
                jobs.append((server, submit(server, graph)))
        for server, prompt_id in jobs:
            assert ended(server, prompt_id)["status"]["completed"]
        assert all(outcomes(server) == ["began", "success"] * 3 for server in servers)
    finally:
        for server in servers:
            server.stop()


def test_an_ordinary_sampler_graph_makes_a_picture(server: DoubleServer) -> None:
    """Load, encode, sample, decode, save: no node of it is the double's own."""
    Image.radial_gradient("L").convert("RGB").save(server.setup.home / "input" / "a.png")
    sampler = {"seed": 5, "steps": 2, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 0.7}
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "stripboard_still.safetensors"}},
        "2": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "dusk", "clip": ["1", 1]}},
        "4": {"class_type": "VAEEncode", "inputs": {"pixels": ["2", 0], "vae": ["1", 2]}},
        "5": {
            "class_type": "KSampler",
            "inputs": {"model": ["1", 0], "positive": ["3", 0], "negative": ["3", 0], "latent_image": ["4", 0], **sampler},
        },
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "p"}},
    }
    entry = ended(server, submit(server, graph))
    assert entry["status"]["completed"], entry["status"]["messages"][-1]
    with Image.open(io.BytesIO(file_of(server, entry))) as picture:
        assert picture.size == (256, 256)
