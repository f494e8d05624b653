"""Output rows: which stored file is what, of which job; and the files people imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, union

from data.batch import Batch
from data.models import imports, outputs, production_run_cells, production_runs
from data.repositories.chunks import chunks
from pipeline.domain.records import Job, Output, Run, StoredFile
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus
from pipeline.domain.work import OutputFile

_INSERT = insert(outputs)


class Outputs:
    """Adds and finds output rows."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add(self, job: Job, file: OutputFile) -> None:
        """Store one output of a job."""
        self._batch.add(
            _INSERT,
            {
                "job_id": job.id,
                "stage": job.stage.value,
                "subject": job.subject,
                "subject_id": job.subject_id,
                "take": job.take,
                "part": job.part,
                "role": file.role,
                "sha256": file.sha256,
                "size_bytes": file.size_bytes,
                "media_type": file.media_type,
                "label": file.label,
                "facts": dict(file.facts),
            },
        )

    def of_jobs(self, job_ids: Sequence[int]) -> dict[int, list[Output]]:
        """The outputs of these jobs by job, in the order they were made."""
        found: dict[int, list[Output]] = {}
        for part in chunks(job_ids):
            for output in self._all(select(outputs).where(outputs.c.job_id.in_(part)).order_by(outputs.c.id)):
                found.setdefault(output.job_id, []).append(output)
        return found

    def of(self, subject: str, subject_id: int, take: int | None = None, *roles: str) -> list[Output]:
        """The outputs of one cell, still or delivery, in order; of one take and of some roles when given."""
        query = select(outputs).where(outputs.c.subject == subject, outputs.c.subject_id == subject_id)
        if take is not None:
            query = query.where(outputs.c.take == take)
        if roles:
            query = query.where(outputs.c.role.in_(roles))
        return self._all(query.order_by(outputs.c.part, outputs.c.id))

    def of_cells(self, cell_ids: Sequence[int], *stages: Stage) -> list[Output]:
        """The outputs of these cells made in these stages, in order."""
        found: list[Output] = []
        wanted = [stage.value for stage in stages]
        for part in chunks(cell_ids):
            query = select(outputs).where(
                outputs.c.subject == "cell", outputs.c.subject_id.in_(part), outputs.c.stage.in_(wanted)
            )
            found.extend(self._all(query.order_by(outputs.c.subject_id, outputs.c.take, outputs.c.part, outputs.c.id)))
        return found

    def of_stills(self, still_ids: Sequence[int]) -> list[Output]:
        """The candidates of these stills, of all their takes, in order."""
        found: list[Output] = []
        for part in chunks(still_ids):
            query = select(outputs).where(outputs.c.subject == "still", outputs.c.subject_id.in_(part), outputs.c.role == "still")
            found.extend(self._all(query.order_by(outputs.c.part, outputs.c.id)))
        return found

    def exported_by_others(self, run: Run, sha256s: Sequence[str]) -> set[str]:
        """Which of these files are exports of takes that other runs of its project into the same folder have approved."""
        cells, runs, found = production_run_cells, production_runs, set()
        for part in chunks(sha256s):
            query = (
                select(outputs.c.sha256)
                .join(cells, (cells.c.id == outputs.c.subject_id) & (cells.c.approved_take == outputs.c.take))
                .join(runs, runs.c.id == cells.c.run_id)
                .where(
                    outputs.c.sha256.in_(part),
                    outputs.c.subject == "cell",
                    outputs.c.stage == Stage.EXPORT.value,
                    cells.c.status == CellStatus.APPROVED.value,
                    runs.c.project_id == run.project_id,
                    runs.c.base_dir == run.base_dir,
                    runs.c.id != run.id,
                )
            )
            found.update(self._connection.execute(query).scalars())
        return found

    def by_id(self, output_id: int) -> Output | None:
        """One output."""
        found = self._all(select(outputs).where(outputs.c.id == output_id))
        return found[0] if found else None

    def named(self, sha256: str) -> StoredFile | None:
        """The file of this content, if some row names it."""
        for table in (outputs, imports):
            query = select(table.c.sha256, table.c.size_bytes, table.c.media_type).where(table.c.sha256 == sha256).limit(1)
            row = self._connection.execute(query).first()
            if row is not None:
                return StoredFile(*row)
        return None

    def add_import(self, file: StoredFile, now: datetime) -> None:
        """Note a file that a person brought in; the same file twice is one row."""
        if self._connection.execute(select(imports.c.sha256).where(imports.c.sha256 == file.sha256)).first() is None:
            row = {"sha256": file.sha256, "size_bytes": file.size_bytes, "media_type": file.media_type, "created_at": now}
            self._connection.execute(insert(imports), row)

    def stored_files(self) -> Iterator[StoredFile]:
        """Every file that some row points to, each once."""
        columns = ("sha256", "size_bytes", "media_type")
        parts = [select(*(table.c[name] for name in columns)) for table in (outputs, imports)]
        for row in self._connection.execution_options(yield_per=2000).execute(union(*parts)):
            yield StoredFile(row.sha256, row.size_bytes, row.media_type)

    def _all(self, query: Select[Any]) -> list[Output]:
        return [_output(row) for row in self._connection.execute(query)]


def _output(row: Any) -> Output:
    return Output(
        id=row.id,
        job_id=row.job_id,
        stage=Stage(row.stage),
        subject=row.subject,
        subject_id=row.subject_id,
        take=row.take,
        part=row.part,
        role=row.role,
        file=StoredFile(row.sha256, row.size_bytes, row.media_type),
        label=row.label,
        facts=row.facts,
    )
