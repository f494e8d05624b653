"""Reads the graph of a workflow out of a file: JSON, or a picture or clip that ComfyUI has written it into.

The kind of file is told by its first bytes. ComfyUI keeps the graph as text named `prompt`: in the text chunks of a PNG, in the
EXIF data of a WebP, in the metadata of an MP4 or WebM container; VideoHelperSuite puts it into the container's comment, as JSON.
Where only `workflow` is there, in the editor's format, that is judged. Nothing is decoded beyond headers, nothing is executed.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.files import FileFact
from pipeline.domain.workflows.findings import WorkflowInvalid
from pipeline.domain.workflows.graphs import EXPORT_CURE, Graph, examine

MAX_JSON_BYTES = 32 * 2**20
MAX_PICTURE_BYTES = 512 * 2**20
KEY = "prompt"
EDITOR_KEY = "workflow"
COMMENT_KEY = "comment"
_PICTURES = ("PNG", "WEBP")
_MADE_BY = "Take one that ComfyUI has saved with its metadata, or export the workflow as JSON (API format)."


class _Unreadable(Exception):
    """Why a file holds no JSON value: `problem` reads on after its name."""

    def __init__(self, problem: str, cure: str = EXPORT_CURE) -> None:
        super().__init__(problem)
        self.problem, self.cure = problem, cure


def look(path: Path) -> FileFact:
    """What is in a regular file: its graph and what was found on it, or the problem why there is none. Raises OSError."""
    size = path.stat().st_size
    try:
        examined = examine(_value(path, size))
    except _Unreadable as found:
        return FileFact(found.problem, found.cure, size)
    return FileFact(size_bytes=size, graph=examined.graph, findings=examined.findings)


def load(path: Path, name: str = "") -> Graph:
    """The graph of a file, called `name` in messages. Raises NotFound where there is no file, Invalid where it holds no graph."""
    name = name or path.name
    try:
        if path.is_dir():
            raise Invalid(f"The workflow {name} is a folder. Name one of the files in it.")
        if not path.is_file():
            raise NotFound(f"The workflow {name} does not exist.")
        fact = look(path)
    except OSError as error:
        raise NotFound(f"The workflow {name} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    if fact.problem:
        raise Invalid(f"The workflow {name} {fact.problem} {fact.cure}")
    if fact.graph is None:
        raise WorkflowInvalid(name, fact.findings)
    return fact.graph


def _value(path: Path, size: int) -> Any:
    """The JSON value in a file."""
    if size == 0:
        raise _Unreadable("is empty.")
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"\x89PNG") or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return _parsed(_in_picture(path, size), "holds a workflow that is")
    demuxer = "mov" if head[4:8] == b"ftyp" else "matroska" if head.startswith(b"\x1aE\xdf\xa3") else None
    if demuxer:
        return _parsed(_in_clip(path, demuxer), "holds a workflow that is")
    if size > MAX_JSON_BYTES:
        raise _Unreadable(f"is larger than {MAX_JSON_BYTES // 2**20} MiB.")
    return _parsed(path.read_bytes(), "is")


def _parsed(text: str | bytes, verb: str) -> Any:
    if len(text) > MAX_JSON_BYTES:
        raise _Unreadable(f"{verb} larger than {MAX_JSON_BYTES // 2**20} MiB.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _Unreadable(f"{verb} not JSON: {error.msg} in line {error.lineno}.") from error
    except (RecursionError, ValueError) as error:
        raise _Unreadable(f"{verb} not JSON.") from error


def _in_picture(path: Path, size: int) -> str:
    if size > MAX_PICTURE_BYTES:
        raise _Unreadable(f"is larger than {MAX_PICTURE_BYTES // 2**20} MiB.", _MADE_BY)
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_PICTURES) as picture:
                exif = [value for value in picture.getexif().values() if isinstance(value, str)]
                texts = [text for key in (KEY, EDITOR_KEY) for text in (picture.info.get(key), *_prefixed(exif, key))]
    except Exception as error:  # Pillow's readers raise nearly anything on damaged headers
        raise _Unreadable("is a damaged picture.", _MADE_BY) from error
    return _only(texts, "picture")


def _prefixed(values: list[str], key: str) -> list[str]:
    """The texts of EXIF entries of ComfyUI, which say first what they are."""
    return [value.removeprefix(f"{key}:") for value in values if value.startswith(f"{key}:")]


def _in_clip(path: Path, demuxer: str) -> str:
    import av

    try:
        # The demuxer is fixed and only plain files may be opened: a playlist must not reach other files or the network.
        with av.open(str(path), format=demuxer, options={"protocol_whitelist": "file"}) as container:
            found = {key.casefold(): value for key, value in container.metadata.items()}
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _Unreadable("is a clip that cannot be read.", _MADE_BY) from error
    comment = _commented(found.get(COMMENT_KEY, ""))
    return _only([source.get(key) for key in (KEY, EDITOR_KEY) for source in (found, comment)], "clip")


def _commented(text: str) -> dict[str, str]:
    """What VideoHelperSuite has written into a comment, each value as JSON text; nothing where it is another comment."""
    if len(text) > MAX_JSON_BYTES:
        return {}
    try:
        value = json.loads(text)
    except (RecursionError, ValueError):
        return {}
    entries = value.items() if isinstance(value, dict) else ()
    return {key: inner if isinstance(inner, str) else json.dumps(inner) for key, inner in entries if inner}


def _only(texts: list[Any], what: str) -> str:
    text = next((text for text in texts if isinstance(text, str) and text.strip()), None)
    if text is None:
        raise _Unreadable(f"is a {what} without a workflow in it.", _MADE_BY)
    return text
