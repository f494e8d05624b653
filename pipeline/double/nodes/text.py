"""Nodes that work on text."""

from __future__ import annotations

import re

from pipeline.double.job import Answer, Job


def regex_replace(
    job: Job,
    *,
    string: str,
    regex_pattern: str,
    replace: str,
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
    count: int = 0,
) -> Answer:
    """Replace what a pattern finds; raises what Python raises for a broken one."""
    flags = (re.IGNORECASE if case_insensitive else 0) | (re.MULTILINE if multiline else 0) | (re.DOTALL if dotall else 0)
    return Answer((re.sub(regex_pattern, replace, string, count=count, flags=flags),))
