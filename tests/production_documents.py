"""Productions as YAML for tests: a small valid one, ways to change it, and reading without files."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline import wiring
from pipeline.adapters import yaml_files
from pipeline.domain.document import Parsed, parse
from pipeline.domain.issues import Issue, Severity
from pipeline.domain.presets import Presets
from pipeline.domain.production import Production
from pipeline.domain.screenplay import Screenplay
from pipeline.domain.sources import Document
from pipeline.domain.validation import check
from pipeline.services.productions import Productions

SMALL: dict[str, Any] = {
    "title": "Small",
    "characters": [{"name": "Mara", "source_images": ["assets/mara.png"], "metadata": {"age": 31}}],
    "variants": [{"name": "casual", "prompt": "street clothes"}, {"name": "formal", "prompt": "evening suit"}],
    "locations": [{"name": "Warehouse", "preset": "industrial"}],
    "scene_types": [{"name": "dance", "prompt": "{character} dances"}, {"name": "walk", "prompt": "{character} walks"}],
    "matrix": {},
    "outputs": [{"format": "preview_360p", "path": "output/"}],
}


@cache
def presets() -> Presets:
    """The built-in presets."""
    return yaml_files.load_presets()


def body(**changes: Any) -> dict[str, Any]:
    """The small production with some keys changed; None removes a key."""
    changed = deepcopy(SMALL) | deepcopy(changes)
    return {key: value for key, value in changed.items() if value is not None}


def text(**changes: Any) -> str:
    """The same as YAML."""
    return yaml_files.dump_data({"production": body(**changes)})


def document(source: str | Mapping[str, Any]) -> Document:
    """A document of YAML text or of the keys under `production`."""
    return yaml_files.load_text(source if isinstance(source, str) else yaml_files.dump_data({"production": dict(source)}))


def parsed(source: str | Mapping[str, Any], screenplay: Screenplay | None = None) -> Parsed:
    """A document understood."""
    return parse(document(source), presets(), screenplay)


def production(source: str | Mapping[str, Any], screenplay: Screenplay | None = None) -> Production:
    """The production of a document."""
    found = parsed(source, screenplay).production
    assert found is not None
    return found


def issues(source: str | Mapping[str, Any], screenplay: Screenplay | None = None, **options: Any) -> tuple[Issue, ...]:
    """Everything wrong with a document; files are not looked at."""
    read = document(source)
    return check(parse(read, presets(), screenplay), read, presets(), **options)


def issue(found: tuple[Issue, ...], path: str, severity: Severity | None = None) -> Issue:
    """The only issue at a path."""
    matching = [entry for entry in found if entry.path == path and severity in (None, entry.severity)]
    assert len(matching) == 1, f"{len(matching)} issues at {path}: " + "\n".join(map(str, found))
    return matching[0]


def errors(found: tuple[Issue, ...]) -> list[str]:
    """The errors as text, for showing that there are none."""
    return [str(entry) for entry in found if entry.severity is Severity.ERROR]


def reader() -> Productions:
    """The service with the real adapters."""
    return wiring.build_productions()


def picture(path: Path, size: tuple[int, int] = (160, 160)) -> Path:
    """A real picture at a path, another one for each name."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.linear_gradient("L").resize(size)
    for place, shade in enumerate(sha256(path.name.encode()).digest()[:4]):
        image.paste(shade, (8 * place, 0, 8 * place + 8, 8))
    image.save(path)
    return path


def ensemble(folder: Path) -> Path:
    """A production of five files: 25 characters, 12 scene types, 3 variants, exclusions, shots that wait for each other.

    The picture of one character (`assets/c07.png`) is broken.
    """
    names = [f"Player {number:02d}" for number in range(25)]
    kinds = [f"beat {letter}" for letter in "abcdefghijkl"]
    characters = [
        {"name": name, "source_images": [f"assets/c{number:02d}.png"], "wardrobe": {"scenes_1_3": "street", "scenes_4_6": "gala"}}
        for number, name in enumerate(names)
    ]
    shots: list[dict[str, Any]] = [
        {"name": f"open {scene}", "template": "establishing_wide", "scene": scene, "location": "Hall"} for scene in range(1, 7)
    ]
    shots += [
        {"name": f"turn {scene}", "template": "hero_cu", "scene": scene, "character": names[scene], "after": [f"open {scene}"]}
        for scene in range(1, 7)
    ]
    exclude = [{"character": names[0], "variant": "gala"}, {"scene_type": "beat l", "variant": "sport"}, {"character": names[7]}]
    looks = [{"name": name, "prompt": f"{name} clothes"} for name in ("street", "gala", "sport")]
    timing = {"fps": 8, "resolution": "160x90", "duration_s": 1}
    parts: dict[str, dict[str, Any]] = {
        "a_main": {"title": "Ensemble", "defaults": timing, "approvals": {"variants": "auto", "scenes": "auto"}},
        "b_cast": {"characters": characters, "variants": looks},
        "c_places": {"locations": [{"name": "Hall", "preset": "stage"}]},
        "d_scenes": {"scene_types": [{"name": kind, "prompt": "{character}: {scene_type}, {variant.prompt}"} for kind in kinds]},
        "e_plan": {"matrix": {"exclude": exclude}, "shots": shots, "outputs": [{"format": "preview_360p", "path": "out/"}]},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        (folder / f"{name}.yaml").write_text(yaml_files.dump_data({"production": part}), encoding="utf-8")
    for number in range(25):
        picture(folder / "assets" / f"c{number:02d}.png", (256, 256))
    (folder / "assets" / "c07.png").write_bytes(b"broken")
    return folder
