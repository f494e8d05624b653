"""The services that only read, for screens."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.services.activity import Activity
from pipeline.services.boards import Boards
from pipeline.services.causes import Causes
from pipeline.services.cells import Cells
from pipeline.services.costs import Costs
from pipeline.services.fleet_forecasts import FleetForecasts
from pipeline.services.fleet_pages import FleetPages
from pipeline.services.live_work import LiveWork
from pipeline.services.media_files import MediaFiles
from pipeline.services.overview import Overview
from pipeline.services.search import Search
from pipeline.services.trigger_console import TriggerConsole
from pipeline.services.trigger_pages import TriggerPages
from pipeline.wiring_messages import build_messages

if TYPE_CHECKING:
    from data.store import Stores
    from pipeline.adapters.storage.media_store import MediaStore
    from pipeline.adapters.storage.workspace import Spool
    from pipeline.ports import Clock
    from pipeline.services.runbooks import RunBooks
    from pipeline.settings import Settings


def build_views(
    settings: Settings, stores: Stores, books: RunBooks, now: Clock, *, media: MediaStore, spool: Spool
) -> dict[str, Any]:
    """Those services by the names that they have in a studio."""
    return {
        "activity": Activity(stores, books, now),
        "boards": Boards(stores, books, now),
        "causes": Causes(stores),
        "cells": Cells(stores, books, now),
        "costs": Costs(stores, books, now),
        "fleet_forecasts": FleetForecasts(stores, books, now),
        "fleet_pages": FleetPages(stores, books, now, settings.gpu_limits),
        "files": MediaFiles(stores, books, media.stored, partial(_small_picture, settings.cache_root / "thumbnails")),
        "live_work": LiveWork(stores, books, now, newest_preview=spool.newest_preview),
        "overview": Overview(stores, books, now, slots=settings.parallel, free_disk=partial(_free_disk, settings.home)),
        "messages": build_messages(settings, stores, now),
        "search": Search(stores),
        "trigger_console": TriggerConsole(stores, books, now),
        "trigger_pages": TriggerPages(stores, books, now),
    }


def _free_disk(folder: Path) -> int:
    """The bytes that are free where a folder lies."""
    return shutil.disk_usage(folder).free


def _small_picture(root: Path, picture: Path, sha256: str, height: int) -> Path:
    """The picture libraries load when the first small picture is asked for."""
    from pipeline.adapters.media.thumbnails import thumbnails

    return thumbnails(root).of(picture, sha256, height)
