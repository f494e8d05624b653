"""A screenplay to shots: one establishing shot per scene, then one hero shot per character who speaks on screen.

Scenes are numbered as their headings say (`#12#`; `#12A#` belongs to scene 12), else in order. A scene that the shot list has
shots for gets none from the screenplay, only its location for the shots that name none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.domain.issues import Report, shorten
from pipeline.domain.names import NAME_LIMIT, fold, nearest, slug
from pipeline.domain.production import Character, Location, Shot
from pipeline.domain.screenplay import Cue, Screenplay, ScriptScene, number_of, place_of

ESTABLISHING = "establishing_wide"
HERO = "hero_cu"

_WHERE = ("production", "script")


@dataclass(frozen=True)
class Expansion:
    """What a screenplay adds to a production. `places` says where each scene plays, by number."""

    shots: tuple[Shot, ...] = ()
    locations: tuple[Location, ...] = ()
    places: Mapping[int, str] = field(default_factory=dict)


@dataclass
class _Cast:
    """Finds declared characters and locations by the names of a screenplay, and notes each unknown one once."""

    characters: dict[str, str]
    locations: dict[str, str]
    report: Report
    added: dict[str, Location] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def character(self, cue: Cue, scene: int) -> str | None:
        """The declared character of a cue, or None."""
        key = fold(cue.name)
        found = self.characters.get(key)
        if found is None and key and key not in self.missing:
            self.missing.add(key)
            cure = self.report.suggest(cue.name, self.characters.values()) or f'Add "{cue.name}" to characters.'
            self.report.warning(
                _WHERE, f'"{shorten(cue.name)}" speaks in scene {scene} but is not a character; no shot is made.', cure
            )
        return found

    def location(self, place: str, scene: int) -> str | None:
        """The declared location of a heading, else a new one."""
        key = fold(place)
        if not place or key in self.locations:
            return self.locations.get(key)
        near = nearest(place, self.locations.values())
        name = place.title()[:NAME_LIMIT].strip()
        cure = f'Did you mean "{near}"?' if near else "Declare it under locations to choose its look."
        note = self.report.warning if near else self.report.info
        note(_WHERE, f'Scene {scene} plays in "{name}", which is not a location; it is added with a plain look.', cure)
        self.added[key] = Location(name=name, prompt=place.lower())
        self.locations[key] = name
        return name


def expand(
    screenplay: Screenplay | None,
    listed: Sequence[Shot],
    characters: Sequence[Character],
    locations: Sequence[Location],
    report: Report,
) -> Expansion:
    """The shots of a screenplay and the locations it names that are not declared."""
    if screenplay is None:
        return Expansion()
    if not screenplay.scenes:
        report.warning(_WHERE, "The screenplay has no scene headings, so it gives no shots.", "Write INT. or EXT. headings.")
    cast = _Cast(_by_fold(characters), _by_fold(locations), report)
    written = {shot.scene for shot in listed}
    shots: list[Shot] = []
    places: dict[int, str] = {}
    for number, letter, scene in _numbered(screenplay.scenes, report):
        place = cast.location(place_of(scene.heading), number)
        if place is not None:
            places.setdefault(number, place)
        if number in written:
            continue
        shots.append(Shot(_name(number, letter, ESTABLISHING), template=ESTABLISHING, scene=number, location=place))
        heroes = dict.fromkeys(cast.character(cue, number) for cue in scene.cues if not cue.is_off_screen)
        shots.extend(
            Shot(_name(number, letter, HERO, hero), template=HERO, scene=number, character=hero, location=place)
            for hero in heroes
            if hero is not None
        )
    return Expansion(tuple(shots), tuple(cast.added.values()), places)


def _numbered(scenes: Sequence[ScriptScene], report: Report) -> Iterator[tuple[int, str, ScriptScene]]:
    """Every scene with its number and its letter. One whose number does not come after the one before is counted on."""
    last = (0, "")
    for scene in scenes:
        stated = number_of(scene.heading)
        if stated is not None and stated > last:
            last = stated
        else:
            if stated is not None:
                before = f"{last[0]}{last[1].upper()}"
                told = f'The heading "{shorten(scene.heading)}" stands after scene {before}; it is scene {last[0] + 1}.'
                report.warning(_WHERE, told, "Number the headings in order, or leave the numbers out.")
            last = (last[0] + 1, "")
        yield *last, scene


def _name(number: int, letter: str, template: str, character: str = "") -> str:
    """A shot of a lettered scene says so in its name; the others are named later, with all that have none."""
    return "_".join(filter(None, (f"s{number:03d}{letter}", template, slug(character)))) if letter else ""


def _by_fold(declared: Sequence[Character] | Sequence[Location]) -> dict[str, str]:
    return {fold(entry.name): entry.name for entry in declared if entry.name}
