"""The table of the format: every key of a production file, its kind, its meaning and its default."""

from __future__ import annotations

from pipeline.domain.budget import MOST_THRESHOLDS, Action
from pipeline.domain.format.containers import AllOrNames, Field, Free, ListOf, MapOf, Section
from pipeline.domain.format.kinds import Kind
from pipeline.domain.format.scalars import Choice, Flag, Name, Number, Pattern, Plain, Text
from pipeline.domain.names import NAME_PATTERN
from pipeline.domain.naming import DEFAULT_TEMPLATE, TEMPLATE_CHARACTERS
from pipeline.domain.schedule import LEAST_SHARE, MOST_SHARE

BACKENDS = ("animatic", "comfyui", "command")
CONTAINERS = ("mp4", "mov", "webm", "gif")
CODECS = ("h264", "prores_4444", "prores_422", "vp9", "gif")
DITHERS = ("none", "ordered", "error_diffusion", "atkinson")
ENCODER_PRESETS = ("ultrafast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
FRAMINGS = (
    "extreme_close_up", "close_up", "medium_close_up", "medium", "over_the_shoulder", "cowboy", "full", "wide",
    "extreme_wide", "establishing", "two_shot", "insert",
)  # fmt: skip
WARDROBE_KEY = r"^scenes?_[0-9]{1,6}(_[0-9]{1,6})?(?![\s\S])"

_TEXT = Text()
_LINE = Text(limit=200)
_PATH = Text(limit=1000, may_be_empty=False)
_WORD = Name()
_SIDE = Number(minimum=16, maximum=8192, whole=True)
_LOOK = MapOf(Plain(lists=True))
_RESOLUTION = Pattern(r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}(?![\s\S])", "1280x720")
_SWITCH = Choice(("human", "auto"))
_TAGS = ListOf(Pattern(r"^[a-z0-9][a-z0-9_-]{0,39}(?![\s\S])", "48gb"), limit=20)
_PLACES = Pattern(r"^[^\x00-\x1f]{1,1000}(?![\s\S])", "5.seed")
_LIMIT = Number(minimum=0)
_AT_ONCE = Number(minimum=1, maximum=10_000, whole=True)
_SHARE = Number(minimum=LEAST_SHARE, maximum=MOST_SHARE)
_WINDOW = Pattern(r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])", "22:00-07:00")
_MOMENT = Pattern(
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})(?![\s\S])", "2026-12-01T08:00+01:00"
)

STYLE = Section(
    "style",
    "The look of the whole production.",
    {
        "preset": Field(_WORD, "Name of a style preset (`./stripboard presets`)."),
        "era": Field(_LINE, "When it plays; the placeholder `{style.era}`."),
        "mood": Field(_LINE, "How it feels; the placeholder `{style.mood}`."),
        "prompt": Field(_TEXT, "Words for every prompt; `{style.prompt}`.", default="that of the preset"),
        "grade": Field(_LOOK, "Numbers of the colour grade; each replaces that of the preset.", default="those of the preset"),
    },
)
CHARACTER = Section(
    "character",
    "Somebody or something on screen.",
    {
        "name": Field(_WORD, "Unique name.", required=True),
        "source_images": Field(ListOf(_PATH, limit=100), "Pictures of the character, relative to this file."),
        "model": Field(_PATH, "A 3D model, for backends that read one."),
        "wardrobe": Field(
            MapOf(_WORD, key=WARDROBE_KEY, key_words="like scenes_1_10 or scene_5"),
            "Which variant is worn in which scenes; chooses the variant of shots that name none.",
        ),
        "metadata": Field(MapOf(Plain()), "Facts about the character; `{character.age}` in prompts."),
    },
)
WORKFLOW = Section(
    "workflow",
    "A graph for the backend `comfyui`, and where its values go.",
    {
        "file": Field(
            _PATH,
            "The graph in ComfyUI's API format, relative to this file: JSON, or a PNG, WebP, MP4 or WebM that ComfyUI made.",
        ),
        "registered": Field(_WORD, "In place of a file: the name of a workflow that is kept here (`./stripboard workflows`)."),
        "version": Field(
            Number(1, 1_000_000, whole=True),
            "Which version of the registered workflow.",
            default="the one that is marked as good, else the newest, when the run is made",
        ),
        "bindings": Field(
            MapOf(_PLACES, key=r"^[a-z][a-z0-9_]{0,39}(:[a-z][a-z0-9_]{0,39})?(?![\s\S])", key_words="a slot", limit=100),
            "The input of each slot as `node id.input`, several separated by commas, or `none` to leave what the graph says.",
            default="found in the graph",
        ),
    },
    short=_PATH,
    one_of=("file", "registered"),
)
VARIANT = Section(
    "variant",
    "A look of a character: costume, styling.",
    {
        "name": Field(_WORD, "Unique name.", required=True),
        "prompt": Field(_TEXT, "What the look is; `{variant.prompt}`. Taken as it is, without placeholders."),
        "candidates": Field(Number(1, 64, whole=True), "How many stills are made to choose from.", default="1"),
        "workflow": Field(WORKFLOW, "The graph that makes its stills.", default="`defaults.still_workflow`"),
    },
)
LOCATION = Section(
    "location",
    "A place where shots happen.",
    {
        "name": Field(_WORD, "Unique name.", required=True),
        "preset": Field(_WORD, "Name of a location preset."),
        "hdri": Field(_PATH, "Name of a lighting environment, for backends that use one."),
        "plate": Field(_PATH, "A picture of the place, relative to this file.", default="drawn from the preset"),
        "prompt": Field(_TEXT, "What the place is; `{location.prompt}`.", default="that of the preset"),
        "look": Field(_LOOK, "Numbers of the drawn plate; each replaces that of the preset.", default="those of the preset"),
        "workflow": Field(WORKFLOW, "The graph that makes its plate.", default="`defaults.still_workflow`"),
    },
)
CAMERA = Section(
    "camera",
    "How the camera moves.",
    {
        "move": Field(_WORD, "Name of a camera move.", default="`push_in`"),
        "amount": Field(Number(0, 10), "Scales the move; 1 is as designed.", default="1"),
    },
    short=_WORD,
)
_TIMING: dict[str, Field] = {
    "duration_s": Field(Number(above=0, maximum=600), "Length in seconds; × fps must be a whole number of frames.", default="4"),
    "segments": Field(Number(1, 100, whole=True), "Clips the scene is generated in; must divide its frames.", default="1"),
    "fps": Field(Number(1, 120, whole=True), "Frames per second.", default="24"),
    "resolution": Field(_RESOLUTION, "Width x height in pixels, both even.", default="`1280x720`"),
}
_SLATE = Field(Flag(), "Whether the animatic carries a slate: title, character, scene, take and time code.", default="`true`")


def _scene_fields(qa: Kind) -> dict[str, Field]:
    return {
        "name": Field(_WORD, "Unique name.", required=True),
        "preset": Field(_WORD, "A shot template to start from; every key given here replaces that of the template."),
        "prompt": Field(_TEXT, "Prompt template; see Placeholders."),
        **_TIMING,
        "workflow": Field(WORKFLOW, "The graph that makes its segments.", default="`defaults.workflow`"),
        "camera": Field(CAMERA, "Camera move."),
        "qa": Field(qa, "Quality limits that replace the defaults: `min_…` or `max_…` and a measure."),
        "variants": Field(AllOrNames(), "The variants that this scene type applies to.", default="`all`"),
        "location": Field(_WORD, "Where it happens.", default="the only location, if there is one"),
        "framing": Field(Choice(FRAMINGS), "How close the camera is.", default="`medium`"),
        "slate": _SLATE,
        "needs_character": Field(Flag(), "Whether it shows a character.", default="`true`"),
        "worker_tags": Field(_TAGS, "Tags that a worker of the fleet must have for it, besides those of the production."),
    }


SCENE_TYPE = Section(
    "scene_type",
    "Template of a scene. Entries of `shot_templates` have the same keys.",
    _scene_fields(MapOf(Number(), key=r"^(min|max)_[a-z_]{1,60}(?![\s\S])", key_words="min_ or max_ and a measure")),
)
EXCLUSION = Section(
    "exclusion",
    "Cells left out of the matrix: every key given must match.",
    {
        "character": Field(_WORD, "Only this character."),
        "scene_type": Field(_WORD, "Only this scene type."),
        "variant": Field(_WORD, "Only this variant."),
    },
)
OWN_APPROVALS = Section(
    "own_approvals",
    "The gates of one character, where they differ from everybody else's.",
    {
        "character": Field(_WORD, "The character.", required=True),
        "variants": Field(_SWITCH, "Its variant images.", default="as for all"),
        "scenes": Field(_SWITCH, "Its scenes.", default="as for all"),
    },
)
MATRIX = Section(
    "matrix",
    "Makes one cell for each character × scene type × variant.",
    {
        "characters": Field(AllOrNames(), "Which characters.", default="`all`"),
        "scene_types": Field(AllOrNames(), "Which scene types.", default="`all`"),
        "variants": Field(AllOrNames(), "Which variants.", default="`all`"),
        "exclude": Field(ListOf(EXCLUSION), "Cells to leave out."),
    },
)
SHOT = Section(
    "shot",
    "One entry of the shot list.",
    {
        "template": Field(_WORD, "A scene type, an own shot template or a built-in one.", required=True),
        "name": Field(_WORD, "Unique name.", default="made from scene and template"),
        "scene": Field(Number(1, 100_000, whole=True), "Scene number; orders the shots.", default="1"),
        "character": Field(_WORD, "Who is in it."),
        "variant": Field(_WORD, "The look.", default="by wardrobe, else the only variant"),
        "location": Field(_WORD, "Where it happens.", default="that of the template"),
        "after": Field(ListOf(_WORD, limit=1000), "Names of shots that must be approved first."),
        "prompt": Field(_TEXT, "Replaces the prompt of the template."),
    },
)
RETRO = Section(
    "retro",
    "The picture of an old game machine.",
    {
        "palette": Field(_WORD, "Name of a palette preset."),
        "dither": Field(Choice(DITHERS), "How missing colours are approached."),
        "colors": Field(Number(2, 256, whole=True), "Most colours in one picture.", default="that of the palette"),
        "pixel_size": Field(Number(1, 16, whole=True), "Every pixel of the clip is drawn this many times larger.", default="1"),
        "sprite_columns": Field(Number(1, 256, whole=True), "Columns of the sprite sheet.", default="8"),
    },
)
OUTPUT_SETTINGS: dict[str, Field] = {
    "container": Field(Choice(CONTAINERS), "File format."),
    "codec": Field(Choice(CODECS), "How the video is encoded."),
    "width": Field(_SIDE, "Pixels."),
    "height": Field(_SIDE, "Pixels."),
    "fps": Field(Number(1, 120, whole=True), "Frames per second.", default="that of the scene"),
    "fit": Field(Choice(("contain", "cover", "stretch")), "Another aspect ratio gets bars, is cropped or is stretched."),
    "crf": Field(Number(0, 63, whole=True), "Constant quality of h264 and vp9; lower is better."),
    "bitrate": Field(Pattern(r"^[0-9]{1,6}(\.[0-9]{1,3})?[kM](?![\s\S])", "8M"), "Bit rate of h264 and vp9, instead of `crf`."),
    "preset": Field(Choice(ENCODER_PRESETS), "Effort of the h264 encoder."),
    "faststart": Field(Flag(), "Whether playing can start before the file has arrived whole."),
    "retro": Field(RETRO, "Old game machine picture."),
    "text": Field(_LINE, "What the format is for."),
}
OUTPUT = Section(
    "output",
    "One export of every approved scene. Every setting replaces that of the format; format `custom` has none of its own.",
    {
        "format": Field(_WORD, "Name of a format preset, or `custom`.", required=True),
        "path": Field(_PATH, "Folder for the files, relative to this file.", required=True),
        "name": Field(_WORD, "Unique name.", default="the format"),
        **OUTPUT_SETTINGS,
    },
)
THRESHOLD = Section(
    "threshold",
    "A level of the limits of the budget, and what happens when so much of one is spent.",
    {
        "at": Field(Number(above=0, maximum=100), "Percent of the limit.", required=True),
        "do": Field(
            Choice(tuple(action.value for action in Action)),
            "`notify` tells people; `finish` starts no new generation and finishes what runs; `cancel` stops that as well.",
            default="`notify`",
        ),
    },
)
PRODUCTION = Section(
    "production",
    "Everything that is to be made, and how.",
    {
        "title": Field(_WORD, "Title of the production.", required=True),
        "version": Field(_LINE, "Version of this file, as text.", default='`"1.0"`'),
        "author": Field(_LINE, "Who made it."),
        "script": Field(_PATH, "A Fountain screenplay, relative to this file; its scenes become shots."),
        "style": Field(STYLE, "The look."),
        "backend": Field(Choice(BACKENDS), "What generates.", default="`animatic`"),
        "command": Field(ListOf(_PATH, limit=200), "Program and arguments of the backend `command`."),
        "command_timeout_s": Field(
            Number(above=0, maximum=86_400), "Seconds that the program may take for one still or segment.", default="3600"
        ),
        "worker_tags": Field(_TAGS, "Tags that a worker of the fleet must have to get work of this production."),
        "seed": Field(Number(0, 2**53 - 1, whole=True), "Start of all chance; another seed, another result.", default="0"),
        "defaults": Field(
            Section(
                "defaults",
                "What holds where a scene type, an own template, a variant or a location does not say it.",
                {
                    **_TIMING,
                    "slate": _SLATE,
                    "workflow": Field(WORKFLOW, "The graph that makes segments."),
                    "still_workflow": Field(WORKFLOW, "The graph that makes variant images and plates."),
                },
            ),
            "Timing, size and workflows where nothing nearer says them.",
        ),
        "characters": Field(ListOf(CHARACTER), "Who is on screen."),
        "variants": Field(ListOf(VARIANT), "Their looks."),
        "locations": Field(ListOf(LOCATION), "The places."),
        "shot_templates": Field(ListOf(SCENE_TYPE), "Own templates for shots; not part of `matrix: all`."),
        "scene_types": Field(ListOf(SCENE_TYPE), "Templates of scenes."),
        "matrix": Field(MATRIX, "Characters × scene types × variants."),
        "shots": Field(ListOf(SHOT), "An explicit shot list."),
        "approvals": Field(
            Section(
                "approvals",
                "Who decides at the gates.",
                {
                    "variants": Field(_SWITCH, "Variant images.", default="`human`"),
                    "scenes": Field(_SWITCH, "Scenes.", default="`human`"),
                    "except_for": Field(ListOf(OWN_APPROVALS), "Characters with gates of their own."),
                },
            ),
            "Who decides at the gates.",
        ),
        "budget": Field(
            Section(
                "budget",
                "Upper limits; what is not given is not limited.",
                {
                    "gpu_hours": Field(_LIMIT, "Generation time of any backend, in hours."),
                    "disk_gb": Field(_LIMIT, "Disk, in GB of 1,000,000,000 bytes."),
                    "money": Field(_LIMIT, "Money, in the currency of the studio."),
                    "thresholds": Field(
                        ListOf(THRESHOLD, limit=MOST_THRESHOLDS), "Levels of each of these limits, ten at most, none twice."
                    ),
                },
            ),
            "Upper limits.",
        ),
        "schedule": Field(
            Section(
                "schedule",
                "When its generation may start, and how much at once. `./stripboard schedule` sets it too; the newest counts.",
                {
                    "quiet_hours": Field(_WINDOW, "A window of each day in which no generation starts; what runs goes on."),
                    "time_zone": Field(_LINE, "Where these hours are meant, like `Europe/Berlin`.", default="`UTC`"),
                    "start_after": Field(_MOMENT, "No generation of the run starts before; in quotes, with a time zone."),
                    "deadline": Field(_MOMENT, "When the run is due; as it comes near, its jobs go first."),
                    "parallel": Field(_AT_ONCE, "So many jobs of generation at once at most."),
                    "scene_types": Field(
                        MapOf(_AT_ONCE, key=NAME_PATTERN, key_words="the name of a scene type"),
                        "The same for single scene types, by their names.",
                    ),
                    "share": Field(_SHARE, "How much of the fleet it gets beside other productions that wait.", default="1"),
                },
            ),
            "When work may start.",
        ),
        "triggers": Field(ListOf(Free()), "Rules: when this happens, do that."),
        "naming": Field(
            Text(limit=TEMPLATE_CHARACTERS, may_be_empty=False),
            "Template of the names of delivered files; see Names of files.",
            default=f"`{DEFAULT_TEMPLATE}`",
        ),
        "outputs": Field(ListOf(OUTPUT, limit=100), "Exports of every approved scene."),
    },
)
ROOT = Section(
    "file",
    "A production file has one key at the top.",
    {"production": Field(PRODUCTION, "The production.", required=True)},
)


def sections() -> tuple[Section, ...]:
    """Every section of the format, in the order of the file."""
    found: dict[str, Section] = {}

    def walk(kind: Kind) -> None:
        if isinstance(kind, (ListOf, MapOf)):
            walk(kind.entry)
        if isinstance(kind, Section) and kind.name not in found:
            found[kind.name] = kind
            for entry in kind.fields.values():
                walk(entry.kind)

    walk(ROOT)
    return tuple(found.values())
