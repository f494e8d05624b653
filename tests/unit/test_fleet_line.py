"""The fleet in one line on Pulse."""

from __future__ import annotations

from components import fleet_line
from pipeline.domain.workers import Health
from tests.unit.test_fleet_page import hrefs, make_doing, make_page, make_view, make_worker, parts_of, text_of


def tiles(line: object) -> list[str]:
    """The labels of the tiles, in order."""
    labels = [getattr(part, "title", "") for part in parts_of(line) if "badge-status" in (getattr(part, "className", "") or "")]
    return [str(label) for label in labels]


def test_every_worker_has_a_tile_and_what_is_amiss_is_told_by_name() -> None:
    away = make_worker("gpu-2", health=Health.AWAY, health_reason="connection refused")
    line = fleet_line.line(make_page(make_view(make_worker("gpu-1"), make_doing()), make_view(away)), None)
    assert tiles(line) == ["gpu-1: busy", "gpu-2: away"]
    assert "gpu-2 away" in text_of(line) and "1 of 2 workers busy" in text_of(line)
    assert "/fleet" in hrefs(line)


def test_a_long_fleet_shows_first_what_is_amiss_and_says_how_many_more_there_are() -> None:
    well = [make_view(make_worker(f"gpu-{number}")) for number in range(60)]
    away = [make_view(make_worker(f"lost-{number}", health=Health.AWAY)) for number in range(3)]
    line = fleet_line.line(make_page(*well, *away), None)
    assert tiles(line)[:3] == ["lost-0: away", "lost-1: away", "lost-2: away"] and len(tiles(line)) == 40
    assert "and 23 more" in text_of(line) and "lost-0 away, and 2 more" in text_of(line)
