"""File names of a delivery: a closed template grammar, safe names from any values, and no two files with one name."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from pipeline.domain.errors import Conflict, Invalid

DEFAULT_TEMPLATE = "{format}/{character}/{scene:03}_{scene_type}_{variant}_t{take:02}"

TOKENS: Mapping[str, str] = {
    "project": "title of the production",
    "character": "name of the character",
    "scene_type": "name of the scene type",
    "variant": "name of the variant",
    "location": "name of the location",
    "shot": "name of the shot; empty in the matrix",
    "format": "name of the output; `scenes` where there are no outputs",
    "scene": "scene number of a shot; a number, empty in the matrix",
    "take": "number of the approved take; a number",
    "ordinal": "place in matrix and shot list from 1 on; a number",
}
NUMBER_TOKENS = ("scene", "take", "ordinal")

TEMPLATE_CHARACTERS = 500
VALUE_BYTES = 60  # of one token's value
COMPONENT_BYTES = 160  # of one folder or file name; file systems stop at 255
PATH_BYTES = 240  # of the whole name: Windows tools still stop at 260

_LITERAL = re.compile(r"[A-Za-z0-9 ._\-+()/]*")
_TOKEN = re.compile(r"\{([^{}]*)\}")
_WIDTH = re.compile(r"0[1-9]")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8})?")
_SEPARATORS = " ._-"
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])", re.IGNORECASE)


class _Told(Invalid):
    """What is wrong is `told`, what to change is the `cure`."""

    def __init__(self, told: str, cure: str) -> None:
        super().__init__(f"{told} {cure}")
        self.told, self.cure = told, cure


class BadTemplate(_Told):
    """A name template breaks the grammar; the message names the part and the cure."""


class BadName(_Told):
    """A template makes no usable name of some values."""


class NameCollision(Conflict):
    """Two files of a delivery would get the same name (case-insensitively), or one the name of the other's folder.

    `told` names the two, `cure` says what would tell them apart.
    """

    def __init__(self, *, name: str, first: str, second: str, cure: str) -> None:
        self.told, self.cure = f'"{first}" and "{second}" would both be named "{name}".', cure
        super().__init__(f"{self.told} {cure}")
        self.name, self.first, self.second = name, first, second


@dataclass(frozen=True)
class NameValues:
    """What the tokens stand for. A value that is None leaves its token out, together with one neighbouring separator."""

    project: str | None = None
    character: str | None = None
    scene_type: str | None = None
    variant: str | None = None
    location: str | None = None
    shot: str | None = None
    format: str | None = None
    scene: int | None = None
    take: int | None = None
    ordinal: int | None = None


@dataclass(frozen=True)
class Piece:
    """A literal (`token` is empty) or a token with the zero-padded `width` of its number."""

    text: str = ""
    token: str = ""
    width: int = 0


@dataclass(frozen=True)
class Template:
    """A parsed template: per path component its pieces. Made by `parse`."""

    source: str
    components: tuple[tuple[Piece, ...], ...]

    @property
    def tokens(self) -> frozenset[str]:
        """The tokens it uses."""
        return frozenset(piece.token for pieces in self.components for piece in pieces if piece.token)


@dataclass(frozen=True)
class Naming:
    """One file to be named: `label` is its unique key, `cell` what a person calls its origin, `suffix` such as `.mp4`."""

    label: str
    cell: str
    values: NameValues
    suffix: str = ""


def parse(source: str) -> Template:
    """Parse a template such as `{format}/{character}/{scene:03}_t{take:02}`; slashes make folders.

    Raises BadTemplate with the part that is wrong and the nearest right one.
    """
    if len(source) > TEMPLATE_CHARACTERS:
        raise BadTemplate(f"The name template has {len(source)} characters.", f"At most {TEMPLATE_CHARACTERS} are accepted.")
    components = tuple(_parse_component(part, source) for part in source.split("/"))
    template = Template(source=source, components=components)
    if not template.tokens:
        raise BadTemplate(f'The name template "{source}" has no token, so all files would get one name.', "Add {ordinal:04}.")
    return template


def render(template: Template, values: NameValues, *, suffix: str = "") -> str:
    """The relative path with forward slashes: safe on Linux, macOS and Windows, never absolute, never above its root.

    Raises BadName when nothing is left of the name, or the whole is longer than PATH_BYTES.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise Invalid(f'"{suffix}" is not a file name suffix. Use a dot and up to eight lower-case letters or digits.')
    rendered = [_render_component(pieces, values) for pieces in template.components]
    if not rendered[-1]:
        raise BadName(f'The last part of the name template "{template.source}" comes out empty.', "Add {ordinal:04} to it.")
    path = "/".join(part for part in rendered if part) + suffix
    if len(path.encode()) > PATH_BYTES:
        cure = f'Use fewer tokens in "{template.source}", or shorter names.'
        raise BadName(f'The name "{path}" has {len(path.encode())} bytes; at most {PATH_BYTES} are accepted.', cure)
    return path


def name_all(template: Template, namings: Iterable[Naming]) -> dict[str, str]:
    """Name every file of a delivery: label → path.

    Raises NameCollision for the first two that clash, naming both cells and the token that tells them apart, and BadName for
    the first that has no usable name.
    """
    names: dict[str, str] = {}
    seen: dict[str, Naming] = {}
    folders: dict[str, Naming] = {}
    for naming in namings:
        if naming.label in names:
            raise Invalid(f'Two files of the delivery have the label "{naming.label}". Labels must be unique.')
        name = _rendered(template, naming)
        key = collision_key(name)
        folder, has_folder, _ = key.rpartition("/")
        parents = _folders(folder) if has_folder else ()
        other = seen.get(key) or folders.get(key) or next((seen[parent] for parent in parents if parent in seen), None)
        if other is not None:
            cure = _cure(template, other.values, naming.values)
            raise NameCollision(name=name, first=other.cell, second=naming.cell, cure=cure)
        seen[key] = naming
        folders.update(dict.fromkeys(parents, naming))
        names[naming.label] = name
    return names


def without_format_folder(template: Template) -> Template:
    """The template of the same names below a folder that holds one format: without a leading folder that is `{format}` alone."""
    first, *rest = template.components
    return replace(template, components=tuple(rest)) if rest and first == (Piece(token="format"),) else template


def is_safe_path(name: str) -> bool:
    """Whether a relative path with forward slashes may be written below a folder on any system without leaving it."""
    if not name or len(name.encode("utf-8", "replace")) > 1024 or any(char in name for char in '\\:*?"<>|'):
        return False
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        return False
    return all(_is_safe_component(part) for part in name.split("/"))


def collision_key(name: str) -> str:
    """Equal for two names that some file system takes for the same one (case, composed and compatible forms)."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """A safe file name part: accents folded away, letters and digits of every script and `_` kept, all else becomes `-`.

    At most VALUE_BYTES long; what is cut off leaves a short hash, so that different texts stay different. May be empty.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    # Marks carry meaning in Indic, Thai or Arabic scripts; only those of otherwise ASCII letters are accents.
    is_latin = all(char.isascii() or not char.isalpha() for char in decomposed)
    dropped = "" if not is_latin else "Mn"
    kept = [char if _is_letter(char) or char == "_" else "-" for char in decomposed if unicodedata.category(char) != dropped]
    value = unicodedata.normalize("NFC", re.sub("-+", "-", "".join(kept)).strip("-_"))
    return _bounded(value, VALUE_BYTES)


@lru_cache(maxsize=4096)
def _folders(folder: str) -> tuple[str, ...]:
    parts = folder.split("/")
    return tuple("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))


def _rendered(template: Template, naming: Naming) -> str:
    try:
        return render(template, naming.values, suffix=naming.suffix)
    except BadName as error:
        raise BadName(f'"{naming.cell}": {error.told}', error.cure) from None


def _is_safe_component(part: str) -> bool:
    if not part or part[0] in ". " or part[-1] in ". " or len(part.encode()) > 255:
        return False
    return not _RESERVED.fullmatch(part.split(".")[0].strip())


def _is_letter(char: str) -> bool:
    # The two Hangul fillers count as letters but show nothing.
    return (char.isalnum() or unicodedata.category(char) in ("Mn", "Mc")) and char not in "\u115f\u1160"


def _parse_component(part: str, source: str) -> tuple[Piece, ...]:
    if not part.strip(_SEPARATORS):
        raise BadTemplate(f'The name template "{source}" has the part "{part}", which is not a file name.', "Remove it.")
    pieces: list[Piece] = []
    end = 0
    for match in _TOKEN.finditer(part):
        pieces += [_literal(part[end : match.start()], source), _token(match[1])]
        end = match.end()
    pieces.append(_literal(part[end:], source))
    return tuple(piece for piece in pieces if piece.text or piece.token)


def _literal(text: str, source: str) -> Piece:
    if "{" in text or "}" in text:
        told = f'The name template "{source}" has a brace without its partner near "{text}".'
        raise BadTemplate(told, "Write tokens like {character}; names hold no braces.")
    if not _LITERAL.fullmatch(text):
        bad = next(char for char in text if not _LITERAL.fullmatch(char))
        told = f'The name template "{source}" has the character {bad!r}.'
        raise BadTemplate(told, 'Beside tokens, letters without accents, digits and " ._-+()/" are accepted.')
    return Piece(text=text)


def _token(inside: str) -> Piece:
    name, colon, width = inside.partition(":")
    if name not in TOKENS:
        near = difflib.get_close_matches(name.strip().lower(), TOKENS, n=1, cutoff=0.5)
        hint = f"Did you mean {{{near[0]}}}?" if near else f"There are: {', '.join(f'{{{token}}}' for token in TOKENS)}."
        raise BadTemplate(f"There is no token {{{inside}}} in name templates.", hint)
    if not colon:
        return Piece(token=name)
    if name not in NUMBER_TOKENS:
        raise BadTemplate(f"{{{inside}}}: {name} is text and takes no width.", f"Write {{{name}}}.")
    if not _WIDTH.fullmatch(width):
        raise BadTemplate(f"{{{inside}}}: a width is 0 and one digit.", f"Write {{{name}:03}}.")
    return Piece(token=name, width=int(width))


def _render_component(pieces: tuple[Piece, ...], values: NameValues) -> str:
    text = ""
    is_after_gap = False
    for piece in pieces:
        if piece.token:
            value = _value(piece, values)
            is_after_gap = not value
            text += value
        else:
            # A token without a value takes the separator behind it along: `{scene:03}_{scene_type}` becomes `dance`.
            text += piece.text.lstrip(_SEPARATORS) if is_after_gap else piece.text
            is_after_gap = False
    text = _bounded(re.sub(r"\.{2,}", ".", text).strip(_SEPARATORS), COMPONENT_BYTES)
    # Windows takes `con` and `con.anything` for a device.
    return f"_{text}" if _RESERVED.fullmatch(text.split(".")[0].strip()) else text


def _value(piece: Piece, values: NameValues) -> str:
    value = getattr(values, piece.token)
    if value is None:
        return ""
    if piece.token in NUMBER_TOKENS:
        if value < 0:
            raise Invalid(f"{{{piece.token}}} is {value}; numbers in names start at 0.")
        return str(value).zfill(piece.width)
    return slug(str(value))


def _bounded(text: str, limit: int) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    mark = "-" + hashlib.sha256(data).hexdigest()[:8]
    return data[: limit - len(mark)].decode("utf-8", "ignore") + mark


def _cure(template: Template, first: NameValues, second: NameValues) -> str:
    """Which token to add so that the two names differ."""
    for field in fields(NameValues):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if one == other or field.name in template.tokens:
            continue
        if field.name in NUMBER_TOKENS or slug(str(one or "")).casefold() != slug(str(other or "")).casefold():
            return f'Add {{{field.name}}} to the name template "{template.source}".'
    if first.ordinal is not None and first.ordinal == second.ordinal:
        return "Rename one of them."
    return f'Rename one of them, or add {{ordinal:04}} to the name template "{template.source}".'
