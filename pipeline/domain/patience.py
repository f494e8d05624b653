"""How long we wait before we draw conclusions."""

from __future__ import annotations

from datetime import timedelta

LEASE = timedelta(seconds=30)
"""How long a leased job stays its engine's without a heartbeat."""

GRACE = timedelta(hours=1)
"""How long a stored file may be without a row that points to it: attempts store files before they are settled."""

KEPT_ANSWERS = timedelta(hours=24)
"""How long the answer of a request is kept for its repetition."""

UNDER_WAY = timedelta(seconds=30)
"""How long a request without an effect is left to the one who began it."""
