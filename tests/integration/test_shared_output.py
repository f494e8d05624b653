"""Two servers with one output folder are found out, and people are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.backends.comfyui.sharing import sharing
from pipeline.adapters.backends.comfyui.sightings import sight
from pipeline.double import DoubleServer
from pipeline.wiring_fleet import build_workers
from tests.factories import PERSON, House


@pytest.mark.parametrize("version", ["0.3.64", "0.33.0"])
def test_servers_that_write_into_one_folder_are_found_and_others_are_not(tmp_path: Path, version: str) -> None:
    homes = [tmp_path / name for name in "abc"]
    for home in homes:
        home.mkdir()
    (homes[1] / "output").symlink_to(homes[0] / "output", target_is_directory=True)
    (homes[0] / "output").mkdir()
    servers = [DoubleServer(home, version=version, is_instant=True).start() for home in homes]
    a, b, c = (server.url for server in servers)
    try:
        assert sharing([a, b, c]) == {a: (b,), b: (a,), c: ()}
        servers[0].faults.add("drop", route="/view", times=3)
        assert a not in sharing([a, b, c]), "who does not answer is left out"
    finally:
        for server in servers:
            server.stop()


def test_people_are_told_once_and_until_it_is_mended(sqlite_url: str, tmp_path: Path) -> None:
    house = House(tmp_path, sqlite_url)
    homes = [tmp_path / "left", tmp_path / "right"]
    (homes[0] / "output").mkdir(parents=True)
    homes[1].mkdir()
    (homes[1] / "output").symlink_to(homes[0] / "output", target_is_directory=True)

    class Looks:
        look = staticmethod(sight)
        test = free = staticmethod(lambda url: "")

    house.studio = house.studio.with_services(workers=build_workers(house.studio.stores, house.clock, Looks()))  # type: ignore[arg-type]
    with DoubleServer(homes[0], is_instant=True) as left, DoubleServer(homes[1], is_instant=True) as right:
        for name, server in (("left", left), ("right", right)):
            house.studio.workers.look([house.studio.workers.register(name, server.url, PERSON)])
        workers = {one.worker.name: one.worker for one in house.studio.workers.all()}
        assert "same output folder as right" in workers["left"].health_reason
        assert workers["left"].may_work, "names with the job's id in them do not meet"
        assert len(house.events("worker.shares_output")) == 2
        (homes[1] / "output").unlink()
        (homes[1] / "output").mkdir()
        house.clock.advance(3600)
        house.studio.workers.look()
        assert {one.worker.health_reason for one in house.studio.workers.all()} == {""}
    house.check()
    house.close()
