from pipeline.domain.issues import Severity
from tests.production_documents import body, issue, issues, parsed, presets, production


def shots(**changes: object) -> list[tuple[str, str | None]]:
    made = production(body(matrix=None, **changes))
    return [(shot.name, shot.variant) for shot in made.shots]


def test_wardrobe_chooses_the_variant_of_a_shot_that_gives_none() -> None:
    cast = [{"name": "Mara", "source_images": ["a.png"], "wardrobe": {"scenes_1_10": "casual", "scene_11": "formal"}}]
    listed = [
        {"name": "a", "template": "dance", "scene": 10, "character": "Mara"},
        {"name": "b", "template": "dance", "scene": 11, "character": "Mara"},
        {"name": "c", "template": "dance", "scene": 12, "character": "Mara"},
        {"name": "d", "template": "dance", "scene": 1, "character": "Mara", "variant": "formal"},
    ]
    assert shots(characters=cast, shots=listed) == [("a", "casual"), ("b", "formal"), ("c", None), ("d", "formal")]


def test_the_only_variant_is_worn_without_a_wardrobe() -> None:
    listed = [{"template": "dance", "character": "Mara"}]
    assert shots(variants=[{"name": "casual"}], shots=listed) == [("s001_dance", "casual")]


def test_shots_without_a_name_are_named_by_scene_template_and_what_tells_them_apart() -> None:
    cast = [{"name": name, "source_images": ["a.png"]} for name in ("Mara", "Ivo B.")]
    listed = [
        {"template": "dance", "scene": 3, "character": "Mara"},
        {"template": "walk", "scene": 3, "character": "Mara"},
        {"template": "walk", "scene": 3, "character": "Ivo B."},
        {"template": "walk", "scene": 3, "character": "Ivo B."},
        {"template": "walk", "scene": 4, "character": "Mara", "name": "s003_walk_ivo_b"},
    ]
    names = [name for name, _ in shots(characters=cast, shots=listed)]
    assert names == ["s003_dance", "s003_walk_mara", "s003_walk_ivo_b_2", "s003_walk_ivo_b_3", "s003_walk_ivo_b"]


def test_templates_in_use_become_scene_types_and_matrix_all_means_the_declared_ones() -> None:
    own = [{"name": "slow", "preset": "hero_cu", "duration_s": 8, "camera": "orbit"}]
    listed = [{"template": "slow", "character": "Mara"}, {"template": "two_shot", "character": "Mara"}]
    made = production(body(shot_templates=own, shots=listed))
    assert [kind.name for kind in made.scene_types] == ["dance", "walk", "slow", "two_shot"]
    assert made.matrix is not None and made.matrix.scene_types == ("dance", "walk")
    slow = made.scene_types[2]
    assert (slow.duration_s, slow.camera.move, slow.framing) == (8, "orbit", "close_up")


def test_own_scene_types_stand_before_built_in_templates_of_the_same_name() -> None:
    kinds = [{"name": "hero_cu", "prompt": "mine", "fps": 12}]
    made = production(body(scene_types=kinds, shots=[{"template": "hero_cu", "character": "Mara"}]))
    assert [(kind.name, kind.prompt, kind.fps) for kind in made.scene_types] == [("hero_cu", "mine", 12)]


def test_own_keys_go_before_defaults_and_those_before_built_in_templates() -> None:
    kinds = [
        {"name": "long", "preset": "walk_and_talk", "segments": 4, "qa": {"min_sharpness": 9}},
        {"name": "mine", "preset": "own"},
    ]
    own = [{"name": "own", "preset": "hero_cu", "duration_s": 3}]
    timing = {"fps": 12, "duration_s": 2, "resolution": "480x270", "slate": False}
    own[0]["slate"] = True
    long, mine = production(body(scene_types=kinds, shot_templates=own, defaults=timing)).scene_types
    assert (long.segments, long.duration_s, long.fps, long.width, long.height) == (4, 2, 12, 480, 270)
    assert long.qa == {"min_sharpness": 9} and not long.slate and mine.slate
    assert (mine.duration_s, mine.fps, mine.framing) == (3, 12, "close_up")


def test_templates_that_start_from_each_other_are_an_error_that_shows_the_loop() -> None:
    own = [{"name": "a", "preset": "b"}, {"name": "b", "preset": "a"}]
    found = issues(body(shot_templates=own))
    assert issue(found, "production.shot_templates[0].preset").message.endswith("a -> b -> a.")


def test_a_template_may_extend_the_built_in_one_of_its_own_name() -> None:
    own = [{"name": "hero_cu", "preset": "hero_cu", "fps": 12}]
    made = production(body(matrix=None, shot_templates=own, shots=[{"template": "hero_cu", "character": "Mara"}]))
    kind = made.scene_types[-1]
    assert (kind.name, kind.fps, kind.framing) == ("hero_cu", 12, "close_up")


def test_style_location_and_output_presets_are_merged_under_what_is_given() -> None:
    made = production(
        body(
            style={"preset": "film_noir", "grade": {"grain": 0.1}},
            locations=[{"name": "Hall", "preset": "industrial", "prompt": "my hall", "look": {"haze": 0}}],
            outputs=[{"format": "16bit_game", "path": "out", "retro": {"palette": "genesis"}}],
        )
    )
    noir = presets().styles["film_noir"]
    assert made.style.prompt == noir["prompt"]
    assert made.style.grade == noir["grade"] | {"grain": 0.1}
    assert (made.locations[0].prompt, made.locations[0].look["haze"]) == ("my hall", 0)
    settings = made.outputs[0].settings
    assert settings["retro"] == presets().formats["16bit_game"]["retro"] | {"palette": "genesis"}
    assert settings["width"] == 256


def test_outputs_without_a_name_are_named_by_their_format() -> None:
    outputs = [{"format": "preview_360p", "path": name} for name in ("a", "b")]
    assert [output.name for output in production(body(outputs=outputs)).outputs] == ["preview_360p", "preview_360p_2"]


def test_unknown_presets_are_errors_with_the_nearest_name() -> None:
    found = issues(
        body(
            style={"preset": "film_noire"},
            locations=[{"name": "Hall", "preset": "industial"}],
            outputs=[{"format": "streaming_1080", "path": "out"}],
            scene_types=[{"name": "dance", "preset": "hero_close"}],
        )
    )
    assert issue(found, "production.style.preset").suggestion == 'Did you mean "film_noir"?'
    assert issue(found, "production.locations[0].preset").suggestion == 'Did you mean "industrial"?'
    assert issue(found, "production.outputs[0].format").suggestion == 'Did you mean "streaming_1080p"?'
    assert issue(found, "production.scene_types[0].preset", Severity.ERROR).message == 'There is no shot template "hero_close".'


def test_an_entry_of_the_wrong_form_keeps_the_positions_of_the_others() -> None:
    found = issues(body(characters=["Mara", {"name": "Ivo", "source_images": ["a.png"], "colour": 1}]))
    assert issue(found, "production.characters[0]", Severity.ERROR).message.startswith("This must be a section")
    assert issue(found, "production.characters[1].colour").message == '"colour" is not a key of character.'


def test_a_document_that_is_no_production_is_one_error() -> None:
    for source in ("", "[]", "text", "production: 3", "{}", "produktion: {}"):
        result = parsed(source)
        assert result.production is None
        assert result.issues, source


def test_endless_chains_of_templates_are_refused() -> None:
    own = [{"name": f"t{index}", "preset": f"t{index + 1}"} for index in range(100)]
    found = issues(body(shot_templates=[*own, {"name": "t100"}]))
    assert "more than 32 deep" in issue(found, "production.shot_templates[0].preset").message
    assert not [entry for entry in found if entry.path.startswith("production.shot_templates[90]") and "deep" in entry.message]
