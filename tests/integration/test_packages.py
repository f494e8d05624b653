"""Reads of deliveries: what is missing, what was made, what is in a package; failures by cause."""

from __future__ import annotations

import pytest

from pipeline.domain.choices import Mode
from pipeline.domain.errors import NotFound, WorkFailed
from pipeline.domain.matrix import Selection
from pipeline.domain.packages import Entry
from pipeline.domain.statuses import DeliveryStatus
from pipeline.domain.work import Request
from pipeline.services.causes import Causes
from pipeline.services.deliveries import Deliveries
from pipeline.services.packages import Packages
from tests.factories import HUMAN, PERSON, House, make_production


def packages(house: House) -> Packages:
    """The service, with packages that hold one file: stagehands make no real ones."""
    return Packages(house.studio.stores, lambda sha256: [Entry("manifest.json", 2, sha256)], Deliveries.package_name)


def test_what_keeps_a_run_from_being_delivered_is_counted_with_the_first_ones_by_name(house: House) -> None:
    run = house.create(make_production(characters=3))
    found = packages(house).readiness(run.id)
    [gap] = found.gaps
    assert (gap.status, gap.count, len(gap.examples)) == ("not_started", 12, 3)
    assert gap.examples[0][1] == "c1 / s1 / v1"


def test_variant_images_in_review_are_named(house: House) -> None:
    run = house.start(make_production(characters=1, variants=1, approvals=HUMAN))
    house.work()
    assert packages(house).readiness(run.id).stills == ("c1 / v1",)


def test_a_delivered_run_lacks_nothing_and_its_package_can_be_looked_into(house: House) -> None:
    run = house.start(make_production())
    house.work()
    service = packages(house)
    [made] = service.made(5)
    assert made.delivery.status is DeliveryStatus.SEALED
    assert service.readiness(run.id).gaps == ()
    package = service.look_into(made.delivery.id)
    assert package.scenes == 8
    assert package.entries[0].sha256 == made.delivery.package_sha256
    assert package.before is None


def test_a_second_delivery_is_told_apart_from_the_first(house: House) -> None:
    run = house.start(make_production())
    house.work()
    house.studio.submission.submit(run, Selection(keys=("c1 / s1 / v1",)), Mode.ALL, PERSON)
    house.work()
    newest = packages(house).made(1)[0]
    package = packages(house).look_into(newest.delivery.id)
    assert newest.delivery.number == 2
    assert package.difference is not None
    assert package.difference.changed == (("c1 / s1 / v1", 1, 2),)
    assert package.difference.same == 7


def test_what_is_not_sealed_cannot_be_looked_into(house: House) -> None:
    with pytest.raises(NotFound, match="no sealed delivery 12"):
        packages(house).look_into(12)


def test_failed_jobs_are_counted_by_cause(house: House) -> None:
    def fail(request: Request) -> None:
        if request.stage == "scene_generation":
            raise WorkFailed("bad_input", "no such model")

    house.hands.troubles = fail
    run = house.start(make_production(characters=1, variants=1))
    house.work()
    [cause] = Causes(house.studio.stores).failures()
    assert (cause.words, cause.jobs, cause.runs, cause.run_id) == ("Input that cannot be used", 2, 1, run.id)
    assert "no such model" in cause.example
