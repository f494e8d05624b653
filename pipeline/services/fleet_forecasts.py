"""When the runs of a fleet will be done, and what more or fewer workers would change: rehearsals of all that is left."""

from __future__ import annotations

from dataclasses import replace

from data.store import Stores
from pipeline.domain.fleet.what_if import Change, changed, ending
from pipeline.domain.fleet_forecast import Comparison, FleetForecast
from pipeline.services.crew import Crew
from pipeline.services.rehearsals import Rehearsals


class FleetForecasts:
    """Answers when, and what if. It decides nothing. Whoever is given the same `rehearsals` tells the same times."""

    def __init__(self, stores: Stores, rehearsals: Rehearsals, crew: Crew) -> None:
        self._stores = stores
        self._crew = crew
        self._rehearsals = rehearsals

    def now(self) -> FleetForecast:
        """When each run will be done as things stand, at most some seconds old; not of one that no engine works on."""
        with self._stores.read() as store:
            left = self._rehearsals.left(store)
            found = self._rehearsals.run_ends(left)
            unattended = self._crew.unattended(store, [run.run_id for run in found])
        found = [replace(run, likely_at=None, latest_at=None) if run.run_id in unattended else run for run in found]
        found.sort(key=lambda run: (run.likely_at is None, run.likely_at or left.now, run.run_id))
        end = self._rehearsals.end(left)
        return FleetForecast(left.now, tuple(found), end.cost if end else 0.0)

    def what_if(self, change: Change) -> Comparison:
        """The fleet of this moment beside the fleet after a change, with the same work.

        Raises Invalid for a change that cannot be.
        """
        with self._stores.read() as store:
            left = self._rehearsals.left(store, anew=True)  # a person asks once, and may have submitted a moment ago
        before = self._rehearsals.end(left)
        after = ending(left.payable, changed(left.fleet, change), now_s=left.now.timestamp())
        return Comparison(left.now, change, before, after, sum(left.undecided.values()))
