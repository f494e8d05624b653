"""How long we wait before we draw conclusions."""

from __future__ import annotations

from datetime import timedelta

LEASE = timedelta(seconds=30)
"""How long a leased job stays its engine's without a heartbeat."""

GRACE = timedelta(hours=1)
"""How long a stored file may be without a row that points to it: attempts store files before they are settled."""
