"""Takes in what attempts report: stores outputs, judges them, and moves the cell or still on, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.domain import plans
from pipeline.domain.budget import Charge
from pipeline.domain.quality import Verdict, from_dict, judge, to_dict
from pipeline.domain.records import Cell, Job, JobInput, Output, Still
from pipeline.domain.rulesets import ruleset
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import AttemptOutcome, CellStatus, JobStatus, StillKind
from pipeline.domain.work import OutputFile, Result
from pipeline.services.advance import GATE, Advance
from pipeline.services.sealing import Sealing

_UNDER_WAY = (CellStatus.QUEUED, CellStatus.GENERATING)


class Settlement:
    """Settles finished jobs within one transaction. Call `done` or `give_up` for each, then `finish`."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._store = advance.store
        self._stills_to_check: dict[int, Job] = {}
        self._assembled: list[tuple[Job, JobInput, int]] = []
        self._exported_runs: dict[int, int] = {}
        self._steps: Mapping[Stage, Callable[[Job, Result, int], None]] = {
            Stage.SOURCE_QA: self._source_checked,
            Stage.VARIANT_GENERATION: self._candidate_made,
            Stage.VARIANT_QA: self._candidates_checked,
            Stage.SCENE_GENERATION: self._segment_made,
            Stage.SCENE_QA: self._scene_checked,
            Stage.ASSEMBLY: self._scene_assembled,
            Stage.EXPORT: self._exported,
            Stage.DELIVERY: self._packaged,
        }

    def load(self, jobs: Sequence[Job]) -> None:
        """Read the cells and stills of these jobs at once."""
        self._advance.load(
            (job.subject_id for job in jobs if job.subject == "cell"),
            (job.subject_id for job in jobs if job.subject == "still"),
        )

    def done(self, job: Job, result: Result, charge: Charge, outcome: AttemptOutcome = AttemptOutcome.DONE) -> None:
        """The attempt succeeded, and was charged with this: its outputs are stored and what follows is queued."""
        now = self._store.journal.now
        self._store.jobs.end(job, JobStatus.DONE, outcome, now=now, charge=charge, took=result.seconds)
        for file in result.outputs:
            self._store.outputs.add(job, file)
        seq = self._store.journal.record(
            f"{job.stage.value}.completed", actor=self._advance.actor, subject=job.subject, subject_id=job.subject_id,
            run_id=job.run_id, data={"job": job.id, "part": job.part, "take": job.take, "outcome": outcome.value},
        )  # fmt: skip
        if self._is_again(job):
            self._measured_again(job, result)
        elif self._is_current(job):
            self._steps[job.stage](job, result, seq)

    def give_up(self, job: Job, failure_class: str, reason: str, charge: Charge) -> None:
        """The retry policy has given up: the cell, still or delivery fails and says why; nothing else stops."""
        store, advance = self._store, self._advance
        now = store.journal.now
        store.jobs.end(
            job, JobStatus.FAILED, AttemptOutcome.FAILED, now=now, charge=charge, failure_class=failure_class, reason=reason
        )
        seq = store.journal.record(
            f"{job.stage.value}.failed", actor=advance.actor, subject=job.subject, subject_id=job.subject_id, run_id=job.run_id,
            data={"job": job.id, "part": job.part, "take": job.take, "class": failure_class, "reason": reason},
        )  # fmt: skip
        if job.subject == "delivery":
            store.deliveries.fail(store.deliveries.by_id(job.subject_id), reason)
        elif self._is_current(job) and job.stage is not Stage.EXPORT and not self._is_again(job):
            if job.subject == "cell":
                advance.move_cell(advance.cells[job.subject_id], CellStatus.FAILED, cause=seq, reason=reason)
            else:
                advance.move_still(advance.stills[job.subject_id], CellStatus.FAILED, cause=seq, reason=reason)

    def finish(self) -> None:
        """Do what needs the whole batch: checks of complete stills, gates, dependents, deliveries."""
        if self._stills_to_check:
            self._store.flush()
            for job in self._stills_to_check.values():
                self._check_candidates(job)
        self._decide_scenes()
        self._advance.finish()

    @property
    def runs_with_exports(self) -> Mapping[int, int]:
        """Runs in which an export ended or a cell without exports was approved, with the event: they may be deliverable."""
        return self._exported_runs

    @staticmethod
    def _is_again(job: Job) -> bool:
        """Whether a complete take is checked or put together once more: it moves nothing on."""
        return job.stage in (Stage.SCENE_QA, Stage.ASSEMBLY) and job.part > 1

    def _measured_again(self, job: Job, result: Result) -> None:
        cell = self._advance.cells[job.subject_id]
        if job.stage is Stage.SCENE_QA and cell.take == job.take:
            overrides = self._advance.book(job.run_id).recipes.scene_type(cell.plan).qa
            rules = ruleset("scene", self._advance.book(job.run_id).recipes.config.rules, overrides)
            self._store.takes.set_verdict(cell, to_dict(judge(result.measurements, rules)))

    def _is_current(self, job: Job) -> bool:
        """Whether the job still belongs to the newest take of a subject under way (exports: of an approved one)."""
        if job.subject == "delivery":
            return True
        subject: Cell | Still
        subject = self._advance.cells[job.subject_id] if job.subject == "cell" else self._advance.stills[job.subject_id]
        if job.stage is Stage.EXPORT:
            return True
        return subject.take == job.take and subject.status in (CellStatus.GENERATING, CellStatus.QUEUED)

    # Stills -----------------------------------------------------------------------------------------------------

    def _source_checked(self, job: Job, result: Result, seq: int) -> None:
        still = self._advance.stills[job.subject_id]
        verdict = judge(result.measurements, self._rules(job.run_id, "source"))
        self._settle_unattended(still, verdict, hero=None, seq=seq)

    def _candidate_made(self, job: Job, result: Result, seq: int) -> None:
        self._stills_to_check[job.subject_id] = job

    def _check_candidates(self, job: Job) -> None:
        still = self._advance.stills[job.subject_id]
        done = self._store.jobs.finished_parts("still", still.id, Stage.VARIANT_GENERATION, still.take)
        if len(done) < still.candidates:
            return
        made = self._store.outputs.of("still", still.id, still.take, "still")
        candidates = [JobInput("still", output.file.sha256, output.file.media_type, str(output.part)) for output in made]
        run, book = self._advance.run(job.run_id), self._advance.book(job.run_id)
        sources = self._advance.sources(job.run_id, still.character)
        self._store.jobs.add(plans.still_qa_job(book, run, still, candidates, sources), self._store.journal.now)

    def _candidates_checked(self, job: Job, result: Result, seq: int) -> None:
        still = self._advance.stills[job.subject_id]
        rules = self._rules(job.run_id, "still")
        labels = [file.label for file in job.inputs if file.role == "still"]
        verdicts: dict[str, Verdict] = {}
        for label in labels:
            verdicts[label] = judge([m for m in result.measurements if m.subject == f"candidate {label}"], rules)
        best = min(labels, key=lambda label: (_rank(verdicts[label]), -_likeness(verdicts[label]), labels.index(label)))
        made = self._store.outputs.of("still", still.id, still.take, "still")
        if still.kind is StillKind.PLATE:
            hero = self._hero_of_plate(job, made)
            self._settle_unattended(still, verdicts[best], hero=hero, seq=seq)
            return
        report = {"best": best, "candidates": {label: to_dict(verdict) for label, verdict in verdicts.items()}}
        cause = self._advance.move_still(still, CellStatus.REVIEW, cause=seq, verdict=report)
        still = self._advance.stills[still.id]
        approvals = self._advance.book(job.run_id).recipes.production.approvals
        choice = self._gate(job.run_id, verdicts[best], approvals.variants_of(still.character))
        if choice is CellStatus.APPROVED:
            hero = next(output.id for output in made if str(output.part) == best)
            reason = f"candidate {best} chosen by its measures"
            self._advance.approve_still(still, hero, actor=GATE, cause=cause, reason=reason)
        elif choice is CellStatus.REJECTED:
            reason = f"no candidate passed: {verdicts[best].summary}"
            self._advance.move_still(still, CellStatus.REJECTED, actor=GATE, cause=cause, reason=reason)
        else:
            self._approve_hero_again(still, made, cause)

    def _approve_hero_again(self, still: Still, made: Sequence[Output], cause: int) -> None:
        """A picture that was approved in an earlier run of the production needs no second decision."""
        before = self._store.stills.approved_before(self._advance.run(still.run_id).project_id, still.key)
        known = next((output for output in made if output.file.sha256 in before), None)
        if known is not None:
            reason = f"candidate {known.part} was approved in an earlier run"
            self._advance.approve_still(still, known.id, actor=GATE, cause=cause, reason=reason)

    def _hero_of_plate(self, job: Job, made: Sequence[Output]) -> int:
        """The plate's output row; a plate image that a person gave has none yet and gets one, made by its check."""
        if not made:
            given = job.inputs[0]
            size = self._advance.book(job.run_id).recipes.config.size_of(given.sha256)
            self._store.outputs.add(job, OutputFile("still", given.sha256, size, given.media_type, given.label))
            self._store.flush()
            made = self._store.outputs.of("still", job.subject_id, job.take, "still")
        return made[0].id

    def _settle_unattended(self, still: Still, verdict: Verdict, *, hero: int | None, seq: int) -> None:
        """Source images and plates have no human gate: they fail, or they are good enough, with what was flagged."""
        report = to_dict(verdict)
        if verdict.verdict == "fail":
            self._advance.move_still(still, CellStatus.FAILED, cause=seq, reason=verdict.summary, verdict=report)
            return
        cause = self._advance.move_still(still, CellStatus.REVIEW, cause=seq, verdict=report)
        reason = verdict.summary if verdict.verdict == "flag" else ""
        self._advance.approve_still(self._advance.stills[still.id], hero, actor=GATE, cause=cause, reason=reason)

    # Cells ------------------------------------------------------------------------------------------------------

    def _segment_made(self, job: Job, result: Result, seq: int) -> None:
        cell = self._advance.cells[job.subject_id]
        run, book = self._advance.run(job.run_id), self._advance.book(job.run_id)
        made = [*job.options.get("made", ()), result.files("segment")[0].sha256]
        if job.part == book.recipes.scene_type(cell.plan).segments:
            following = plans.scene_qa_job(book, run, cell, made)
        else:
            last = result.files("last_frame")[0]
            base = [file for file in job.inputs if file.role != "start"]
            start = JobInput("start", last.sha256, last.media_type)
            following = plans.segment_job(
                book, run, cell, job.part + 1, base=base, start=start, made=made, wishes=plans.asked(job.options)
            )
        self._store.jobs.add(following, self._store.journal.now)

    def _scene_checked(self, job: Job, result: Result, seq: int) -> None:
        cell = self._advance.cells[job.subject_id]
        run, book = self._advance.run(job.run_id), self._advance.book(job.run_id)
        overrides = book.recipes.scene_type(cell.plan).qa
        verdict = judge(result.measurements, ruleset("scene", book.recipes.config.rules, overrides))
        self._store.takes.set_verdict(cell, to_dict(verdict))
        segments = [file.sha256 for file in job.inputs]
        blend = _flagged_boundaries(verdict)
        following = plans.assembly_job(book, run, cell, segments, verdict=str(verdict.verdict), blend=blend)
        self._store.jobs.add(following, self._store.journal.now)

    def _scene_assembled(self, job: Job, result: Result, seq: int) -> None:
        cell = self._advance.cells[job.subject_id]
        scene = result.files("scene")[0]
        self._store.takes.complete(cell, scene.sha256, self._store.journal.now)
        cause = self._advance.move_cell(cell, CellStatus.REVIEW, cause=seq)
        self._assembled.append((job, JobInput("scene", scene.sha256, scene.media_type), cause))

    def _decide_scenes(self) -> None:
        """The gate: by verdict where it is automatic, else by an earlier approval of the very same picture, else people."""
        waiting: list[tuple[Job, JobInput, int]] = []
        refused: list[tuple[Cell, int]] = []
        for job, scene, cause in self._assembled:
            cell = self._advance.cells[job.subject_id]
            approvals = self._advance.book(job.run_id).recipes.production.approvals
            choice = self._gate(job.run_id, job.options["verdict"], approvals.scenes_of(cell.plan.character))
            if choice is CellStatus.APPROVED:
                self._approve(cell, scene, cause, note="")
            elif choice is CellStatus.REJECTED:
                refused.append((cell, cause))
            else:
                waiting.append((job, scene, cause))
        self._refuse(refused)
        if waiting:
            self._approve_what_was_approved_before(waiting)

    def _refuse(self, refused: Sequence[tuple[Cell, int]]) -> None:
        """Reject these takes, each with what its checks have found."""
        takes = self._store.takes.newest([cell for cell, _ in refused])
        for cell, cause in refused:
            verdict = takes[cell.id].verdict
            found = f": {from_dict(verdict).summary}" if verdict else ""
            self._advance.reject_cell(cell, actor=GATE, reason=f"quality checks failed{found}", cause=cause)

    def _approve_what_was_approved_before(self, waiting: Sequence[tuple[Job, JobInput, int]]) -> None:
        for run_id in {job.run_id for job, _, _ in waiting}:
            ours = [entry for entry in waiting if entry[0].run_id == run_id]
            project_id = self._advance.run(run_id).project_id
            before = self._store.takes.approved_before(project_id, [scene.sha256 for _, scene, _ in ours])
            for job, scene, cause in ours:
                take = before.get(scene.sha256)
                if take is not None:
                    note = f"the same picture was approved by {take.decided_by} on {take.decided_at:%Y-%m-%d}"
                    self._approve(self._advance.cells[job.subject_id], scene, cause, note=note)

    def _approve(self, cell: Cell, scene: JobInput, cause: int, *, note: str) -> None:
        self._advance.approve_cell(cell, scene, actor=GATE, cause=cause, note=note)
        self._exported_runs[cell.run_id] = cause

    def _exported(self, job: Job, result: Result, seq: int) -> None:
        self._exported_runs[job.run_id] = seq

    def _packaged(self, job: Job, result: Result, seq: int) -> None:
        package = result.files("package")[0]
        delivery = self._store.deliveries.by_id(job.subject_id)
        now = self._store.journal.now
        sealing = Sealing(self._advance)
        if not sealing.is_current(delivery):
            self._store.deliveries.fail(delivery, "other takes were approved while it was packaged")
            self._exported_runs[job.run_id] = seq
            return
        self._store.deliveries.seal(delivery, package_sha256=package.sha256, size_bytes=package.size_bytes, now=now)
        cause = self._store.journal.record(
            "delivery.sealed", actor=self._advance.actor, subject="delivery", subject_id=delivery.id, run_id=job.run_id,
            cause=seq, data={"number": delivery.number, "sha256": package.sha256},
        )  # fmt: skip
        is_whole = delivery.character is None or sealing.is_delivered(job.run_id)
        if is_whole and not self._store.cells.any_with(job.run_id, _UNDER_WAY):  # a rule may package while others are made
            self._advance.complete_run(job.run_id, cause=cause)

    # Rules ------------------------------------------------------------------------------------------------------

    def _rules(self, run_id: int, stage: str) -> tuple[Any, ...]:
        return ruleset(stage, self._advance.book(run_id).recipes.config.rules, {})

    def _gate(self, run_id: int, verdict: Verdict | str, mode: str) -> CellStatus:
        """Where a gate of this mode sends this verdict; REVIEW means that a person decides."""
        if mode != "auto":
            return CellStatus.REVIEW
        word = verdict if isinstance(verdict, str) else verdict.verdict
        if word == "fail":
            return CellStatus.REJECTED
        if word == "flag" and not self._advance.run(run_id).accept_flags:
            return CellStatus.REVIEW
        return CellStatus.APPROVED


def _rank(verdict: Verdict) -> int:
    return ("pass", "flag", "fail").index(verdict.verdict)


def _likeness(verdict: Verdict) -> float:
    return max((judged.measurement.value for judged in verdict.judged if judged.measurement.name == "likeness"), default=0.0)


def _flagged_boundaries(verdict: Verdict) -> list[int]:
    """k for every boundary k-(k+1) at which some measure is beyond its limit."""
    subjects = {
        judged.measurement.subject
        for judged in verdict.judged
        if judged.verdict != "pass" and judged.measurement.subject.startswith("boundary ")
    }
    return sorted(int(subject.split(" ")[1].split("-")[0]) for subject in subjects)
