"""Deliveries in a simulation: those that a run makes by itself, and those that rules ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.domain.rules.assumptions import Assumption, Link
from pipeline.domain.rules.desk import Work
from pipeline.domain.rules.facts import Occurrence
from pipeline.domain.rules.ground import Ground
from pipeline.domain.rules.snapshot import Board, DeliveryFacts
from pipeline.domain.rules.under_way import NOTHING_UNDER_WAY, Parcel, UnderWay, Waiting
from pipeline.domain.rules.vocabulary import Subject
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, RunStatus


class NotDone(Exception):
    """What a rule asks for turns out not to be possible any more."""


class Packing(Ground):
    """A ground with deliveries."""

    def __init__(
        self, board: Board, assumption: Assumption, first_seq: int, under_way: UnderWay = NOTHING_UNDER_WAY
    ) -> None:  # fmt: skip
        super().__init__(board, assumption, first_seq, under_way)
        self._unpacked = list(under_way.packages)
        self._packaging: dict[int, Parcel] = {}
        self._newest: Parcel | None = None
        """The newest delivery of the whole run that has not failed."""
        for parcel in under_way.parcels:
            if parcel.is_sealed or under_way.is_followed:
                self._note(parcel)
        self._count = 0
        self.given_up: set[tuple[int, int]] = set()
        """Effects that waited in vain: (number of the firing, number of the effect)."""

    def package(self, characters: tuple[str | None, ...], link: Link, effect: int) -> Iterator[Occurrence]:
        """Begin these deliveries, or wait while exports of theirs are being made. Raises NotDone."""
        groups = [self._approved(name) for name in characters]
        everything = set().union(*groups)
        if not everything or self.board.status is RunStatus.CANCELLED:
            raise NotDone
        if any(self.board.cells[work.subject_id].key in everything for work in self._exports()):
            self._unpacked.append(Waiting(characters, link, effect))
            return
        busy = {one.character for one in self._packaging.values()}
        status = self.board.status
        if status is RunStatus.PAUSED or not all(groups) or busy.intersection(characters):
            raise NotDone
        if status is not RunStatus.RUNNING:
            yield self.set_going(link, by="rule")
        for name in dict.fromkeys(characters):
            yield self._deliver(name, link, by="rule")

    def go_on_with_packages(self) -> list[Occurrence]:
        """Begin the packages that have waited for exports, where those are made now."""
        waiting, self._unpacked = self._unpacked, []
        events: list[Occurrence] = []
        for one in waiting:
            try:
                events += list(self.package(one.characters, one.link, one.effect))
            except NotDone:
                if one.link.firing is not None:
                    self.given_up.add((one.link.firing, one.effect))
        return events

    def deliver_when_ready(self, link: Link, *, by: str = "system") -> list[Occurrence]:
        """What a run that delivers by itself does once nothing is missing."""
        board = self.board
        run = board.tally("run", None)
        if not board.snapshot.delivers_by_itself or board.status is not RunStatus.RUNNING or run.open or not run.scenes:
            return []
        newest = self._newest
        if any(self._exports()):
            return []
        if newest is not None and (newest.id in self._packaging or self._is_current(newest)):
            return self._complete(link, by=by) if self._is_delivered() else []
        return [self._deliver(None, link, by=by)]

    def packaged(self, work: Work) -> Iterator[Occurrence]:
        """A package is made: it is sealed, unless other takes were approved meanwhile; and the run may be complete."""
        parcel = self._packaging.pop(work.subject_id)
        if not self._is_current(parcel):
            if parcel is self._newest:
                self._newest = None
            yield from self.deliver_when_ready(self.link(work.key))
            return
        yield self.told("delivery.sealed", work)
        is_whole = parcel.character is None or self._is_delivered()
        if self.board.status is RunStatus.RUNNING and is_whole and not self._is_under_way():
            yield from self._complete(self.link(work.key))

    def _is_delivered(self) -> bool:
        return not self._packaging and self._newest is not None and self._is_current(self._newest)

    def _complete(self, link: Link, *, by: str = "system") -> list[Occurrence]:
        self.board.status = RunStatus.COMPLETED
        return [self.event("run.completed", Subject.RUN, self.board.snapshot.run_id, link=link, by=by)]

    def _deliver(self, character: str | None, link: Link, *, by: str) -> Occurrence:
        """A new delivery. It has no number yet, so that it gets one that no stored delivery has."""
        self._count -= 1
        self.board.deliveries[self._count] = DeliveryFacts(self._count, character)
        self.links[Subject.DELIVERY, self._count] = link
        self._note(Parcel(self._count, character, self._approved(character)))
        self.add(Stage.DELIVERY, self._count, 0)
        return self.event("delivery.packaging", Subject.DELIVERY, self._count, link=link, by=by)

    def _note(self, parcel: Parcel) -> None:
        if not parcel.is_sealed:
            self._packaging[parcel.id] = parcel
        if parcel.character is None:
            self._newest = parcel

    def _exports(self) -> Iterator[Work]:
        return (work for work in self.desk.unfinished(Stage.EXPORT) if self.is_current(work))

    def _approved(self, character: str | None) -> Mapping[str, int]:
        board = self.board
        ids = board.members("run", None) if character is None else board.members("character", character)
        cells = (board.cells[one] for one in ids)
        return {cell.key: cell.take for cell in cells if cell.status is CellStatus.APPROVED}

    def _is_under_way(self) -> bool:
        """Whether scenes are being made: then the run goes on after a package."""
        return any(cell.status in (CellStatus.QUEUED, CellStatus.GENERATING) for cell in self.board.cells.values())

    def _is_current(self, parcel: Parcel) -> bool:
        return self._approved(parcel.character) == parcel.takes
