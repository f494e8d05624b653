"""What an attempt is asked for: made from rows, so that it can be made again, word for word, after whoever had it has died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.domain import plans
from pipeline.domain.records import Job
from pipeline.domain.work import InputFile, Place, Request
from pipeline.ports import Media
from pipeline.services.advance import Advance


class Requests:
    """Makes requests. `delivery_options` are what an installation gives to every packaging."""

    def __init__(self, media: Media, delivery_options: Mapping[str, Any]) -> None:
        self._media = media
        self._delivery_options = dict(delivery_options)

    def of(self, advance: Advance, job: Job, place: Place | None) -> Request:
        """The request of a job's running attempt; its cell or still has been loaded."""
        inputs = tuple(
            InputFile(file.role, file.sha256, self._media.name_of(file.sha256), file.media_type, file.label)
            for file in job.inputs
        )
        return Request(
            attempt_id=job.attempt_id or "",
            job_key=job.key,
            stage=job.stage.value,
            backend=advance.run(job.run_id).backend,
            fingerprint=job.fingerprint,
            inputs=inputs,
            parameters=self._parameters(advance, job),
            place=place,
        )

    def again(self, advance: Advance, jobs: Sequence[Job], given_to: Mapping[str, str]) -> dict[str, Request]:
        """By attempt, the requests of jobs that run at workers of the fleet; without those whose worker is there no more.

        `given_to` says by attempt which worker has it.
        """
        if not jobs:
            return {}
        advance.load(
            (job.subject_id for job in jobs if job.subject == "cell"),
            (job.subject_id for job in jobs if job.subject == "still"),
        )
        places = {worker.name: Place(worker.name, worker.url) for worker in advance.store.workers.all()}
        return {
            job.attempt_id: replace(self.of(advance, job, place), is_again=True)
            for job in jobs
            if job.attempt_id and (place := places.get(given_to[job.attempt_id])) is not None
        }

    def _parameters(self, advance: Advance, job: Job) -> dict[str, Any]:
        if job.subject == "delivery":
            delivery = advance.store.deliveries.by_id(job.subject_id)
            plan = dict(advance.store.deliveries.plan(job.subject_id))
            created = {"created_at": delivery.created_at.isoformat()}
            plan["delivery"] = {**plan["delivery"], "number": delivery.number}
            return plan | created | self._delivery_options
        subject = advance.cells[job.subject_id] if job.subject == "cell" else advance.stills[job.subject_id]
        parameters = plans.parameters(advance.book(job.run_id), job.stage, subject, job.take, job.part, job.options)
        if "command" in parameters:
            parameters["base_dir"] = advance.run(job.run_id).base_dir
        return parameters
