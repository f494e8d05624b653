"""The services that only read, for screens and reports."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.wiring_services import Installation, service

if TYPE_CHECKING:
    from pipeline.domain.packages import Entry
    from pipeline.services.activity import Activity
    from pipeline.services.boards import Boards
    from pipeline.services.causes import Causes
    from pipeline.services.cells import Cells
    from pipeline.services.costs import Costs
    from pipeline.services.crew import Crew
    from pipeline.services.fleet_forecasts import FleetForecasts
    from pipeline.services.fleet_pages import FleetPages
    from pipeline.services.live_work import LiveWork
    from pipeline.services.media_files import MediaFiles
    from pipeline.services.overview import Overview
    from pipeline.services.packages import Packages
    from pipeline.services.previews import Previews
    from pipeline.services.rehearsals import Rehearsals
    from pipeline.services.reports import Reports
    from pipeline.services.search import Search
    from pipeline.services.trigger_console import TriggerConsole
    from pipeline.services.trigger_pages import TriggerPages
    from pipeline.services.trigger_views import TriggerViews
    from pipeline.services.waiting import Waiting


class Views(Installation):
    """What can be seen of an installation."""

    @service
    def activity(self) -> Activity:
        """The lines of what has happened."""
        from pipeline.services.activity import Activity

        return Activity(self.stores, self.books, self.clock)

    @service
    def boards(self) -> Boards:
        """The matrix of a run."""
        from pipeline.services.boards import Boards

        return Boards(self.stores, self.books, self.clock)

    @service
    def causes(self) -> Causes:
        """What led to what."""
        from pipeline.services.causes import Causes

        return Causes(self.stores)

    @service
    def cells(self) -> Cells:
        """The page of one scene."""
        from pipeline.services.cells import Cells

        return Cells(self.stores, self.books, self.clock, self.waiting)

    @service
    def costs(self) -> Costs:
        """What was spent, on what."""
        from pipeline.services.costs import Costs

        return Costs(self.stores, self.books, self.clock)

    @service
    def files(self) -> MediaFiles:
        """Pictures and videos as they are stored."""
        from pipeline.services.media_files import MediaFiles

        small = partial(_small_picture, self.settings.cache_root / "thumbnails")
        return MediaFiles(self.stores, self.books, self.media.stored, small)

    @service
    def fleet_forecasts(self) -> FleetForecasts:
        """When the fleet will have finished."""
        from pipeline.services.fleet_forecasts import FleetForecasts

        return FleetForecasts(self.stores, self.rehearsals, self.crew)

    @service
    def crew(self) -> Crew:
        """Which engines are at work."""
        from pipeline.services.crew import Crew

        return Crew(self.locks.is_alive)

    @service
    def fleet_pages(self) -> FleetPages:
        """The servers and their queue."""
        from pipeline.services.fleet_pages import FleetPages

        return FleetPages(self.stores, self.books, self.clock, crew=self.crew, thresholds=self.settings.gpu_limits)

    @service
    def live_work(self) -> LiveWork:
        """What is made just now."""
        from pipeline.services.live_work import LiveWork

        return LiveWork(self.stores, self.books, self.clock, newest_preview=self.spool.newest_preview)

    @service
    def overview(self) -> Overview:
        """The pulse of all runs."""
        from pipeline.services.overview import Overview

        free_disk = partial(_free_disk, self.settings.home)
        return Overview(
            self.stores, self.books, self.clock,
            slots=self.settings.parallel, free_disk=free_disk, rehearsals=self.rehearsals, waiting=self.waiting, crew=self.crew,
        )  # fmt: skip

    @service
    def packages(self) -> Packages:
        """What is in a sealed package."""
        from pipeline.services.deliveries import Deliveries
        from pipeline.services.packages import Packages

        return Packages(self.stores, lambda sha256: _package_contents(self.media.stored(sha256)), Deliveries.package_name)

    @service
    def previews(self) -> Previews:
        """Files copied out for a look."""
        from pipeline.services.previews import Previews

        return Previews(self.stores, self.media.copy_out, lambda folder: shutil.rmtree(folder, ignore_errors=True))

    @service
    def rehearsals(self) -> Rehearsals:
        """What the fleet has to do, rehearsed: one for all who tell when."""
        from pipeline.services.rehearsals import Rehearsals

        return Rehearsals(self.books, self.clock)

    @service
    def reports(self) -> Reports:
        """Progress of a run."""
        from pipeline.services.reports import Reports

        return Reports(self.stores, self.books, self.clock, self.waiting, self.crew)

    @service
    def search(self) -> Search:
        """Finds cells, runs and people's words."""
        from pipeline.services.search import Search

        return Search(self.stores)

    @service
    def trigger_console(self) -> TriggerConsole:
        """What would follow from an event, step by step."""
        from pipeline.services.trigger_console import TriggerConsole

        return TriggerConsole(self.stores, self.books, self.clock)

    @service
    def trigger_pages(self) -> TriggerPages:
        """The pages of rules."""
        from pipeline.services.trigger_pages import TriggerPages

        return TriggerPages(self.stores, self.books, self.clock)

    @service
    def trigger_views(self) -> TriggerViews:
        """Rules, firings and verdicts, to be read."""
        from pipeline.services.trigger_views import TriggerViews

        return TriggerViews(self.stores, self.books)

    @service
    def waiting(self) -> Waiting:
        """Why ready jobs wait: one for all who tell why."""
        from pipeline.services.waiting import Waiting

        return Waiting(self.books, self.clock, self.crew)


def _package_contents(path: Path) -> list[Entry]:
    from pipeline.adapters.packaging.contents import contents

    return contents(path)


def _free_disk(folder: Path) -> int:
    """The bytes that are free where a folder lies."""
    return shutil.disk_usage(folder).free


def _small_picture(root: Path, picture: Path, sha256: str, height: int) -> Path:
    """The picture libraries load when the first small picture is asked for."""
    from pipeline.adapters.media.thumbnails import thumbnails

    return thumbnails(root).of(picture, sha256, height)
