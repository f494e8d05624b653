"""What validation says, group by group; files are looked at in the integration tests."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.issues import Severity
from pipeline.domain.validation import check
from tests.production_documents import body, document, errors, issue, issues, parsed, presets


def cast(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "Mara", "source_images": ["a.png"], **changes}]


def test_the_small_production_is_valid() -> None:
    assert errors(issues(body())) == []


def test_everything_wrong_is_reported_at_once_with_path_line_and_cure() -> None:
    text = """\
production:
  title: Broken
  fsp: 24
  characters:
    - name: Mara
      source_images: assets/mara.png
  variants: [{name: casual}]
  scene_types:
    - {name: dance, duration_s: 1.03, prompt: "{charakter}"}
  shots:
    - {template: dence, character: Maro, scene: 0}
  outputs:
    - {format: cinema_5k, path: out}
"""
    found = issues(text)
    table = {entry.path: (entry.line, entry.severity.value) for entry in found if entry.severity is Severity.ERROR}
    assert table == {
        "production.fsp": (3, "error"),
        "production.characters[0].source_images": (6, "error"),
        "production.scene_types[0].duration_s": (9, "error"),
        "production.scene_types[0].prompt": (9, "error"),
        "production.shots[0].template": (11, "error"),
        "production.shots[0].character": (11, "error"),
        "production.shots[0].scene": (11, "error"),
        "production.outputs[0].format": (13, "error"),
    }
    assert all(entry.message and entry.suggestion for entry in found)
    assert issue(found, "production.characters[0].source_images").suggestion == "Write it as a list: [assets/mara.png]."
    assert issue(found, "production.shots[0].character").suggestion == 'Did you mean "Mara"?'
    assert found == tuple(sorted(found, key=lambda entry: (list(Severity).index(entry.severity), entry.line or 0)))


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"title": 12}, "production.title", "This must be text, but it is the number 12."),
        ({"title": " "}, "production.title", "The name is empty."),
        (
            {"approvals": {"except_for": [{"character": "Marra", "variants": "human"}]}},
            "production.approvals.except_for[0].character",
            'There is no character "Marra".',
        ),
        ({"title": "x" * 81}, "production.title", "The name has 81 characters; at most 80 are allowed."),
        ({"title": "a\nb"}, "production.title", "holds control characters"),
        ({"version": 1.0}, "production.version", "This must be text, but it is the number 1.0."),
        ({"seed": -1}, "production.seed", "out of range"),
        ({"seed": 1.5}, "production.seed", "This must be a whole number"),
        ({"backend": "animatik"}, "production.backend", 'not the text "animatik"'),
        ({"budget": {"gpu_hours": "40"}}, "production.budget.gpu_hours", "This must be a number"),
        ({"approvals": {"scenes": True}}, "production.approvals.scenes", "This must be one of human, auto"),
        ({"variants": [{"name": "a", "candidates": 0}]}, "production.variants[0].candidates", "out of range"),
        ({"scene_types": [{"name": "a", "resolution": "720p"}]}, "production.scene_types[0].resolution", "like 1280x720"),
        ({"scene_types": [{"name": "a", "camera": "zoom"}]}, "production.scene_types[0].camera", 'no camera move "zoom"'),
        ({"scene_types": [{"name": "a", "framing": "closeup"}]}, "production.scene_types[0].framing", "must be one of"),
        ({"scene_types": [{"prompt": "x"}]}, "production.scene_types[0]", 'The key "name" is missing'),
        ({"matrix": {"characters": "every"}}, "production.matrix.characters", 'the word "all" or a list'),
        ({"characters": None, "style": "noir"}, "production.style", "This must be a section"),
        ({"characters": cast(wardrobe={"scene1": "casual"})}, "production.characters[0].wardrobe.scene1", "scenes_1_10"),
    ],
)
def test_types_ranges_and_keys(changes: dict[str, Any], path: str, said: str) -> None:
    found = issue(issues(body(**changes)), path, Severity.ERROR)
    assert said in found.message
    assert found.suggestion


@pytest.mark.parametrize(
    ("changes", "path", "cure"),
    [
        ({"matrix": {"characters": ["Marra"]}}, "production.matrix.characters", 'Did you mean "Mara"?'),
        ({"matrix": {"scene_types": ["dnce"]}}, "production.matrix.scene_types", 'Did you mean "dance"?'),
        ({"matrix": {"variants": ["casul"]}}, "production.matrix.variants", 'Did you mean "casual"?'),
        ({"matrix": {"exclude": [{"variant": "Formal"}]}}, "production.matrix.exclude[0].variant", 'Did you mean "formal"?'),
        (
            {"scene_types": [{"name": "dance", "location": "Ware house"}]},
            "production.scene_types[0].location",
            'Did you mean "Warehouse"?',
        ),
        (
            {"scene_types": [{"name": "dance", "variants": ["causal"]}]},
            "production.scene_types[0].variants[0]",
            'Did you mean "casual"?',
        ),
        ({"characters": cast(wardrobe={"scene_1": "casuals"})}, "production.characters[0].wardrobe", 'Did you mean "casual"?'),
        ({"shots": [{"template": "hero_cue", "character": "Mara"}]}, "production.shots[0].template", 'Did you mean "hero_cu"?'),
        (
            {"shots": [{"template": "dance", "character": "Mara", "location": "warehouse"}]},
            "production.shots[0].location",
            'Did you mean "Warehouse"?',
        ),
        (
            {"shots": [{"template": "dance", "character": "Mara", "after": ["s001_danse"]}]},
            "production.shots[0].after[0]",
            'Did you mean "s001_dance"?',
        ),
        (
            {"scene_types": [{"name": "dance", "qa": {"max_sharpness": 4}}]},
            "production.scene_types[0].qa.max_sharpness",
            'Did you mean "min_sharpness"?',
        ),
    ],
)
def test_references_that_lead_nowhere(changes: dict[str, Any], path: str, cure: str) -> None:
    assert issue(issues(body(**changes)), path, Severity.ERROR).suggestion == cure


def test_names_are_unique_whatever_their_case_or_form() -> None:
    double = [{"name": "Élodie", "source_images": ["a.png"]}, {"name": "e\u0301LODIE", "source_images": ["a.png"]}]
    found = issue(issues(body(characters=double)), "production.characters[1].name", Severity.ERROR)
    assert "declared twice" in found.message and "line 4 and line 7" in found.message


def test_shot_names_are_unique() -> None:
    shots = [{"name": "a", "template": "dance", "character": "Mara"}, {"name": "A", "template": "walk", "character": "Mara"}]
    assert "declared twice" in issue(issues(body(shots=shots)), "production.shots[1].name", Severity.ERROR).message


def test_a_loop_of_shots_is_printed_in_order() -> None:
    def shot(name: str, after: list[str]) -> dict[str, Any]:
        return {"name": name, "template": "dance", "character": "Mara", "after": after}

    found = issues(body(shots=[shot("a", ["b"]), shot("b", ["c"]), shot("c", ["a"]), shot("d", ["a"]), shot("e", ["e"])]))
    loops = [entry.message for entry in found if "loop" in entry.message]
    assert loops == ["Shots wait for each other in a loop: a -> b -> c -> a.", "Shots wait for each other in a loop: e -> e."]


def test_a_chain_of_ten_thousand_shots_is_no_loop_and_no_recursion() -> None:
    shots = [{"name": "n0", "template": "dance", "character": "Mara", "variant": "casual"}]
    shots += [{**shots[0], "name": f"n{index}", "after": [f"n{index - 1}"]} for index in range(1, 10_000)]
    assert errors(issues(body(shots=shots))) == []
    shots[0]["after"] = ["n9999"]
    (loop,) = [entry for entry in issues(body(shots=shots)) if "loop" in entry.message]
    assert loop.message.count("->") == 10_000


@pytest.mark.parametrize(
    ("wardrobe", "said"),
    [
        ({"scenes_1_10": "casual", "scenes_10_12": "formal"}, 'would wear "casual" and "formal" at once in scene 10'),
        ({"scenes_10_1": "casual"}, "in scenes 10 to 1: the first scene comes after the last"),
        ({"scene_0": "casual"}, "in scene 0: scenes count from 1"),
    ],
)
def test_impossible_and_overlapping_scene_ranges(wardrobe: dict[str, str], said: str) -> None:
    found = issue(issues(body(characters=cast(wardrobe=wardrobe))), "production.characters[0].wardrobe", Severity.ERROR)
    assert said in found.message


def test_wardrobe_gaps_of_scenes_in_use_are_one_warning_for_each_character() -> None:
    shots = [{"template": "dance", "scene": scene, "character": "Mara"} for scene in (1, 3, 7, 8, 9)]
    found = issues(body(characters=cast(wardrobe={"scenes_1_2": "casual"}), shots=shots))
    gap = issue(found, "production.characters[0].wardrobe", Severity.WARNING)
    assert "nothing for scenes 3, 7-9" in gap.message


def test_waiting_for_a_later_scene_is_a_warning() -> None:
    shots = [
        {"name": "end", "template": "dance", "scene": 9, "character": "Mara", "variant": "casual"},
        {"name": "begin", "template": "dance", "scene": 1, "character": "Mara", "variant": "casual", "after": ["end"]},
    ]
    found = issue(issues(body(shots=shots)), "production.shots[1].after[0]", Severity.WARNING)
    assert 'waits for "end" of the later scene 9' in found.message


@pytest.mark.parametrize(
    ("timing", "key", "severity", "cure"),
    [
        ({"duration_s": 1.03, "fps": 24}, "duration_s", Severity.ERROR, "Use 1.041667 s (25 frames)."),
        ({"duration_s": 0.01, "fps": 24}, "duration_s", Severity.ERROR, "Use 0.041667 s (1 frames)."),
        ({"duration_s": 1, "fps": 24, "segments": 5}, "segments", Severity.WARNING, "Use 3, 4, 6 segments"),
        ({"duration_s": 1, "fps": 2, "segments": 3}, "segments", Severity.ERROR, "Use at most 2 segments."),
        ({"resolution": "1281x720"}, "resolution", Severity.ERROR, "Use 1282x720."),
        ({"resolution": "10x10"}, "resolution", Severity.ERROR, "Use 16 to 8192 pixels"),
        ({"resolution": "99999x99998"}, "resolution", Severity.ERROR, "Use 16 to 8192 pixels"),
        ({"resolution": "8191x720"}, "resolution", Severity.ERROR, "Use 8192x720."),
    ],
)
def test_frames_and_sizes_must_come_out_even(timing: dict[str, Any], key: str, severity: Severity, cure: str) -> None:
    found = issue(issues(body(scene_types=[{"name": "dance", **timing}])), f"production.scene_types[0].{key}", severity)
    assert cure in found.suggestion


def test_a_third_of_a_second_in_frames_is_whole() -> None:
    assert errors(issues(body(scene_types=[{"name": "dance", "duration_s": 0.7, "fps": 10}]))) == []


def test_a_model_alone_is_not_enough_for_a_backend_of_pictures() -> None:
    found = issues(body(characters=[{"name": "Mara", "model": "mara.blend"}]))
    problem = issue(found, "production.characters[0].model", Severity.ERROR)
    assert 'the backend "animatic" cannot read' in problem.message and "source_images" in problem.suggestion
    both = issues(body(characters=cast(model="mara.blend")))
    assert issue(both, "production.characters[0].model").severity is Severity.INFO
    assert issue(issues(body(characters=[{"name": "Mara"}])), "production.characters[0]", Severity.ERROR)


def test_backends_need_what_they_work_with() -> None:
    assert "command: [program" in issue(issues(body(backend="command")), "production.backend").suggestion
    assert errors(issues(body(backend="command", command=["render", "--fast"]))) == []
    assert issue(issues(body(command=["render"])), "production.command").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("output", "path", "said"),
    [
        ({"format": "cinema_4k", "container": "mp4"}, "container", "A .mp4 file cannot hold prores_4444."),
        ({"format": "preview_360p", "width": 641}, "width", "h264 needs an even width, not 641."),
        ({"format": "preview_360p", "width": 9000}, "width", "out of range"),
        ({"format": "preview_360p", "crf": 60}, "crf", "h264 takes crf up to 51"),
        ({"format": "16bit_game", "retro": {"palette": "sness"}}, "retro.palette", 'There is no palette "sness".'),
        ({"format": "16bit_game", "retro": {"dither": "floyd"}}, "retro.dither", "must be one of none, ordered"),
        ({"format": "preview_360p", "retro": {"palette": "nes"}}, "codec", "A retro picture is written as gif"),
        ({"format": "custom", "width": 640}, "", "does not say its container, codec, height"),
        ({"format": "preview_360p", "codec": "h265"}, "codec", "must be one of h264"),
    ],
)
def test_outputs(output: dict[str, Any], path: str, said: str) -> None:
    found = issues(body(outputs=[{"path": "out", **output}]))
    where = f"production.outputs[0]{'.' if path else ''}{path}"
    assert said in issue(found, where, Severity.ERROR).message


def test_a_custom_output_that_says_all_is_valid() -> None:
    custom = {
        "format": "custom",
        "path": "out",
        "container": "webm",
        "codec": "vp9",
        "width": 320,
        "height": 180,
        "bitrate": "2M",
    }
    assert errors(issues(body(outputs=[custom]))) == []


def test_outputs_must_not_write_the_same_files() -> None:
    outputs = [{"format": "preview_360p", "path": "out/web"}, {"format": "streaming_720p", "path": "./OUT/x/../web/"}]
    found = issues(body(outputs=outputs))
    assert "both write .mp4 files" in issue(found, "production.outputs[1].path", Severity.ERROR).message
    same = [{"format": "preview_360p", "path": path, "name": "web"} for path in ("a", "b")]
    assert "declared twice" in issue(issues(body(outputs=same)), "production.outputs[1].name", Severity.ERROR).message


def test_there_must_be_something_to_make() -> None:
    assert "nothing to make" in issue(issues(body(matrix=None)), "production", Severity.ERROR).message
    assert "no characters" in issue(issues(body(characters=[])), "production.matrix", Severity.ERROR).message
    out = {"exclude": [{"character": "Mara"}]}
    assert "every cell is excluded" in issue(issues(body(matrix=out)), "production.matrix", Severity.ERROR).message


def test_exclusions_must_leave_something_out() -> None:
    matrix = {"scene_types": ["dance"], "exclude": [{"scene_type": "walk"}, {}]}
    found = issues(body(matrix=matrix))
    assert issue(found, "production.matrix.exclude[0]").severity is Severity.WARNING
    assert issue(found, "production.matrix.exclude[1]").severity is Severity.ERROR


def test_shots_need_what_their_template_shows() -> None:
    shots = [{"template": "hero_cu"}, {"template": "establishing_wide"}]
    found = issues(body(shots=shots, locations=[]))
    assert "names no character" in issue(found, "production.shots[0]", Severity.ERROR).message
    assert "names no location" in issue(found, "production.shots[1]", Severity.ERROR).message


def test_a_shot_wears_only_what_its_template_is_for() -> None:
    kinds = [{"name": "ball", "variants": ["formal"]}]
    shots = [{"template": "ball", "character": "Mara", "variant": "casual"}]
    assert "only for formal" in issue(issues(body(scene_types=kinds, shots=shots)), "production.shots[0].variant").message


def test_placeholders_of_metadata_must_exist() -> None:
    two = [*cast(metadata={"age": 31}), {"name": "Ivo", "source_images": ["b.png"]}]
    kinds = [{"name": "dance", "prompt": "{character.age} {character.agee}"}]
    found = [entry for entry in issues(body(characters=two, scene_types=kinds)) if entry.path.endswith("[0].prompt")]
    assert [(entry.severity.value, entry.message) for entry in found] == [
        ("error", 'No character has "agee" in its metadata, but the prompt uses {character.agee}.'),
        ("warning", "{character.age} is empty for Ivo."),
    ]


def test_a_location_in_a_matrix_prompt_must_be_told() -> None:
    kinds = [{"name": "dance", "prompt": "{character} in {location}"}]
    assert errors(issues(body(scene_types=kinds))) == []
    two = [{"name": "A"}, {"name": "B"}]
    found = issue(issues(body(scene_types=kinds, locations=two)), "production.scene_types[0].prompt", Severity.WARNING)
    assert "there are 2 locations" in found.message


def test_what_nothing_uses_is_mentioned() -> None:
    matrix = {"variants": ["casual"], "scene_types": ["dance"]}
    found = issues(body(matrix=matrix, locations=[{"name": "A"}, {"name": "B"}]))
    unused = {entry.path for entry in found if "not used" in entry.message}
    assert unused == {
        "production.variants[1].name",
        "production.scene_types[1].name",
        "production.locations[0].name",
        "production.locations[1].name",
    }


def test_absolute_paths_are_a_warning() -> None:
    found = issues(body(characters=[{"name": "Mara", "source_images": ["/home/me/a.png", "C:\\a.png"]}]))
    assert [entry.severity for entry in found if "absolute" in entry.message] == [Severity.WARNING] * 2


def test_issues_of_a_production_that_was_not_understood_are_still_told() -> None:
    source = "production: 3"
    assert check(parsed(source), document(source), presets())


def test_numbers_of_grades_and_plates_have_the_shape_of_the_presets() -> None:
    found = issues(
        body(
            style={"grade": {"lift": 0.1, "contrats": 1.1, "gain": [1, 1, 1]}},
            locations=[{"name": "Hall", "look": {"sky_top": [1, 2], "silhouettes": "trees", "haze": "much"}}],
        )
    )
    assert issue(found, "production.style.grade.lift").message == '"lift" must be a list of 3 numbers, not a number.'
    assert issue(found, "production.style.grade.contrats").suggestion == 'Did you mean "contrast"?'
    assert "not a list of 2 numbers" in issue(found, "production.locations[0].look.sky_top", Severity.ERROR).message
    assert "not text" in issue(found, "production.locations[0].look.haze", Severity.ERROR).message
    assert len([entry for entry in found if ".look." in entry.path or ".grade." in entry.path]) == 4


def test_a_tangle_of_loops_is_not_printed_in_full() -> None:
    shots = [
        {"name": f"n{index}", "template": "dance", "character": "Mara", "after": [f"n{index + 1}", "n0"]} for index in range(500)
    ]
    shots.append({"name": "n500", "template": "dance", "character": "Mara"})
    found = issues(body(shots=shots))
    assert len([entry for entry in found if "loop" in entry.message]) == 20


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"budget": {"money": 50}}, "production.budget.money"),
    ],
)
def test_what_binds_nothing_is_said(changes: dict[str, Any], path: str) -> None:
    found = [entry for entry in issues(body(**changes)) if entry.path == path]
    assert [entry.severity for entry in found] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"when": "cell.approved"}, "production.triggers[0]"),
        ({"name": "a", "when": "cell.aproved", "do": ["approve"]}, "production.triggers[0].when"),
        ({"name": "a", "when": "cell.approved", "for": {"characters": ["Nobody"]}, "do": ["flag"]}, "production.triggers[0].for"),
        ({"name": "a", "when": "cell.queued", "do": [{"submit": {"mode": "all"}}]}, "production.triggers[0]"),
    ],
)
def test_a_rule_that_makes_no_sense_is_an_error_at_its_field(rule: dict[str, Any], path: str) -> None:
    found = [entry.path for entry in issues(body(triggers=[rule])) if entry.severity is Severity.ERROR]
    assert any(entry.startswith(path) for entry in found), found
