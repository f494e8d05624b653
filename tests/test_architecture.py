"""The source keeps to the rules of the house, and the reader of the rules can tell when it does not."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import architecture

ROOT = Path(__file__).resolve().parents[1]


def test_the_source_keeps_to_the_rules_of_the_house() -> None:
    found = architecture.problems(ROOT)
    assert not found, "\n".join(["", *found])


def test_git_does_not_ignore_the_data_room() -> None:
    asked = subprocess.run(["git", "check-ignore", "data/models.py"], cwd=ROOT, capture_output=True, text=True)
    assert asked.stdout == ""


def test_every_library_that_is_imported_is_in_the_requirements() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    required = {plain(name) for name in re.findall(r"^[\w.-]+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)}
    provided_by = packages_distributions()
    missing = {
        library
        for library in architecture.libraries(ROOT)
        if not required & {plain(name) for name in provided_by.get(library, [library])}
    }
    assert missing == set()


def house(tmp_path: Path, files: dict[str, str]) -> list[str]:
    """The problems of a small checkout made of these files."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return architecture.problems(tmp_path)


DOC = '"""Words."""\n'


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("pipeline/domain/a.py", "import os", "must not use os"),
        ("pipeline/domain/a.py", "from pathlib import Path", "must not use pathlib"),
        ("pipeline/domain/a.py", "import sqlalchemy", "domain must not use sqlalchemy"),
        ("pipeline/domain/a.py", "from datetime import datetime\nx = datetime.now()", "must not call now()"),
        ("pipeline/domain/a.py", "import uuid\nx = uuid.uuid4()", "must not call uuid4()"),
        ("pipeline/domain/a.py", "x = open('f')", "must not call open()"),
        ("pipeline/domain/a.py", "from pipeline import ports", "domain must not import ports"),
        ("pipeline/ports.py", "import data.models", "ports must not import data"),
        ("pipeline/services/a.py", "from pipeline.adapters.qa import sharp", "services must not import adapters.qa"),
        ("pipeline/services/a.py", "import pipeline.services.opener", "opens transactions"),
        ("pipeline/services/a.py", "import sqlalchemy", "services must not use sqlalchemy"),
        ("pipeline/engine/a.py", "import data.store", "engine must not import data"),
        ("pipeline/adapters/qa/a.py", "from pipeline.adapters.backends import b", "must not import adapters.backends"),
        ("pipeline/adapters/qa/a.py", "import sqlalchemy", "adapters.qa must not use sqlalchemy"),
        ("pipeline/adapters/qa/a.py", "def _f():\n    import pipeline.ports", "imported inside a function"),
        ("pipeline/cli/a.py", "import data.store", "cli must not import data"),
        ("pipeline/services/a.py", "import os\nx = os.environ['A']", "only pipeline/settings.py reads the environment"),
        ("pipeline/services/a.py", "from os import getenv", "only pipeline/settings.py reads the environment"),
        ("pipeline/services/a.py", "def _f():\n    import json", "imported inside a function"),
        ("data/a.py", "import pipeline.ports", "data must not import ports"),
        ("pipeline/odd.py", "", "no room"),
        ("pipeline/domain/a.py", "\n" * 400, "400"),
        ("pipeline/domain/a.py", "def _f():\n" + "    x = 1\n" * 60, "a function stops at 60"),
        ("pipeline/domain/a.py", "# TO" + "DO later", "note to self"),
        ("pipeline/domain/a.py", "def f(): ...", "f has no docstring"),
        ("pipeline/domain/utils.py", "", "name says nothing"),
        ("pipeline/domain/a.py", "from . import b\nfrom pipeline.services import c", "must not import services"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_found(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    opener = DOC + "def _f(stores):\n    return stores.begin()\n"
    files = {"pipeline/adapters/backends/b.py": DOC, "pipeline/adapters/qa/sharp.py": DOC, "pipeline/services/opener.py": opener}
    files[name] = DOC + text + "\n"

    found = house(tmp_path, files)

    assert len(found) == 1, found
    assert complaint in found[0]


def test_a_module_without_docstring_is_found(tmp_path: Path) -> None:
    assert house(tmp_path, {"pipeline/domain/a.py": "x = 1\n"}) == ["pipeline/domain/a.py:1: the module has no docstring"]


def test_the_two_empty_packages_stay_empty(tmp_path: Path) -> None:
    assert "stays empty" in house(tmp_path, {"data/__init__.py": DOC})[0]


def test_an_import_loop_is_shown_as_its_path(tmp_path: Path) -> None:
    files = {
        "pipeline/domain/a.py": DOC + "from pipeline.domain import b\n",
        "pipeline/domain/b.py": DOC + "from . import c\n",
        "pipeline/domain/c.py": DOC + "import pipeline.domain.a\n",
    }
    loop = "import loop: pipeline.domain.a -> pipeline.domain.b -> pipeline.domain.c -> pipeline.domain.a"
    assert house(tmp_path, files) == [loop]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pipeline/domain/a.py", "import json\nfrom datetime import UTC, datetime, timedelta\nimport uuid\nx = uuid.uuid5"),
        ("pipeline/adapters/qa/a.py", "from pipeline.adapters.media import video\nimport numpy\ndef _f():\n    import cv2"),
        ("pipeline/cli/a.py", "import click\ndef _f():\n    from pipeline import wiring"),
        ("pipeline/wiring.py", "from pipeline.adapters.qa import sharp\nimport data.store"),
        ("pipeline/wiring/studio.py", "from pipeline.adapters import yaml_files"),
        ("pipeline/adapters/yaml_limits.py", "from pipeline.adapters import yaml_files\nimport yaml"),
        ("pipeline/settings.py", "import os\nx = os.environ.get('A')"),
        ("pipeline/services/a.py", "from pipeline.services import shared\nfrom data.store import Stores"),
        ("data/migrations/env.py", "import alembic\nimport sqlalchemy\nfrom pipeline.domain import statuses"),
    ],
)
def test_what_is_allowed_is_not_complained_about(tmp_path: Path, name: str, text: str) -> None:
    given = ("pipeline/adapters/qa/sharp.py", "pipeline/adapters/yaml_files.py", "pipeline/services/shared.py")
    assert house(tmp_path, {**dict.fromkeys(given, DOC), name: DOC + text + "\n"}) == []
