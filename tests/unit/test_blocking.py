"""What keeps blocked cells from starting in the end, and which of it nobody asks for."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.domain.blocking import Hindrance, hindrances, reasons
from pipeline.domain.records import Still
from pipeline.domain.resolver import Need, Unmet
from pipeline.domain.statuses import CellStatus, StillKind

LOOK = "Mara / formal"


def scene(key: str, status: CellStatus) -> Unmet:
    return Unmet(Need("cell", key), status)


def still(kind: StillKind, key: str, status: CellStatus) -> Still:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Still(1, 1, kind, key, "Mara", None, None, 1, status, at, take=1, hero=None, reason="", verdict=None)


def test_a_chain_of_scenes_waits_for_what_stands_at_its_beginning() -> None:
    gone = scene("a", CellStatus.CANCELLED)
    blocked = {"c": [scene("b", CellStatus.QUEUED)], "b": [gone], "d": [scene("e", CellStatus.GENERATING)]}
    found = hindrances(blocked, [])
    assert found == (Hindrance(gone, ("c", "b")), Hindrance(scene("e", CellStatus.GENERATING), ("d",)))
    assert [one.is_not_asked_for for one in found] == [True, False]
    assert reasons(found)["c"] == (gone,)


def test_a_queued_image_waits_for_the_source_images_of_its_character() -> None:
    refused = Unmet(Need("source", "Mara"), CellStatus.FAILED)
    stills = [
        still(StillKind.SOURCE, "Mara", CellStatus.FAILED),
        still(StillKind.VARIANT, LOOK, CellStatus.QUEUED),
    ]
    found = hindrances({"a": [Unmet(Need("variant", LOOK), CellStatus.QUEUED)]}, stills)
    assert found == (Hindrance(refused, ("a",)),)


def test_what_keeps_no_cell_waiting_is_no_hindrance() -> None:
    image = still(StillKind.VARIANT, LOOK, CellStatus.QUEUED)
    assert hindrances({}, [image]) == ()
