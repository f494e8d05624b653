"""A rule as a value. Whoever builds one by hand keeps to what `reading` allows; nothing else is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.choices import Mode
from pipeline.domain.rules.vocabulary import Operator

Value = str | float | bool | tuple[str | float | bool, ...]
"""What a field is compared with; several values for `in` and `not_in`."""


@dataclass(frozen=True)
class Comparison:
    """A field held against a value."""

    field: str
    operator: Operator
    value: Value


@dataclass(frozen=True)
class AllOf:
    """Holds when every part holds; without parts it holds."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """Holds when one of the parts holds."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class NotOf:
    """Holds when the part is known not to hold."""

    part: Condition


Condition = Comparison | AllOf | AnyOf | NotOf
ALWAYS = AllOf()


class Same(StrEnum):
    """What a selection takes when it names nothing."""

    SAME = "same"  # that of the event
    ALL = "all"


Names = Same | tuple[str, ...]
"""Which characters, scene types or variants: those of the event, all, or these."""


class Kind(StrEnum):
    """What an action does."""

    SUBMIT = "submit"  # ask for scenes, and for the pictures that they need
    QA = "qa"  # measure the newest take of scenes again
    ASSEMBLE = "assemble"  # put the newest take of scenes together again
    PACKAGE = "package"  # make a delivery
    NOTIFY = "notify"
    WEBHOOK = "webhook"
    APPROVE = "approve"  # accept what the event is about, while it is in review
    FLAG = "flag"  # ask people to look at what the event is about
    PAUSE = "pause"  # start nothing new in the run, or in a scene type of it


@dataclass(frozen=True)
class Selection:
    """Which scenes an action is about, seen from the event."""

    characters: Names = Same.SAME
    scene_types: Names = Same.SAME
    variants: Names = Same.SAME


@dataclass(frozen=True)
class Action:
    """One thing to do. Only what belongs to the kind is set.

    `selection` and `mode` for submit, `selection` for QA and assembly; `of` is `run` or `character` for package and `run` or
    `scene_type` for pause; `to` is a channel, `url` where a webhook goes; `text` is told.
    """

    kind: Kind
    selection: Selection = Selection()
    mode: Mode = Mode.MISSING
    of: str = "run"
    to: str = ""
    url: str = ""
    text: str = ""


@dataclass(frozen=True)
class Actions:
    """What to do: one after the other, or at once. One after the other stops at a failure unless `goes_on`."""

    steps: tuple[Action, ...] = ()
    at_once: bool = False
    goes_on: bool = False


@dataclass(frozen=True)
class Branch:
    """If a measured value compares so, and rests on at least `sample` measured things: `do` of the rule; else `otherwise`.

    With fewer measured things the rule does neither and says so.
    """

    test: Comparison
    sample: int
    otherwise: Actions


@dataclass(frozen=True)
class Scope:
    """Where a rule applies. `project` None is everywhere; a group of names that is empty is all of them."""

    project: str | None = None
    characters: tuple[str, ...] = ()
    scene_types: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()


class Per(StrEnum):
    """What a rule sees as one and the same thing, where it fires once for it."""

    SUBJECT = "subject"  # what the event is about
    CHARACTER = "character"
    SCENE_TYPE = "scene_type"
    RUN = "run"


@dataclass(frozen=True)
class Fuel:
    """How much may follow from one root event: firings, jobs, and seconds of generation."""

    firings: int
    jobs: int
    gpu_seconds: float


@dataclass(frozen=True)
class Limits:
    """What binds every rule: the depth of a chain, and the fuel of all that follows from one root event."""

    max_depth: int = 10
    fuel: Fuel = Fuel(firings=200, jobs=5_000, gpu_seconds=36_000.0)


LIMITS = Limits()
DEFAULT_FUEL = Fuel(firings=20, jobs=500, gpu_seconds=14_400.0)


@dataclass(frozen=True)
class Rule:
    """A version of a rule. `events` are names of the vocabulary. Higher `priority` goes first, then lower `age`.

    `age` orders rules by when they were first made. `wait_s` gathers events for so long before the rule fires once for all of
    them. Within a chain a rule fires once for a thing (`per`); with `once` it does so for good. `approved` says that an
    admin has approved this version, or that none has to.
    """

    id: str
    name: str
    events: tuple[str, ...]
    do: Actions
    version: int = 1
    scope: Scope = Scope()
    where: Condition = ALWAYS
    branch: Branch | None = None
    per: Per = Per.SUBJECT
    once: bool = False
    wait_s: float = 0.0
    priority: int = 0
    age: int = 0
    max_depth: int = 10
    fuel: Fuel = DEFAULT_FUEL
    enabled: bool = True
    approved: bool = True

    @property
    def all_steps(self) -> tuple[Action, ...]:
        """The actions of both branches."""
        return self.do.steps + (self.branch.otherwise.steps if self.branch else ())

    @property
    def can_generate(self) -> bool:
        """Whether it can submit generation, so that this version needs the approval of an admin."""
        return any(action.kind is Kind.SUBMIT for action in self.all_steps)


def in_order(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Rules as they come to their turn: by priority, then by age, then by name."""
    return tuple(sorted(rules, key=lambda rule: (-rule.priority, rule.age, rule.name, rule.id)))
