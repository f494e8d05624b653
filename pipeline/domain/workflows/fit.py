"""Which workers can run a workflow, what each of the others lacks, and what to install there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.domain.names import listed
from pipeline.domain.workers import Worker
from pipeline.domain.workflows.availability import Gap, Lack
from pipeline.domain.workflows.model_files import place_of

_OTHER = (Lack.OPTION, Lack.INPUT, Lack.VALUE, Lack.LINK)


@dataclass(frozen=True)
class Fit:
    """How one worker stands to one version. `is_known` is False while nobody has read what its server can do."""

    worker: Worker
    is_known: bool
    gaps: tuple[Gap, ...] = ()

    @property
    def can_run(self) -> bool:
        """Whether its server has everything, as far as anybody has read it."""
        return self.is_known and not self.gaps

    @property
    def is_ready(self) -> bool:
        """Whether a test shot could go there now."""
        return self.can_run and self.worker.may_work

    @property
    def words(self) -> str:
        """In one line: that it can, or what is in the way."""
        if not self.is_known:
            return "nobody has read yet what its server can do: look at it on the page of the fleet"
        if self.gaps:
            return "; ".join(to_install(self.gaps))
        return "has everything" if self.worker.may_work else f"has everything, but {self.worker.why_not}"


def to_install(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """What to do at a server, a line for each kind of thing, each thing once."""
    found = list(gaps)
    lines = []
    nodes = _unique(gap.wanted for gap in found if gap.lack is Lack.NODE)
    if nodes:
        lines.append(f"install the custom nodes for {listed(nodes)}, or update ComfyUI")
    models = _unique(
        f"{gap.wanted} into {place_of(gap.class_type, gap.input)}" + (", if it is not there" if gap.class_type in nodes else "")
        for gap in found
        if gap.lack is Lack.MODEL
    )
    lines += [f"put {model}" for model in models]
    lines += _unique(str(gap) for gap in found if gap.lack in _OTHER)
    return tuple(lines)


def cheapest(fits: Sequence[Fit], busy: dict[str, int]) -> Fit | None:
    """The worker for a test shot: able and willing, the cheapest first, of equals the least busy."""
    ready = [fit for fit in fits if fit.is_ready]
    return min(
        ready,
        key=lambda fit: (fit.worker.cost_per_hour, busy.get(fit.worker.name, 0) + fit.worker.queue, fit.worker.name),
        default=None,
    )


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
