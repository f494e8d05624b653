"""How far running attempts are: what performers say, and what of it is worth storing now."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain.work import Update

Standing = tuple[float, str]
"""The share that is done, and the step in words."""

EVERY_S = 1.0
STEP_MOST = 200


class ProgressReports:
    """Remembers what was stored, so that only changes are, and those at most once a second."""

    def __init__(self) -> None:
        self._known: dict[str, Standing] = {}
        self._stored: dict[str, Standing] = {}
        self._stored_at = float("-inf")

    def note(self, update: Update) -> None:
        """A performer says where a running attempt stands. Changes below one percent are not worth a row."""
        if update.progress or update.note:
            self._known[update.attempt_id] = (round(min(1.0, max(0.0, update.progress)), 2), update.note[:STEP_MOST])

    def due(self, now: float) -> Mapping[str, Standing]:
        """What has changed since it was stored; nothing within a second after that."""
        if now - self._stored_at < EVERY_S:
            return {}
        begun = (0.0, "")
        return {key: standing for key, standing in self._known.items() if standing != self._stored.get(key, begun)}

    def stored(self, reports: Mapping[str, Standing], now: float) -> None:
        """These are stored."""
        if reports:
            self._stored.update(reports)
            self._stored_at = now

    def forget(self, attempt_id: str) -> None:
        """The attempt has ended."""
        self._known.pop(attempt_id, None)
        self._stored.pop(attempt_id, None)
