"""How far a run is, as REST gives it."""

from __future__ import annotations

from datetime import datetime

from pipeline.api.schemas_given import Given, Reason
from pipeline.domain.progress import Outlook


class Hint(Given):
    """What lets most scenes start: a `variant` or `scene` to approve, or the cure in `key` where the `fleet` can do nothing."""

    kind: str
    key: str
    still_id: int | None
    cell_id: int | None
    frees: int
    waiting: int
    seconds: float
    text: str


class Progress(Given):
    """A run at this moment; counts are counts of rows, `blocked` apart from `queued`.

    It is done at `likely_at` with a chance of 50 % and at `latest_at` with one of 90 %; null while that cannot be told.
    Of `measured_share` of the work until then times were measured, the rest are stated defaults. `rests_at` is when the machines
    will likely have done all that needs nobody. `held` says why work that could start does not.
    """

    run_id: int
    held: list[Reason]
    started_at: datetime | None
    started_by: str
    outlook: Outlook
    counts: dict[str, int]
    total: int
    approved: int
    missing: int
    segments_made: int
    segments_total: int
    qa_passed: int
    rate_per_hour: float | None
    likely_at: datetime | None
    latest_at: datetime | None
    measured_share: float
    rests_at: datetime | None
    spent_seconds: float
    limit_seconds: float | None
    spent_bytes: int
    limit_bytes: int | None
    spent_cost: float
    limit_cost: float | None
    free_disk_bytes: int
    hint: Hint | None
