"""The words a rule may use: which events there are, which fields an event has, and how values of a field compare.

The vocabulary is closed. An event is one that the journal records; a field is read from stored facts and never computed from text
that somebody wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.budget import Quantity, Scope
from pipeline.domain.retries import FailureClass
from pipeline.domain.rulesets import MEASURES
from pipeline.domain.stages import Stage
from pipeline.domain.statuses import CellStatus, RunStatus, StillKind
from pipeline.domain.workers import Health, WorkerState


class Subject(StrEnum):
    """What an event is about."""

    CELL = "cell"
    STILL = "still"
    DELIVERY = "delivery"
    RUN = "run"
    WORKER = "worker"
    BUDGET = "budget"


@dataclass(frozen=True)
class EventType:
    """A type of event as the journal has it, and in words. An event of a stage is about a cell, a still or a delivery."""

    name: str
    words: str
    subject: Subject


class Operator(StrEnum):
    """How a field is held against a value."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"

    @property
    def words(self) -> str:
        """As it stands in a sentence."""
        return _OPERATOR_WORDS[self]

    @property
    def opposite(self) -> Operator:
        """The one that holds exactly where this one does not (of a value that is known)."""
        return _OPPOSITES[self]


_OPERATOR_WORDS = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.IN: "is one of",
    Operator.NOT_IN: "is none of",
    Operator.ABOVE: ">",
    Operator.AT_LEAST: "≥",
    Operator.BELOW: "<",
    Operator.AT_MOST: "≤",
}
_PAIRS = (
    (Operator.IS, Operator.IS_NOT),
    (Operator.IN, Operator.NOT_IN),
    (Operator.ABOVE, Operator.AT_MOST),
    (Operator.BELOW, Operator.AT_LEAST),
)
_OPPOSITES = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


class FieldType(StrEnum):
    """What kind of value a field has."""

    NAME = "name"  # of a character, scene type, variant or location of the production
    CHOICE = "choice"  # one of the words listed with the field
    NUMBER = "number"
    SHARE = "share"  # percent, 0 to 100, of `sample` measured things
    FLAG = "flag"  # true or false
    PLAIN = "plain"  # whatever the metadata of a character has: text, number or switch


_EQUAL = (Operator.IS, Operator.IS_NOT)
_AMONG = (*_EQUAL, Operator.IN, Operator.NOT_IN)
_ORDER = (Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST)
OPERATORS: dict[FieldType, tuple[Operator, ...]] = {
    FieldType.NAME: _AMONG,
    FieldType.CHOICE: _AMONG,
    FieldType.NUMBER: (*_ORDER, *_EQUAL),
    FieldType.SHARE: _ORDER,
    FieldType.FLAG: (Operator.IS,),
    FieldType.PLAIN: (*_AMONG, *_ORDER),
}
"""Which operators a type of field knows."""


@dataclass(frozen=True)
class Field:
    """One fact about an event. `subjects` says of which events; `only` narrows those to these types, unless it is empty.

    `of` names what a name is of (`character`, `scene type`, `variant`, `location`); `options` are the words of a choice.
    """

    name: str
    words: str
    type: FieldType
    subjects: frozenset[Subject]
    only: frozenset[str] = frozenset()
    of: str = ""
    options: tuple[str, ...] = ()

    def is_of(self, event: EventType) -> bool:
        """Whether an event of this type has the field."""
        return event.subject in self.subjects and (not self.only or event.name in self.only)


_S = Subject
_STATUS_WORDS = {CellStatus.REVIEW: "complete", CellStatus.GENERATING: "started"}
_STAGE_SUBJECTS = {
    Stage.SOURCE_QA: _S.STILL,
    Stage.VARIANT_GENERATION: _S.STILL,
    Stage.VARIANT_QA: _S.STILL,
    Stage.SCENE_GENERATION: _S.CELL,
    Stage.SCENE_QA: _S.CELL,
    Stage.ASSEMBLY: _S.CELL,
    Stage.EXPORT: _S.CELL,
    Stage.DELIVERY: _S.DELIVERY,
}
_STAGE_WORDS = {
    Stage.SOURCE_QA: "QA of source images",
    Stage.VARIANT_GENERATION: "candidate of a picture",
    Stage.VARIANT_QA: "QA of a picture",
    Stage.SCENE_GENERATION: "segment",
    Stage.SCENE_QA: "QA of a scene",
    Stage.ASSEMBLY: "assembly",
    Stage.EXPORT: "export",
    Stage.DELIVERY: "packaging",
}


def _events() -> list[EventType]:
    moved = [status for status in CellStatus if status is not CellStatus.NOT_STARTED]
    found = [EventType(f"cell.{status}", f"scene {_STATUS_WORDS.get(status, status)}", _S.CELL) for status in moved]
    found += [EventType(f"still.{status}", f"picture {_STATUS_WORDS.get(status, status)}", _S.STILL) for status in moved]
    for stage, subject in _STAGE_SUBJECTS.items():
        found += [EventType(f"{stage}.{end}", f"{_STAGE_WORDS[stage]} {end}", subject) for end in ("completed", "failed")]
    told = {
        "cell.changed": "priority of a scene changed",
        "cell.stale": "scene stale",
        "cell.fresh": "scene no longer stale",
        "take.asked": "retake asked for",
        "take.rolled_back": "scene rolled back",
    }
    found += [EventType(name, words, _S.CELL) for name, words in told.items()]
    found += [EventType(f"delivery.{end}", f"delivery {end}", _S.DELIVERY) for end in ("packaging", "sealed", "cancelled")]
    runs = [status.value for status in RunStatus if status is not RunStatus.DRAFT]
    found += [EventType(f"run.{end}", f"run {end}", _S.RUN) for end in ("created", "submitted", "changed", *runs)]
    workers = ["registered", "moved", "edited", "removed", "set_aside", "taken_back", "warned", "shares_output"]
    workers += [*(state.value for state in WorkerState), *(health.value for health in Health if health is not Health.UNKNOWN)]
    found.append(EventType("budget.reached", "level of a budget reached", _S.BUDGET))
    found += [EventType(f"worker.{end}", f"worker {end.replace('_', ' ')}", _S.WORKER) for end in workers]
    return found


EVENTS: dict[str, EventType] = {event.name: event for event in _events()}
"""Every event that a rule may listen to, by name. Those of single jobs and of views are not among them: they tell of how
work is shared out, and not of what has become of it."""

GROUPS = {
    "character": "the same character",
    "scene_type": "the same scene type",
    "variant": "the same variant",
    "run": "the run",
}
"""Whose scenes are counted."""
COUNTS = ("scenes", "approved", "in_review", "failed", "rejected", "open")
"""What is counted of them. Cancelled scenes are out and not counted; `open` is whatever is not approved."""

OF_NO_RUN = frozenset({_S.WORKER, _S.BUDGET})
"""Events about these belong to no run: nothing can be done to one because of them."""
_ALL = frozenset(Subject) - OF_NO_RUN
_BUDGETS = frozenset({_S.BUDGET})
_CELLS = frozenset({_S.CELL})
_PICTURES = frozenset({_S.CELL, _S.STILL})
_OF_CHARACTERS = frozenset({_S.CELL, _S.STILL, _S.DELIVERY})
_GROUP_SUBJECTS = {"character": _OF_CHARACTERS, "scene_type": _CELLS, "variant": _PICTURES, "run": _ALL}
_FAILURES = frozenset(f"{stage}.failed" for stage in _STAGE_SUBJECTS)
"""Of a job that failed for good. The events of the scene or picture that failed with it have a reason in words only."""
_STATUSES = tuple(status.value for status in CellStatus)
_WORDS = ("pass", "flag", "fail")


def _plain_fields() -> list[Field]:
    number, name, choice, flag = FieldType.NUMBER, FieldType.NAME, FieldType.CHOICE, FieldType.FLAG
    return [
        Field("character", "character", name, _OF_CHARACTERS, of="character"),
        Field("variant", "variant", name, _PICTURES, of="variant"),
        Field("scene_type", "scene type", name, _CELLS, of="scene type"),
        Field("location", "location", name, _PICTURES, of="location"),
        Field("scene", "scene number", number, _CELLS),
        Field("status", "status", choice, _PICTURES, options=_STATUSES),
        Field("kind", "kind of picture", choice, frozenset({_S.STILL}), options=tuple(kind.value for kind in StillKind)),
        Field("stale", "stale", flag, _CELLS),
        Field("take", "take", number, _PICTURES),
        Field("attempts", "attempts", number, _PICTURES),
        Field("tier", "resolution tier", choice, _CELLS, options=("sd", "hd", "full_hd", "uhd")),
        Field("segments", "segments", number, _CELLS),
        Field("duration_s", "duration in seconds", number, _CELLS),
        Field("qa.verdict", "QA verdict", choice, _PICTURES, options=_WORDS),
        Field("by", "done by", choice, frozenset(Subject), options=("person", "rule", "system")),
        Field("depth", "depth of the chain", number, frozenset(Subject)),
        Field("budget.of", "whose budget", choice, _BUDGETS, options=tuple(scope.value for scope in Scope)),
        Field("budget.quantity", "what the budget counts", choice, _BUDGETS, options=tuple(one.value for one in Quantity)),
        Field("budget.at_percent", "level of the budget in percent", number, _BUDGETS),
        Field("failure_class", "kind of failure", choice, _ALL, _FAILURES, options=tuple(one.value for one in FailureClass)),
    ]


def _qa_fields() -> list[Field]:
    of_stills = {*MEASURES["source"], *MEASURES["still"]}
    found = []
    for measure in dict.fromkeys(name for names in MEASURES.values() for name in names):
        subjects = frozenset({_S.CELL} if measure in MEASURES["scene"] else ()) | ({_S.STILL} if measure in of_stills else set())
        found.append(Field(f"qa.{measure}", f"QA: {measure.replace('_', ' ')}", FieldType.NUMBER, subjects))
    return found


def _group_fields() -> list[Field]:
    found = []
    for group, words in GROUPS.items():
        subjects = _GROUP_SUBJECTS[group]
        found.append(Field(f"{group}.all_approved", f"every scene of {words} approved", FieldType.FLAG, subjects))
        for count in COUNTS:
            told = "scenes" if count == "scenes" else f"{count.replace('_', ' ')} scenes"
            found.append(Field(f"{group}.{count}", f"{told} of {words}", FieldType.NUMBER, subjects))
        found.append(Field(f"{group}.pass_rate", f"QA pass rate of scenes of {words}", FieldType.SHARE, subjects))
        found.append(Field(f"{group}.mean_attempts", f"mean attempts of scenes of {words}", FieldType.NUMBER, subjects))
    return found


FIELDS: dict[str, Field] = {field.name: field for field in (*_plain_fields(), *_qa_fields(), *_group_fields())}
"""Every field but those of the metadata of characters."""

METADATA = "metadata."
"""How the name of a field begins that is a key of the character's metadata."""


def field_named(name: str) -> Field | None:
    """The field of this name; any short `metadata.KEY` is one."""
    if name.startswith(METADATA) and 0 < len(name) - len(METADATA) <= 80:
        return Field(name, f"the character's {name[len(METADATA) :]}", FieldType.PLAIN, _OF_CHARACTERS)
    return FIELDS.get(name)


def is_measured(field: Field) -> bool:
    """Whether its value rests on a number of measured things, so that a minimum may be asked of them."""
    return field.name.endswith((".pass_rate", ".mean_attempts"))


def events_in_words() -> dict[str, str]:
    """The words of every event to its name, for whoever writes `scene approved` instead of `cell.approved`."""
    return {event.words: event.name for event in EVENTS.values()}
