"""The budget against an estimate."""

from __future__ import annotations

from pipeline.domain.validation.subject import TOP, Subject


def check(subject: Subject, generation_seconds: float, disk_bytes: int) -> None:
    """An estimate over a limit is an error that names both numbers."""
    budget = subject.production.budget
    hours, gigabytes = generation_seconds / 3600, disk_bytes / 1e9
    cure = "Raise the budget, or make fewer, shorter or smaller scenes."
    if budget.gpu_hours is not None and hours > budget.gpu_hours:
        told = f"The estimate is {_time(hours)} of generation; the budget allows {_time(budget.gpu_hours)}."
        subject.report.error((*TOP, "budget", "gpu_hours"), told, cure)
    if budget.disk_gb is not None and gigabytes > budget.disk_gb:
        told = f"The estimate is {gigabytes:.2f} GB of disk; the budget allows {budget.disk_gb:g}."
        subject.report.error((*TOP, "budget", "disk_gb"), told, cure)


def _time(hours: float) -> str:
    """`2.50 hours`; what is too little for that in seconds."""
    return f"{hours:.2f} hours" if hours >= 0.1 else f"{3600 * hours:.3g} seconds"
