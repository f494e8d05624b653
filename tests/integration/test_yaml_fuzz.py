"""Whatever is in a production file, reading it ends soon, with issues or our own errors and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.adapters import file_facts, screenplays, workflow_files, yaml_files
from pipeline.domain.document import parse, script_path
from pipeline.domain.errors import StripboardError
from pipeline.domain.files import references
from pipeline.domain.format.table import PRODUCTION, sections
from pipeline.domain.issues import Issue, has_errors
from pipeline.domain.matrix import build
from pipeline.domain.sources import Document
from pipeline.domain.validation import check
from tests.production_documents import SMALL, presets, text

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "harbor_nights" / "production.yaml").read_text(encoding="utf-8")
SECONDS = 5.0
KEYS = sorted({key for section in sections() for key in section.fields})

fuzzed = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

WORDS = st.sampled_from(
    [
        *KEYS,
        "all",
        "{character}",
        "{",
        "scenes_1_2",
        "scene_0",
        "Mara",
        "casual",
        "dance",
        "hero_cu",
        "\x00",
        "\ud800",
        "a/b",
        "..",
        "/",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | WORDS | st.integers(), inner, max_size=4),
    max_leaves=25,
)


def examine(document: Document) -> tuple[Issue, ...]:
    """Everything that happens to a document, files included."""
    started = time.process_time()
    script_path(document)
    parsed = parse(document, presets())
    facts = {}
    if parsed.production is not None:
        facts = file_facts.probe(Path("/nonexistent"), references(parsed.production), workflow_files.look)
    found = check(parsed, document, presets(), facts=facts)
    for issue in found:
        assert issue.message and str(issue)
    if parsed.production is not None:
        yaml_files.dump(parsed.production)
        if not has_errors(found):
            assert build(parsed.production)
    assert time.process_time() - started < SECONDS
    return found


def read(data: bytes | str) -> None:
    """Loading and everything after it."""
    started = time.process_time()
    document = yaml_files.load_text(data)
    assert document.data is not None or document.issues or not has_text(data)
    assert time.process_time() - started < SECONDS
    examine(document)


def has_text(data: bytes | str) -> bool:
    """Whether there is more than white space, comments and nulls to expect a value of."""
    return False if isinstance(data, bytes) else "production" in data


@fuzzed
@given(st.binary(max_size=400))
@example(b"\xff\xfe")
@example(b"")
@example(b"--- !!python/object:os.system\n")
@example(b"%YAML 9.9\n---\n")
def test_any_bytes(data: bytes) -> None:
    read(data)


@fuzzed
@given(st.text(alphabet=st.sampled_from("-:?[]{}&*!|>'\"%@`#,. \n\tab1~<=\\") | st.characters(), max_size=300))
def test_any_text(data: str) -> None:
    read(data)


@fuzzed
@given(
    st.integers(0, len(EXAMPLE)),
    st.integers(0, 30),
    st.sampled_from(
        ["", "\n", "  ", "- ", "{", "}", "[", ":", "&a ", "*a", "!", "'", '"', "|", "\t", "---\n", "null", "1e400", "é", "\x00"]
    ),
    st.integers(1, 3),
)
def test_a_damaged_example(position: int, cut: int, inserted: str, times: int) -> None:
    read(EXAMPLE[:position] + inserted * times + EXAMPLE[position + cut :])


@fuzzed
@given(PLAIN)
def test_any_plain_document(data: Any) -> None:
    for whole in (data, {"production": data}):
        parsed = parse(Document(whole, yaml_files.load_text("{}").places), presets())
        check(parsed, Document(whole, yaml_files.load_text("{}").places), presets())


@fuzzed
@given(st.dictionaries(st.sampled_from(sorted(PRODUCTION.fields)), PLAIN, max_size=5))
def test_a_production_with_any_values(changes: dict[str, Any]) -> None:
    document = Document({"production": {**SMALL, **changes}}, yaml_files.load_text(text()).places)
    parsed = parse(document, presets())
    facts = (
        file_facts.probe(Path("/nonexistent"), references(parsed.production), workflow_files.look) if parsed.production else {}
    )
    found = check(parsed, document, presets(), facts=facts)
    if parsed.production is not None and not has_errors(found):
        build(parsed.production)


@fuzzed
@given(st.data())
def test_any_entries_of_lists(data: st.DataObject) -> None:
    lists = {"characters": "character", "variants": "variant", "locations": "location", "scene_types": "scene_type"}
    lists |= {"shots": "shot", "outputs": "output", "shot_templates": "scene_type"}
    by_name = {section.name: section for section in sections()}
    changes = {}
    for key in data.draw(st.lists(st.sampled_from(sorted(lists)), max_size=3, unique=True)):
        fields = sorted(by_name[lists[key]].fields)
        entries = data.draw(st.lists(st.dictionaries(st.sampled_from(fields), PLAIN, max_size=5), max_size=3))
        changes[key] = [{"name": f"n{index}", **entry} for index, entry in enumerate(entries)]
    examine(Document({"production": {**SMALL, **changes}}, yaml_files.load_text(text()).places))


@fuzzed
@given(st.text(alphabet=st.sampled_from("INT.EXT -MARA()@^#!>~=/*\n\n\t[]") | st.characters(), max_size=300))
@example("/* never closed\n\nINT. A\n")
@example("TITLE:\n")
@example("INT. A\n\n> " + " " * 500 + "x\n")
@example("A" * 900 + "\n\n" + "A " * 400 + "!\n")
def test_any_screenplay(data: str) -> None:
    started = time.process_time()
    try:
        screenplay = screenplays.read(data)
    except StripboardError:
        return
    assert time.process_time() - started < SECONDS
    document = yaml_files.load_text(text(script="a.fountain", matrix=None))
    check(parse(document, presets(), screenplay), document, presets())


def write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize("load", [yaml_files.load, screenplays.load])
@fuzzed
@given(data=st.binary(max_size=200))
def test_any_file_gives_a_result_or_our_own_error(load: Callable[[Path], Any], data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes(path, data)
    try:
        load(path)
    except StripboardError as error:
        assert str(error)
