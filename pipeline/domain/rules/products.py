"""Which events the actions of a rule can lead to, without the rules that those wake in turn. Never too few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.domain.choices import Mode
from pipeline.domain.rules.boxes import ABSENT, NAMELESS, Box, NameSet, chosen, listening, of_subject
from pipeline.domain.rules.model import Action, Kind, Rule
from pipeline.domain.rules.snapshot import Gates
from pipeline.domain.rules.vocabulary import EVENTS, Subject
from pipeline.domain.statuses import StillKind

VARIANT_APPROVAL, SCENE_APPROVAL = "variant approval", "scene approval"
ALL_MAY_BE_AUTOMATIC = Gates(variants="auto", scenes="auto")
"""What is taken for the gates of a rule whose productions are not known."""


@dataclass(frozen=True)
class Product:
    """Events of some types within a box. `gate` names the approval by a person that stands before them, if one does."""

    types: frozenset[str]
    box: Box
    action: Kind
    mode: Mode | None = None
    gate: str = ""


def products(rule: Rule, gates: Gates) -> tuple[Product, ...]:
    """All events that can follow from a firing of the rule."""
    found: dict[Product, None] = {}
    for subject in dict.fromkeys(EVENTS[event].subject for event in rule.events):
        heard = listening(rule, subject)
        if heard.is_empty:
            continue
        for action in rule.all_steps:
            found.update(dict.fromkeys(_PRODUCTS.get(action.kind, _none)(action, heard, subject, gates)))
    return tuple(found)


def _types(stem: str, *ends: str) -> frozenset[str]:
    return frozenset(f"{stem}.{end}" for end in ends)


_ENDS = ("completed", "failed")
_ASKED = _types("run", "submitted", "running")
_CELL_MADE = (
    _types("cell", "queued", "generating", "review", "failed")
    | _types("scene_generation", *_ENDS)
    | _types("scene_qa", *_ENDS)
    | _types("assembly", *_ENDS)
)
_STILL_MADE = (
    _types("still", "queued", "generating", "review", "failed")
    | _types("source_qa", *_ENDS)
    | _types("variant_generation", *_ENDS)
    | _types("variant_qa", *_ENDS)
)
_STILL_DECIDED = _types("still", "approved", "rejected")
_CELL_DECIDED = _types("cell", "approved", "rejected") | _types("export", *_ENDS)
_PACKAGED = _types("delivery", "packaging", "sealed", *_ENDS)
_DELIVERED = _PACKAGED | _types("run", "running", "completed")


def _submit(action: Action, heard: Box, subject: Subject, gates: Gates) -> Iterator[Product]:
    cells = _selected(action, heard)
    if cells.is_empty:
        return
    people = cells.character
    sources = Box(people, ABSENT, ABSENT, _kind(StillKind.SOURCE))
    plates = Box(ABSENT, ABSENT, ABSENT, _kind(StillKind.PLATE))
    images = Box(people, ABSENT, cells.variant, _kind(StillKind.VARIANT))
    kind, mode = action.kind, action.mode
    yield Product(_ASKED, NAMELESS, kind, mode)
    yield Product(_CELL_MADE, cells, kind, mode)
    for stills in (sources, plates):
        yield Product(_STILL_MADE | _STILL_DECIDED, stills, kind, mode)
    yield Product(_STILL_MADE, images, kind, mode)
    for gate in _gates(VARIANT_APPROVAL, people, gates.variants, gates.variants_of):
        yield Product(_STILL_DECIDED, images, kind, mode, gate)
    for gate in _gates(SCENE_APPROVAL, people, gates.scenes, gates.scenes_of):
        yield Product(_CELL_DECIDED, cells, kind, mode, gate)
        yield Product(_DELIVERED, NAMELESS, kind, mode, gate)


def _measure(action: Action, heard: Box, subject: Subject, gates: Gates) -> Iterator[Product]:
    yield Product(_types("scene_qa", *_ENDS), _selected(action, heard), action.kind)


def _assemble(action: Action, heard: Box, subject: Subject, gates: Gates) -> Iterator[Product]:
    yield Product(_types("assembly", *_ENDS), _selected(action, heard), action.kind)


def _package(action: Action, heard: Box, subject: Subject, gates: Gates) -> Iterator[Product]:
    yield Product(_DELIVERED, NAMELESS, action.kind)
    if action.of == "character":
        yield Product(_PACKAGED, Box(heard.character, ABSENT, ABSENT), action.kind)


def _approve(action: Action, heard: Box, subject: Subject, gates: Gates) -> Iterator[Product]:
    if subject is Subject.STILL:
        yield Product(_types("still", "approved"), heard, action.kind)
    elif subject is Subject.CELL:
        yield Product(_types("cell", "approved") | _types("export", *_ENDS), heard, action.kind)
        yield Product(_DELIVERED, NAMELESS, action.kind)


def _pause(action: Action, heard: Box, subject: Subject, gates: Gates) -> Iterator[Product]:
    if action.of == "run":
        yield Product(_types("run", "paused"), NAMELESS, action.kind)


def _none(action: Action, heard: Box, subject: Subject, gates: Gates) -> Iterator[Product]:
    """Messages and marks lead to no event."""
    return iter(())


def _selected(action: Action, heard: Box) -> Box:
    """A box round the scenes that an action can select."""
    selection = action.selection
    return Box(
        chosen(selection.characters, heard.character),
        chosen(selection.scene_types, heard.scene_type),
        chosen(selection.variants, heard.variant),
    ).both(of_subject(Subject.CELL))


def _kind(kind: StillKind) -> NameSet:
    return NameSet(frozenset((kind.value,)), is_all_but=False)


def _gates(gate: str, people: NameSet, usual: str, own: Mapping[str, str]) -> tuple[str, ...]:
    """Through which gate it may go: that of a person always (a flagged take waits for one), none where it may be automatic."""
    known = (own.get(name, usual) for name in people.names)
    of_others = usual == "auto" or "auto" in own.values()
    may_be_automatic = of_others if people.is_all_but else "auto" in known
    return (gate, "") if may_be_automatic else (gate,)


_PRODUCTS: dict[Kind, Callable[[Action, Box, Subject, Gates], Iterator[Product]]] = {
    Kind.SUBMIT: _submit,
    Kind.QA: _measure,
    Kind.ASSEMBLE: _assemble,
    Kind.PACKAGE: _package,
    Kind.APPROVE: _approve,
    Kind.PAUSE: _pause,
}
