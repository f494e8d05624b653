"""The published schema and the reader are made from one table; these tests hold them together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pipeline.domain.format.table import PRODUCTION, ROOT, SCENE_TYPE, sections
from pipeline.domain.issues import Report
from pipeline.domain.reference import markdown
from pipeline.domain.schema import json_schema
from tests.production_documents import SMALL, body, presets

VALIDATOR = Draft202012Validator(json_schema())
REFERENCE = Path(__file__).parents[2] / "docs" / "yaml-reference.md"

KEYS = sorted({key for section in sections() for key in section.fields})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-10, 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["all", "auto", "h264", "1280x720", "casual", "8M", "gif", "animatic", "a" * 81, " x", "x\n", "\ud800"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6) | st.just("scenes_1_2"), inner, max_size=4)
    ),
    max_leaves=12,
)


def is_accepted(document: Any) -> bool:
    report = Report()
    ROOT.accept(document, (), report)
    return not report.issues


def test_the_schema_is_valid_itself_and_is_plain_json() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_the_small_production_fits_the_schema() -> None:
    assert not list(VALIDATOR.iter_errors({"production": body()}))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(PRODUCTION.fields)), VALUES)
def test_reader_and_schema_agree_on_any_value_of_any_key(key: str, value: Any) -> None:
    document = {"production": {**SMALL, key: value}}
    assert is_accepted(document) == VALIDATOR.is_valid(document)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_reader_and_schema_agree_on_entries_of_lists(data: st.DataObject) -> None:
    section = data.draw(st.sampled_from([section for section in sections() if section is not ROOT]))
    entry = data.draw(st.dictionaries(st.sampled_from(sorted(section.fields)), VALUES, max_size=4))
    lists = {"character": "characters", "variant": "variants", "location": "locations", "shot": "shots", "output": "outputs"}
    key = lists.get(section.name, "scene_types" if section is SCENE_TYPE else section.name)
    value = [{"name": "a", "template": "dance", "format": "custom", "path": "out"} | entry] if key.endswith("s") else entry
    document = {"production": {"title": "T", key: value}}
    assert is_accepted(document) == VALIDATOR.is_valid(document)


@given(VALUES)
def test_any_value_is_judged_alike_at_the_root(value: Any) -> None:
    assert is_accepted(value) == VALIDATOR.is_valid(value)


def test_built_in_shot_templates_fit_the_scene_type_section() -> None:
    for name, template in presets().shots.items():
        report = Report()
        SCENE_TYPE.accept({"name": name, **template}, (name,), report)
        assert report.issues == []


def test_every_key_has_a_meaning() -> None:
    for section in sections():
        assert section.help.endswith(".")
        assert all(entry.help.rstrip().endswith(".") for entry in section.fields.values())


def test_the_reference_page_is_up_to_date() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == markdown(presets()), (
        "write markdown(load_presets()) to docs/yaml-reference.md"
    )
