"""Looks at many servers at once, and what each look means for the worker behind it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from pipeline.adapters.backends.comfyui.looking import STOPPED_AT_ONCE, Stand, canary, look, object_info, stop
from pipeline.adapters.backends.comfyui.sharing import sharing
from pipeline.domain.errors import Invalid, Unavailable
from pipeline.domain.workers import Health, Sighting

log = logging.getLogger(__name__)

CANARY_S = 10.0
_AT_ONCE = 32
_PROBES, _BETWEEN_S = 3, 2.5
WEDGED = "jobs wait there and none runs: its worker thread has died. Restart its process."


def sight(
    urls: Sequence[str], catalogue_of: Collection[str] = (), *, wait: Callable[[float], None] = time.sleep
) -> Mapping[str, Sighting]:
    """What each of these servers says of itself; of those in `catalogue_of` also what nodes and models they have.

    A server that holds jobs and runs none is looked at three times over five seconds before it counts as wedged: between two
    jobs that is so for a moment. When some are asked for what they have, all that are well are also asked whether they share
    their output folders.
    """
    if not urls:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(urls)), thread_name_prefix="look") as pool:
        found = pool.map(lambda url: _sighting(url, url in catalogue_of, wait), urls)
        sightings = dict(zip(urls, found, strict=True))
    if not catalogue_of:
        return sightings
    together = sharing([url for url, sighting in sightings.items() if sighting.health is Health.WELL])
    return {url: replace(sighting, shares_output_with=together.get(url)) for url, sighting in sightings.items()}


def tried(url: str, *, timeout_s: float = CANARY_S) -> str:
    """What went wrong when the server was given something tiny, in words; empty when it works."""
    try:
        canary(url, timeout_s=timeout_s)
    except (Invalid, Unavailable) as error:
        return str(error)
    return ""


def idle_tried(urls: Collection[str], *, timeout_s: float = CANARY_S) -> Mapping[str, str]:
    """As `tried`, for all of these servers at once.

    One that has jobs is left out, for there waiting would be no sign of illness; so is one that does not answer at all.
    """
    if not urls:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(urls)), thread_name_prefix="canary") as pool:
        found = pool.map(lambda url: _tried_when_idle(url, timeout_s), urls)
        return {url: reason for url, reason in zip(urls, found, strict=True) if reason is not None}


def _tried_when_idle(url: str, timeout_s: float) -> str | None:
    try:
        stand = look(url)
    except (Invalid, Unavailable):
        return None
    return None if stand.running or stand.pending else tried(url, timeout_s=timeout_s)


def stopped(jobs: Mapping[str, Collection[str]]) -> None:
    """Ask these servers, all at once, to stop these jobs. No promise: one that did not hear it shows them in the next look."""
    with ThreadPoolExecutor(min(_AT_ONCE, len(jobs)), thread_name_prefix="stop") as pool:
        list(pool.map(_stopped, jobs, jobs.values()))


def _stopped(url: str, job_ids: Collection[str]) -> None:
    told = ", ".join(sorted(job_ids)[:STOPPED_AT_ONCE])
    log.info("%s has what was given up (%d jobs), and is asked to stop it: %s", url, len(job_ids), told)
    with suppress(Invalid, Unavailable):
        stop(url, job_ids)


def _sighting(url: str, with_catalogue: bool, wait: Callable[[float], None]) -> Sighting:
    try:
        stand = look(url)
        for _ in range(_PROBES - 1):
            if stand.running or not stand.pending:
                break
            wait(_BETWEEN_S)
            stand = look(url)
        catalogue = object_info(url) if with_catalogue else {}
    except Unavailable as error:
        return Sighting(Health.AWAY, str(error))
    except Invalid as error:
        return Sighting(Health.STRANGE, str(error))
    is_wedged = bool(stand.pending and not stand.running)
    return _told(stand, Health.WEDGED if is_wedged else Health.WELL, WEDGED if is_wedged else "", catalogue)


def _told(stand: Stand, health: Health, reason: str, catalogue: Mapping[str, object]) -> Sighting:
    devices = [device for device in stand.devices if device.kind != "cpu"] or list(stand.devices)
    largest = max(devices, key=lambda device: device.total_bytes, default=None)
    return Sighting(
        health,
        reason,
        version=stand.version,
        gpu=largest.name if largest else "",
        memory_bytes=largest.total_bytes if largest else 0,
        free_bytes=largest.free_bytes if largest else 0,
        queue=stand.running + stand.pending,
        jobs=stand.ids,
        catalogue=catalogue,
    )
