"""`/variant-images`: stills of characters in their looks, with the decision which candidate becomes the hero."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query

from pipeline.api import paging
from pipeline.api import schemas_asked as asked
from pipeline.api import schemas_given as given
from pipeline.api.asking import Key, Rest, Studio, Who, routes
from pipeline.api.cells import Filter
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Still
from pipeline.domain.statuses import CellStatus

router = routes("variant images")
_KIND = "variant image"


@router.get("/production-runs/{run_id}/variant-images", response_model=given.Page[given.VariantImage])
def list_variant_images(
    run_id: asked.Id,
    rest: Rest,
    status: Annotated[CellStatus | None, Query(description="Only those in this status.")] = None,
    character: Filter = None,
    variant: Filter = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> object:
    """The variant images of a run."""
    edge = paging.edge_of(_KIND, cursor)
    found = rest.listings.variant_images(run_id, edge, limit, status=status, character=character, variant=variant)
    return paging.page(_KIND, found)


@router.get("/variant-images/{image_id}", response_model=given.VariantImage)
def read_variant_image(image_id: asked.Id, rest: Rest) -> object:
    """One variant image."""
    return rest.listings.variant_image(image_id)[1]


@router.post("/variant-images/{image_id}/approve", response_model=given.VariantImage)
def approve_variant_image(
    image_id: asked.Id,
    studio: Studio,
    rest: Rest,
    who: Who,
    body: Annotated[asked.Choice, Body(default_factory=asked.Choice)],
    key: Key = None,
) -> object:
    """Make a candidate the hero. The scenes that waited for it start by themselves."""
    run, still = rest.listings.variant_image(image_id)
    studio.review.approve_variant(run, still.key, who, candidate=body.candidate, expected=_seen(still, body.take))
    return rest.listings.variant_image(image_id)[1]


@router.post("/variant-images/{image_id}/reject", response_model=given.VariantImage)
def reject_variant_image(
    image_id: asked.Id, body: asked.Refusal, studio: Studio, rest: Rest, who: Who, key: Key = None
) -> object:
    """Refuse all candidates, or withdraw an approval. Scenes made from it are marked stale."""
    run, still = rest.listings.variant_image(image_id)
    studio.review.reject_variant(run, still.key, who, reason=body.reason, expected=_seen(still, body.take))
    return rest.listings.variant_image(image_id)[1]


@router.post("/variant-images/{image_id}/retry", response_model=given.Done)
def retry_variant_image(image_id: asked.Id, studio: Studio, rest: Rest, who: Who, key: Key = None) -> object:
    """Make new candidates for one that failed or was rejected; else `done` is empty."""
    run, still = rest.listings.variant_image(image_id)
    return {"done": studio.review.retry(run, Selection(keys=(still.key,)), who)}


def _seen(still: Still, take: int | None) -> dict[str, int] | None:
    return None if take is None else {still.key: take}
