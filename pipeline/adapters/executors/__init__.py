"""Where CPU work of this machine runs."""

from __future__ import annotations

from pipeline.adapters.executors.inline import InlineExecutor
from pipeline.adapters.executors.processes import ProcessExecutor
from pipeline.adapters.executors.threads import ThreadExecutor

EXECUTORS = {"threads": ThreadExecutor, "processes": ProcessExecutor, "inline": InlineExecutor}
