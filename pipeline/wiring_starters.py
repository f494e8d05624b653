"""Puts productions to start with on the disk: from a template, and the sample of the demo."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from pipeline.adapters import yaml_files
from pipeline.domain.document import parse
from pipeline.domain.errors import Conflict, Invalid
from pipeline.domain.names import NAME_PATTERN, slug

FILE_NAME = "production.yaml"
_GRAPHS = Path(__file__).resolve().parent / "double" / "workflows"


def template_names() -> tuple[str, ...]:
    """The starter templates."""
    return yaml_files.template_names()


def make_from_template(title: str, template: str, parent: Path) -> Path:
    """A new folder below `parent` with a production of this title and drawn source images; the answer is the folder."""
    from pipeline.adapters.media.samples import draw_character

    if not re.match(NAME_PATTERN, title):
        raise Invalid(f"{json.dumps(title)} cannot be a title. Use 1 to 80 characters in one line, without outer spaces.")
    text = yaml_files.load_template(template, title)
    folder = parent / (slug(title).replace("_", "-") or "production")
    if folder.exists():
        raise Conflict(f"{folder} exists already. Choose another name, or move it away.")
    parsed = parse(yaml_files.load_text(text), yaml_files.load_presets(), None)
    folder.mkdir(parents=True)
    if parsed.production is not None:
        for character in parsed.production.characters:
            for image in character.source_images:
                (folder / image).parent.mkdir(parents=True, exist_ok=True)
                draw_character(f"{title} {character.name}", folder / image)
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return folder


def make_sample(folder: Path, *, characters: int, scene_types: int, variants: int, by_fleet: bool = False) -> Path:
    """The sample production in this folder, with this many of each; what is there already is kept. The answer is its file."""
    from pipeline.adapters import sample_production

    people, _, _ = sample_production.names(characters, scene_types, variants)
    sample_production.draw(folder, people)
    document = sample_production.document(characters, scene_types, variants)
    if by_fleet:
        graphs = folder / "workflows"
        shutil.copytree(_GRAPHS, graphs, dirs_exist_ok=True)
        document = sample_production.for_fleet(document, graphs.name)
    path = folder / FILE_NAME
    path.write_text(yaml_files.dump_data(document), encoding="utf-8")
    return path
