from pipeline.domain.issues import Severity
from pipeline.domain.screenplay import Cue, Screenplay, ScriptScene, number_of, place_of, read_cue
from tests.production_documents import body, issues, production

CAST = [{"name": name, "source_images": [f"{name}.png"]} for name in ("Mara", "Ivo")]


def film(*scenes: ScriptScene) -> Screenplay:
    return Screenplay(scenes)


def scene(heading: str, *cues: str, line: int | None = None) -> ScriptScene:
    return ScriptScene(heading, tuple(read_cue(cue) for cue in cues), line)


def test_headings_name_a_place() -> None:
    for heading in (
        "INT. WAREHOUSE - NIGHT",
        "int warehouse",
        "INT./EXT. WAREHOUSE - DAY #12#",
        "I/E WAREHOUSE - DAY",
        "EST. WAREHOUSE",
    ):
        assert place_of(heading) == place_of("WAREHOUSE") or place_of(heading).lower() == "warehouse", heading
    assert place_of("EXT. PIER - NORTH END - DAWN") == "PIER - NORTH END"
    for dash in ("--", "\u2013", "\u2014"):
        assert place_of(f"EXT. PIER {dash} DAWN") == "PIER"
    assert number_of("EXT. PIER #12#") == (12, "")
    assert number_of("EXT. PIER #12A#") == (12, "a")
    assert number_of("EXT. PIER #110-B#") == (110, "b")
    assert number_of("EXT. PIER") is None


def test_cues_lose_their_extensions() -> None:
    assert read_cue("MARA (V.O.)") == Cue("MARA", is_off_screen=True)
    assert read_cue("@McAvoy (CONT'D) ^") == Cue("McAvoy")


def test_a_screenplay_becomes_shots_of_declared_names() -> None:
    script = film(scene("INT. WAREHOUSE - NIGHT", "MARA", "IVO", "MARA"), scene("INT. WAREHOUSE - DAY", "IVO (O.S.)"))
    made = production(body(script="a.fountain", matrix=None, characters=CAST), script)
    assert [(shot.scene, shot.template, shot.character, shot.location) for shot in made.shots] == [
        (1, "establishing_wide", None, "Warehouse"),
        (1, "hero_cu", "Mara", "Warehouse"),
        (1, "hero_cu", "Ivo", "Warehouse"),
        (2, "establishing_wide", None, "Warehouse"),
    ]
    assert {kind.name for kind in made.scene_types} == {"dance", "walk", "establishing_wide", "hero_cu"}


def test_an_unknown_place_becomes_a_location_with_a_note() -> None:
    script = film(scene("EXT. PIER - DAWN"))
    source = body(script="a.fountain", matrix=None)
    assert [place.name for place in production(source, script).locations] == ["Warehouse", "Pier"]
    notes = [entry for entry in issues(source, script) if "Pier" in entry.message and entry.path == "production.script"]
    assert [note.severity for note in notes] == [Severity.INFO]


def test_an_unknown_speaker_gets_a_warning_with_the_nearest_name_and_no_shot() -> None:
    script = film(scene("INT. WAREHOUSE", "MARRA"))
    source = body(script="a.fountain", matrix=None)
    assert [shot.template for shot in production(source, script).shots] == ["establishing_wide"]
    (warning,) = [entry for entry in issues(source, script) if "MARRA" in entry.message]
    assert warning.severity is Severity.WARNING
    assert warning.suggestion == 'Did you mean "Mara"?'


def test_listed_shots_stand_for_their_whole_scene_and_take_its_place() -> None:
    script = film(scene("INT. WAREHOUSE", "MARA"), scene("EXT. PIER #5#", "MARA"))
    shots = [{"template": "hero_full", "scene": 5, "character": "Mara"}]
    made = production(body(script="a.fountain", matrix=None, shots=shots), script)
    assert [(shot.scene, shot.template, shot.location) for shot in made.shots] == [
        (5, "hero_full", "Pier"),
        (1, "establishing_wide", "Warehouse"),
        (1, "hero_cu", "Warehouse"),
    ]


def test_wardrobe_dresses_the_shots_of_a_screenplay() -> None:
    cast = [{"name": "Mara", "source_images": ["a.png"], "wardrobe": {"scene_1": "casual", "scenes_2_9": "formal"}}]
    script = film(scene("INT. WAREHOUSE", "MARA"), scene("INT. WAREHOUSE", "MARA"))
    made = production(body(script="a.fountain", matrix=None, characters=cast), script)
    assert [shot.variant for shot in made.shots] == [None, "casual", None, "formal"]


def test_a_lettered_scene_belongs_to_the_scene_of_its_number_and_shifts_no_other_one() -> None:
    cast = [{"name": "Mara", "source_images": ["a.png"], "wardrobe": {"scenes_12_13": "casual", "scene_14": "formal"}}]
    script = film(*(scene(f"INT. WAREHOUSE #{number}#", "MARA") for number in ("12", "12A", "13", "14")))
    source = body(script="a.fountain", matrix=None, characters=cast)
    shots = [shot for shot in production(source, script).shots if shot.character]
    assert [(shot.scene, shot.variant) for shot in shots] == [(12, "casual"), (12, "casual"), (13, "casual"), (14, "formal")]
    assert [shot.name for shot in shots] == ["s012_hero_cu", "s012a_hero_cu_mara", "s013_hero_cu", "s014_hero_cu"]
    assert not [entry for entry in issues(source, script) if "stands after" in entry.message]


def test_a_scene_number_that_goes_back_is_told_and_counted_on() -> None:
    script = film(scene("INT. WAREHOUSE #7#"), scene("INT. WAREHOUSE #3#"))
    source = body(script="a.fountain", matrix=None)
    assert [shot.scene for shot in production(source, script).shots] == [7, 8]
    (warning,) = [entry for entry in issues(source, script) if "stands after scene 7; it is scene 8" in entry.message]
    assert warning.severity is Severity.WARNING


def test_a_screenplay_without_headings_is_a_warning() -> None:
    found = issues(body(script="a.fountain"), film())
    assert any("no scene headings" in entry.message for entry in found)
