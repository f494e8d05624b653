"""The rules of the house, read from the source: rooms, arrows, purity, sizes, words. `problems(root)` lists what breaks them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60
OURS = {"pipeline", "data", "components", "pages", "app", "launcher", "tests"}
SOURCES = ("stripboard", "*.py", "launcher/**/*.py", "pipeline/**/*.py", "data/**/*.py", "components/**/*.py", "pages/**/*.py")
VAGUE_NAMES = {"manager", "managers", "util", "utils", "handler", "handlers", "info", "process", "item", "helpers", "misc"}
NOTE_WORDS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
IMPURE_MODULES = {
    "asyncio", "glob", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "signal", "socket",
    "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint"}
IMPURE_METHODS = {"now", "utcnow", "today", "uuid1", "uuid4", "getnode"}


@dataclass(frozen=True)
class Room:
    """A part of the house: which files are in it, and what its files may import.

    `may` names rooms; its own is included unless `apart`, where each module stands alone. `libraries` lists the third-party
    packages it may use; None is any but those in `never`. `lazy` says what it may import inside functions.
    """

    name: str
    path: str
    may: frozenset[str] = frozenset()
    libraries: frozenset[str] | None = frozenset()
    never: frozenset[str] = frozenset()
    lazy: str = "nothing"  # or "libraries", "everything"
    apart: bool = False


CORE = frozenset({"domain", "ports"})
SHARED_ADAPTERS = frozenset({"small_files", "media", "storage"})
"""What every family of adapters may use: a few calls to the system, pictures and video, and the store of files."""
NEVER_IN_ADAPTERS = frozenset({"sqlalchemy", "alembic", "click", "dash", "fastapi", "apscheduler"})
MIGRATIONS = "data/migrations/versions/"
FIXED_ROOMS = [
    Room("domain", "pipeline/domain/"),
    Room("ports", "pipeline/ports.py", may=frozenset({"domain"})),
    Room("small_files", "pipeline/adapters/small_files.py"),
    Room("media", "pipeline/adapters/media/", may=CORE | {"small_files"}, libraries=None, never=NEVER_IN_ADAPTERS,
         lazy="libraries"),
    Room("storage", "pipeline/adapters/storage/", may=CORE | {"small_files"}, libraries=None, never=NEVER_IN_ADAPTERS),
    Room("adapters", "pipeline/adapters/__init__.py"),
    Room("data", "data/", may=frozenset({"domain"}), libraries=frozenset({"sqlalchemy", "alembic", "cattrs", "pysqlite3"}),
         lazy="libraries"),
    Room("services", "pipeline/services/", may=CORE | {"data"}),
    Room("engine", "pipeline/engine/", may=CORE | {"services"}, libraries=frozenset({"apscheduler", "filelock"})),
    Room("settings", "pipeline/settings.py", may=frozenset({"domain"})),
    Room("cli", "pipeline/cli", may=frozenset({"domain", "wiring", "settings", "bench", "app"}),
         libraries=frozenset({"click", "rich", "uvicorn"}),
         lazy="everything"),
    Room("cli", "pipeline/__main__.py", may=frozenset({"domain", "wiring", "settings"}), lazy="everything"),
    Room("bench", "pipeline/bench/", may=CORE | {"services", "engine", "data", "wiring", "settings"},
         libraries=frozenset({"sqlalchemy", "websockets"})),
    Room("double", "pipeline/double/", may=CORE | {"media", "adapters.backends"},
         libraries=frozenset({"aiohttp", "numpy", "av", "PIL", "psutil", "uvloop"}), lazy="libraries"),
    Room("presets", "pipeline/presets/"),
    Room("templates", "pipeline/templates/"),
    Room("root", "pipeline/__init__.py"),
    Room("api", "pipeline/api/", may=frozenset({"domain", "wiring"}), libraries=frozenset({"fastapi", "pydantic", "starlette"})),
    Room("components", "components/", may=frozenset({"domain"}), libraries=None, never=NEVER_IN_ADAPTERS - {"dash"}),
    Room("pages", "pages/", may=frozenset({"domain", "wiring", "components"}), libraries=None, never=frozenset({"sqlalchemy"}),
         apart=True),
    Room("app", "app.py", may=frozenset({"settings", "wiring", "api", "components", "pages"}), libraries=None),
    Room("launcher", "launcher/", lazy="everything"),
    Room("launcher", "stripboard", lazy="everything"),
]  # fmt: skip


def rooms(root: Path) -> list[Room]:
    """All rooms, the most particular first. Each family of adapters is a room of its own, and only the wiring knows them."""
    found = list(FIXED_ROOMS)
    stems = {path.stem for path in (root / "pipeline" / "adapters").glob("[a-z]*")}
    families = sorted({family_name(stem) for stem in stems} - SHARED_ADAPTERS)
    for name in families:
        path = f"pipeline/adapters/{name}"
        may = CORE | SHARED_ADAPTERS
        found.append(Room(f"adapters.{name}", path, may=may, libraries=None, never=NEVER_IN_ADAPTERS, lazy="libraries"))
    known = CORE | SHARED_ADAPTERS | {"services", "engine", "data", "settings", "adapters"}
    known |= {f"adapters.{name}" for name in families}
    found.append(Room("wiring", "pipeline/wiring", may=known, libraries=frozenset({"filelock", "dash"}), lazy="everything"))
    return sorted(found, key=lambda room: -len(room.path))


def family_name(stem: str) -> str:
    """Single files with the same first word are one family: `yaml_files.py` and `yaml_values.py`."""
    return stem.split("_")[0]


@dataclass(frozen=True)
class Import:
    """One imported module, as far as it can be told: `module` is ours when its first part is."""

    module: str
    line: int
    is_inside: bool


class Source:
    """One parsed file."""

    def __init__(self, root: Path, path: Path) -> None:
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        self.nodes = list(ast.walk(self.tree))
        parts = list(path.relative_to(root).with_suffix("").parts)
        self.is_package = parts[-1] == "__init__"
        self.module = ".".join(parts[:-1] if self.is_package else parts)

    def imports(self, known: set[str]) -> list[Import]:
        """Every import, once; `from package import module` counts as the module when there is one."""
        return list(dict.fromkeys(self._imports(known)))

    def opens_transactions(self) -> bool:
        """Whether it calls `something.begin(...)`."""
        calls = (node.func for node in self.nodes if isinstance(node, ast.Call))
        return any(isinstance(function, ast.Attribute) and function.attr == "begin" for function in calls)

    def _imports(self, known: set[str]) -> Iterator[Import]:
        inside = self._inside_functions
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, node.lineno, id(node) in inside)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                for alias in node.names:
                    whole = f"{base}.{alias.name}"
                    is_module = whole in known or base in {"pipeline", "data"}  # these two packages are empty
                    yield Import(whole if is_module else base, node.lineno, id(node) in inside)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = self.module.split(".")
        kept = here[: len(here) - node.level + (1 if self.is_package else 0)]
        return ".".join([*kept, *([node.module] if node.module else [])])

    @cached_property
    def _inside_functions(self) -> set[int]:
        functions = [node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        return {id(node) for function in functions for node in ast.walk(function) if node is not function}


def problems(root: Path) -> list[str]:
    """Everything in this checkout that breaks a rule, as `file:line: what is wrong`."""
    sources = read(root)
    tests = [Source(root, path) for path in sorted(root.glob("tests/**/*.py"))]
    known = {source.module for source in [*sources, *tests]}
    plan = rooms(root)
    openers = {source.module for source in sources if source.opens_transactions()}
    found: list[str] = []
    for source in sources:
        room = room_of(source.path, plan)
        if room is None:
            found.append(f"{source.path}:1: this file has no room; see docs/ARCHITECTURE.md")
            continue
        found += arrows(source, room, plan=plan, known=known)
        if room.name == "services" and source.module != "pipeline.services.triggers":
            found += siblings(source, known=known, openers=openers)
        found += purity(source, room)
        found += docstrings(source)
    for source in [*sources, *tests]:
        found += sizes(source)
        found += words(source)
    return found + cycles(sources, known)


def read(root: Path) -> list[Source]:
    """Every file of the program."""
    files = sorted({path for pattern in SOURCES for path in root.glob(pattern) if path.is_file()})
    return [Source(root, path) for path in files]


def libraries(root: Path) -> set[str]:
    """The third-party packages that the program imports, by the name in the import."""
    tops = {used.module.split(".")[0] for source in read(root) for used in source.imports(set())}
    return tops - OURS - sys.stdlib_module_names - {"__future__"}


def room_of(path: str, plan: list[Room]) -> Room | None:
    """The room that this file is in. A path with neither / nor .py at its end may be a file or a package."""
    for room in plan:
        stem = room.path.removesuffix(".py")
        if path == room.path or (room.path.endswith("/") and path.startswith(room.path)):
            return room
        if not room.path.endswith((".py", "/")) and re.match(re.escape(stem) + r"(/|_\w+\.py$|\.py$)", path):
            return room
    return None


def arrows(source: Source, room: Room, *, plan: list[Room], known: set[str]) -> Iterator[str]:
    """Who may import whom, which libraries, and what may be imported inside a function."""
    for used in source.imports(known):
        where = f"{source.path}:{used.line}"
        top = used.module.split(".")[0]
        is_ours = top in OURS
        if used.is_inside and (room.lazy == "nothing" or (room.lazy == "libraries" and is_ours)):
            yield f"{where}: {used.module} is imported inside a function"
        if is_ours:
            yield from arrow_to_ours(source, room, used, plan=plan)
        elif top not in sys.stdlib_module_names and top != "__future__":
            is_allowed = top not in room.never if room.libraries is None else top in room.libraries
            if not is_allowed:
                yield f"{where}: {room.name} must not use {top}"


def arrow_to_ours(source: Source, room: Room, used: Import, *, plan: list[Room]) -> Iterator[str]:
    """One import of one of our own modules."""
    where = f"{source.path}:{used.line}"
    path = used.module.replace(".", "/")
    target = room_of(f"{path}.py", plan) or room_of(f"{path}/__init__.py", plan)
    if target is None:
        yield f"{where}: {room.name} must not import {used.module}"
    elif target.name == room.name:
        if room.apart and not used.module.split(".")[-1].startswith("_"):
            yield f"{where}: {room.name} do not import each other"
    elif target.name not in room.may:
        yield f"{where}: {room.name} must not import {target.name} ({used.module})"


def siblings(source: Source, *, known: set[str], openers: set[str]) -> Iterator[str]:
    """What services share works inside a transaction that it is handed; who opens one is a service, and those stay apart."""
    for used in source.imports(known):
        if used.module.startswith("pipeline.services.") and used.module in openers:
            yield f"{source.path}:{used.line}: {used.module} opens transactions, so other services must not call it"


def purity(source: Source, room: Room) -> Iterator[str]:
    """The domain decides from what it is given; only the settings read the environment."""
    if room.name == "domain":
        for used in source.imports(set()):
            if used.module in IMPURE_MODULES or used.module.split(".")[0] in IMPURE_MODULES:
                yield f"{source.path}:{used.line}: the domain must not use {used.module}"
    for node in source.nodes:
        if room.name == "domain" and isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            is_impure = name in IMPURE_METHODS if isinstance(node.func, ast.Attribute) else name in IMPURE_CALLS | IMPURE_METHODS
            if is_impure:
                yield f"{source.path}:{node.lineno}: the domain must not call {name}()"
        reads = isinstance(node, ast.Attribute | ast.alias) and (getattr(node, "attr", None) or getattr(node, "name", None))
        if reads in {"environ", "environb", "getenv"} and room.name not in {"settings", "launcher"}:
            yield f"{source.path}:{node.lineno}: only pipeline/settings.py reads the environment"


def docstrings(source: Source) -> Iterator[str]:
    """Every module says what it keeps, every public function and class what it promises. Two packages stay empty."""
    if source.path in {"pipeline/__init__.py", "data/__init__.py"}:
        if source.text.strip():
            yield f"{source.path}:1: this file stays empty, so that data can stand between domain and services"
        return
    if source.tree.body and not ast.get_docstring(source.tree):
        yield f"{source.path}:1: the module has no docstring"
    for node in source.tree.body:
        is_named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if is_named and not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"{source.path}:{node.lineno}: {node.name} has no docstring"


def sizes(source: Source) -> Iterator[str]:
    """A file stops at 400 lines, a function at 60; a migration lists the columns of whatever it makes."""
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield f"{source.path}:1: {lines} lines; a file stops at {FILE_LINES}"
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not source.path.startswith(MIGRATIONS):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{source.path}:{node.lineno}: {node.name} has {length} lines; a function stops at {FUNCTION_LINES}"


def words(source: Source) -> Iterator[str]:
    """No notes to self, no file whose name says nothing."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if NOTE_WORDS.search(line):
            yield f"{source.path}:{number}: a note to self; do it or remove it"
    if source.module.split(".")[-1] in VAGUE_NAMES:
        yield f"{source.path}:1: the name says nothing; see docs/glossary.md"


def cycles(sources: list[Source], known: set[str]) -> list[str]:
    """Loops among modules, each as the path that closes it."""
    graph = {
        source.module: sorted({used.module for used in source.imports(known)} & known - {source.module}) for source in sources
    }
    done: set[str] = set()
    found: list[str] = []

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            found.append("import loop: " + " -> ".join([*path[path.index(module) :], module]))
            return
        if module in done:
            return
        for target in graph.get(module, ()):
            visit(target, [*path, module])
        done.add(module)

    for module in graph:
        visit(module, [])
    return found
