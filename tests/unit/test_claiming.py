"""What becomes of the next jobs in the queue."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.claiming import sort_out
from pipeline.domain.patience import PROGRAM_S, measured_limit, time_limit
from pipeline.domain.records import Job
from pipeline.domain.stages import REUSABLE, Stage
from pipeline.domain.statuses import JobStatus

JOB = Job(
    id=1, run_id=1, stage=Stage.SCENE_GENERATION, subject="cell", subject_id=1, take=1, part=1, status=JobStatus.READY,
    urgency=0, epoch=0, tries=0, inputs=(), options={}, fingerprint="a", estimated_seconds=1.0, estimated_bytes=10,
)  # fmt: skip
JOBS = st.lists(st.builds(replace, st.just(JOB), stage=st.sampled_from(Stage), fingerprint=st.sampled_from("abcd")), max_size=12)
TWINS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([JobStatus.DONE, JobStatus.RUNNING]))


def numbered(queue: list[Job]) -> list[Job]:
    """The same jobs with ids of their own."""
    return [replace(job, id=number) for number, job in enumerate(queue)]


@given(queue=JOBS.map(numbered), twins=TWINS, begun=st.sets(st.sampled_from("abcd")))
def test_every_job_goes_ahead_or_waits_and_keeps_its_place(
    queue: list[Job], twins: dict[str, JobStatus], begun: set[str]
) -> None:
    known = {name: replace(JOB, id=100, fingerprint=name, status=status) for name, status in twins.items()}
    found = sort_out(queue, known, begun)
    ahead, waiting = [job.id for job, _ in found.ahead], [job.id for job in found.waiting]
    assert sorted(ahead + waiting) == [job.id for job in queue]
    assert ahead == sorted(ahead)
    assert waiting == sorted(waiting)


@given(queue=JOBS.map(numbered), twins=TWINS, begun=st.sets(st.sampled_from("abcd")))
def test_equal_work_is_never_started_twice(queue: list[Job], twins: dict[str, JobStatus], begun: set[str]) -> None:
    known = {name: replace(JOB, id=100, fingerprint=name, status=status) for name, status in twins.items()}
    started = [job for job, twin in sort_out(queue, known, begun).ahead if twin is None and job.stage in REUSABLE]
    names = [job.fingerprint for job in started]
    assert len(names) == len(set(names))
    assert not set(names) & (set(twins) | begun)


def test_a_stored_result_is_taken_and_one_that_is_being_made_is_waited_for() -> None:
    done, running = (replace(JOB, id=number, status=status) for number, status in ((8, JobStatus.DONE), (9, JobStatus.RUNNING)))
    queue = [
        replace(JOB, id=2, fingerprint="done"),
        replace(JOB, id=3, fingerprint="runs"),
        replace(JOB, id=4, fingerprint="new"),
    ]
    found = sort_out(queue, {"done": done, "runs": running}, ())
    assert [(job.id, twin and twin.id) for job, twin in found.ahead] == [(2, 8), (4, None)]
    assert [job.id for job in found.waiting] == [3]


def test_a_time_limit_is_generous_and_follows_the_estimate() -> None:
    assert time_limit(JOB, "animatic") == 600
    assert time_limit(replace(JOB, estimated_seconds=100.0), "animatic") == 2000
    assert time_limit(replace(JOB, estimated_bytes=10**9), "animatic") == 4000
    assert time_limit(JOB, "command") > PROGRAM_S
    assert time_limit(replace(JOB, stage=Stage.EXPORT), "command") == 600
    assert time_limit(replace(JOB, options={"timeout_s": 9000}), "command") > 9000


def test_a_time_limit_is_less_generous_where_it_was_measured() -> None:
    assert measured_limit(JOB, 2.0, 0.5) == 300
    assert measured_limit(JOB, 60.0, 20.0) == 460
    assert measured_limit(JOB, 60.0, 0.0) == 660, "loading was never measured"
    assert measured_limit(replace(JOB, estimated_bytes=10**9), 60.0, 20.0) == 4000, "it has to be fetched, too"
