"""How long the fleet is waited for; tests hand in shorter times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """All in seconds. The truth is polled; the socket only makes it faster."""

    poll_s: float = 1.0
    """Between two looks at the history for one attempt; also between the two looks before it is called lost."""
    refused_s: float = 10.0
    """A server that refuses connections for so long has stopped, and its queue with it: it lives in memory only."""
    gone_s: float = 120.0
    """A server that cannot be reached, or answers nonsense, for so long is given up."""
    answer_s: float = 20.0
    """One small answer, from the first byte sent to the last one read."""
    socket_s: float = 2.0
    """An attempt waits so long for the socket to be open, then goes without."""
    deaf_s: float = 10.0
    """An attempt runs, and the socket has said nothing of it for so long: another socket is opened."""
    wedged_s: float = 5.0
    """Attempts wait and none runs for so long, in three looks: the server's worker thread is dead."""
    stuck_s: float = 45.0
    """An attempt that was asked to stop runs on for so long: the server's worker thread is dead, or as good as that. Less than
    the engine waits for it (`STOPPING_S`), so that it is told."""
    others_s: float = 600.0
    """A job of somebody else's runs for so long: what waits behind it is taken back, and tried at another worker."""
    stop_s: float = 2.0
    """Between two requests to stop an attempt."""
    linger_s: float = 60.0
    """The socket stays open so long after the last attempt."""
    ping_s: float = 20.0
    """Between two pings of the socket; the answer may take half as long."""
    backoff_s: float = 0.5
    longest_backoff_s: float = 30.0
    preview_s: float = 0.5
    """Between two previews of one attempt that are kept."""
