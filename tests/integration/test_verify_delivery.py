"""Verification believes nothing: whatever is altered, dropped, added or made up is reported, all of it."""

import errno
import hashlib
import json
import random
import stat
import zipfile
from collections.abc import Callable

import pytest

from pipeline.adapters.packaging import archive as archives
from pipeline.adapters.packaging import verify as verification
from pipeline.adapters.packaging.media_hash_list import read_history
from pipeline.adapters.packaging.package import package
from pipeline.adapters.packaging.timelines import check_timeline, resolve
from pipeline.adapters.packaging.verify import verify
from pipeline.domain.delivery import checksum_lines
from pipeline.domain.errors import WorkFailed
from tests.fakes_workspace import FakeWorkspace
from tests.packaging_factories import delivery_request, make_clip

CLIP = "media/streaming/Mara/dance_casual_t01.mp4"
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Members:
    """The members of a sound package."""
    folder = tmp_path_factory.mktemp("sound")
    workspace = FakeWorkspace(folder / "job")
    result = package(delivery_request(folder / "order"), workspace)
    with zipfile.ZipFile(workspace.stored(result.outputs[0].sha256)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.fixture
def check(sound, tmp_path) -> Callable:
    """Change a copy of the members, pack it, and return the failures as (area, subject)."""

    def run(change: Callable[[Members], None]) -> set[tuple[str, str]]:
        members = dict(sound)
        change(members)
        target = tmp_path / "changed.zip"
        with zipfile.ZipFile(target, "w") as packed:
            for name, data in members.items():
                packed.writestr(name, data)
        return {(failure.area, failure.subject) for failure in verify(target).failures}

    return run


def reseal(members: Members) -> None:
    """What a thorough forger does: new checksums, and the manifest's seal brought in line."""
    manifest = json.loads(members["manifest.json"])
    for name, sealed in manifest["seal"]["files"].items():
        if name in members:
            sealed["sha256"] = hashlib.sha256(members[name]).hexdigest()
            sealed["size_bytes"] = len(members[name])
    members["manifest.json"] = json.dumps(manifest).encode()
    listed = set(members) - {"SHA256SUMS"}
    members["SHA256SUMS"] = checksum_lines({name: hashlib.sha256(members[name]).hexdigest() for name in listed}).encode()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


def test_repacking_without_a_change_is_accepted(check):
    assert check(lambda members: None) == set()


def test_a_flipped_byte_of_a_picture_is_found_by_every_seal(check):
    def change(members):
        members[CLIP] = flipped(members[CLIP], len(members[CLIP]) - 40)

    assert {(area, CLIP) for area in ("checksums", "manifest", "media hash list", "content credentials")} <= check(change)


def test_an_altered_picture_is_found_by_its_signature_even_when_all_lists_are_forged(check):
    def change(members):
        members[CLIP] = flipped(members[CLIP], len(members[CLIP]) - 40)
        reseal(members)

    failures = check(change)
    assert ("content credentials", CLIP) in failures and ("checksums", CLIP) not in failures


def test_another_video_in_place_of_a_signed_one_is_found(check, tmp_path):
    other = make_clip(tmp_path / "other.mp4", frames=6).read_bytes()

    def change(members):
        members[CLIP] = other
        reseal(members)

    assert ("content credentials", CLIP) in check(change)


def test_a_missing_file_is_named_by_every_list(check):
    failures = check(lambda members: members.pop(CLIP))
    assert {(area, CLIP) for area in ("checksums", "manifest", "media hash list")} <= failures
    assert any(area == "timelines" for area, _ in failures)


@pytest.mark.parametrize("name", ["media/extra.mp4", "extra.txt", "posters/x.png", "timelines/x.sh"])
def test_an_added_file_is_named_by_every_list(check, name):
    failures = check(lambda members: members.update({name: b"hello"}))
    assert {(area, name) for area in ("checksums", "manifest", "media hash list")} <= failures


def test_a_recipe_edited_in_the_manifest_contradicts_the_signed_one(check):
    def change(members):
        members["manifest.json"] = members["manifest.json"].replace(b'"seed": 1234', b'"seed": 9999')
        reseal(members)

    failures = check(change)
    assert ("content credentials", CLIP) in failures and ("media hash list", "manifest.json") in failures


def test_stripped_credentials_are_not_excused_by_the_manifest(check, tmp_path):
    bare = make_clip(tmp_path / "bare.mp4", frames=6).read_bytes()

    def change(members):
        manifest = json.loads(members["manifest.json"])
        entry = next(entry for entry in manifest["files"] if entry["name"] == CLIP)
        entry["content_credentials"] = {"signed": False, "reason": "lost"}
        members["manifest.json"], members[CLIP] = json.dumps(manifest).encode(), bare
        reseal(members)

    assert ("content credentials", CLIP) in check(change)


def test_an_altered_hash_list_breaks_its_chain(check):
    def change(members):
        name = next(name for name in members if name.endswith(".mhl"))
        members[name] = members[name].replace(b"original", b"verified", 1)

    assert any(area == "media hash list" for area, _ in check(change))


@pytest.mark.parametrize("name", ["ascmhl/ascmhl_chain.xml", "manifest.json", "SHA256SUMS"])
@pytest.mark.parametrize(
    "data", [None, b"", b"\xff\xfe\x00garbage", b"[" * 100_000, b'{"files": {"a": 1}}', b"<a><!DOCTYPE x></a>"]
)
def test_a_missing_or_broken_document_is_a_failure_and_no_crash(check, name, data):
    def change(members):
        members.pop(name)
        if data is not None:
            members[name] = data

    assert check(change)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("files", 3),
        ("files", [1, {"name": 2}]),
        ("seal", []),
        ("format", "x"),
        ("format_version", 99),
        ("files", [{"name": CLIP}]),
    ],
)
def test_a_manifest_of_the_wrong_shape_is_reported(check, key, value):
    def change(members):
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), key: value}).encode()

    assert any(area == "manifest" for area, _ in check(change))


def test_sizes_that_are_no_numbers_are_reported(check):
    def change(members):
        manifest = json.loads(members["manifest.json"])
        next(entry for entry in manifest["files"] if entry["name"] == CLIP).update(fps="fast", frames=[], width={})
        members["manifest.json"] = json.dumps(manifest).encode()

    assert ("streams", CLIP) in check(change)


def test_a_timeline_that_reaches_outside_is_reported(check):
    name = "timelines/streaming_1080p/whole.otio"

    def change(members):
        members[name] = members[name].replace(b"../../media/streaming/Mara/walk", b"../../../../etc/walk")

    assert ("timelines", name) in check(change)


def test_random_damage_anywhere_is_always_found(check, sound):
    dice = random.Random(7)
    for _ in range(60):
        name = dice.choice(sorted(sound))
        at = dice.randrange(len(sound[name]))
        assert check(lambda members, name=name, at=at: members.update({name: flipped(members[name], at)})), (name, at)


def packed_with(tmp_path, *entries: tuple[zipfile.ZipInfo | str, bytes]):
    target = tmp_path / "hostile.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry, data in entries:
            packed.writestr(entry, data)
    return [failure.message for failure in verify(target).failures]


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "C:evil", "a\\b", "con.txt", "a//b", "evil\n.txt"])
def test_unsafe_names_end_the_check_before_anything_is_read(tmp_path, name):
    assert any("not a safe relative name" in message for message in packed_with(tmp_path, (name, b"x")))


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert any("is a link" in message for message in packed_with(tmp_path, (link, b"/etc/passwd")))


def test_names_that_fall_together_are_refused(tmp_path):
    assert any("is there twice" in message for message in packed_with(tmp_path, ("a.txt", b"1"), ("A.TXT", b"2")))


def test_bombs_are_refused_by_their_ratio(tmp_path):
    assert any("times its size" in message for message in packed_with(tmp_path, ("zeros.json", bytes(8 << 20))))


def test_members_that_share_bytes_are_refused(tmp_path):
    target = tmp_path / "overlap.zip"
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("a.txt", b"x" * 100)
        packed.writestr("b.txt", b"y" * 100)
        packed.filelist[1].header_offset = 10
    assert any("overlap" in check.message for check in verify(target).failures)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_package_fails_in_words(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    report = verify(tmp_path / "x.zip")
    assert not report.is_ok and report.failures[0].message


def test_a_missing_file_fails_in_words(tmp_path):
    assert "FileNotFoundError" in verify(tmp_path / "nothing.zip").failures[0].message


def test_a_full_disk_is_not_blamed_on_the_package(check, monkeypatch):
    def no_room(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")
        yield b""

    monkeypatch.setattr(verification, "read_chunks", no_room)
    monkeypatch.setattr(verification._Verification, "_bytes", lambda self, name: self._archive.read(name))
    with pytest.raises(WorkFailed, match="no room") as caught:
        check(lambda members: None)
    assert caught.value.failure_class == "disk_full"


def test_a_cut_off_package_fails(sound, tmp_path):
    target = tmp_path / "cut.zip"
    with zipfile.ZipFile(target, "w") as packed:
        for name, data in sound.items():
            packed.writestr(name, data)
    target.write_bytes(target.read_bytes()[:-3000])
    assert not verify(target).is_ok


def test_equal_folders_give_equal_archives(tmp_path):
    for index in range(2):
        root = tmp_path / str(index)
        (root / "b").mkdir(parents=True)
        (root / "b/x.json").write_text("{}" * (1 + 0 * index))
        (root / "a.mp4").write_bytes(b"12")
        archives.write_zip(root, tmp_path / f"{index}.zip", report=lambda done, total: None)
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("../../media/a%20b.mp4", "media/a b.mp4"),
        ("../../../etc/passwd", None),
        ("/etc/passwd", None),
        ("file:///etc/passwd", None),
        ("//host/x", None),
        ("x.mp4", "timelines/web/x.mp4"),
    ],
)
def test_references_resolve_only_inside_the_package(url, name):
    assert resolve("timelines/web/whole.otio", url) == name


@pytest.mark.parametrize(
    "text", ["", "{}", "[" * 5000, '{"OTIO_SCHEMA": "Timeline.1", "tracks": 3}', '{"OTIO_SCHEMA": "Nope.1"}', "3"]
)
def test_broken_timelines_are_reported(text):
    assert check_timeline(text, "timelines/x.otio", [])


@pytest.mark.parametrize("path", ["../../etc/passwd", "/dev/zero", "missing.mhl"])
def test_a_chain_cannot_make_the_reader_open_other_files(path):
    chain = f'<?xml version="1.0"?><ascmhldirectory><hashlist sequencenr="1"><path>{path}</path></hashlist></ascmhldirectory>'
    entries, problems = read_history({"ascmhl_chain.xml": chain.encode()})
    assert not entries and "which is not in the ascmhl folder" in problems[0]
