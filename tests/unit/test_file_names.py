"""Files have the same names in the package and in the folders of their outputs, whatever stands in for the template."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain import file_names, matrix
from pipeline.domain.file_names import FileName
from pipeline.domain.naming import Naming
from pipeline.domain.production import Production
from tests.factories import make_production


def named(production: Production, takes: tuple[int, ...] = ()) -> dict[str, FileName]:
    """Of every cell and output, by `cell-output`; takes are 1 where none is given."""
    return file_names.name_all(production, namings(production, takes))


def namings(production: Production, takes: tuple[int, ...] = ()) -> list[Naming]:
    cells = matrix.build(production)
    numbers = takes or (1,) * len(cells)
    return [
        file_names.naming_of(production, cell, part=part, take=take, label=f"{cell.ordinal}-{part}", suffix=".mp4")
        for cell, take in zip(cells, numbers, strict=True)
        for part in range(1, max(1, len(production.outputs)) + 1)
    ]


ONE = make_production(characters=1, scene_types=1, variants=1)


@pytest.mark.parametrize(
    ("template", "packaged", "placed"),
    [
        (None, "format_1/c1/s1_v1_t01.mp4", "c1/s1_v1_t01.mp4"),
        ("{format}/{ordinal:03}", "format_1/001.mp4", "001.mp4"),
        ("{character}/{format}/{scene_type}", "c1/format_1/s1.mp4", "c1/format_1/s1.mp4"),
        ("{character}/{scene_type}_{take}", "c1/s1_1.mp4", "c1/s1_1.mp4"),
        ("{format}_hd/{ordinal}", "format_1_hd/1.mp4", "format_1_hd/1.mp4"),
        ("{format}", "format_1.mp4", "format_1.mp4"),
        ("{project} v2/{ordinal}", "Harbor-Nights v2/1.mp4", "Harbor-Nights v2/1.mp4"),
    ],
)
def test_only_a_leading_folder_of_the_format_is_left_out_below_its_output(
    template: str | None, packaged: str, placed: str
) -> None:
    assert named(replace(ONE, naming=template)) == {"0-1": FileName(packaged, placed)}


def test_a_character_named_like_the_format_keeps_its_folder() -> None:
    production = make_production(characters=2, scene_types=1, variants=1)
    production = replace(production, outputs=(replace(production.outputs[0], name="c1"),), naming="{character}/{scene_type}")
    assert [name.placed for name in named(production).values()] == ["c1/s1.mp4", "c2/s1.mp4"]


def test_takes_that_make_names_clash_after_all_give_every_file_a_name_of_its_own() -> None:
    production = replace(make_production(characters=1, scene_types=2, variants=1), naming="{character}{ordinal}{take}")
    assert file_names.clash(production, matrix.build(production)) is None
    assert [name.packaged for name in named(production, (1, 1)).values()] == ["c111.mp4", "c121.mp4"]
    many = replace(make_production(characters=1, scene_types=11, variants=1), naming="{ordinal}{take}")
    takes = (11, *(1,) * 10)
    names = named(many, takes)
    assert len({name.packaged for name in names.values()}) == 11
    assert names["0-1"] == FileName("format_1/0001_t11_format_1.mp4", "0001_t11_format_1.mp4")


def test_every_name_that_a_file_may_have_had_is_known() -> None:
    for template in (None, "{ordinal}{take}"):
        production = replace(make_production(characters=1, scene_types=11, variants=1), naming=template)
        for takes in ((1,) * 11, (11, *(1,) * 10)):
            names = named(production, takes)
            for one in namings(production, takes):
                assert names[one.label] in file_names.every_name(production, one)


def test_scenes_as_they_are_have_a_format_too() -> None:
    production = replace(ONE, outputs=())
    assert named(production)["0-1"].packaged == "scenes/c1/s1_v1_t01.mp4"
