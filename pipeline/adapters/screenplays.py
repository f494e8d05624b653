"""Fountain screenplays, read with jouvence, as headings and cues."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.screenplay import Cue, Screenplay, ScriptScene, read_cue

MAX_BYTES = 2 * 2**20
MAX_LINE = 1000
MAX_SCENES = 10_000

_EXTENSIONS = re.compile(r"(\s*\([^()]*\))*\s*\^?$")
_HEADING = re.compile(r"(int|ext|est|i/e)[\s./]", re.IGNORECASE)
_CUE_LENGTH = 100
_IN_NAMES = " -._'’&/"
_BONEYARD = re.compile(r"/\*.*?(\*/|\Z)", re.DOTALL)


class ScreenplayNotFound(NotFound):
    """There is no file at the path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"The screenplay {path} does not exist.")


class ScreenplayUnreadable(Invalid):
    """The file is not a screenplay."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The screenplay {path} cannot be read: {reason}.")


def load(path: Path, shown: str | None = None) -> Screenplay:
    """Read a Fountain file; `shown` is the path for messages. Raises ScreenplayNotFound, ScreenplayUnreadable."""
    name = shown or str(path)
    try:
        if not path.is_file():
            if path.exists():
                raise ScreenplayUnreadable(name, "it is not a file")
            raise ScreenplayNotFound(name)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScreenplayUnreadable(name, reason.lower()) from error
    if len(data) > MAX_BYTES:
        raise ScreenplayUnreadable(name, f"it is larger than {MAX_BYTES // 2**20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScreenplayUnreadable(name, "it is not UTF-8 text") from error
    return read(text, name)


def read(text: str, name: str = "screenplay") -> Screenplay:
    """The scenes of a Fountain text."""
    if "\x00" in text:
        raise ScreenplayUnreadable(name, "it holds binary data")
    document = _parse(_prepared(text), name)
    finder = _Lines(text)
    headed = [scene for scene in document.scenes if scene.header]
    if len(headed) > MAX_SCENES:
        raise ScreenplayUnreadable(name, f"it has {len(headed)} scenes; at most {MAX_SCENES} are allowed")
    scenes = tuple(ScriptScene(scene.header.strip(), _cues(scene), finder.next(scene.header)) for scene in headed)
    return Screenplay(scenes, str(document.title_values.get("title", "")).strip())


def _prepared(text: str) -> str:
    """The text as the parser can take it: without boneyards (it loops on an open one), long lines and outer blanks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _BONEYARD.sub(lambda found: "\n" * found.group().count("\n"), text)
    lines = ["", *(" ".join(line[:MAX_LINE].split()) for line in text.split("\n")), ""]
    triples = zip(lines, lines[1:], lines[2:], strict=False)
    marked = [f"@{line}" if after and not before and _is_cue(line) else line for before, line, after in triples]
    return "\n".join(marked).strip("\n") + "\n\n"


def _is_cue(line: str) -> bool:
    """Whether a line is written as a cue: all in capitals, of any alphabet. The parser knows the letters A to Z only."""
    if len(line) > _CUE_LENGTH:
        return False
    name = _EXTENSIONS.sub("", line)
    is_name = all(sign.isalnum() or sign in _IN_NAMES for sign in name)
    return is_name and name == name.upper() and name != name.lower() and not _HEADING.match(line)


def _parse(text: str, name: str) -> Any:
    from jouvence.parser import JouvenceParser, JouvenceParserError

    try:
        return JouvenceParser().parseString(text)
    except JouvenceParserError as error:
        raise ScreenplayUnreadable(name, f"it is not a Fountain screenplay ({error})") from error


def _cues(scene: Any) -> tuple[Cue, ...]:
    from jouvence.document import TYPE_CHARACTER

    found = (read_cue(paragraph.text or "") for paragraph in scene.paragraphs if paragraph.type == TYPE_CHARACTER)
    return tuple(dict.fromkeys(cue for cue in found if cue.name))


class _Lines:
    """Finds the line of each heading, in order; the parser does not tell."""

    def __init__(self, text: str) -> None:
        self.lines = [" ".join(line.split()).lstrip(".") for line in text.splitlines()]
        self.position = 0

    def next(self, heading: str) -> int | None:
        """The line number of the next line with this heading."""
        wanted = " ".join(heading.split())
        for index in range(self.position, len(self.lines)):
            if self.lines[index] == wanted:
                self.position = index + 1
                return index + 1
        return None
