"""What servers still hold although nobody waits for it, by what is stored; within the transaction that it is handed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from data.store import Store
from pipeline.domain.statuses import AttemptOutcome
from pipeline.domain.workers import Sighting

SHOTS_REMEMBERED = timedelta(days=1)
"""How long after its end a test shot is still looked for: servers hold the jobs of other people too, at every look."""


def still_there(store: Store, sightings: Mapping[str, Sighting], now: datetime) -> dict[str, set[str]]:
    """By server, the jobs seen there that are attempts of ours and have ended: they arrived late, or did not hear to stop.

    An attempt that has ended never begins again, so what its server makes of it would be made in vain. Attempts that run, and
    jobs that are not ours, are never among these. Of test shots, those count that ended within a day.
    """
    seen = frozenset[str]().union(*(sighting.jobs for sighting in sightings.values()))
    known = store.jobs.outcomes(seen)
    ended = {attempt_id for attempt_id, outcome in known.items() if outcome is not AttemptOutcome.RUNNING}
    if len(known) < len(seen):
        ended |= store.test_shots.ended_attempts(seen - known.keys(), now - SHOTS_REMEMBERED)
    held = {url: ended & sighting.jobs for url, sighting in sightings.items()}
    return {url: jobs for url, jobs in held.items() if jobs}
