"""The rules of a production: each is understood, names what there is, and none runs in a circle that nothing bounds."""

from __future__ import annotations

from pipeline.domain.rules.checks import Names
from pipeline.domain.rules.loops import analyse
from pipeline.domain.rules.reading import read_rules
from pipeline.domain.validation.subject import TOP, Subject


def check(subject: Subject) -> None:
    """Errors at the fields of the list `triggers`."""
    production = subject.production
    if not production.triggers:
        return
    path = (*TOP, "triggers")
    names = Names(
        characters=[one.name for one in production.characters],
        scene_types=[one.name for one in production.scene_types],
        variants=[one.name for one in production.variants],
        locations=[one.name for one in production.locations],
        metadata=sorted({key for one in production.characters for key in one.metadata}),
    )
    plain = [dict(rule) for rule in production.triggers]
    read = read_rules(plain, project=production.title, names=names, report=subject.report, path=path)
    for loop in analyse(read.rules).refused:
        index = next(number for number, rule in enumerate(read.rules) if rule.id == loop.rules[0])
        subject.report.error((*path, index), f"Nothing bounds the loop {loop.words}.", loop.cure)
