"""Conditions held against facts: what holds, by which value, and which part decided.

A field whose value is not known makes a comparison neither true nor false. A rule matches only where its whole condition is
known to hold: nothing fires because something was not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.domain.rules.facts import Measured, Occurrence, measure
from pipeline.domain.rules.model import AllOf, Comparison, Condition, NotOf, Value
from pipeline.domain.rules.snapshot import Board
from pipeline.domain.rules.vocabulary import Operator

Truth = bool | None
"""Three values: None is not known."""
Look = Callable[[str], Measured]
"""Gives the value of a field by name."""


@dataclass(frozen=True)
class Judged:
    """A part of a condition with what became of it. `value` is that of a comparison, in words; `parts` those of a group.

    `short_by` says how far a comparison of numbers is from holding, 0 when it holds, None where there is no distance.
    """

    condition: Condition
    truth: Truth
    value: str = ""
    parts: tuple[Judged, ...] = ()
    short_by: float | None = None

    @property
    def deciding(self) -> Judged:
        """The comparison, or empty group, that made the whole what it is: the first one, when several did."""
        for part in self.parts:
            decides = part.truth == _turned(self.truth) if isinstance(self.condition, NotOf) else part.truth == self.truth
            if decides:
                return part.deciding
        return self

    def walk(self) -> Iterator[Judged]:
        """This part and all below it, top down."""
        yield self
        for part in self.parts:
            yield from part.walk()


def judge(condition: Condition, look: Look) -> Judged:
    """Hold a condition against the values that `look` gives. Every part is judged, so that all of it can be shown."""
    if isinstance(condition, Comparison):
        return compare(condition, look(condition.field))
    if isinstance(condition, NotOf):
        part = judge(condition.part, look)
        return Judged(condition, _turned(part.truth), parts=(part,))
    parts = tuple(judge(part, look) for part in condition.parts)
    truths = [part.truth for part in parts]
    truth = _all(truths) if isinstance(condition, AllOf) else _any(truths)
    told = f"{sum(found is True for found in truths)} of {len(truths)} hold" if len(truths) > 1 else ""
    return Judged(condition, truth, told, parts)


def evaluate(condition: Condition, event: Occurrence, board: Board) -> Judged:
    """Hold a condition against the facts of an event."""
    return judge(condition, lambda name: measure(name, event, board))


def holds(condition: Condition, look: Look) -> Truth:
    """The truth of a condition alone, stopping as soon as it is settled."""
    if isinstance(condition, Comparison):
        return _truth(condition.operator, look(condition.field).value, condition.value)
    if isinstance(condition, NotOf):
        return _turned(holds(condition.part, look))
    settles = not isinstance(condition, AllOf)
    known = True
    for part in condition.parts:
        truth = holds(part, look)
        if truth is settles:
            return settles
        known = known and truth is not None
    return (not settles) if known else None


def compare(test: Comparison, found: Measured) -> Judged:
    """One comparison with its value, and how far a number is from holding."""
    truth = _truth(test.operator, found.value, test.value)
    return Judged(test, truth, found.words, short_by=_distance(test, found, truth))


@dataclass(frozen=True)
class Funnel:
    """How many of the things that came to a part of the condition got through it. Parts in the order of the condition.

    `came` counts what the parts before it let through, where all must hold; elsewhere what came to the group.
    """

    condition: Condition
    came: int
    passed: int
    parts: tuple[Funnel, ...] = ()


def funnel(condition: Condition, looks: Sequence[Look]) -> Funnel:
    """Count over many things how a condition narrows them down: 71 → 5 → 4."""
    return _funnel(condition, list(looks))[0]


def _funnel(condition: Condition, looks: list[Look]) -> tuple[Funnel, list[Look]]:
    if isinstance(condition, Comparison):
        through = [look for look in looks if holds(condition, look) is True]
        return Funnel(condition, len(looks), len(through)), through
    if isinstance(condition, NotOf):
        part, _ = _funnel(condition.part, looks)
        through = [look for look in looks if holds(condition, look) is True]
        return Funnel(condition, len(looks), len(through), (part,)), through
    parts: list[Funnel] = []
    through = looks
    if isinstance(condition, AllOf):
        for one in condition.parts:
            part, through = _funnel(one, through)
            parts.append(part)
    else:
        parts = [_funnel(one, looks)[0] for one in condition.parts]
        through = [look for look in looks if holds(condition, look) is True]
    return Funnel(condition, len(looks), len(through), tuple(parts)), through


@dataclass(frozen=True)
class Near:
    """The thing that comes nearest to matching: `missing` of its comparisons still have to hold, the first with its value."""

    name: str
    missing: int
    first: Judged


def nearest(condition: Condition, looks: Iterable[tuple[str, Look]]) -> Near | None:
    """Of named things that do not match, the one that the least is missing of; None when all match or there are none."""
    best: tuple[float, float, Near] | None = None
    for name, look in looks:
        judged = judge(condition, look)
        if judged.truth is True:
            continue
        count, distance, first = _missing(judged, wanted=True)
        if best is None or (count, distance) < best[:2]:
            best = (count, distance, Near(name, round(count), first))
    return best[2] if best else None


_FAR = 1e9


def _missing(judged: Judged, *, wanted: bool) -> tuple[float, float, Judged]:
    """How many comparisons must change for this part to be as wanted, how far off the numbers are, and the first of them."""
    if judged.truth is wanted:
        return 0, 0.0, judged
    if isinstance(judged.condition, NotOf):
        return _missing(judged.parts[0], wanted=not wanted)
    if not judged.parts:
        far = judged.short_by if judged.short_by is not None else _FAR
        return 1, far, judged
    found = [one for one in (_missing(part, wanted=wanted) for part in judged.parts) if one[0] > 0]
    must_all = isinstance(judged.condition, AllOf) == wanted
    if must_all:
        return sum(one[0] for one in found), sum(one[1] for one in found), found[0][2]
    return min(found, key=lambda one: one[:2])


def _turned(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _all(truths: Sequence[Truth]) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def _any(truths: Sequence[Truth]) -> Truth:
    if True in truths:
        return True
    return None if None in truths else False


def _truth(operator: Operator, found: str | float | bool | None, wanted: Value) -> Truth:
    if found is None or found != found:
        return None
    if operator in (Operator.IN, Operator.NOT_IN):
        among = isinstance(wanted, tuple) and any(_equal(found, one) for one in wanted)
        return among == (operator is Operator.IN)
    if operator in (Operator.IS, Operator.IS_NOT):
        return not isinstance(wanted, tuple) and _equal(found, wanted) == (operator is Operator.IS)
    if not _is_number(found) or not _is_number(wanted):
        return None
    return _ORDERED[operator](float(found), float(wanted))  # type: ignore[arg-type]


_ORDERED: dict[Operator, Callable[[float, float], bool]] = {
    Operator.ABOVE: lambda found, wanted: found > wanted,
    Operator.AT_LEAST: lambda found, wanted: found >= wanted,
    Operator.BELOW: lambda found, wanted: found < wanted,
    Operator.AT_MOST: lambda found, wanted: found <= wanted,
}


def _equal(found: object, wanted: object) -> bool:
    """Equal and of one kind: 1 is not true."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _distance(test: Comparison, found: Measured, truth: Truth) -> float | None:
    """How far a number is from the limit; for a count of all, how many are missing."""
    if truth is True:
        return 0.0
    if test.field.endswith(".all_approved") and test.value is True and found.sample:
        done, _, _ = found.told.partition(" of ")
        return float(found.sample - int(done))
    if _is_number(found.value) and _is_number(test.value):
        return abs(float(found.value) - float(test.value))  # type: ignore[arg-type]
    return None
