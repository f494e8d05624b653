"""Productions from outside: a text, and files that were sent before; nothing else of this machine is looked at."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.domain import uploads
from pipeline.domain.document import parse
from pipeline.domain.errors import Invalid, NotFound, Unavailable
from pipeline.domain.presets import Presets
from pipeline.domain.records import StoredFile
from pipeline.domain.sources import Document
from pipeline.ports import Media
from pipeline.services.productions import LoadedProduction, Productions


class Intake:
    """Takes files and productions in.

    `load_text` reads the text of a production with the folder that its paths start from; `place` copies a stored file.
    Productions are kept below `root`, in folders named by what is in them.
    """

    def __init__(
        self,
        productions: Productions,
        presets: Presets,
        *,
        media: Media,
        load_text: Callable[[str, str], Document],
        place: Callable[[str, Path], None],
        root: Path,
    ) -> None:
        self._productions = productions
        self._presets = presets
        self._media = media
        self._load_text = load_text
        self._place = place
        self._root = root

    def take_file(self, content: bytes, media_type: str) -> StoredFile:
        """Store a file; it is kept for an hour, and for good once a run is made from it."""
        if not content:
            raise Invalid("The file is empty. Send its content as the body of the request.")
        with self._workplace() as folder:
            (folder / "content").write_bytes(content)
            return self._media.adopt(folder / "content", media_type)

    @contextmanager
    def opened(self, text: str, files: Mapping[str, str]) -> Iterator[LoadedProduction]:
        """The production of this text, whose files (path as written -> hash) were sent before; with everything that is wrong.

        Raises Invalid when it names a file that is not among them, Refused when it names a program of this machine.
        """
        uploads.check_names(files)
        with self._workplace() as folder:
            document = self._load_text(text, str(folder))
            self._check(document, files)
            for name, sha256 in files.items():
                self._put(name, sha256, folder / name)
            loaded = self._productions.examine(document, Path("production"))
            uploads.check_paths(document, loaded.production, files)
            yield loaded

    def keep(self, loaded: LoadedProduction, text: str, files: Mapping[str, str]) -> LoadedProduction:
        """The same production with its files in a folder that stays."""
        content = json.dumps([text, sorted(files.items())]).encode()
        target = self._root / hashlib.sha256(content).hexdigest()[:32]
        try:
            if not target.exists():
                with self._workplace() as folder:
                    shutil.copytree(loaded.base_dir, folder / "kept")
                    (folder / "kept").rename(target)
        except OSError as error:
            if not target.is_dir():
                raise Unavailable(f"The production could not be stored: {error.strerror or error}. Free some room.") from error
        return replace(loaded, base_dir=target)

    def _check(self, document: Document, files: Mapping[str, str]) -> None:
        uploads.check_paths(document, parse(document, self._presets).production, files)

    def _put(self, name: str, sha256: str, target: Path) -> None:
        try:
            self._place(sha256, target)
        except NotFound as error:
            raise Invalid(f'files: nothing is stored under the hash of "{name}". Send the file first, then name it.') from error

    @contextmanager
    def _workplace(self) -> Iterator[Path]:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".incoming-", dir=self._root))
        except OSError as error:
            raise Unavailable(f'"{self._root}" cannot be written: {error.strerror or error}.') from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
