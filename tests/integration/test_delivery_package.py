"""A delivery package holds what was ordered, sealed and repeatable, and can be made in several attempts."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline.adapters.packaging import content_credentials
from pipeline.adapters.packaging.package import package
from pipeline.adapters.packaging.verify import verify
from pipeline.domain.delivery import STEPS, canonical_json, repeatable_part, room_needed
from pipeline.domain.errors import Cancelled, WorkFailed
from tests.fakes_workspace import FakeWorkspace
from tests.packaging_factories import delivery_request, make_clip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One package with its workspace and result, unpacked beside it."""
    folder = tmp_path_factory.mktemp("delivery")
    workspace = FakeWorkspace(folder / "job")
    result = package(delivery_request(folder / "order"), workspace)
    archive = workspace.stored(result.files("package")[0].sha256)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder / "unpacked")
    return folder, workspace, result, archive


def test_a_package_verifies_and_names_every_check(made):
    report = verify(made[3])
    assert report.is_ok, report.failures
    areas = {check.area for check in report.checks}
    assert areas == {"archive", "manifest", "checksums", "media hash list", "content credentials", "streams", "timelines"}
    trust = next(check.message for check in report.checks if check.area == "content credentials")
    assert "self-signed, made on this machine" in trust and "1 unsigned" in trust


def test_all_steps_are_reported_in_order(made):
    notes = [note.removeprefix("step: ").split(" (")[0] for _, note in made[1].reports if note.startswith("step: ")]
    assert list(dict.fromkeys(notes)) == list(STEPS)
    fractions = [fraction for fraction, _ in made[1].reports]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_the_manifest_says_what_made_each_file(made):
    manifest = json.loads((made[0] / "unpacked" / "manifest.json").read_text("utf-8"))
    clip = next(file for file in manifest["files"] if file["name"].endswith("Ilja/dance_casual_t01.mp4"))
    assert clip["recipe"]["seed"] == 1236 and clip["recipe"]["inputs"][0]["sha256"] == "2a" * 32
    assert "approved_at" not in clip["recipe"]
    assert manifest["seal"]["files"][clip["name"]]["recipe"]["approved_at"] == "2026-03-01T11:00:00+00:00"
    assert manifest["seal"]["files"][clip["name"]]["sha256"] != clip["content_sha256"]
    assert manifest["seal"]["certificate"]["trust"] == "self-signed, made on this machine"
    assert manifest["unsigned"] == {"media/web/walk.webm": "video/webm has no place for content credentials"}
    assert (manifest["summary"]["cells"], manifest["summary"]["clips"]) == (3, 5)
    assert manifest["tools"]["c2pa-python"]


def test_sha256sum_accepts_the_unpacked_package(made):
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=made[0] / "unpacked", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["ascmhl-debug verify", "ascmhl-debug verify -dh", "ascmhl diff"])
def test_ascmhl_accepts_the_unpacked_package(made, command):
    program, *arguments = command.split()
    line = [Path(sys.executable).with_name(program), *arguments, made[0] / "unpacked"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_signed_file_says_what_it_is_and_from_what(made):
    clip = made[0] / "unpacked/media/streaming/Mara/dance_casual_t01.mp4"
    with clip.open("rb") as file, content_credentials.c2pa.Reader("video/mp4", file) as reader:
        store = json.loads(reader.json())
    active = store["manifests"][store["active_manifest"]]
    actions = next(entry["data"]["actions"] for entry in active["assertions"] if entry["label"].startswith("c2pa.actions"))
    assert actions[0]["action"] == "c2pa.created"
    assert actions[0]["digitalSourceType"].endswith("/algorithmicMedia")
    assert [entry["instance_id"] for entry in active["ingredients"]] == [f"sha256:{'0a' * 32}"]


def test_timelines_are_in_order_with_relative_references(made):
    import opentimelineio as otio

    folder = made[0] / "unpacked/timelines/streaming_1080p"
    assert sorted(path.name for path in folder.iterdir()) == ["character_Ilja-C.otio", "character_Mara.otio", "whole.otio"]
    timeline = otio.adapters.read_from_file(str(folder / "whole.otio"))
    clips = list(timeline.find_clips())
    assert [clip.name for clip in clips] == ["Mara / dance / casual", "Mara / walk / casual", "Ilja Ć / dance / casual"]
    assert [clip.duration().to_frames() for clip in clips] == [6, 7, 8]
    assert all((folder / clip.media_reference.target_url).resolve().is_file() for clip in clips)


def test_the_contact_sheet_escapes_names_and_reaches_only_the_package(made):
    page = (made[0] / "unpacked/contact_sheet.html").read_text("utf-8")
    assert "Studio &amp; Sons" in page
    assert "http://" not in page and "https://" not in page
    assert 'href="media/streaming/Ilja/dance_casual_t01.mp4"' in page


def test_the_same_inputs_give_the_same_manifest_but_for_its_seal(made, tmp_path):
    folder, _, result, _ = made
    shutil.copytree(folder / "order", tmp_path / "order", ignore=shutil.ignore_patterns("credentials"))
    again = delivery_request(tmp_path / "order", created_at="2027-01-01T00:00:00+00:00", number=2)
    workspace = FakeWorkspace(tmp_path / "job")
    other = package(again, workspace)
    with zipfile.ZipFile(workspace.stored(other.outputs[0].sha256)) as packed:
        second = json.loads(packed.read("manifest.json"))
    first = json.loads((folder / "unpacked/manifest.json").read_text("utf-8"))
    assert canonical_json(repeatable_part(first)) == canonical_json(repeatable_part(second))
    assert first["seal"] != second["seal"]
    assert result.values["repeatable_sha256"] == other.values["repeatable_sha256"]


def test_a_cancelled_delivery_goes_on_where_it_stopped(tmp_path):
    order = delivery_request(tmp_path / "order")
    with pytest.raises(Cancelled):
        package(order, FakeWorkspace(tmp_path / "job", cancel_after=13))
    kept = tmp_path / "job/kept/package/Harbor-Nights"
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*.*") if path.is_file()}
    assert len(before) >= 3
    result = package(order, FakeWorkspace(tmp_path / "job"))
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert verify(tmp_path / "job/store" / result.outputs[0].sha256).is_ok


@pytest.mark.parametrize("point", range(2, 40, 4))
def test_a_delivery_stopped_anywhere_is_finished_by_the_next_attempt(tmp_path, point):
    order = delivery_request(tmp_path / "order")
    try:
        package(order, FakeWorkspace(tmp_path / "job", cancel_after=point))
    except Cancelled:
        journal = tmp_path / "job/kept/journal.jsonl"
        if journal.exists():
            journal.write_bytes(journal.read_bytes() + b'["facts:cut sho')
    result = package(order, FakeWorkspace(tmp_path / "job"))
    assert verify(tmp_path / "job/store" / result.outputs[0].sha256).is_ok


def test_a_file_altered_between_attempts_is_packed_afresh(tmp_path):
    order = delivery_request(tmp_path / "order")
    package(order, FakeWorkspace(tmp_path / "job"))
    kept = next((tmp_path / "job/kept/package").rglob("dance_casual_t01.mp4"))
    data = bytearray(kept.read_bytes())
    data[-20] ^= 0xFF
    kept.write_bytes(bytes(data))
    with pytest.raises(WorkFailed) as caught:
        package(order, FakeWorkspace(tmp_path / "job"))
    assert caught.value.failure_class == "corrupt_output"
    assert package(order, FakeWorkspace(tmp_path / "job")).files("package")


def _broken(order, **changes):
    files = [dict(entry) for entry in order.parameters["files"]]
    files[0] |= changes
    return type(order)(**{**order.__dict__, "parameters": {**order.parameters, "files": files}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames": 99}, "frames is 6, not 99"),
        ({"width": 64, "fps": 25}, "width is 128, not 64"),
        ({"label": "nothing"}, 'names the file "nothing", but it is not handed in'),
        ({"name": "../evil.mp4"}, "not a safe file name"),
        ({"name": "clip.mov"}, "ends in .mp4"),
        ({"name": "streaming/mara/WALK_casual_t01.mp4"}, "would both be"),
        ({"name": "game/dance.gif/x.mp4"}, "a file and a folder at once"),
    ],
)
def test_an_order_that_does_not_fit_its_files_is_refused(tmp_path, changes, words):
    with pytest.raises(WorkFailed, match=words) as caught:
        package(_broken(delivery_request(tmp_path / "order"), **changes), FakeWorkspace(tmp_path / "job"))
    assert caught.value.failure_class == "bad_input"


def test_a_file_altered_since_approval_is_refused_by_name(tmp_path):
    order = delivery_request(tmp_path / "order")
    make_clip(tmp_path / "order/1.mp4", frames=7, hue=99)
    with pytest.raises(WorkFailed, match=r"Mara/walk_casual_t01\.mp4.*has changed since it was approved") as caught:
        package(order, FakeWorkspace(tmp_path / "job"))
    assert caught.value.failure_class == "lost_input"


def test_a_file_that_is_gone_is_told_with_its_scene(tmp_path):
    order = delivery_request(tmp_path / "order")
    (tmp_path / "order/1.mp4").unlink()
    with pytest.raises(WorkFailed, match=r"t01\.mp4\" of scene Mara.*: the stored file is gone.*`retry` makes again") as caught:
        package(order, FakeWorkspace(tmp_path / "job"))
    assert caught.value.failure_class == "lost_input"


def test_too_little_room_is_said_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(WorkFailed, match=r"needs [12]\.\d MB of room, and 0 bytes are free\. Free some space") as caught:
        package(delivery_request(tmp_path / "order"), FakeWorkspace(tmp_path / "job"))
    assert caught.value.failure_class == "disk_full"


def test_a_small_package_asks_for_little_room_and_takes_no_more(made):
    folder, workspace, _, archive = made
    files = [path for path in (workspace.kept / "package").rglob("*") if path.is_file()]
    listed = json.loads((folder / "unpacked" / "manifest.json").read_text("utf-8"))["files"]
    media = [file["content_size_bytes"] for file in listed]
    taken = sum(path.stat().st_size for path in files) + archive.stat().st_size
    assert taken < room_needed(media, done=0, at_once=0) < 5_000_000


def test_the_local_key_is_private_and_made_once(tmp_path):
    order = delivery_request(tmp_path / "order")
    results = [package(order, FakeWorkspace(tmp_path / f"job{index}")) for index in range(2)]
    key = tmp_path / "order/credentials/local-signer/key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert results[0].values["certificate"]["sha256"] == results[1].values["certificate"]["sha256"]


def test_a_studio_certificate_is_used_and_can_be_demanded(tmp_path):
    order = delivery_request(tmp_path / "order")
    package(order, FakeWorkspace(tmp_path / "job"))
    local = tmp_path / "order/credentials/local-signer"
    certificate = {"chain_path": str(local / "chain.pem"), "key_path": str(local / "key.pem")}
    result = package(delivery_request(tmp_path / "order", certificate=certificate), FakeWorkspace(tmp_path / "studio"))
    assert result.values["certificate"]["trust"] == "studio certificate"
    archive = tmp_path / "studio/store" / result.outputs[0].sha256
    authority = (local / "chain.pem").read_bytes().split(b"-----BEGIN")[2]
    assert verify(archive, anchors=b"-----BEGIN" + authority).is_ok


def test_a_studio_certificate_without_its_key_is_refused(tmp_path):
    missing = {"chain_path": str(tmp_path / "chain.pem"), "key_path": str(tmp_path / "key.pem")}
    with pytest.raises(WorkFailed, match="certificate cannot be read"):
        package(delivery_request(tmp_path / "order", certificate=missing), FakeWorkspace(tmp_path / "job"))
