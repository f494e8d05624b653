"""The sample production: made-up people, places and scene types, and the source images of the people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.adapters.media.samples import draw_character

TITLE = "Night Ferry"
CHARACTERS = (
    "Freya Castellan", "Anton Grey", "Nadia Brook", "Lucan Frey", "Thea Solano", "Kenji Alder", "Signe Valcourt",
    "Rafe Monteiro", "Leila Varga", "Diego Marsh", "Rosa Tamm", "Jonah Creed", "Greta Nyland", "Hugo Ferris", "Ines Calder",
    "Emeric Sol", "Yuki Ferrant", "Bao Linden", "Lotte Bergen", "Elio Hart",
)  # fmt: skip
LOCATIONS = (
    {"name": "Harbor", "preset": "harbor"},
    {"name": "Engine Room", "preset": "industrial"},
    {"name": "Promenade", "preset": "city_night"},
)
VARIANTS = (
    {"name": "travel", "prompt": "travel clothes, long coat", "candidates": 3},
    {"name": "evening", "prompt": "evening wear, dark silk", "candidates": 3},
    {"name": "storm", "prompt": "oilskins, wet with rain"},
    {"name": "crew", "prompt": "crew uniform, brass buttons"},
)
_SCENES = (
    ("arrival", "Harbor", "wide", "pan_right", 1.0, "{character} arrives at the {location}, {variant.prompt}, {style.mood}"),
    ("portrait", "Promenade", "close_up", "push_in", 0.7, "close-up of {character}, {variant.prompt}, lights behind"),
    ("walk", "Promenade", "full", "pull_out", 1.0, "{character} walks along the {location}, {variant.prompt}"),
    ("stand-off", "Engine Room", "medium", "orbit", 1.0, "{character} stands still in the {location}, {style.mood}"),
    ("whisper", "Harbor", "medium_close_up", "static", 1.0, "{character} whispers a secret, {variant.prompt}"),
    ("chase", "Engine Room", "cowboy", "handheld", 1.2, "{character} runs through the {location}, {style.mood}"),
    ("reveal", "Harbor", "full", "tilt_up", 1.0, "the camera finds {character} on the {location}, {variant.prompt}"),
    ("farewell", "Promenade", "medium", "crane", 1.0, "{character} looks back once more, {variant.prompt}, {style.mood}"),
    ("glance", "Engine Room", "extreme_close_up", "push_in", 0.4, "the eyes of {character}, {style.mood}"),
    ("crossing", "Harbor", "wide", "pan_left", 1.0, "{character} crosses the {location}, {variant.prompt}"),
    ("tremor", "Engine Room", "medium", "shake", 1.0, "the {location} shakes, {character} holds on"),
    ("descent", "Promenade", "full", "tilt_down", 1.0, "{character} comes down the stairs, {variant.prompt}"),
)
_LIMITS_BY_FLEET = {"min_sharpness": 8, "max_boundary_jump": 0.4}
"""Each segment starts from a picture that went through one more encoder than those that are made here."""


def names(characters: int, scene_types: int, variants: int) -> tuple[list[str], list[tuple[Any, ...]], list[dict[str, Any]]]:
    """As many of each as asked; beyond the made-up ones they are numbered."""
    people = [CHARACTERS[n] if n < len(CHARACTERS) else f"Passenger {n + 1}" for n in range(characters)]
    scenes = [_SCENES[n] if n < len(_SCENES) else (f"scene {n + 1}", *_SCENES[n % len(_SCENES)][1:]) for n in range(scene_types)]
    looks = [
        dict(VARIANTS[n]) if n < len(VARIANTS) else {"name": f"look {n + 1}", "prompt": "plain clothes"} for n in range(variants)
    ]
    return people, scenes, looks


def image_path(name: str) -> str:
    """Where a person's picture lies, from the folder of the production."""
    plain = "".join(char if char.isalnum() else "_" for char in name.lower())
    return f"assets/{plain}.png"


def document(characters: int, scene_types: int, variants: int) -> dict[str, Any]:
    """The production file as plain data. Everything decides itself but the looks of the first person: people choose those."""
    people, scenes, looks = names(characters, scene_types, variants)
    return {
        "production": {
            "title": TITLE,
            "version": "1.0",
            "author": "Stripboard",
            "seed": 7,
            "style": {"preset": "cinematic_teal_orange", "era": "present", "mood": "tense"},
            "defaults": {"fps": 12, "resolution": "480x270", "duration_s": 2, "segments": 2},
            "characters": [{"name": name, "source_images": [image_path(name)]} for name in people],
            "variants": looks,
            "locations": [dict(place) for place in LOCATIONS],
            "scene_types": [
                {
                    "name": name,
                    "location": place,
                    "framing": framing,
                    "camera": {"move": move, "amount": amount},
                    "prompt": prompt,
                }
                for name, place, framing, move, amount, prompt in scenes
            ],
            "matrix": {"characters": "all", "scene_types": "all", "variants": "all"},
            "approvals": {
                "variants": "auto",
                "scenes": "auto",
                "except_for": [{"character": people[0], "variants": "human"}],
            },
            "budget": {"gpu_hours": 10, "disk_gb": 10},
            "outputs": [{"format": "preview_360p", "path": "output/preview/"}],
        }
    }


def for_fleet(document: dict[str, Any], graphs: str) -> dict[str, Any]:
    """The same production made by a fleet, by the graphs in this folder beside it."""
    production = document["production"]
    tables = {"scene_types": "image_to_video", "variants": "image_to_image", "locations": "text_to_image"}
    for table, graph in tables.items():
        production[table] = [{**entry, "workflow": f"{graphs}/{graph}.json"} for entry in production[table]]
    for scene_type in production["scene_types"]:
        scene_type["qa"] = dict(_LIMITS_BY_FLEET)
    for place in production["locations"]:
        place["prompt"] = f"{place['name']}, {place['preset'].replace('_', ' ')}"
    return {"production": {**production, "title": f"{TITLE}, by the fleet", "backend": "comfyui"}}


def draw(folder: Path, characters: list[str]) -> int:
    """Draw the pictures that are not there yet; the answer is how many."""
    drawn = 0
    for name in characters:
        path = folder / image_path(name)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_character(name, path)
            drawn += 1
    return drawn
