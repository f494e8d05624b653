"""Every component id that more than one file names."""

from __future__ import annotations

URL = "_pages_location"
"""Dash's own location component, one for all pages."""

FEED = "feed"
"""What the live feed has told last: `{"state", "seq", "events"}`. `state` is `live`, `away` or `reset`."""

FEED_RUN = "feed-run"
"""Which run's events the page wants: its id, or None for all."""

TICK = "tick"
"""Changes at most once a second while things happen: an Input for what need not follow each event. Its value is a count."""

LIVE = "live-pill"
TOASTS = "toasts"
CRUMBS = "crumbs"
JOBS = "jobs-pill"
TRAY = "job-tray"
BELL = "bell"
PALETTE = "command-palette"
KEYS = "keys-dialog"
"""The dialog that `?` opens; a page gives its keys with `frame.keys_of`."""

FLEET_PRESS = "fleet-press"
"""What was pressed last on the page of the fleet: `{"verb", "place", "worker", "job", "by", "at"}`; see assets/fleet.js."""

FLEET_BY = "fleet-by"
"""How parts of the page of the fleet are ordered: `{"queue": "order" or "run", "time": "worker" or "run"}`."""

FLEET_HEAD = "fleet-head"
FLEET_BANNER = "fleet-banner"
FLEET_CARDS = "fleet-cards"
FLEET_QUEUE = "fleet-queue"
FLEET_TIME = "fleet-time"
FLEET_CLOCK = "fleet-clock"
"""Runs while somebody works: how far an attempt is tells no event."""
FLEET_SLOW_CLOCK = "fleet-slow-clock"
"""When the past and the forecast are drawn again."""
FLEET_ADD = "fleet-add"
FLEET_PANEL = "fleet-panel"
