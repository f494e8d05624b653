"""Writing a production and reading it again gives the same production, whatever is in it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.adapters import yaml_files
from pipeline.domain.document import dump, parse
from pipeline.domain.format.table import FRAMINGS
from pipeline.domain.names import fold
from pipeline.domain.production import Production
from pipeline.domain.sources import Document
from tests.production_documents import body, presets, production

ODD_TEXTS = [
    "yes",
    "no",
    "on",
    "null",
    "~",
    "1e5",
    "0o17",
    "0x1F",
    "12:30",
    "2024-01-01",
    "- a",
    "a: b",
    "#x",
    "=",
    "<<",
    ".5",
    "1_000",
    "é",
    "日本",
    "😀",
    "'",
    '"',
    "\\",
    "{x",
    "*a",
    "&a",
    "!t",
    "%",
]
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=BIDI + "\ufffe\uffff")
NAMES = st.sampled_from(ODD_TEXTS) | st.text(LETTERS, min_size=1, max_size=20).map(str.strip).filter(bool)
TEXTS = st.sampled_from([*ODD_TEXTS, ""]) | st.text(LETTERS | st.sampled_from("\n\t "), max_size=40)
PATHS = st.sampled_from(["a.png", "b/c d.png", "ü.png", "yes", "1e5"])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
PLAIN = NUMBERS | st.booleans() | TEXTS
GATES = st.sampled_from(["human", "auto"])
KEYS = st.sampled_from(["age", "null", "yes", "e5", "_x"])


def several(entry: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(entry, max_size=3, unique_by=lambda value: fold(value["name"]))


def section(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


RANGES = st.dictionaries(st.sampled_from(["scenes_1_10", "scene_11", "scenes_12_40"]), NAMES, max_size=3)
WORKFLOWS = PATHS | section(
    {"file": PATHS},
    bindings=st.dictionaries(
        st.sampled_from(["seed", "width", "custom:look", "yes"]), st.sampled_from(["5.seed", "none", "1.a, 2.b"])
    ),
)
SCENE_TYPE = section(
    {"name": NAMES},
    preset=st.sampled_from(["hero_cu", "walk_and_talk", "establishing_wide"]),
    prompt=TEXTS,
    duration_s=st.floats(0.01, 600) | st.integers(1, 600),
    segments=st.integers(1, 100),
    fps=st.integers(1, 120),
    resolution=st.sampled_from(["480x270", "1280x720"]),
    workflow=WORKFLOWS,
    camera=st.sampled_from(["orbit", {"move": "shake", "amount": 0.1}]),
    qa=st.dictionaries(st.sampled_from(["min_sharpness", "max_flicker"]), NUMBERS),
    variants=st.just("all") | st.lists(NAMES, max_size=2),
    location=NAMES,
    framing=st.sampled_from(FRAMINGS),
    slate=st.booleans(),
    needs_character=st.booleans(),
    worker_tags=st.lists(st.sampled_from(["48gb", "fast", "basement-2"]), max_size=2),
)
PRODUCTIONS = section(
    {"title": NAMES},
    version=TEXTS,
    author=TEXTS,
    script=PATHS,
    style=section(
        {},
        preset=st.sampled_from(["film_noir", "pastel"]),
        era=TEXTS,
        mood=TEXTS,
        prompt=TEXTS,
        grade=st.dictionaries(KEYS, PLAIN | st.lists(NUMBERS, max_size=3)),
    ),
    backend=st.sampled_from(["animatic", "command", "comfyui"]),
    command=st.lists(PATHS, max_size=3),
    command_timeout_s=st.floats(0.5, 86_400),
    worker_tags=st.lists(st.sampled_from(["48gb", "fast"]), max_size=2),
    seed=st.integers(0, 2**53 - 1),
    defaults=section({}, fps=st.integers(1, 60), duration_s=st.integers(1, 9), workflow=WORKFLOWS, still_workflow=WORKFLOWS),
    characters=several(
        section(
            {"name": NAMES},
            source_images=st.lists(PATHS, max_size=2),
            model=PATHS,
            wardrobe=RANGES,
            metadata=st.dictionaries(KEYS, PLAIN),
        )
    ),
    variants=several(section({"name": NAMES}, prompt=TEXTS, candidates=st.integers(1, 64), workflow=WORKFLOWS)),
    locations=several(
        section(
            {"name": NAMES},
            preset=st.sampled_from(["harbor", "forest"]),
            hdri=PATHS,
            plate=PATHS,
            prompt=TEXTS,
            look=st.dictionaries(KEYS, PLAIN),
            workflow=WORKFLOWS,
        )
    ),
    shot_templates=several(SCENE_TYPE),
    scene_types=several(SCENE_TYPE),
    matrix=section(
        {},
        characters=st.just("all") | st.lists(NAMES, max_size=2),
        exclude=st.lists(section({}, character=NAMES, variant=NAMES), max_size=2),
    ),
    shots=st.lists(
        section(
            {"template": st.sampled_from(["hero_cu", "two_shot"]) | NAMES},
            scene=st.integers(1, 50),
            character=NAMES,
            variant=NAMES,
            location=NAMES,
            prompt=TEXTS,
            after=st.lists(NAMES, max_size=2),
        ),
        max_size=4,
    ),
    approvals=section(
        {},
        variants=GATES,
        scenes=GATES,
        except_for=st.lists(section({"character": NAMES}, variants=GATES, scenes=GATES), max_size=2),
    ),
    budget=section({}, gpu_hours=st.floats(0, 1e9), disk_gb=st.integers(0, 10**6), money=st.floats(0, 5e-324)),
    naming=st.sampled_from(["{ordinal:04}", "{format}/{character}_{take}", "{charcter}", "yes", "1e5", "a/b {"]),
    triggers=st.lists(st.dictionaries(KEYS, PLAIN | st.lists(PLAIN, max_size=2)), max_size=2),
    outputs=st.lists(
        section(
            {"format": st.sampled_from(["16bit_game", "preview_360p", "custom"]), "path": PATHS},
            width=st.integers(16, 99),
            retro=section({}, palette=NAMES),
        ),
        max_size=3,
    ),
)


def read(data: dict[str, Any]) -> Production:
    document = yaml_files.load_text(yaml_files.dump_data(data))
    assert document.issues == ()
    assert document.data == data
    made = parse(document, presets()).production
    assert made is not None
    return made


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(PRODUCTIONS)
def test_any_production_reads_back_as_it_was_written(data: dict[str, Any]) -> None:
    first = read({"production": data})
    again = yaml_files.load_text(yaml_files.dump(first))
    assert again.issues == ()
    assert parse(again, presets()).production == first
    assert read(dump(first)) == first


@settings(max_examples=300, deadline=None)
@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20))
def test_any_plain_data_reads_back_as_it_was_written(data: Any) -> None:
    document: Document = yaml_files.load_text(yaml_files.dump_data({"x": data}))
    assert document.issues == ()
    assert document.data == {"x": data}


def test_a_production_of_the_kind_people_write_reads_back() -> None:
    first = production(body(style={"preset": "pastel"}, budget={"gpu_hours": 0.1}))
    assert parse(yaml_files.load_text(yaml_files.dump(first)), presets()).production == first
