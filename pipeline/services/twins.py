"""The equal jobs whose results may be taken instead of work, inside a caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.store import Store
from pipeline.domain.records import Job
from pipeline.domain.stages import REUSABLE
from pipeline.domain.statuses import JobStatus
from pipeline.ports import Media


def twins_of(store: Store, media: Media, jobs: Sequence[Job]) -> Mapping[str, Job]:
    """An equal job for each of these that has one, by fingerprint: one that is done, or that runs where none is done.

    One that is done counts only while all that it made is in the media store: else it is made anew. That takes one look at each
    file, and no reading.
    """
    equal = store.jobs.with_fingerprints([job.fingerprint for job in jobs if job.stage in REUSABLE])
    done = [twin.id for twins in equal.values() for twin in twins if twin.status is JobStatus.DONE]
    made = store.outputs.of_jobs(done) if done else {}
    lost = {
        job_id
        for job_id, outputs in made.items()
        if not all(media.keeps(output.file.sha256, output.file.size_bytes) for output in outputs)
    }
    left = {fingerprint: [twin for twin in twins if twin.id not in lost] for fingerprint, twins in equal.items()}
    return {fingerprint: twins[0] for fingerprint, twins in left.items() if twins}
