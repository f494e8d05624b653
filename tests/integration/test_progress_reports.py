"""How far running attempts are: stored beside other work, at most once a second, and only what changed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import event

from pipeline.domain.stages import Stage
from pipeline.domain.work import NO_NEWS, News, Update, UpdateState
from pipeline.engine.progress import ProgressReports
from pipeline.ports import GeneratorBackend
from tests.factories import AUTO, House, make_production
from tests.fakes import HoldingBackend


class TellingBackend(HoldingBackend):
    """Says of what it holds how far it is."""

    def __init__(self, inner: GeneratorBackend) -> None:
        super().__init__(inner)
        self.standing = (0.0, "")

    def poll(self, attempt_ids: Sequence[str]) -> list[Update]:
        share, step = self.standing
        return [
            Update(update.attempt_id, update.state, share, step) if update.state is UpdateState.RUNNING else update
            for update in super().poll(attempt_ids)
        ]


def telling(house: House) -> TellingBackend:
    """The house's performer, made to tell."""
    backend = TellingBackend(house.backend.inner)
    house.backend = backend
    return backend


def stored(house: House) -> set[tuple[float, str]]:
    """What the rows of running jobs say."""
    return {(row.progress, row.step) for row in house.studio.activity.jobs() if row.status.value == "running"}


def test_progress_and_step_of_a_running_attempt_are_shown(house: House) -> None:
    backend = telling(house)
    backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    backend.standing = (0.4, "frame 40 of 100")
    house.clock.advance(1)
    house.engine.turn()
    assert stored(house) == {(0.4, "frame 40 of 100")}
    backend.release()
    house.rest()


def test_progress_comes_with_a_heartbeat_when_no_slot_is_free(house: House) -> None:
    backend = telling(house)
    backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    house.start(make_production(characters=1, scene_types=2, variants=1, approvals=AUTO))
    engine = house.new_engine(parallel=1)
    house.work(engine)
    backend.standing = (0.4, "")
    house.clock.advance(1)
    engine.turn(look=False)
    assert stored(house) == {(0.0, "")}
    house.clock.advance(1)
    engine.turn(look=False)
    assert stored(house) == {(0.4, "")}


def test_what_has_not_changed_is_not_written_again(house: House) -> None:
    backend = telling(house)
    backend.holds = lambda request: request.stage == Stage.SCENE_GENERATION
    house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    backend.standing = (0.4, "half")
    house.clock.advance(1)
    house.engine.turn()
    written: list[str] = []
    event.listen(house.studio.stores.engine, "before_cursor_execute", lambda *call: written.append(call[2]))
    for _ in range(3):
        house.clock.advance(1)
        house.engine.turn()
    assert not [statement for statement in written if "UPDATE attempts" in statement]


def test_packaging_tells_its_steps(house: House) -> None:
    backend = telling(house)
    backend.holds = lambda request: request.stage == Stage.DELIVERY
    run = house.start(make_production(characters=1, scene_types=1, variants=1, approvals=AUTO))
    house.work()
    backend.standing = (0.55, "step: manifest")
    house.clock.advance(1)
    house.engine.turn()
    progress = house.studio.deliveries.progress(run)
    assert progress is not None
    assert (progress.step, progress.fraction, progress.job_status) == ("manifest", 0.55, "running")
    backend.release()
    house.rest()
    progress = house.studio.deliveries.progress(run)
    assert progress is not None
    assert (progress.step, progress.fraction) == ("sealed", 1.0)


def test_news_are_due_once_a_second_and_only_while_they_are_new() -> None:
    reports = ProgressReports()
    reports.note(Update("a", UpdateState.RUNNING, 0.5, "x"))
    due = reports.due(10.0)
    assert due == News({"a": (0.5, "x")})
    reports.stored(due, 10.0)
    reports.note(Update("a", UpdateState.RUNNING, 0.6, "x"))
    assert reports.due(10.9) == NO_NEWS
    assert reports.due(11.0) == News({"a": (0.6, "x")})
    reports.forget("a")
    assert reports.due(12.0) == NO_NEWS


@pytest.mark.parametrize(("said", "kept"), [(-1.0, 0.0), (2.0, 1.0), (0.12345, 0.12)])
def test_a_share_stays_within_bounds_and_is_kept_in_percent(said: float, kept: float) -> None:
    reports = ProgressReports()
    reports.note(Update("a", UpdateState.RUNNING, said, "step"))
    assert reports.due(0.0) == News({"a": (kept, "step")})
