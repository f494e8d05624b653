"""What a delivery needs, and the manifest whose repeatable part is the same each time."""

import json
from dataclasses import replace

import pytest

from pipeline.domain.delivery import (
    CellState,
    Check,
    DeliveryPlan,
    PackagedFile,
    VerificationReport,
    canonical_json,
    checksum_lines,
    described,
    in_timeline_order,
    manifest,
    parse_checksum_lines,
    readiness,
    repeatable_part,
    room_needed,
    split_volatile,
)
from pipeline.domain.resolver import Need, Unmet
from pipeline.domain.statuses import CellStatus

CLIP = PackagedFile(
    name="media/a.mp4",
    role="export",
    media_type="video/mp4",
    content_sha256="a" * 64,
    content_size_bytes=10,
    sealed_sha256="b" * 64,
    sealed_size_bytes=12,
    facts={"cell": "Mara / dance / casual", "character": "Mara", "frames": 24, "duration_s": 1.0, "location": None},
    recipe={"seed": 7, "approved_at": "2026-01-01", "quality": {"verdict": "pass", "attempt_id": "x"}},
)
PLAN = DeliveryPlan(
    project="Harbor",
    author="Studio",
    digital_source_type="algorithmicMedia",
    files=(CLIP, replace(CLIP, name="media/0.webm", media_type="video/webm", unsigned_reason="no place for it")),
    timeline=("Mara / dance / casual",),
    timelines={"written": True, "files": []},
    tools={"av": "18"},
    seal={"created_at": "2026-01-01"},
)


def test_only_approved_cells_are_ready():
    cells = [CellState("a", "approved"), CellState("b", "review"), CellState("c", "failed"), CellState("d", "strange")]
    missing = readiness(cells)
    assert [entry.key for entry in missing] == ["b", "c", "d"]
    assert missing[0].message == 'Cell "b" waits for review. Approve or reject it.'
    assert missing[2].message == 'Cell "d" is strange.'
    assert readiness(cells[:1]) == []


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (CellStatus.CANCELLED, "is cancelled. Submit that, or cancel this one."),
        (CellStatus.REJECTED, "is rejected. Retry that, or cancel this one."),
        (CellStatus.REVIEW, "is in review. Approve or reject that."),
        (CellStatus.GENERATING, "is generating. Let the run go on."),
    ],
)
def test_a_blocked_cell_says_what_it_waits_for_and_the_cure_of_that(status, cure):
    waits = (Unmet(Need("cell", "s001 one"), status),)
    assert readiness([CellState("b", "queued", waits)])[0].message == f'Cell "b" waits: scene s001 one {cure}'


@pytest.mark.parametrize("status", ["not_started", "queued", "generating", "review", "rejected", "failed", "cancelled"])
def test_every_status_has_a_cure(status):
    assert readiness([CellState("a", status)])[0].message.count(".") >= 2


def test_the_manifest_sorts_files_and_puts_what_varies_into_the_seal():
    document = manifest(PLAN)
    assert [file["name"] for file in document["files"]] == ["media/0.webm", "media/a.mp4"]
    entry = document["files"][1]
    assert entry["recipe"] == {"seed": 7, "quality": {"verdict": "pass"}}
    assert "location" not in entry and entry["content_credentials"] == {"signed": True}
    assert document["unsigned"] == {"media/0.webm": "no place for it"}
    sealed = document["seal"]["files"]["media/a.mp4"]
    assert sealed["recipe"] == {"approved_at": "2026-01-01", "quality": {"attempt_id": "x"}}
    assert sealed["sha256"] == "b" * 64


def test_the_repeatable_part_does_not_change_with_times_and_signatures():
    other = replace(
        PLAN,
        files=tuple(
            replace(file, sealed_sha256="c" * 64, sealed_size_bytes=99, recipe={**file.recipe, "approved_at": "later"})
            for file in reversed(PLAN.files)
        ),
        seal={"created_at": "2027-02-02"},
    )
    one, two = manifest(PLAN), manifest(other)
    assert one != two
    assert canonical_json(repeatable_part(one)) == canonical_json(repeatable_part(two))


def test_canonical_json_is_sorted_ends_in_a_newline_and_refuses_what_is_no_json():
    assert canonical_json({"b": 1, "a": "é"}) == '{\n  "a": "é",\n  "b": 1\n}\n'
    with pytest.raises(ValueError):
        canonical_json({"a": float("nan")})


def test_what_a_file_says_of_itself_survives_json():
    assert json.loads(canonical_json(described(CLIP))) == described(CLIP)


def test_volatile_keys_are_found_at_any_depth():
    assert split_volatile({"a": {"b_at": 1, "c": 2}, "seconds": 3}) == ({"a": {"c": 2}}, {"a": {"b_at": 1}, "seconds": 3})


def test_checksum_lines_can_be_read_back():
    hashes = {"b/ü.mp4": "1" * 64, "a b.txt": "2" * 64}
    assert parse_checksum_lines(checksum_lines(hashes)) == hashes


def test_room_is_for_two_copies_what_is_unpacked_at_once_and_a_share_for_documents():
    documents = 3 * 256_000
    assert room_needed([10, 3_000_000, 5], done=0, at_once=2) == 2 * 3_000_015 + 3_000_010 + documents
    assert room_needed([10, 3_000_000, 5], done=2_000_000, at_once=2) == 2 * 3_000_015 - 2_000_000 + 3_000_010 + documents
    assert room_needed([10, 20, 30], done=999, at_once=4) == 60 + 60 + documents


@pytest.mark.parametrize(
    "text", ["abc", "1" * 64 + "  ", "Z" * 64 + "  a", "1" * 64 + " *a\n" + "2" * 64 + " *a", "1" * 64 + "a"]
)
def test_lines_that_are_no_checksums_are_refused(text):
    with pytest.raises(ValueError):
        parse_checksum_lines(text)


def test_files_follow_the_timeline_and_strangers_come_last():
    files = [{"name": "x", "cell": "?"}, {"name": "b", "cell": "two"}, {"name": "a", "cell": "one"}]
    assert [file["name"] for file in in_timeline_order(files, ["one", "two"])] == ["a", "b", "x"]


def test_a_report_is_ok_only_without_failures():
    good, bad = Check("streams", "", True, "fine"), Check("streams", "a", False, "broken")
    assert VerificationReport((good,)).is_ok
    assert VerificationReport((good, bad)).failures == (bad,) and not VerificationReport((good, bad)).is_ok
