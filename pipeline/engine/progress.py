"""What is new of running attempts: how far they are, which have begun, and what of it is worth storing now."""

from __future__ import annotations

from datetime import datetime

from pipeline.domain.work import NO_NEWS, News, Update

EVERY_S = 1.0
STEP_MOST = 200


class ProgressReports:
    """Remembers what was stored, so that only changes are, and those at most once a second."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, str]] = {}
        self._stored: dict[str, tuple[float, str]] = {}
        self._begun: dict[str, datetime] = {}
        self._stored_at = float("-inf")

    def note(self, update: Update) -> None:
        """A performer says where a running attempt stands. Changes below one percent are not worth a row."""
        if update.progress or update.note:
            self._known[update.attempt_id] = (round(min(1.0, max(0.0, update.progress)), 2), update.note[:STEP_MOST])

    def begun(self, attempt_id: str, at: datetime) -> None:
        """An attempt whose time counts has begun."""
        self._begun[attempt_id] = at

    def due(self, now: float) -> News:
        """What has changed since it was stored; nothing within a second after that."""
        if now - self._stored_at < EVERY_S:
            return NO_NEWS
        start = (0.0, "")
        changed = {key: standing for key, standing in self._known.items() if standing != self._stored.get(key, start)}
        return News(changed, dict(self._begun))

    def stored(self, news: News, now: float) -> None:
        """These are stored."""
        if news:
            self._stored.update(news.standings)
            self._stored_at = now
        for attempt_id in news.begun:
            self._begun.pop(attempt_id, None)

    def forget(self, attempt_id: str) -> None:
        """The attempt has ended."""
        for kept in (self._known, self._stored, self._begun):
            kept.pop(attempt_id, None)
