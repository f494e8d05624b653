"""ASC MHL: the film trade's media hash list, written and read with its reference library."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import ascmhl.commands
import ascmhl.errors
import ascmhl.hasher
import ascmhl.history

from pipeline.domain.delivery import CHECKSUMS_NAME, MHL_FOLDER

HASH_FORMAT = "xxh128"
CHAIN_NAME = "ascmhl_chain.xml"
COMMENT = "Delivery package made by Stripboard"

_ENCODING = re.compile(rb"""encoding\s*=\s*["'](?!utf-?8["']|us-ascii["']|ascii["'])""", re.IGNORECASE)
_FAILURES = (
    ascmhl.errors.NoMHLHistoryException,
    ascmhl.errors.ModifiedMHLManifestFileException,
    ascmhl.errors.NoMHLChainException,
    ascmhl.errors.MissingMHLManifestException,
)


def write_history(root: Path, *, author: str) -> None:
    """Write the first generation of an ASC MHL history of all files below `root` but SHA256SUMS, into `root/ascmhl`."""
    shutil.rmtree(root / MHL_FOLDER, ignore_errors=True)
    with warnings.catch_warnings():
        # The library still asks pathspec for its old pattern class by name.
        warnings.filterwarnings("ignore", message="GitWildMatchPattern", category=DeprecationWarning)
        ascmhl.commands.create_for_folder_subcommand(
            str(root),
            verbose=False,
            detect_renaming=False,
            hash_formats=[HASH_FORMAT],
            no_directory_hashes=False,
            author_name=author or None,
            author_email=None,
            author_phone=None,
            author_role=None,
            location=None,
            comment=COMMENT,
            ignore_list=[CHECKSUMS_NAME],  # written afterwards, for it lists this history too
        )


def read_history(documents: Mapping[str, bytes]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Read a history given as {name inside the ascmhl folder: bytes}: (path → (hash format, hash), problems).

    The chain is checked: no generation may have been altered, lost or slipped in. The bytes may be hostile.
    """
    problems = _unsafe(documents)
    if problems:
        return {}, problems
    with tempfile.TemporaryDirectory(prefix="stripboard-mhl-") as folder:
        place = Path(folder) / MHL_FOLDER
        place.mkdir()
        for name, data in documents.items():
            (place / name).write_bytes(data)
        try:
            history = ascmhl.history.MHLHistory.load_from_path(folder)
        except _FAILURES as error:
            return {}, [re.sub(re.escape(folder) + "/?", "", error.format_message())]
        except (SyntaxError, ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError) as error:
            return {}, [f"the media hash list cannot be read: {type(error).__name__}"]
        return _entries(history)


def new_hasher(hash_format: str) -> Any:
    """A hash of this ASC MHL format with `update(bytes)` and `string_digest()`."""
    return ascmhl.hasher.new_hasher_for_hash_type(hash_format)


def _entries(history: Any) -> tuple[dict[str, tuple[str, str]], list[str]]:
    entries: dict[str, tuple[str, str]] = {}
    problems = []
    for hash_list in history.hash_lists:
        for media in hash_list.media_hashes:
            if media.is_directory:
                continue
            if not media.hash_entries:
                problems.append(f'"{media.path}" is listed without a hash')
                continue
            entry = media.hash_entries[0]
            if entry.hash_format not in ascmhl.hasher.HashType.__members__:
                problems.append(f'"{media.path}" has a hash of the unknown format {entry.hash_format}')
                continue
            entries.setdefault(str(media.path), (str(entry.hash_format), str(entry.hash_string)))
    if not entries:
        problems.append("the media hash list lists no file")
    return entries, problems


def _unsafe(documents: Mapping[str, bytes]) -> list[str]:
    """Why these documents may not be handed to the library: the chain's file names are opened as they stand."""
    if CHAIN_NAME not in documents:
        return [f"{MHL_FOLDER}/{CHAIN_NAME} is missing"]
    for name, data in documents.items():
        if "/" in name or b"\x00" in data or b"<!" in data.replace(b"<!--", b"") or _ENCODING.search(data[:200]):
            return [f"{MHL_FOLDER}/{name} is not a plain UTF-8 document"]
    try:
        chain = ElementTree.fromstring(documents[CHAIN_NAME])
    except (SyntaxError, ValueError, LookupError):
        return [f"{MHL_FOLDER}/{CHAIN_NAME} is not XML"]
    named = [str(element.text) for element in chain.iter() if element.tag.rpartition("}")[2] == "path"]
    foreign = [name for name in named if name not in documents]
    unnamed = sorted(set(documents) - set(named) - {CHAIN_NAME})
    problems = [f'the chain names "{name[:120]}", which is not in the {MHL_FOLDER} folder' for name in foreign]
    return problems + [f"{MHL_FOLDER}/{name} is not in the chain" for name in unnamed]
