"""Reading whole productions with their files: examples, templates, broken files, speed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters import yaml_files
from pipeline.domain.issues import Severity
from pipeline.domain.matrix import build
from pipeline.services.productions import ProductionInvalid
from tests.production_documents import body, ensemble, issue, picture, reader, text

ROOT = Path(__file__).parents[2]
TEMPLATES = ("character_matrix", "commercial", "game_assets", "short_film")


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "production.yaml"
    path.write_text(text(**changes), encoding="utf-8")
    return path


def small(folder: Path, **changes: Any) -> Path:
    picture(folder / "assets" / "mara.png")
    return write(folder, **changes)


def test_the_example_of_the_design_is_valid() -> None:
    found = reader().read(ROOT / "examples" / "harbor_nights" / "production.yaml")
    assert [str(entry) for entry in found.issues if entry.severity is not Severity.INFO] == []
    cells = build(found.require())
    assert [cell.key for cell in cells] == [
        "Mara / dance / casual",
        "s001 hero_cu / Mara / casual",
        "s001 establishing_wide",
        "s002 establishing_wide",
        "s002 hero_cu / Mara / casual",
        "s011 establishing_wide",
        "s011 hero_cu / Mara / formal",
    ]
    assert all("{" not in cell.prompt for cell in cells)


def test_there_are_four_templates() -> None:
    assert yaml_files.template_names() == TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_template_is_valid_as_made(name: str, tmp_path: Path) -> None:
    path = tmp_path / "production.yaml"
    path.write_text(yaml_files.load_template(name, "My first"), encoding="utf-8")
    made = reader().read(path).production
    assert made is not None and made.title == "My first"
    for character in made.characters:
        for image in character.source_images:
            picture(tmp_path / image)
    found = reader().read(path)
    assert [str(entry) for entry in found.issues if entry.severity is not Severity.INFO] == []
    assert build(found.require())
    assert sum(kind.width * kind.height * kind.frames for kind in made.scene_types) < 20_000_000


def test_a_broken_picture_is_named_and_the_production_is_valid_once_it_is_replaced(tmp_path: Path) -> None:
    path = small(tmp_path)
    (tmp_path / "assets" / "mara.png").write_bytes(b"GIF89a but not really")
    found = reader().read(path)
    problem = issue(found.issues, "production.characters[0].source_images[0]", Severity.ERROR)
    assert "assets/mara.png is" in problem.message and problem.line
    with pytest.raises(ProductionInvalid, match=r"assets/mara\.png"):
        found.require()
    picture(tmp_path / "assets" / "mara.png")
    assert reader().read(path).is_valid


def test_a_large_folder_is_one_production(tmp_path: Path) -> None:
    folder = ensemble(tmp_path / "ensemble")
    found = reader().read(folder)
    (problem,) = [entry for entry in found.issues if entry.severity is not Severity.INFO]
    assert (problem.file, problem.path) == ("b_cast.yaml", "production.characters[7].source_images[0]")
    assert problem.message == "The picture assets/c07.png is not a picture."
    picture(folder / "assets" / "c07.png")
    cells = build(reader().read(folder).require())
    matrix = 25 * 12 * 3 - 12 - 25 - 36 + 1
    assert len(cells) == matrix + 12
    assert cells[-1].after == ("s006 open 6",) and cells[-1].variant == "gala"


def test_every_file_that_is_wrong_is_reported(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text("{broken")
    (tmp_path / "blocked").write_text("a file")
    path = small(
        tmp_path,
        characters=[{"name": "Mara", "source_images": ["assets/marra.png", "assets"], "model": "mara.blend"}],
        locations=[{"name": "Hall", "plate": "w.json"}],
        scene_types=[{"name": "dance", "workflow": "w.json"}, {"name": "walk", "workflow": "none/w.json"}],
        outputs=[{"format": "preview_360p", "path": "blocked/out"}],
        script="film.fountain",
        backend="command",
        command=["no-such-program-anywhere"],
    )
    found = reader().read(path).issues
    said = {entry.path: entry for entry in found if entry.severity is Severity.ERROR}
    assert said["production.characters[0].source_images[0]"].suggestion == 'Did you mean "assets/mara.png"?'
    assert "is a folder" in said["production.characters[0].source_images[1]"].message
    assert "does not exist" in said["production.characters[0].model"].message
    assert "is not a picture" in said["production.locations[0].plate"].message
    assert "is not JSON: Expecting property name" in said["production.scene_types[0].workflow"].message
    assert "does not exist" in said["production.scene_types[1].workflow"].message
    assert "is a file" in said["production.outputs[0].path"].message
    assert said["production.script"].message == "The screenplay film.fountain does not exist."
    assert "search path" in said["production.command[0]"].message


def test_a_screenplay_is_read_from_the_folder_of_the_production(tmp_path: Path) -> None:
    path = small(tmp_path, script="film.fountain", matrix=None)
    (tmp_path / "film.fountain").write_text("INT. WAREHOUSE - DAY\n\nMARA\nHello.\n")
    assert [shot.template for shot in reader().read(path).require().shots] == ["establishing_wide", "hero_cu"]
    (tmp_path / "film.fountain").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8" in issue(reader().read(path).issues, "production.script").message


def test_an_estimate_is_held_against_the_budget(tmp_path: Path) -> None:
    class Large:
        generation_seconds = 36_000.0
        disk_bytes = 0

    service = reader()
    found = service.read(small(tmp_path, budget={"gpu_hours": 1}))
    assert found.is_valid
    over = service.with_estimate(found, Large())
    assert over.is_valid, "by stated defaults it only warns"
    assert "10.00 hours" in issue(over.issues, "production.budget.gpu_hours").message


def many_shots(folder: Path, count: int) -> Path:
    shots = [
        {"template": "hero_cu", "scene": index // 10 + 1, "character": "Mara", "variant": "casual", "name": f"shot {index}"}
        for index in range(count)
    ]
    for index in range(1, count):
        shots[index]["after"] = [f"shot {index - 1}"]
    path = folder / "production.yaml"
    path.write_text(json.dumps({"production": body(shots=shots)}), encoding="utf-8")
    return path


SCRIPT = """
import sys, time
from pathlib import Path
from tests.production_documents import reader
found = reader().read(Path(sys.argv[1]))
heavy = {"numpy", "cv2", "av", "jsonschema", "sqlalchemy", "jouvence"} & set(sys.modules)
print(len(found.production.shots), found.is_valid, sorted(heavy), time.process_time())
"""


def test_ten_thousand_shots_are_validated_in_two_seconds(tmp_path: Path) -> None:
    picture(tmp_path / "assets" / "mara.png")
    path = many_shots(tmp_path, 10_000)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    shots, valid, *heavy, seconds = done.stdout.split()
    assert (shots, valid, heavy) == ("10000", "True", ["[]"])
    assert float(seconds) < 2


def test_ten_thousand_mistakes_are_reported_in_seconds(tmp_path: Path) -> None:
    shots = [
        {"template": f"hero_{index}", "character": f"Maro {index}", "colour": 1, "after": [f"x{index}"]}
        for index in range(10_000)
    ]
    path = tmp_path / "production.yaml"
    path.write_text(json.dumps({"production": body(shots=shots)}), encoding="utf-8")
    started = time.process_time()
    found = reader().read(path).issues
    assert len([entry for entry in found if entry.severity is Severity.ERROR]) >= 40_000
    assert time.process_time() - started < 6


def test_a_small_production_is_validated_at_once(tmp_path: Path) -> None:
    path = small(tmp_path)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) < 0.8
