"""File names come from a closed grammar, are safe everywhere, and never fall together unnoticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.errors import Conflict, Invalid
from pipeline.domain.naming import (
    DEFAULT_TEMPLATE,
    PATH_BYTES,
    TOKENS,
    BadTemplate,
    NameCollision,
    NameValues,
    Naming,
    collision_key,
    is_safe_path,
    name_all,
    parse,
    render,
    slug,
)

MARA = NameValues(
    project="Harbor Nights", character="Mara", scene_type="dance", variant="casual", format="streaming_1080p", scene=3, take=1
)
texts = st.one_of(
    st.none(), st.text(max_size=80), st.sampled_from(["CON", "nul.txt", "..", "../../etc", "a/b", "é", "É", "ß", "SS"])
)
numbers = st.one_of(st.none(), st.integers(min_value=0, max_value=10**12))
all_values = st.builds(
    NameValues,
    **dict.fromkeys(("project", "character", "scene_type", "variant", "location", "shot", "format"), texts),
    **dict.fromkeys(("scene", "take", "ordinal"), numbers),
)
templates = st.lists(
    st.one_of(
        st.sampled_from([f"{{{token}}}" for token in TOKENS]),
        st.sampled_from(["{scene:03}", "{take:02}", "/", "/", "_", "-", ".", " ", "t", "con", "..", "(v)"]),
    ),
    min_size=1,
    max_size=12,
).map("".join)


def test_the_default_template_makes_folders_and_padded_numbers():
    assert render(parse(DEFAULT_TEMPLATE), MARA, suffix=".mp4") == "streaming_1080p/Mara/003_dance_casual_t01.mp4"


def test_a_token_without_a_value_takes_its_separator_along():
    values = NameValues(format="web", scene_type="harbor", take=2)
    assert render(parse(DEFAULT_TEMPLATE), values) == "web/harbor_t02"
    assert render(parse("{character}-{scene:03}_{variant}x"), NameValues(character="Mara")) == "Mara-x"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{charcter}", r"Did you mean \{character\}"),
        ("{Character}", r"Did you mean \{character\}"),
        ("{xyzzy}", r"There are: \{project\}"),
        ("{character:03}", "is text and takes no width"),
        ("{scene:3d}", r"Write \{scene:03\}"),
        ("{scene:}", r"Write \{scene:03\}"),
        ("{scene", "brace without its partner"),
        ("scene}", "brace without its partner"),
        ("{scene!r}", "There is no token"),
        ("{scene.real}", "There is no token"),
        ("{scene}\\x", "has the character"),
        ("{scene}:x", "has the character"),
        ("../{scene}", "is not a file name"),
        ("/{scene}", "is not a file name"),
        ("{scene}/", "is not a file name"),
        ("clip", "has no token"),
        ("", "is not a file name"),
        ("{scene}" * 200, "At most 500"),
    ],
)
def test_a_bad_template_is_refused_with_the_part_that_is_wrong(template, words):
    with pytest.raises(BadTemplate, match=words):
        parse(template)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tomáš Černý", "Tomas-Cerny"),
        ("Ødegård", "Ødegård"),
        ("美咲", "美咲"),
        ("हिन्दी", "हिन्दी"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\x00b\nc", "a-b-c"),
        ("  .hidden. ", "hidden"),
        ("walk_in_", "walk_in"),
        ("①", "1"),
        ("\u3164", ""),
        ("", ""),
    ],
)
def test_slugs_keep_letters_and_nothing_that_could_harm(text, expected):
    assert slug(text) == expected


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "Lpt9", "COM¹"])
def test_device_names_of_windows_are_avoided(name):
    assert render(parse("{character}"), NameValues(character=name), suffix=".mp4").startswith("_")


def test_long_values_stay_different():
    one, other = slug("x" * 100 + "1"), slug("x" * 100 + "2")
    assert one != other and len(one.encode()) <= 60


@given(source=templates, values=all_values, suffix=st.sampled_from(["", ".mp4", ".png"]))
def test_a_name_never_leaves_its_folder_and_fits_every_system(source, values, suffix):
    try:
        name = render(parse(source), values, suffix=suffix)
    except Invalid:
        return
    assert is_safe_path(name)
    assert len(name.encode()) <= PATH_BYTES and name.endswith(suffix)
    assert all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in name.split("/"))


@given(source=templates, cells=st.lists(all_values, min_size=2, max_size=6))
def test_two_files_never_get_one_name_unnoticed(source, cells):
    namings = [Naming(label=str(number), cell=f"cell {number}", values=values) for number, values in enumerate(cells)]
    try:
        names = name_all(parse(source), namings)
    except (Invalid, Conflict):
        return
    keys = [collision_key(name) for name in names.values()]
    assert len(set(keys)) == len(cells)
    assert not any(one.startswith(f"{other}/") for one in keys for other in keys)


@given(st.text(max_size=300))
def test_any_text_as_a_template_is_parsed_or_refused_in_words(source):
    try:
        render(parse(source), MARA)
    except Invalid as error:
        assert len(str(error)) > 10


def test_a_collision_names_both_cells_and_the_token_to_add():
    namings = [
        Naming("1", "Mara / dance / casual", MARA, ".mp4"),
        Naming("2", "Mara / dance / formal", NameValues(**{**MARA.__dict__, "variant": "formal"}), ".mp4"),
    ]
    with pytest.raises(NameCollision) as caught:
        name_all(parse("{character}/{scene_type}"), namings)
    message = str(caught.value)
    assert '"Mara / dance / casual" and "Mara / dance / formal"' in message and "Add {variant}" in message


def test_names_that_differ_only_in_case_collide():
    namings = [Naming(name, name, NameValues(character=name)) for name in ("Mara", "MARA")]
    with pytest.raises(NameCollision, match=r"Rename one of them, or add \{ordinal:04\}"):
        name_all(parse("{character}"), namings)


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_cannot_bear_the_name_of_a_folder(order):
    namings = [
        Naming("1", "one", NameValues(character="x", shot="y")),
        Naming("2", "two", NameValues(location="x", character="y", shot="z")),
    ]
    with pytest.raises(NameCollision, match="would both be named"):
        name_all(parse("{location}/{character}/{shot}"), namings[::order])


@pytest.mark.parametrize(
    "name", ["", "/a", "a//b", "../a", "a/..", "a\\b", "c:x", ".hidden", "a.", "a ", "con.txt", "a\nb", "x" * 300, "\ud800"]
)
def test_unsafe_paths_are_known(name):
    assert not is_safe_path(name)
