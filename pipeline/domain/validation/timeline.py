"""Time: whole frames, segments, wardrobe ranges, and the order of shots."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from pipeline.domain.names import listed
from pipeline.domain.production import Character, SceneType, Shot
from pipeline.domain.validation.cycles import find_cycles
from pipeline.domain.validation.subject import TOP, Subject, shot_words

_TOLERANCE_S = 0.0005
"""A duration so near to whole frames is meant as that: nobody writes a seventh of a second to the last digit."""

CODED_SIZES_ARE_EVEN = "The video format needs even numbers."


def check(subject: Subject) -> None:
    """Everything that has to do with frames, scenes and order."""
    for index, kind in enumerate(subject.production.scene_types):
        _frames(subject, index, kind)
        _size(subject, index, kind)
    for index, character in enumerate(subject.production.characters):
        _ranges(subject, index, character)
    _gaps(subject)
    _order(subject)


def check_deadline(subject: Subject, now: datetime) -> None:
    """A deadline that has passed already is hardly meant."""
    deadline = subject.production.schedule.deadline
    if deadline is not None and datetime.fromisoformat(deadline) <= now:
        told = f"The deadline {deadline} has passed already."
        subject.report.warning((*TOP, "schedule", "deadline"), told, "Give the day on which the run is due, or remove it.")


def _frames(subject: Subject, index: int, kind: SceneType) -> None:
    where = subject.scene_type_path(index)
    exact = kind.duration_s * kind.fps
    frames = round(exact)
    if frames < 1 or abs(kind.duration_s - frames / kind.fps) > _TOLERANCE_S:
        seconds = f"{max(frames, 1) / kind.fps:.6f}".rstrip("0").rstrip(".")
        told = f'Scene type "{kind.name}": {kind.duration_s:g} s at {kind.fps} fps are {exact:g} frames, not a whole number.'
        subject.report.error((*where, "duration_s"), told, f"Use {seconds} s ({max(frames, 1)} frames).")
        return
    if frames < kind.segments:
        told = f'Scene type "{kind.name}" has {frames} frames, too few for {kind.segments} segments.'
        subject.report.error((*where, "segments"), told, f"Use at most {frames} segments.")
    elif frames % kind.segments:
        fits = [count for count in range(1, min(frames, 100) + 1) if frames % count == 0]
        near = sorted(fits, key=lambda count: abs(count - kind.segments))[:3]
        told = f'Scene type "{kind.name}": {frames} frames do not divide into {kind.segments} equal segments.'
        cure = f"Use {listed([str(count) for count in sorted(near)])} segments; else the first segments are one frame longer."
        subject.report.warning((*where, "segments"), told, cure)


def _size(subject: Subject, index: int, kind: SceneType) -> None:
    where = (*subject.scene_type_path(index), "resolution")
    size = f"{kind.width}x{kind.height}"
    if not (16 <= kind.width <= 8192 and 16 <= kind.height <= 8192):
        told = f'Scene type "{kind.name}": {size} is out of range.'
        subject.report.error(where, told, "Use 16 to 8192 pixels on each side.")
    elif kind.width % 2 or kind.height % 2:
        even = f"{kind.width + kind.width % 2}x{kind.height + kind.height % 2}"
        subject.report.error(where, f'Scene type "{kind.name}": {size} has an odd side. {CODED_SIZES_ARE_EVEN}', f"Use {even}.")


def _ranges(subject: Subject, index: int, character: Character) -> None:
    where = (*TOP, "characters", index, "wardrobe")
    good = []
    for worn in character.wardrobe:
        words = _scenes(worn.first, worn.last)
        if worn.first < 1:
            subject.report.error(
                where, f'"{character.name}" wears "{worn.variant}" in {words}: scenes count from 1.', "Start at 1."
            )
        elif worn.first > worn.last:
            told = f'"{character.name}" wears "{worn.variant}" in {words}: the first scene comes after the last.'
            subject.report.error(where, told, f"Write scenes_{worn.last}_{worn.first}.")
        else:
            good.append(worn)
    ordered = sorted(good, key=lambda worn: (worn.first, worn.last))
    for before, after in pairwise(ordered):
        if after.first <= before.last:
            both = _scenes(after.first, min(before.last, after.last))
            told = f'"{character.name}" would wear "{before.variant}" and "{after.variant}" at once in {both}.'
            subject.report.error(where, told, "Let the ranges not overlap.")


def _gaps(subject: Subject) -> None:
    """Shots that neither a variant nor the wardrobe dresses, one issue for each character."""
    if not subject.variants:
        return
    bare: dict[str, list[int]] = {}
    for shot in subject.production.shots:
        if shot.character in subject.characters and shot.variant is None:
            bare.setdefault(str(shot.character), []).append(shot.scene)
    for index, character in enumerate(subject.production.characters):
        if character.name not in bare:
            continue
        scenes = _runs(sorted(set(bare[character.name])))
        where = (*TOP, "characters", index)
        if character.wardrobe:
            told = f'The wardrobe of "{character.name}" has nothing for {scenes}; the source image is used as it is.'
            subject.report.warning((*where, "wardrobe"), told, "Add a range for these scenes, or variant: to the shots.")
        else:
            told = f'"{character.name}" wears no variant in {scenes}; the source image is used as it is.'
            subject.report.info(where, told, "Add wardrobe: to the character, or variant: to the shots.")


def _order(subject: Subject) -> None:
    shots = {shot.name: shot for shot in subject.production.shots}
    edges: dict[str, list[str]] = {}
    for index, shot in enumerate(subject.production.shots):
        for number, name in enumerate(shot.after):
            earlier = shots.get(name)
            where = (*subject.shot_path(index), "after", number)
            if earlier is None:
                if name:
                    subject.report.unknown(where, "shot", name, shots)
                continue
            edges.setdefault(shot.name, []).append(name)
            if earlier.scene > shot.scene:
                _warn_of_order(subject, shot, earlier, index, number)
    positions = {shot.name: index for index, shot in reversed(list(enumerate(subject.production.shots)))}
    for loop in find_cycles(edges):
        told = f"Shots wait for each other in a loop: {' -> '.join(loop)}."
        where = (*subject.shot_path(positions[loop[0]]), "after")
        subject.report.error(where, told, "Remove one of these after: entries.")


def _warn_of_order(subject: Subject, shot: Shot, earlier: Shot, index: int, number: int) -> None:
    told = f'{shot_words(shot)} of scene {shot.scene} waits for "{earlier.name}" of the later scene {earlier.scene}.'
    where = (*subject.shot_path(index), "after", number)
    subject.report.warning(where, told, "Check the scene numbers, or drop after:.")


def _scenes(first: int, last: int) -> str:
    return f"scene {first}" if first == last else f"scenes {first} to {last}"


def _runs(scenes: list[int]) -> str:
    """`scenes 3, 7-9` for a sorted list of numbers."""
    runs: list[tuple[int, int]] = []
    for scene in scenes:
        if runs and scene == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], scene)
        else:
            runs.append((scene, scene))
    words = listed([str(first) if first == last else f"{first}-{last}" for first, last in runs])
    return f"scene {words}" if len(scenes) == 1 else f"scenes {words}"
