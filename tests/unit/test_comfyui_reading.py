"""What is read out of a server's messages and answers: progress, queue, history, and why a job failed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.backends.comfyui.answers import Garbled, MadeFile, parse_history, parse_queue
from pipeline.adapters.backends.comfyui.failures import execution_failure, node_faults, refusal, shown
from pipeline.adapters.backends.comfyui.files import chosen
from pipeline.adapters.backends.comfyui.job import Job
from pipeline.adapters.backends.comfyui.messages import Executing, NodeState, Preview, States, Step, Unread, parse, states_of
from pipeline.adapters.backends.comfyui.progress import Progress, reachable
from pipeline.adapters.backends.comfyui.server import version_numbers
from pipeline.domain.errors import WorkFailed
from pipeline.domain.work import Place
from tests.comfyui import new_request

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KINDS = ["execution_start", "execution_cached", "progress_state", "progress", "executing", "execution_success", "status"]
NAMES = [
    "prompt_id",
    "nodes",
    "node",
    "value",
    "max",
    "outputs",
    "status",
    "messages",
    "queue_running",
    "queue_pending",
    "images",
]
NAMED = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6)
GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    "2": {"class_type": "KSampler", "inputs": {"latent": ["1", 0], "seed": 1}},
    "3": {"class_type": "SaveVideo", "inputs": {"images": ["2", 0]}},
    "9": {"class_type": "Note", "inputs": {}},
}


def running(node: str, value: float = 0, maximum: float = 1, **more: Any) -> NodeState:
    """A node at work."""
    return NodeState(node, value, maximum, is_finished=False, **more)


def finished(node: str) -> NodeState:
    """A node that is done."""
    return NodeState(node, 1, 1, is_finished=True)


def preview(picture: bytes = b"jpeg", **metadata: Any) -> bytes:
    """A binary frame of type 4."""
    words = json.dumps(metadata).encode()
    return (4).to_bytes(4) + len(words).to_bytes(4) + words + picture


@given(st.sampled_from(KINDS), JSON | NAMED)
def test_no_message_of_whatever_shape_breaks_the_reading_of_it(kind: str, data: Any) -> None:
    message = parse(json.dumps({"type": kind, "data": data}))
    progress = Progress(GRAPH)
    message = states_of(message) if isinstance(message, Unread) else message
    if message is not None and hasattr(message, "nodes") and all(isinstance(node, NodeState) for node in message.nodes):
        progress.replace(message.nodes)
    if isinstance(message, Step):
        progress.step(message.node, message.value, message.maximum)
    assert 0 <= progress.fraction <= 1


@given(st.text() | st.binary())
def test_no_frame_of_whatever_bytes_breaks_the_reading_of_it(frame: str | bytes) -> None:
    message = parse(frame)
    assert message is None or message.job


@given(JSON | NAMED)
def test_answers_of_whatever_shape_are_read_or_called_garbled(data: Any) -> None:
    for read in (parse_queue, lambda whole: parse_history(whole, "job"), lambda whole: parse_history({"job": whole}, "job")):
        try:
            read(data)
        except Garbled as error:
            assert str(error)


@given(st.integers(200, 599), JSON | st.fixed_dictionaries({"error": NAMED | JSON, "node_errors": NAMED | JSON}))
def test_every_refusal_has_a_class_and_a_short_reason(status: int, data: Any) -> None:
    failure = refusal(status, data)
    assert failure.failure_class
    assert 0 < len(failure.reason) < 1200


JOB = "a8ebe36a-80a1-4756-b513-ae5ba36f07cd"


def states(*nodes: tuple[str, float, str], job: str = JOB) -> str:
    """A frame with the states of all nodes: (node, value of 10, state)."""
    told = {node: {"value": value, "max": 10.0, "state": state, "node_id": node} for node, value, state in nodes}
    return json.dumps({"type": "progress_state", "data": {"prompt_id": job, "nodes": told}})


def test_states_of_nodes_are_put_off_and_say_the_same_later() -> None:
    message = parse(states(("2", 3, "running")))
    assert isinstance(message, Unread) and message.job == JOB
    assert states_of(message) == States(JOB, (running("2", 3, 10),))


@given(JSON | NAMED, st.text(max_size=5))
def test_states_of_whatever_shape_are_read_or_left(nodes: Any, after: str) -> None:
    frame = json.dumps({"type": "progress_state", "data": {"prompt_id": JOB, "nodes": nodes}}) + after
    message = parse(frame)
    assert isinstance(message, Unread)
    read = states_of(message)
    assert read is None or read.job == JOB


def test_states_that_name_another_job_further_on_count_for_none() -> None:
    frame = states(("2", 3, "running")).replace('"nodes"', '"nodes": {}, "prompt_id": "another", "nodes"', 1)
    message = parse(frame)
    assert isinstance(message, Unread) and states_of(message) is None


def test_of_many_states_the_newest_is_read_after_a_moment() -> None:
    workflow = {"graph": GRAPH, "outputs": ["3"]}
    job = Job(new_request("scene_generation", "http://a", (), {"workflow": workflow}), Place("gpu-1", "http://a"))

    async def play() -> None:
        for value in range(1, 6):
            message = parse(states(("1", 10, "finished"), ("2", value, "running")))
            assert message is not None
            job.hear(message)
        assert (job.has_begun, job.update().progress) == (True, 0.0)
        async with asyncio.timeout(10):
            while not job.update().progress:
                await asyncio.sleep(0.01)

    asyncio.run(play())
    assert (job.update().progress, job.update().note) == (pytest.approx(1.5 / 3), "KSampler 5 of 10")


def test_the_end_of_a_job_is_told_by_an_executing_without_a_node() -> None:
    assert parse('{"type": "executing", "data": {"node": null, "prompt_id": "a"}}') == Executing("a", "")
    assert parse('{"type": "executing", "data": {"prompt_id": "a"}}') is None
    assert parse('{"type": "executing", "data": {"node": "1"}}') is None


def test_only_previews_that_name_their_job_are_taken() -> None:
    assert parse(preview(prompt_id="a")) == Preview("a", b"jpeg")
    assert parse(preview()) is None
    assert parse((1).to_bytes(4) + (1).to_bytes(4) + b"jpeg") is None
    assert parse((4).to_bytes(4) + (1 << 31).to_bytes(4) + b"{}") is None


def test_progress_counts_only_the_nodes_that_the_outputs_need() -> None:
    assert reachable(GRAPH, ["3"]) == {"1", "2", "3"}
    progress = Progress(GRAPH, ["3"])
    progress.cache(["1", "9"])
    assert progress.fraction == pytest.approx(1 / 3)
    progress.replace([running("2", 15, 30)])
    assert progress.fraction == pytest.approx(1.5 / 3)
    assert progress.note == "KSampler 15 of 30"
    progress.replace([finished("2"), running("3")])
    assert (progress.fraction, progress.note) == (pytest.approx(2 / 3), "SaveVideo")


def test_progress_never_falls() -> None:
    progress = Progress(GRAPH, ["3"])
    progress.replace([finished("1"), running("2", 29, 30)])
    before = progress.fraction
    progress.replace([finished("1"), running("2", 1, 30)])
    assert progress.fraction == before


def test_a_node_made_at_run_time_counts_for_the_one_that_made_it() -> None:
    progress = Progress(GRAPH, ["3"])
    progress.replace([running("2.0.7", 3, 6, parent="2")])
    assert progress.fraction == pytest.approx(0.5 / 3)
    assert progress.note == "KSampler 3 of 6"


def test_a_cycle_in_a_graph_is_walked_once() -> None:
    graph = {"1": {"inputs": {"a": ["2", 0]}}, "2": {"inputs": {"a": ["1", 0]}}}
    assert reachable(graph, ["1"]) == {"1", "2"}


def test_history_is_empty_while_a_job_is_unknown() -> None:
    assert parse_history({}, "job") is None


def test_an_entry_of_another_job_is_not_taken_for_ours() -> None:
    with pytest.raises(Garbled):
        parse_history({"other": {}}, "job")


def test_a_history_that_says_neither_success_nor_error_is_no_success() -> None:
    with pytest.raises(Garbled):
        parse_history({"job": {"status": {"status_str": "well"}, "outputs": {}}}, "job")


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("cannot open /home/ann/models/x.safetensors now", "/home"),
        ("cannot open C:\\Users\\Ann\\x.safetensors now", "Users"),
        ("cannot open \\\\nas\\share\\x.bin now", "nas"),
        ("see file:///etc/passwd now", "etc"),
        ("see http://10.0.0.3:8188/view now", "10.0.0.3"),
        ("cannot open ~/models/x.bin now", "models"),
        ("cannot open ../secret/x.bin now", "secret"),
        ("cannot open '/Users/Ann Lee/x.bin' now", "Lee"),
        ('it failed Traceback (most recent call last):\n File "/a/b.py", line 3', "b.py"),
        ("a\x1b[31mred\x00\x07", "\x1b"),
    ],
)
def test_what_a_server_said_is_shown_without_its_paths_and_traces(said: str, gone: str) -> None:
    assert gone not in shown(said)
    assert shown(said)


@given(st.text(max_size=3000))
def test_what_is_shown_is_one_short_printable_line(said: str) -> None:
    line = shown(said)
    assert len(line) <= 240
    assert line.isprintable()


def test_ordinary_words_are_shown_as_they_are() -> None:
    said = "Value 7.5 bigger than max of 1.0, and/or 3/4 of it"
    assert shown(said) == said


@pytest.mark.parametrize(
    ("error", "failure_class"),
    [
        ({"exception_type": "torch.OutOfMemoryError", "exception_message": "Allocation on device 0"}, "out_of_memory"),
        ({"exception_type": "RuntimeError", "exception_message": "CUDA out of memory. Tried"}, "out_of_memory"),
        ({"exception_type": "RuntimeError", "exception_message": "DefaultCPUAllocator: can't allocate memory"}, "out_of_memory"),
        ({"exception_type": "FileNotFoundError", "exception_message": "No such file or directory: '/m/x'"}, "backend_error"),
        ({"exception_type": "ValueError", "exception_message": "bad"}, "backend_error"),
        ({}, "backend_error"),
    ],
)
def test_a_failure_while_running_gets_its_class(error: dict[str, Any], failure_class: str) -> None:
    failure = execution_failure({"node_type": "KSampler", **error})
    assert failure.failure_class == failure_class
    assert "KSampler" in failure.reason


@pytest.mark.parametrize(
    ("node", "failure_class"),
    [
        ("CheckpointLoaderSimple", "missing_model"),
        ("WanVideoModelLoader", "missing_model"),
        ("LoadWanVideoT5TextEncoder", "missing_model"),
        ("LoadImage", "backend_error"),
        ("VHS_LoadVideo", "backend_error"),
        ("SaveVideo", "backend_error"),
        ("UnloadModels", "backend_error"),
        ("", "backend_error"),
    ],
)
def test_a_file_that_is_not_there_is_a_missing_model_only_where_models_are_loaded(node: str, failure_class: str) -> None:
    said = {"exception_type": "FileNotFoundError", "exception_message": "[Errno 2] No such file or directory: '/m/x'"}
    failure = execution_failure({"node_type": node, **said})
    assert failure.failure_class == failure_class
    assert failure.lost_upload == (node in ("LoadImage", "VHS_LoadVideo"))


def test_a_picture_that_the_server_does_not_find_is_to_be_sent_again() -> None:
    fault = {
        "type": "custom_validation_failed",
        "message": "Custom validation failed",
        "details": "image - Invalid image file: x",
    }
    failure = node_faults({"1": {"errors": [fault], "class_type": "LoadImage"}})
    assert failure.lost_upload
    assert failure.failure_class == "backend_error"


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.3.64", (0, 3, 64)), ("v0.33.0", (0, 33, 0)), ("", (0,)), ("new", (0,)), ("1" * 5000, (111111,))],
)
def test_versions_are_compared_by_number(version: str, numbers: tuple[int, ...]) -> None:
    assert version_numbers(version) == numbers


def made(name: str, node: str = "7", kind: str = "output") -> MadeFile:
    """A file on a server."""
    return MadeFile(node, name, "", kind)


@pytest.mark.parametrize(
    ("names", "stage", "taken"),
    [
        (["a.png", "b.png"], "variant_generation", ["a.png"]),
        (["poster.png", "clip.mp4"], "scene_generation", ["clip.mp4"]),
        (["clip.webp"], "scene_generation", ["clip.webp"]),
        (["1.png", "2.png", "3.png"], "scene_generation", ["1.png", "2.png", "3.png"]),
        (["clip.WEBM", "x.latent"], "scene_generation", ["clip.WEBM"]),
    ],
)
def test_the_files_that_hold_the_result_are_chosen(names: list[str], stage: str, taken: list[str]) -> None:
    found = chosen([made(name) for name in names], nodes=(), stage=stage, frames=3)
    assert [file.filename for file in found] == taken


def test_only_files_of_the_workflows_own_outputs_count_the_first_one_first() -> None:
    files = [made("a.png", "1"), made("b.png", "2"), made("c.png", "3")]
    assert chosen(files, nodes=("3", "2"), stage="variant_generation", frames=1) == [files[2]]


@pytest.mark.parametrize(
    ("files", "failure_class"),
    [
        ([], "corrupt_output"),
        ([made("x.latent")], "corrupt_output"),
        ([made("x.png", kind="temp")], "bad_input"),
        ([made("../../etc/passwd")], "corrupt_output"),
        ([made(f"{number}.png") for number in range(40)], "corrupt_output"),
    ],
)
def test_a_result_without_a_file_of_use_is_a_failure(files: list[MadeFile], failure_class: str) -> None:
    with pytest.raises(WorkFailed) as failure:
        chosen(files, nodes=(), stage="scene_generation", frames=3)
    assert failure.value.failure_class == failure_class
