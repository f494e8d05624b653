"""How an unmet dependency reads."""

from __future__ import annotations

from pipeline.domain.resolver import Need, Unmet
from pipeline.domain.statuses import CellStatus


def test_an_unmet_dependency_is_a_sentence() -> None:
    said = [
        str(Unmet(Need("variant", "Mara / formal"), CellStatus.REVIEW)),
        str(Unmet(Need("variant", "Mara / formal"), CellStatus.FAILED)),
        str(Unmet(Need("source", "Mara"), CellStatus.FAILED)),
        str(Unmet(Need("cell", "s001 one"), CellStatus.NOT_STARTED)),
    ]
    assert said == [
        "variant image Mara / formal is in review",
        "variant image Mara / formal has failed",
        "source images of Mara have failed: replace them, or try again",
        "scene s001 one is not started",
    ]
