"""The studio: what people, rules and engines ask for, and what screens show."""

from __future__ import annotations

import hashlib
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.adapters import workflow_files
from pipeline.wiring_productions import build_productions, probe
from pipeline.wiring_services import service
from pipeline.wiring_views import Views

if TYPE_CHECKING:
    from pipeline.domain.presets import Presets
    from pipeline.services.budgets import Budgets
    from pipeline.services.deliveries import Deliveries
    from pipeline.services.dispatch import Dispatch
    from pipeline.services.firing import FiringRules
    from pipeline.services.idle_workers import IdleWorkers
    from pipeline.services.invariants import Invariants
    from pipeline.services.leases import Leases
    from pipeline.services.messages import Messages
    from pipeline.services.planning import Planning
    from pipeline.services.productions import Productions
    from pipeline.services.replacing import Pictures
    from pipeline.services.requests import Requests
    from pipeline.services.retakes import Retakes
    from pipeline.services.review import Review
    from pipeline.services.runs import RunsService
    from pipeline.services.schedules import Schedules
    from pipeline.services.submission import Submission
    from pipeline.services.telemetry import Telemetry
    from pipeline.services.test_shots import TestShots
    from pipeline.services.triggers import Triggers
    from pipeline.services.upkeep import Upkeep
    from pipeline.services.workers import Workers
    from pipeline.services.workflows import Workflows
    from pipeline.settings import Settings


class Studio(Views):
    """What the doors call, and what an engine is made of."""

    # What people and rules ask for ------------------------------------------------------------------------------

    @service
    def productions(self) -> Productions:
        """Reads and checks production files."""
        return build_productions(self.stores, self.clock)

    @service
    def presets(self) -> Presets:
        """The built-in templates, styles, locations and formats."""
        return self.productions.presets

    @service
    def runs(self) -> RunsService:
        """Creates, resumes, pauses and cancels runs."""
        from pipeline.services.runs import RunsService

        return RunsService(
            self.stores, self.books, media=self.media, pictures=self._pictures, clock=self.clock, presets=self.presets,
            load_workflow=workflow_files.load,
        )  # fmt: skip

    @property
    def _pictures(self) -> Pictures:
        from pipeline.services.replacing import Pictures

        return Pictures(self.media, probe)

    @service
    def submission(self) -> Submission:
        """Asks for scenes."""
        from pipeline.services.submission import Submission

        return Submission(self.stores, self.books, self.clock, self._pictures)

    @service
    def review(self) -> Review:
        """Approves and rejects."""
        from pipeline.services.review import Review

        return Review(self.stores, self.books, self.clock, self._pictures)

    @service
    def retakes(self) -> Retakes:
        """Asks for scenes again, and takes steps back."""
        from pipeline.services.retakes import Retakes

        return Retakes(self.stores, self.books, self.clock)

    @service
    def deliveries(self) -> Deliveries:
        """Orders deliveries."""
        from pipeline.services.deliveries import Deliveries

        return Deliveries(
            self.stores, self.books, self.clock,
            copy_out=self.media.copy_out, take_away=self.media.take_away, folder=self.settings.deliveries_root,
        )  # fmt: skip

    @service
    def budgets(self) -> Budgets:
        """Limits of GPU time, money and disk."""
        from pipeline.services.budgets import Budgets

        return Budgets(self.stores, self.clock)

    @service
    def schedules(self) -> Schedules:
        """Quiet hours and times to begin."""
        from pipeline.services.schedules import Schedules

        return Schedules(self.stores, self.clock)

    @service
    def workflows(self) -> Workflows:
        """Registered workflows and their versions."""
        from pipeline.services.workflows import Workflows

        return Workflows(self.stores, self.clock, workflow_files.load)

    @service
    def test_shots(self) -> TestShots:
        """Tries of a workflow on one server."""
        from pipeline.wiring_shots import build_test_shots

        return build_test_shots(self.stores, self.clock, self.media)

    @service
    def workers(self) -> Workers:
        """The servers of the fleet."""
        from pipeline.wiring_fleet import build_workers

        return build_workers(self.stores, self.clock, self._servers)

    @service
    def idle_workers(self) -> IdleWorkers:
        """Frees cards that have nothing to do."""
        from pipeline.wiring_fleet import build_idle_workers

        return build_idle_workers(self.stores, self.clock, self._servers)

    @service
    def planning(self) -> Planning:
        """What a submission would do."""
        from pipeline.services.planning import Planning

        return Planning(self.stores, _hash_file, workflow_files.load)

    # What an engine does -----------------------------------------------------------------------------------------

    @service
    def requests(self) -> Requests:
        """What attempts are asked for."""
        from pipeline.services.requests import Requests

        return Requests(self.media, _delivery_options(self.settings))

    @service
    def dispatch(self) -> Dispatch:
        """Settles and claims jobs."""
        from pipeline.services.dispatch import Dispatch

        return Dispatch(
            self.stores, self.books, media=self.media, clock=self.clock, new_id=lambda: str(uuid.uuid4()), requests=self.requests
        )

    @service
    def leases(self) -> Leases:
        """Engines and what they hold."""
        from pipeline.services.leases import Leases

        return Leases(self.stores, self.books, self.clock, self.requests)

    @service
    def upkeep(self) -> Upkeep:
        """The safety net and the broom."""
        from pipeline.services.upkeep import Upkeep

        return Upkeep(self.stores, self.books, media=self.media, spool=self.spool, clock=self.clock)

    @service
    def invariants(self) -> Invariants:
        """Checks the whole installation."""
        from pipeline.services.invariants import Invariants

        logs = partial(self.settings.logs_root.glob, "*.log")
        return Invariants(
            self.stores, media=self.media, spool=self.spool, clock=self.clock, logs=logs, verify_package=self._verify_package
        )

    @service
    def telemetry(self) -> Telemetry:
        """What graphics cards tell."""
        from pipeline.wiring_fleet import build_telemetry

        return build_telemetry(self.stores, self.clock, self.settings.gpu_limits, self._probe)

    @service
    def messages(self) -> Messages:
        """The outbox."""
        from pipeline.wiring_messages import build_messages

        return build_messages(self.settings, self.stores, self.clock)

    @service
    def triggers(self) -> Triggers:
        """Saves, approves and halts rules."""
        from pipeline.services.triggers import Triggers

        return Triggers(self.stores, self.books, self.clock)

    @service
    def firing(self) -> FiringRules:
        """Holds events against rules, and does what they ask for."""
        from pipeline.services.firing import FiringRules
        from pipeline.wiring_messages import channels

        return FiringRules(self.stores, self.books, self.clock, channels=tuple(channels(self.settings)))


def _hash_file(path: Path) -> str:
    """The SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _delivery_options(settings: Settings) -> dict[str, object]:
    options: dict[str, object] = {"credentials_dir": str(settings.credentials_root)}
    if settings.certificate_chain and settings.certificate_key:
        options["certificate"] = {"chain_path": str(settings.certificate_chain), "key_path": str(settings.certificate_key)}
    return options
