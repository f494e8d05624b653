"""`/deliveries`: sealed packages of approved takes, to be read and downloaded."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import FileResponse

from pipeline.api import paging
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Rest, Studio, Who, routes
from pipeline.api.media import Ranged
from pipeline.domain.errors import Conflict
from pipeline.domain.statuses import DeliveryStatus

router = routes("deliveries")


@router.get("/deliveries", response_model=given.Page[given.Delivery])
def list_deliveries(
    rest: Rest,
    run: Annotated[int | None, Query(ge=1, le=asked.LARGEST, description="Only deliveries of this run.")] = None,
    status: Annotated[DeliveryStatus | None, Query(description="Only those in this status.")] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> object:
    """Deliveries, newest first."""
    return paging.page("delivery", rest.listings.deliveries(paging.edge_of("delivery", cursor), limit, run_id=run, status=status))


@router.get("/deliveries/{delivery_id}", response_model=given.Delivery)
def read_delivery(delivery_id: asked.Id, rest: Rest) -> object:
    """One delivery."""
    return rest.listings.delivery(delivery_id)


@router.get("/deliveries/{delivery_id}/progress", response_model=given.DeliveryProgress)
def read_delivery_progress(delivery_id: asked.Id, studio: Studio, rest: Rest) -> object:
    """How far the packaging is. Only the newest delivery of a run has a progress: 409 for an earlier one."""
    delivery = rest.listings.delivery(delivery_id)
    found = studio.deliveries.progress(rest.listings.run(delivery.run_id))
    if found is None or found.delivery.id != delivery_id:
        raise Conflict(f"Delivery {delivery_id} is {delivery.status.value}, and a newer one was begun since.")
    return found


@router.post("/deliveries/{delivery_id}/cancel", response_model=given.Delivery)
def cancel_delivery(delivery_id: asked.Id, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Stop the packaging. Delivering again begins anew."""
    delivery = rest.listings.delivery(delivery_id)
    if delivery.status is not DeliveryStatus.PACKAGING:
        raise Conflict(f"Delivery {delivery_id} is {delivery.status.value}: there is nothing to cancel.")
    return studio.deliveries.cancel(rest.listings.run(delivery.run_id), who)


@router.get("/deliveries/{delivery_id}/package", response_class=FileResponse)
def download_package(delivery_id: asked.Id, studio: Studio, rest: Rest) -> FileResponse:
    """The sealed package, whole or in byte ranges. 409 while it is being made."""
    delivery = rest.listings.delivery(delivery_id)
    if delivery.package_sha256 is None:
        raise Conflict(f"Delivery {delivery_id} is {delivery.status.value}: there is no package to download.")
    run = rest.listings.run(delivery.run_id)
    return Ranged(
        studio.media.stored(delivery.package_sha256),
        media_type="application/zip",
        filename=studio.deliveries.package_name(run, delivery),
        headers={"ETag": f'"{delivery.package_sha256}"', "Content-Encoding": "identity"},
    )
