"""How long we wait before we draw conclusions."""

from __future__ import annotations

from datetime import timedelta

from pipeline.domain.records import Job
from pipeline.domain.stages import STAGES, Lane

LEASE = timedelta(seconds=30)
"""How long a leased job stays its engine's without a heartbeat."""

GRACE = timedelta(hours=1)
"""How long a stored file may be without a row that points to it: attempts store files before they are settled."""

KEPT_ANSWERS = timedelta(hours=24)
"""How long the answer of a request is kept for its repetition."""

UNDER_WAY = timedelta(seconds=30)
"""How long a request without an effect is left to the one who began it."""

PROGRAM_S = 3600.0
"""How long a program of the backend `command` may take for one still or segment, unless the production says it."""

PROGRAM_STOPS_S = 6.0
"""How long an engine that stops waits for its programs: they have three seconds between SIGTERM and SIGKILL."""

STOPPING_S = 60.0
"""How long an attempt that was asked to stop may take to do so, before the engine goes on without it."""

_LIMIT_LEAST_S = 600.0
_LIMIT_TIMES = 20
_MEASURED_LEAST_S = 300.0
_MEASURED_TIMES = 6
_LOADINGS, _LOADING_S = 5, 60.0
_LIMIT_BYTES_A_SECOND = 250_000


def time_limit(job: Job, backend: str) -> float:
    """The seconds after which an attempt of this job is stopped: so generous that only what hangs comes to it."""
    limit = max(_LIMIT_LEAST_S, _LIMIT_TIMES * job.estimated_seconds, job.estimated_bytes / _LIMIT_BYTES_A_SECOND)
    is_program = backend == "command" and STAGES[job.stage].lane is Lane.GENERATION
    return max(limit, job.options.get("timeout_s", PROGRAM_S) + STOPPING_S) if is_program else limit


def measured_limit(job: Job, usual_s: float, loading_s: float) -> float:
    """The same where such jobs took `usual_s` several times at the same worker, and loading a model there takes `loading_s`.

    A minute stands for a loading that was never measured (0).
    """
    runs_s = _MEASURED_TIMES * usual_s + _LOADINGS * (loading_s or _LOADING_S)
    return max(_MEASURED_LEAST_S, runs_s, job.estimated_bytes / _LIMIT_BYTES_A_SECOND)
