"""What validation says of the graphs of a production for the backend `comfyui`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import double
from pipeline.domain.files import FileFact
from pipeline.domain.issues import Issue, Severity
from pipeline.domain.workflows.graphs import examine
from tests import workflow_graphs
from tests.production_documents import body, errors, issue, issues, production
from tests.workflow_graphs import node

IMAGE_TO_VIDEO = Path(double.__file__).parent / "workflows" / "image_to_video.json"


def still_of_words() -> dict[str, Any]:
    """A graph that makes a picture of words alone."""
    value = workflow_graphs.guided_still()
    value["10"] = node("Reroute", **{"": ["3", 0]})
    del value["11"], value["12"], value["13"]
    return value


def segment() -> dict[str, Any]:
    """A graph that makes a clip of a start image and words."""
    value = workflow_graphs.two_samplers()
    del value["last"], value["wan"]["inputs"]["end_image"]
    return value


def facts(**graphs: Any) -> dict[tuple[str, str], FileFact]:
    """What a probe finds of these graphs, as `NAME.json`."""
    found = {name: examine(value) for name, value in graphs.items()}
    return {(f"{name}.json", "workflow"): FileFact(graph=one.graph, findings=one.findings) for name, one in found.items()}


FACTS = facts(
    still=still_of_words(), segment=segment(), portrait=workflow_graphs.guided_still(), ends=workflow_graphs.two_samplers()
)
GIVEN = {"workflow": "segment.json", "still_workflow": "still.json"}


def checked(**changes: Any) -> tuple[Issue, ...]:
    """What is wrong with the small production when graphs make it."""
    return issues(body(**{"backend": "comfyui", "defaults": GIVEN} | changes), facts=FACTS)


def test_with_graphs_for_scenes_and_stills_nothing_is_wrong() -> None:
    assert [str(entry) for entry in checked()] == []


def test_whatever_is_generated_needs_a_workflow_and_the_cure_names_both_places() -> None:
    found = issues(body(backend="comfyui"))
    for path in ("variants[0]", "variants[1]", "locations[0]", "scene_types[0]", "scene_types[1]"):
        told = issue(found, f"production.{path}", Severity.ERROR)
        assert "has no workflow" in told.message and "under defaults" in told.suggestion
    assert not errors(issues(body()))


def test_what_no_cell_uses_and_a_place_with_a_plate_need_none() -> None:
    scenes = [{"name": "dance", "workflow": "segment.json"}, {"name": "idle"}]
    looks = [{"name": "casual", "workflow": "still.json"}, {"name": "unused"}]
    found = checked(
        defaults=None,
        scene_types=scenes,
        variants=looks,
        locations=[{"name": "Warehouse", "plate": "plate.png"}],
        matrix={"scene_types": ["dance"], "variants": ["casual"]},
    )
    assert errors(found) == []


def test_built_in_templates_take_the_default_workflow() -> None:
    shots = [{"template": "hero_cu", "character": "Mara", "variant": "casual"}]
    assert errors(checked(shots=shots, matrix=None, scene_types=None)) == []
    found = checked(shots=shots, matrix=None, scene_types=None, defaults=None)
    assert any('Scene type "hero_cu" has no workflow' in text for text in errors(found))


def test_what_is_wrong_with_a_default_is_told_once_where_it_is_written() -> None:
    found = issues(
        body(backend="comfyui", defaults=GIVEN | {"workflow": "bad.json"}), facts=FACTS | facts(bad={"1": {"inputs": {}}})
    )
    told = issue(found, "production.defaults.workflow", Severity.ERROR)
    assert told.message.startswith("Workflow bad.json: It is not a graph in API format") and "Export (API)" in told.suggestion
    assert told.line is not None


def test_a_file_that_cannot_be_read_is_told_where_it_is_named() -> None:
    broken = {("segment.json", "workflow"): FileFact("does not exist.", "Check the path.")}
    found = issues(body(backend="comfyui", defaults=GIVEN), facts=FACTS | broken)
    assert issue(found, "production.defaults.workflow").message == "The workflow segment.json does not exist."
    assert len(errors(found)) == 1


def test_a_scene_needs_a_start_image_and_lacks_are_warnings() -> None:
    bare = facts(
        bare=workflow_graphs.recorded("tiny")["prompt"], plain=workflow_graphs.recorded("video_from_image_mp4")["prompt"]
    )
    scenes = [{"name": "dance", "workflow": "bare.json"}, {"name": "walk", "workflow": "plain.json", "resolution": "256x256"}]
    found = issues(body(backend="comfyui", defaults=GIVEN, scene_types=scenes), facts=FACTS | bare)
    assert any("takes no start image" in text for text in errors(found) if "scene_types[0].workflow" in text)
    walks = [entry for entry in found if entry.path == "production.scene_types[1].workflow"]
    assert {entry.severity for entry in walks} == {Severity.WARNING}
    assert any("takes no prompt" in entry.message for entry in walks)


def test_a_binding_that_is_written_and_wrong_is_told_at_its_line() -> None:
    scenes = [{"name": "dance", "workflow": {"file": "segment.json", "bindings": {"seed": "noise.valu", "sed": "n.value"}}}]
    found = checked(scene_types=scenes)
    assert 'Did you mean "value"?' in issue(found, "production.scene_types[0].workflow.bindings.seed", Severity.ERROR).suggestion
    assert 'Did you mean "seed"?' in issue(found, "production.scene_types[0].workflow.bindings.sed", Severity.ERROR).suggestion


@pytest.mark.parametrize(
    ("table", "entry", "slot", "words"),
    [
        ("scene_types", {"name": "dance", "workflow": "ends.json"}, "end_image", "It takes an end image, which a scene"),
        (
            "locations",
            {"name": "Warehouse", "workflow": "portrait.json"},
            "source_image",
            "It takes a source image, which a plate",
        ),
    ],
)
def test_a_picture_that_nothing_gives_is_told_before_any_job_fails(
    table: str, entry: dict[str, Any], slot: str, words: str
) -> None:
    (told,) = errors(checked(**{table: [entry]}))
    assert words in told and f"{slot}: none" in told
    kept = {**entry, "workflow": {"file": entry["workflow"], "bindings": {slot: "none"}}}
    assert errors(checked(**{table: [kept]})) == []


@pytest.mark.parametrize("bindings", [{}, {"width": "none", "height": "none"}])
def test_a_graph_of_a_fixed_size_is_an_error_for_scenes_of_another_size(bindings: dict[str, str]) -> None:
    fixed = facts(fixed=workflow_graphs.recorded("video_from_image_mp4"))
    given = {"file": "fixed.json", "bindings": bindings}
    scenes = [
        {"name": "dance", "workflow": given, "resolution": "322x182"},
        {"name": "walk", "workflow": given, "resolution": "256x256"},
    ]
    (told,) = errors(issues(body(backend="comfyui", defaults=GIVEN, scene_types=scenes), facts=FACTS | fixed))
    assert "scene_types[0].workflow" in told and "Its clips have 256x256, not 322x182 as asked for" in told
    assert "Add an ImageScale node at the end" in told and "let the scene type ask for 256x256" in told


def test_a_length_and_a_rate_that_the_graph_fixes_are_held_against_every_segment() -> None:
    fixed = facts(fixed=json.loads(IMAGE_TO_VIDEO.read_text(encoding="utf-8")))
    given = {"file": "fixed.json", "bindings": {"frames": "none", "fps": "none"}}
    timed = {"fps": 10, "duration_s": 2.5, "segments": 2}
    scenes = [{"name": "dance", "workflow": given} | timed]
    found = errors(issues(body(backend="comfyui", defaults=GIVEN, scene_types=scenes), facts=FACTS | fixed))
    assert "Its clips have 24 frames, not 12 frames as asked for" in " ".join(found)
    assert "Its clips have 24 frames, not 13 frames as asked for" in " ".join(found)
    assert "Its clips have 12 fps, not 10 fps as asked for" in " ".join(found)
    fitting = [{"name": "dance", "prompt": "turns", "workflow": given, "fps": 12, "duration_s": 4, "segments": 2}]
    found = issues(body(backend="comfyui", defaults=GIVEN, scene_types=fitting), facts=FACTS | fixed)
    assert [str(entry) for entry in found] == []


def test_where_the_graph_does_not_tell_its_size_a_warning_is_given_even_if_that_was_chosen() -> None:
    given = {"file": "segment.json", "bindings": {"width": "none", "frames": "none"}}
    found = checked(scene_types=[{"name": "dance", "workflow": given, "resolution": "640x360", "duration_s": 1}])
    told = [str(entry) for entry in found if entry.severity is Severity.WARNING]
    assert errors(found) == [] and len(told) == 2
    assert "It takes no width; clips of another size than 640x360 are refused after they were made." in told[0]
    assert "It takes no number of frames; clips of another length than 24 frames are refused" in told[1]


def test_a_still_of_a_fixed_size_is_an_error_for_variants_that_need_another() -> None:
    fixed = facts(canvas=workflow_graphs.recorded("image_noise_composite"))
    given = {"file": "canvas.json", "bindings": {"width": "none", "height": "none"}}
    found = errors(issues(body(backend="comfyui", defaults=GIVEN | {"still_workflow": given}), facts=FACTS | fixed))
    assert found and all("Its pictures have 512x512, not 1280x720 as asked for" in text for text in found)


def test_graphs_are_not_judged_for_a_backend_that_does_not_run_them() -> None:
    found = issues(body(defaults={"workflow": "bad.json"}), facts=facts(bad={}))
    assert [str(entry) for entry in found] == []


def test_the_nearest_workflow_wins_and_the_forms_mean_the_same() -> None:
    made = production(
        body(
            defaults={"workflow": "a.json", "still_workflow": {"file": "s.json", "bindings": {"seed": "none"}}},
            shot_templates=[{"name": "own", "workflow": "b.json"}],
            scene_types=[{"name": "dance"}, {"name": "walk", "preset": "own"}, {"name": "run", "workflow": {"file": "c.json"}}],
            variants=[{"name": "casual"}, {"name": "formal", "workflow": "f.json"}],
        )
    )
    assert [kind.workflow for kind in made.scene_types] == ["a.json", "b.json", "c.json"]
    assert [(look.workflow, dict(look.workflow_bindings)) for look in made.variants] == [
        ("s.json", {"seed": "none"}),
        ("f.json", {}),
    ]
    assert made.locations[0].workflow == "s.json"


@pytest.mark.parametrize(
    "value", [5, [], {}, {"bindings": {}}, {"file": ""}, {"file": "a", "bindings": {"Seed": "1.a"}}, {"file": "a", "x": 1}]
)
def test_a_workflow_of_another_form_is_an_error(value: Any) -> None:
    assert errors(issues(body(scene_types=[{"name": "dance", "workflow": value}])))
