import time

import pytest

from pipeline.domain.matrix import Selection, SelectionMissed, build, select
from tests.production_documents import body, production


def keys(**changes: object) -> list[str]:
    return [cell.key for cell in build(production(body(**changes)))]


def test_cells_come_by_character_then_scene_type_then_variant() -> None:
    cast = [{"name": name, "source_images": ["a.png"]} for name in ("Mara", "Ivo")]
    found = keys(characters=cast)
    assert found == [
        f"{who} / {kind} / {look}" for who in ("Mara", "Ivo") for kind in ("dance", "walk") for look in ("casual", "formal")
    ]


def test_an_exclusion_leaves_out_every_cell_it_matches() -> None:
    assert keys(matrix={"exclude": [{"scene_type": "dance", "variant": "formal"}]}) == [
        "Mara / dance / casual",
        "Mara / walk / casual",
        "Mara / walk / formal",
    ]
    assert keys(matrix={"exclude": [{"scene_type": "dance"}]}) == ["Mara / walk / casual", "Mara / walk / formal"]


def test_a_scene_type_applies_to_its_variants_only() -> None:
    kinds = [{"name": "dance", "variants": ["formal"]}, {"name": "walk"}]
    assert keys(scene_types=kinds) == ["Mara / dance / formal", "Mara / walk / casual", "Mara / walk / formal"]


def test_without_variants_each_cell_uses_the_source_image() -> None:
    cells = build(production(body(variants=None)))
    assert [(cell.key, cell.variant) for cell in cells] == [("Mara / dance", None), ("Mara / walk", None)]


def test_shots_follow_the_matrix_ordered_by_scene() -> None:
    shots = [
        {"template": "hero_cu", "scene": 2, "character": "Mara", "variant": "formal"},
        {"template": "establishing_wide", "scene": 1, "location": "Warehouse"},
    ]
    cells = build(production(body(matrix={"scene_types": ["dance"], "variants": ["casual"]}, shots=shots)))
    assert [cell.key for cell in cells] == ["Mara / dance / casual", "s001 establishing_wide", "s002 hero_cu / Mara / formal"]
    assert [cell.ordinal for cell in cells] == [0, 1, 2]
    assert (cells[2].scene_number, cells[2].shot, cells[2].scene_type) == (2, "s002_hero_cu", "hero_cu")


def test_after_becomes_the_keys_of_cells() -> None:
    shots = [
        {"name": "first", "template": "hero_cu", "character": "Mara", "variant": "casual"},
        {"name": "second", "template": "hero_cu", "character": "Mara", "variant": "casual", "after": ["first"]},
    ]
    first, second = build(production(body(matrix=None, shots=shots)))
    assert second.after == (first.key,) == ("s001 first / Mara / casual",)


def test_prompts_are_resolved() -> None:
    kinds = [
        {"name": "dance", "prompt": "{character} ({character.age}) dances in {location}, {variant.prompt}, {style.mood} {scene}."}
    ]
    cell = build(production(body(scene_types=kinds, style={"mood": "tense"})))[0]
    assert cell.prompt == "Mara (31) dances in Warehouse, street clothes, tense ."


def test_a_shot_may_have_its_own_prompt() -> None:
    shots = [{"template": "dance", "scene": 7, "character": "Mara", "variant": "casual", "prompt": "scene {scene}: {scene_type}"}]
    (cell,) = build(production(body(matrix=None, shots=shots)))
    assert cell.prompt == "scene 7: dance"


def test_keys_stay_unique_when_names_hold_the_separator() -> None:
    kinds = [{"name": "a"}, {"name": "a / b"}]
    looks = [{"name": "b / c"}, {"name": "c"}]
    found = keys(scene_types=kinds, variants=looks)
    assert len(found) == len(set(found)) == 4


def test_a_selection_takes_what_matches_every_group() -> None:
    cells = build(production(body()))
    chosen = select(cells, Selection(scene_types=("dance",), variants=("formal",)))
    assert [cell.key for cell in chosen] == ["Mara / dance / formal"]
    assert select(cells, Selection()) == cells
    assert [cell.ordinal for cell in select(cells, Selection(keys=("Mara / walk / casual",)))] == [2]


def test_a_selection_of_an_unknown_name_says_what_was_meant() -> None:
    with pytest.raises(SelectionMissed, match=r'no character "Marra". Did you mean "Mara"'):
        select(build(production(body())), Selection(characters=("Marra",)))


def test_ten_thousand_cells_are_built_in_half_a_second() -> None:
    cast = [{"name": f"c{number}", "source_images": ["a.png"]} for number in range(100)]
    kinds = [{"name": f"t{number}", "prompt": "{character} {variant.prompt} {location}"} for number in range(50)]
    whole = production(body(characters=cast, scene_types=kinds))
    started = time.process_time()
    assert len(build(whole)) == 10_000
    assert time.process_time() - started < 0.5
