"""What a production may say and nothing acts on yet: kept, and said plainly."""

from __future__ import annotations

from pipeline.domain.validation.subject import TOP, Subject


def check(subject: Subject) -> None:
    """A limit or rule that will not bind anything is a warning."""
    production = subject.production
    if production.budget.money is not None and production.backend != "comfyui":
        told = f'The limit on money binds nothing: the time of the backend "{production.backend}" has no price.'
        subject.report.warning((*TOP, "budget", "money"), told, "Limit budget.gpu_hours instead.")
