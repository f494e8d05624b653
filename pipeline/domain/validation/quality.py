"""Quality limits of scene types against the measures there are."""

from __future__ import annotations

from pipeline.domain.rulesets import override_keys
from pipeline.domain.validation.subject import Subject


def check(subject: Subject) -> None:
    """Every key under `qa:` is a limit that some rule has."""
    known = override_keys(subject.presets.qa)
    for index, kind in enumerate(subject.production.scene_types):
        for key in kind.qa:
            if key not in known:
                where = (*subject.scene_type_path(index), "qa", key)
                subject.report.error(where, f'There is no quality limit "{key}".', subject.report.suggest(key, known))
