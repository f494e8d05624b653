"""Deliveries as people ask for them: what is missing, make one, place the exports where the production wants them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from data.store import Store, Stores
from pipeline.domain.delivery import DeliveryProgress, Missing, NotPlaced, delivery_progress
from pipeline.domain.errors import Conflict, FileLost, NotFound, StripboardError
from pipeline.domain.file_names import FileName
from pipeline.domain.naming import collision_key
from pipeline.domain.production import Output
from pipeline.domain.records import ENGINE, Actor, Delivery, Run
from pipeline.domain.records import Output as Export
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import CellStatus, DeliveryStatus, RunStatus
from pipeline.ports import Clock
from pipeline.services.advance import Advance
from pipeline.services.runbooks import RunBooks
from pipeline.services.sealing import Sealing

log = logging.getLogger(__name__)

_AGAIN = timedelta(minutes=1)
"""A place that cannot be written is tried again so much later."""


class NotDeliverable(Conflict):
    """Something is missing; `missing` lists it all."""

    def __init__(self, run: Run, missing: list[Missing]) -> None:
        super().__init__(f"Run {run.name} cannot be delivered yet: {len(missing)} missing. First: {missing[0].message}")
        self.missing = missing


class Deliveries:
    """Makes and finds deliveries. Packages are placed in `folder`.

    `copy_out(sha256, target)` places a stored file; `take_away(sha256, target)` removes what it placed, if it is unchanged.
    """

    def __init__(
        self,
        stores: Stores,
        books: RunBooks,
        clock: Clock,
        *,
        copy_out: Callable[[str, Path], None],
        take_away: Callable[[str, Path], bool],
        folder: Path,
    ) -> None:
        self._stores = stores
        self._books = books
        self._clock = clock
        self._copy_out = copy_out
        self._take_away = take_away
        self._folder = folder
        self._later: dict[int, datetime] = {}

    def missing(self, run: Run) -> list[Missing]:
        """Everything that keeps the run from being delivered; empty when it may be."""
        with self._stores.read() as store:
            return Sealing(Advance(store, self._books, ENGINE)).missing(run)

    def deliver(self, run: Run, actor: Actor, *, again: bool = False) -> Delivery:
        """Queue the packaging of everything approved, and let the run go on as far as that; the answer is the delivery.

        When just that is sealed already, the answer is that delivery, and nothing is done, unless `again` asks for another one.
        Raises NotDeliverable with the whole list when something is missing, Conflict while another delivery is made.
        """
        with self._stores.begin(self._clock.now()) as store:
            sealing = Sealing(Advance(store, self._books, actor))
            current = store.runs.by_ids([run.id])[run.id]
            missing = sealing.missing(current)
            if missing:
                raise NotDeliverable(current, missing)
            made = store.deliveries.of_run(run.id)
            if any(other.status is DeliveryStatus.PACKAGING for other in made):
                raise Conflict(
                    f"A delivery of run {run.name} is being packaged already. `./stripboard status` shows how far it is."
                )
            if made and made[-1].status is DeliveryStatus.SEALED and not again and sealing.is_same(current, made[-1]):
                return made[-1]
            self._open(store, current, actor)
            return sealing.deliver(current)

    @staticmethod
    def _open(store: Store, run: Run, actor: Actor) -> None:
        """Let the run go on up to its end."""
        about: dict[str, Any] = {"actor": actor, "subject": "run", "subject_id": run.id, "run_id": run.id}
        if run.until != Phase.FINALIZE:
            store.runs.change(run.id, until=Phase.FINALIZE.value)
            store.journal.record("run.changed", data={"until": Phase.FINALIZE.value}, **about)
        if run.status is not RunStatus.RUNNING:
            store.runs.change(run.id, status=RunStatus.RUNNING)
            store.journal.record("run.running", data={"from": run.status.value}, **about)

    def progress(self, run: Run) -> DeliveryProgress | None:
        """How far the newest delivery of the run is; None when there is none."""
        with self._stores.read() as store:
            made = store.deliveries.of_run(run.id)
            if not made:
                return None
            [job] = store.jobs.of("delivery", made[-1].id)
            attempts = store.jobs.attempts_of([job.id])
        return delivery_progress(made[-1], job, attempts[-1] if attempts else None)

    def cancel(self, run: Run, actor: Actor) -> Delivery:
        """Stop the packaging that is under way; delivering again begins anew. Raises Conflict when none is."""
        with self._stores.begin(self._clock.now()) as store:
            made = store.deliveries.of_run(run.id)
            if not made or made[-1].status is not DeliveryStatus.PACKAGING:
                raise Conflict(f"No delivery of run {run.name} is being packaged: there is nothing to cancel.")
            reason = f"cancelled by {actor}"
            Advance(store, self._books, actor).cancel_jobs("delivery", [made[-1].id], reason)
            store.deliveries.fail(made[-1], reason)
            store.journal.record(
                "delivery.cancelled", actor=actor, subject="delivery", subject_id=made[-1].id, run_id=run.id,
                data={"number": made[-1].number, "reason": reason},
            )  # fmt: skip
            store.flush()
            return store.deliveries.by_id(made[-1].id)

    def of_run(self, run: Run) -> list[Delivery]:
        """The deliveries of a run and those of single characters of it, oldest first."""
        with self._stores.read() as store:
            return store.deliveries.every(run.id)

    def sealed(self, run: Run) -> Delivery:
        """The newest sealed delivery of the whole run; raises NotFound when there is none."""
        found = [one for one in self.of_run(run) if one.status is DeliveryStatus.SEALED and one.character is None]
        if not found:
            raise NotFound(f"Run {run.name} has no sealed delivery yet. `./stripboard deliver {run.id}` makes one.")
        return found[-1]

    def current(self, run: Run) -> dict[str | None, Delivery]:
        """The newest sealed deliveries that hold just the takes that are approved now: by character, None for the whole run."""
        with self._stores.read() as store:
            sealing = Sealing(Advance(store, self._books, ENGINE))
            sealed = [one for one in store.deliveries.every(run.id) if one.status is DeliveryStatus.SEALED]
            newest = {one.character: one for one in sealed}
            return {whose: one for whose, one in newest.items() if sealing.is_current(one)}

    def place(self, run: Run, delivery: Delivery) -> Path:
        """Copy the package of a sealed delivery to where people look for it; the answer is the file.

        Raises Unavailable when it cannot be written there, FileLost when the stored package is gone or damaged.
        """
        target = self._folder / self.package_name(run, delivery)
        try:
            self._copy_out(delivery.package_sha256 or "", target)
        except FileLost as error:
            told = f"The stored package of delivery {delivery.number} of run {run.name} is gone or damaged, and was not placed."
            raise FileLost(f"{told} `./stripboard deliver {run.id} --again` makes another one.") from error
        with self._stores.begin(self._clock.now()) as store:
            store.deliveries.placed(delivery, store.journal.now)
        return target

    def place_new(self) -> int:
        """Place what is sealed and lies nowhere yet, and the exports of whole runs, whoever drove the run to its end.

        The answer is how many deliveries. One that cannot be placed is told in the log, keeps no other one waiting, and is
        tried again later.
        """
        now = self._clock.now()
        with self._stores.read() as store:
            unplaced = [one for one in store.deliveries.unplaced() if self._later.get(one.id, now) <= now]
            runs = store.runs.by_ids(list({one.run_id for one in unplaced})) if unplaced else {}
        return sum(self._is_placed(runs[delivery.run_id], delivery) for delivery in unplaced)

    def _is_placed(self, run: Run, delivery: Delivery) -> bool:
        try:
            if delivery.character is None:
                self.place_outputs(run)
            self.place(run, delivery)
        except StripboardError as error:
            self._later[delivery.id] = self._clock.now() + _AGAIN
            log.warning("delivery %s of run %s could not be placed: %s", delivery.number, run.name, error)
            return False
        return True

    @staticmethod
    def package_name(run: Run, delivery: Delivery) -> str:
        """What the package of a delivery is called where people keep it."""
        whose = f"-{_plain(delivery.character)}" if delivery.character else ""
        return f"{_plain(run.title)}-run{run.number}-delivery{delivery.number}{whose}.zip"

    def place_outputs(self, run: Run) -> list[Path]:
        """Copy every export of approved takes to the paths that the production's `outputs` name; the answer is the files.

        What was placed of takes that count no more, or under another name, is taken away, unless somebody has changed it. Every
        file is tried; raises NotPlaced with all that went wrong. A production without outputs names no path: its scenes are in
        the delivery alone.
        """
        with self._stores.read() as store:
            advance = Advance(store, self._books, ENGINE)
            cells = store.cells.of_run(run.id)
            outputs = advance.book(run.id).recipes.production.outputs
            approved = [cell for cell in cells if cell.status is CellStatus.APPROVED]
            exports = Sealing(advance).named_exports(run, approved) if outputs else []
            possible = Sealing(advance).possible_exports(run, cells) if outputs else []
        wanted = [(output.file.sha256, _target(run, outputs, output, name)) for output, _, name in exports]
        scenes = {target: cell.plan.key for (_, target), (_, cell, _) in zip(wanted, exports, strict=True)}
        kept = {collision_key(str(target)) for _, target in wanted}
        others = [(output.file.sha256, _target(run, outputs, output, name)) for output, name in possible]
        placed, reasons = _try_each(lambda sha256, target: self._place_export(run, scenes[target], sha256, target), wanted)
        _, not_removed = _try_each(self._take_away, [one for one in others if collision_key(str(one[1])) not in kept])
        if reasons or not_removed:
            raise NotPlaced(list(map(str, placed)), [*reasons, *not_removed])
        return placed

    def _place_export(self, run: Run, scene: str, sha256: str, target: Path) -> None:
        try:
            self._copy_out(sha256, target)
        except FileLost as error:
            told = f'"{target}" was not placed: the stored export of scene {scene} is gone or damaged.'
            raise FileLost(f"{told} `./stripboard retry {run.id}` makes it again.") from error


def _target(run: Run, outputs: Sequence[Output], export: Export, name: FileName) -> Path:
    return Path(run.base_dir) / outputs[export.part - 1].path / name.placed


def _try_each(do: Callable[[str, Path], object], files: Iterable[tuple[str, Path]]) -> tuple[list[Path], list[str]]:
    """Those files with which it went well, and why it did not with the others."""
    done, reasons = [], []
    for sha256, path in files:
        try:
            do(sha256, path)
            done.append(path)
        except StripboardError as error:
            reasons.append(str(error))
    return done, reasons


def _plain(name: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in name).split()) or "delivery"
