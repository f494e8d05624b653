"""Recorded traffic of two versions of ComfyUI, read by the client: nothing breaks it, and its conclusions are right."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.backends.comfyui.answers import parse_history, parse_queue
from pipeline.adapters.backends.comfyui.failures import execution_failure, node_faults, refusal
from pipeline.adapters.backends.comfyui.messages import (
    Cached,
    Executing,
    Message,
    Preview,
    States,
    Step,
    Unread,
    parse,
    states_of,
)
from pipeline.adapters.backends.comfyui.progress import Progress

DATA = Path(__file__).parents[1] / "data" / "comfyui"
BOTH = ["0.3.64", "0.33.0"]


@cache
def recordings() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What the client side of every scenario saw, by version and name."""
    found = {}
    for version in BOTH:
        whole = json.loads(gzip.decompress((DATA / f"traffic_{version}.json.gz").read_bytes()))
        found |= {(version, name): list(seen(scenario["events"])) for name, scenario in whole.items()}
    return found


def seen(recorded: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the socket said, the graphs that were sent, and every answer; no more than a client is told."""
    for event in recorded:
        match event["channel"], event["direction"]:
            case "ws", "in":
                yield {"said": event.get("body")}
            case "http", "request" if (event["method"], event["path"]) == ("POST", "/prompt"):
                yield {"sent": event.get("body")}
            case "http", "response":
                yield event


SCENARIOS = sorted(recordings())


def events(version: str, scenario: str) -> list[dict[str, Any]]:
    """The events of the scenario whose name begins so."""
    [found] = [value for key, value in recordings().items() if key[0] == version and key[1].startswith(scenario)]
    return found


def heard(recorded: list[dict[str, Any]]) -> Iterator[Message]:
    """What the socket said, as messages; binary frames are made up from their recorded head."""
    for event in recorded:
        said = event.get("said")
        if isinstance(said, dict) and said.get("binary"):
            metadata = json.dumps(said.get("metadata", {})).encode()
            frame = int(said["event_type"]).to_bytes(4) + len(metadata).to_bytes(4) + metadata + bytes(16)
            message = parse(frame)
        else:
            message = parse(json.dumps(said)) if said is not None else None
        if isinstance(message, Unread):
            message = states_of(message)
            assert message is not None
        if message is not None:
            yield message


def answers(recorded: list[dict[str, Any]], path: str, method: str = "GET") -> list[dict[str, Any]]:
    """The HTTP answers to a path that begins so."""
    return [event for event in recorded if event.get("method") == method and event["path"].startswith(path)]


def graphs(recorded: list[dict[str, Any]]) -> dict[str, Any]:
    """The graph of every job, by the id that the server gave or took."""
    found, waiting = {}, []
    for event in recorded:
        if isinstance(event.get("sent"), dict):
            waiting.append(event["sent"].get("prompt"))
        elif event.get("path") == "/prompt" and event.get("method") == "POST" and waiting:
            graph = waiting.pop(0)
            if event["status"] == 200 and isinstance(event.get("body"), dict):
                found[event["body"]["prompt_id"]] = graph
    return found


@pytest.mark.parametrize(("version", "scenario"), SCENARIOS)
def test_every_recorded_message_and_answer_is_read(version: str, scenario: str) -> None:
    recorded = events(version, scenario)
    known = graphs(recorded)
    progress = {job: Progress(graph) for job, graph in known.items() if isinstance(graph, dict)}
    for message in heard(recorded):
        follow(progress.get(message.job), message)
    assert all(0 <= one.fraction <= 1 for one in progress.values())
    for answer in answers(recorded, "/queue"):
        parse_queue(answer["body"])
    for answer in answers(recorded, "/history/"):
        if answer["status"] == 200:
            parse_history(answer["body"], answer["path"].rpartition("/")[2])
    for answer in answers(recorded, "/prompt", "POST"):
        if answer["status"] != 200:
            assert refusal(answer["status"], answer["body"]).reason


def follow(progress: Progress | None, message: Message) -> None:
    """Tell the progress of a job what the socket said."""
    if progress is None:
        return
    if isinstance(message, Cached):
        progress.cache(message.nodes)
    elif isinstance(message, States):
        progress.replace(message.nodes)
    elif isinstance(message, Step):
        progress.step(message.node, message.value, message.maximum)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("scenario", "ending"), [("s01", "images"), ("s03", "clip"), ("s17", "latent")])
def test_a_clean_run_goes_up_to_one_and_ends_with_its_files(version: str, scenario: str, ending: str) -> None:
    recorded = events(version, scenario)
    ended_jobs = [message.job for message in heard(recorded) if isinstance(message, Executing) and not message.node]
    known = graphs(recorded)
    histories = {answer["path"].rpartition("/")[2]: answer["body"] for answer in answers(recorded, "/history/")}
    checked = 0
    for job in ended_jobs:
        ended = parse_history(histories.get(job, {}), job)
        if ended is None or not ended.is_success or not ended.files:
            continue
        progress = Progress(known[job])
        for message in heard(recorded):
            if message.job == job:
                follow(progress, message)
        assert progress.fraction == 1.0
        assert 0 < ended.seconds < 60
        checked += 1
    assert checked


@pytest.mark.parametrize("version", BOTH)
def test_the_sampler_tells_its_steps_and_shows_previews(version: str) -> None:
    recorded = events(version, "s17")
    known = graphs(recorded)
    notes = set()
    for job, graph in known.items():
        progress = Progress(graph)
        for message in heard(recorded):
            if message.job == job:
                follow(progress, message)
                notes.add(progress.note)
    assert "KSampler 3 of 5" in notes
    assert any(isinstance(message, Preview) for message in heard(recorded))


@pytest.mark.parametrize("version", BOTH)
def test_failures_while_running_have_their_class_and_no_path(version: str) -> None:
    recorded = events(version, "s07")
    reasons = {}
    for answer in answers(recorded, "/history/"):
        ended = parse_history(answer["body"], answer["path"].rpartition("/")[2])
        if ended is not None and ended.error:
            failure = execution_failure(ended.error)
            reasons[ended.error["node_type"]] = failure
            assert "/" not in failure.reason
    assert reasons["EmptyImage"].failure_class == "out_of_memory"
    assert reasons["SaveVideo"].failure_class == "backend_error"
    assert "regular" in reasons["RegexReplace"].reason or "unterminated" in reasons["RegexReplace"].reason


@pytest.mark.parametrize("version", BOTH)
def test_refused_graphs_have_their_class(version: str) -> None:
    classes = [
        refusal(answer["status"], answer["body"]).failure_class
        for answer in answers(events(version, "s06"), "/prompt", "POST")
        if answer["status"] != 200
    ]
    # In the order of the recording: no such class, no class, a missing input, a wrong type, too large, no such file, no such
    # option, and then seven graphs that no server would take.
    assert classes[:7] == [
        "missing_model", "missing_model", "bad_input", "bad_input", "bad_input", "backend_error", "missing_model",
    ]  # fmt: skip
    assert set(classes[7:14]) == {"bad_input"}
    assert {"backend_error", "bad_input"} == set(classes[14:])


@pytest.mark.parametrize("version", BOTH)
def test_a_200_that_names_bad_nodes_is_seen(version: str) -> None:
    [faulty] = [
        answer["body"]["node_errors"]
        for answer in answers(events(version, "s06"), "/prompt", "POST")
        if answer["status"] == 200 and answer["body"]["node_errors"]
    ]
    failure = node_faults(faulty)
    assert failure.failure_class == "bad_input"
    assert "SaveImage" in failure.reason
    assert "File" not in failure.reason


@pytest.mark.parametrize("version", BOTH)
def test_an_interrupt_is_told_from_an_error(version: str) -> None:
    recorded = events(version, "s08")
    found = [parse_history(answer["body"], answer["path"].rpartition("/")[2]) for answer in answers(recorded, "/history/")]
    assert any(ended is not None and ended.is_interrupted for ended in found)


@pytest.mark.parametrize("version", BOTH)
def test_a_dead_worker_thread_shows_as_waiting_jobs_and_none_that_runs(version: str) -> None:
    queues = [parse_queue(answer["body"]) for answer in answers(events(version, "s19"), "/queue")]
    assert any(queue.pending and not queue.running for queue in queues)


@pytest.mark.parametrize("scenario", ["s20", "s21", "s22"])
def test_after_a_restart_nobody_knows_the_jobs_any_more(scenario: str) -> None:
    recorded = events("0.33.0", scenario)
    asked = {answer["path"].rpartition("/")[2]: answer["body"] for answer in answers(recorded, "/history/")}
    known = {job for job, body in asked.items() if parse_history(body, job) is not None}
    assert set(asked) - known, "the jobs that ran and waited when the server died"
    assert parse_queue(answers(recorded, "/queue")[-1]["body"]).pending == frozenset()
