"""YAML files to plain data with places, within bounds: no surprise types, no duplicate keys, no alias bombs."""

from __future__ import annotations

import json
import re
import stat
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.adapters.yaml_values import FLATTER, REFUSED, Builder, Limits, UnusableNumber, resolve_plain, too_deep
from pipeline.domain.document import dump as dump_document
from pipeline.domain.errors import Invalid, NotFound
from pipeline.domain.issues import Issue, Place, Severity
from pipeline.domain.presets import KINDS, Presets
from pipeline.domain.production import Production
from pipeline.domain.rulesets import Rule
from pipeline.domain.sources import Document, merge

ROOM = Path(__file__).resolve().parent.parent
PRESETS_FOLDER = ROOM / "presets"
TEMPLATES_FOLDER = ROOM / "templates"
LIMITS = Limits()
MAX_FILES = 1000

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SUFFIXES = (".yaml", ".yml")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ProductionNotFound(NotFound):
    """There is nothing at the path."""

    def __init__(self, path: Path, cure: str) -> None:
        super().__init__(f"There is no production at {path}. {cure}")


class ProductionUnreadable(Invalid):
    """Something is at the path, but it cannot be read as a production."""

    def __init__(self, path: Path, reason: str, cure: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}. {cure}")


def load(path: Path, limits: Limits = LIMITS) -> Document:
    """Read one production file, or all YAML files of a folder merged.

    What is wrong inside the files becomes issues. Raises ProductionNotFound and ProductionUnreadable.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ProductionNotFound(path, "Check the path, or start one with `./stripboard create NAME`.") from error
    except (OSError, ValueError) as error:
        raise ProductionUnreadable(path, _reason(error), "Check the path and its permissions.") from error
    if stat.S_ISDIR(mode):
        return _load_folder(path, limits)
    if not stat.S_ISREG(mode):
        raise ProductionUnreadable(path, "it is not a file", "Name a YAML file or a folder of them.")
    text = _read(path, limits.size_bytes)
    return load_text(text, base=str(path.parent), limits=limits)


def load_text(data: bytes | str, *, base: str = ".", file: str | None = None, limits: Limits = LIMITS) -> Document:
    """Read the text of one production file; `file` names it in issues."""
    names = () if file is None else (file,)
    text, problem = _decode(data, file, limits)
    if problem is not None:
        return Document(None, Place(None, file), (problem,), base, names)
    builder = Builder(file, limits)
    try:
        value = builder.build(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        builder.issues.append(_syntax(error, file))
        value = REFUSED
    if value is REFUSED:
        return Document(None, Place(None, file), tuple(builder.issues), base, names)
    return Document(value, builder.place, tuple(builder.issues), base, names)


def dump(production: Production) -> str:
    """The production as YAML that reads back as the same production."""
    return dump_data(dump_document(production))


def dump_data(data: Any) -> str:
    """Plain data as YAML that this loader reads back unchanged."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


@cache
def load_presets(folder: Path = PRESETS_FOLDER) -> Presets:
    """Every built-in preset; read once."""
    tables = {kind: _data_file(folder / f"{kind}.yaml") for kind in KINDS}
    rules = _data_file(folder / "qa.yaml")
    qa = {stage: tuple(Rule(**entry) for entry in entries) for stage, entries in rules.items()}
    return Presets(**tables, qa=qa)


def template_names(folder: Path = TEMPLATES_FOLDER) -> tuple[str, ...]:
    """The starter productions."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def load_template(name: str, title: str, folder: Path = TEMPLATES_FOLDER) -> str:
    """The YAML of a starter production with its title filled in."""
    if name not in template_names(folder):
        known = ", ".join(template_names(folder))
        raise NotFound(f'There is no template "{name}". Known: {known}.')
    text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
    return text.replace("{title}", json.dumps(title, ensure_ascii=False))


def _data_file(path: Path) -> Any:
    """The plain data of one of our own data files."""
    document = load_text(path.read_bytes(), file=path.name)
    if document.issues:
        raise ProductionUnreadable(path, str(document.issues[0]), "Install Stripboard again.")
    return document.data


class _Dumper(yaml.SafeDumper):
    """Writes every text so that it reads back as text, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    try:
        is_plain = resolve_plain(text) is text
    except UnusableNumber:
        is_plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


def _write_float(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(number))


_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(float, _write_float)
_Dumper.add_representer(tuple, yaml.representer.SafeRepresenter.represent_list)


def _load_folder(folder: Path, limits: Limits) -> Document:
    try:
        paths = sorted(entry for entry in folder.iterdir() if entry.suffix in _SUFFIXES and entry.is_file())
    except OSError as error:
        raise ProductionUnreadable(folder, _reason(error), "Check the permissions of the folder.") from error
    if not paths:
        raise ProductionNotFound(folder, "The folder holds no .yaml file.")
    if len(paths) > MAX_FILES:
        raise ProductionUnreadable(folder, f"it holds {len(paths)} YAML files", f"At most {MAX_FILES} are allowed.")
    documents = []
    size, nodes = limits.size_bytes, limits.nodes
    for path in paths:
        data = _read(path, size)
        size -= len(data)
        documents.append(load_text(data, base=str(folder), file=path.name, limits=limits))
        nodes -= _count(documents[-1].places)
        limits = Limits(max(size, 0), limits.depth, max(nodes, 0))
    return merge(documents, base=str(folder))


def _count(place: Place) -> int:
    """How many values a document holds, the keys of sections included."""
    total, waiting = 0, [place]
    while waiting:
        children = waiting.pop().children
        total += sum(2 if isinstance(key, str) else 1 for key in children)
        waiting.extend(child for child in children.values() if isinstance(child, Place))
    return total


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise ProductionNotFound(path, "It was there a moment ago.") from error
    except OSError as error:
        raise ProductionUnreadable(path, _reason(error), "Check its permissions.") from error
    return data


def _decode(data: bytes | str, file: str | None, limits: Limits) -> tuple[str, Issue | None]:
    if len(data) > limits.size_bytes:
        mib = LIMITS.size_bytes / 2**20
        return "", _problem(None, f"The production is larger than {mib:g} MiB.", "Split it into several productions.", file)
    if isinstance(data, bytes):
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            return "", _problem(line, "The file is not UTF-8 text.", "Save it as UTF-8.", file)
    else:
        text = data
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        return "", _problem(line, f"The file holds the control character U+{ord(found.group()):04X}.", "Remove it.", file)
    return text, None


def _syntax(error: yaml.YAMLError, file: str | None) -> Issue:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    context = getattr(error, "context", None)
    if "nesting depth" in problem:  # newer libyaml has a limit of its own, and meets it before we have counted to ours
        return _problem(mark.line + 1 if mark else None, too_deep(Limits().depth), FLATTER, file)
    said = f"{context}, {problem}" if context else str(problem)
    cure = "Check indentation, colons and quotes at this line."
    return _problem(mark.line + 1 if mark else None, f"This is not valid YAML: {said}.", cure, file)


def _problem(line: int | None, message: str, suggestion: str, file: str | None) -> Issue:
    return Issue("", line, Severity.ERROR, message, suggestion, file)


def _reason(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return (text or str(error)).lower()
