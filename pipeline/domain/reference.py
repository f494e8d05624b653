"""The reference page of the YAML format, made from the table that the reader checks with."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain.document.scripts import ESTABLISHING, HERO
from pipeline.domain.format.containers import Section
from pipeline.domain.format.table import sections
from pipeline.domain.naming import DEFAULT_TEMPLATE, PATH_BYTES, TOKENS
from pipeline.domain.presets import KINDS, Presets
from pipeline.domain.prompts import PLACEHOLDERS

_INTRODUCTION = """# The production file

<!-- Made by pipeline/domain/reference.py from the format table; a test keeps it up to date. -->

A production is one YAML file, or a folder whose `.yaml` files are merged: sections are joined, lists appended, and a value
or a name given twice is an error. `./stripboard validate PATH` reports everything that is wrong at once, with path, line and
what to write instead. `./stripboard schema` prints the JSON Schema of this page. What a program behind `backend: command`
is told and has to leave is in [command-backend.md](command-backend.md).

Values are read as YAML 1.2: `yes`, `no`, `on`, dates and `12:30` are text; only `true` and `false` are switches. A number
that is meant as text needs quotes (`version: "1.0"`). Keys must not stand twice in a section. Limits: 8 MiB, 32 levels,
500,000 values with aliases written out, one document in a file, UTF-8.

Names are free text of 1 to 80 characters on one line. Names that differ only in case are the same name.
"""

_MEANING = f"""## How it becomes cells

**Matrix.** Characters × scene types × variants, in this order, less `exclude`. A scene type with `variants:` applies to those
only. Without any declared variant each cell uses the source image as it is.

**Shots.** Ordered by scene number, then as listed. A shot uses a scene type, an own template or a built-in one; what is used
becomes a scene type of the production. A shot without `variant:` wears what the wardrobe says for its scene, else the only
variant there is. A shot without `location:` is where its template says, else where the screenplay sets its scene, else at the
only location.

**Screenplay.** Each scene heading of `script:` is a scene, numbered as it says (`#12#`; `#12A#` belongs to scene 12), else
in order. It gives one `{ESTABLISHING}` shot of its place, and one `{HERO}` shot for each character who speaks on screen
((V.O.), (O.S.) and (O.C.) do not count). Headings and cues are matched with declared names whatever their case. An unknown
place is added as a location; an unknown speaker is reported and gets no shot. A scene that `shots:` has shots for gets none
from the screenplay. A scene type or own template named `{ESTABLISHING}` or `{HERO}` is used instead of the built-in one.

**Order.** `after:` names shots that must be approved first. A loop is refused and shown.
"""

_NAMES = f"""## Names of files

`naming:` says what the files of a delivery are called, in its package and in the folders of `outputs:`. Slashes make folders; the
ending comes by itself. Tokens are written in braces, numbers may have a width (`{{scene:03}}`), and between tokens stand letters
without accents, digits and ` ._-+()`. A value becomes letters, digits, `_` and `-`; a token without a value, such as the scene
of a matrix cell, takes the separator behind it along. Without a template it is `{DEFAULT_TEMPLATE}`.

A leading folder that is `{{format}}` alone is left out in the folder of an output, since that has one format. No two files may
get one name, nor names that differ only in case, and none may have more than {PATH_BYTES} bytes; `./stripboard validate` finds
both. Should two fall together all the same, by the numbers of their takes, all of that delivery are named by format, place in
the matrix and take.
"""


def markdown(presets: Presets) -> str:
    """The whole page."""
    parts = [_INTRODUCTION, *(_section(section) for section in sections()), _placeholders(), _MEANING, _names(), _qa(presets)]
    return "\n".join([*parts, _presets(presets)]).rstrip() + "\n"


def _section(section: Section) -> str:
    rows = [
        f"| `{key}` | {entry.kind.words()} | {'**required**' if entry.required else entry.default or '–'} | {entry.help} |"
        for key, entry in section.fields.items()
    ]
    return f"## {section.name}\n\n{section.help}\n\n{_table(('key', 'value', 'default', 'meaning'), rows)}"


def _placeholders() -> str:
    rows = [f"| `{{{name}}}` | {meaning} |" for name, meaning in PLACEHOLDERS.items()]
    rows.append("| `{character.KEY}` | the value of KEY in the character's metadata |")
    table = _table(("placeholder", "becomes"), rows)
    told = "Prompts of scene types and shots may hold these; `{{` and `}}` stand for braces. What they bring in is plain text."
    return f"## Placeholders\n\n{told}\n\n{table}"


def _names() -> str:
    rows = [f"| `{{{token}}}` | {meaning} |" for token, meaning in TOKENS.items()]
    return f"{_NAMES}\n{_table(('token', 'becomes'), rows)}"


def _qa(presets: Presets) -> str:
    rows = [
        f"| {stage} | `{rule.key}` | {rule.limit:g} | {rule.severity} | {rule.text} |"
        for stage, rules in presets.qa.items()
        for rule in rules
    ]
    told = "A scene type may set those of `still` and `scene` under `qa:`."
    return f"## Quality limits\n\n{told}\n\n{_table(('stage', 'key', 'default', 'beyond it', 'meaning'), rows)}"


def _presets(presets: Presets) -> str:
    lines = [f"- **{kind}**: {', '.join(f'`{name}`' for name in presets.table(kind))}" for kind in KINDS]
    return "## Presets\n\nTheir numbers are in `pipeline/presets/`.\n\n" + "\n".join(lines) + "\n"


def _table(head: Iterable[str], rows: Iterable[str]) -> str:
    titles = list(head)
    return "\n".join([f"| {' | '.join(titles)} |", "|" + " --- |" * len(titles), *rows]) + "\n"
