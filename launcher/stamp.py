"""What is installed in `.venv`: a small file written last, so that it is true or absent.

It holds a checksum of the requirements and the real path of the interpreter. Old syntax, as in `stripboard`.
"""

import os
from zlib import adler32, crc32

WINDOWS = os.name == "nt"


def venv_of(root):
    """The folder of the environment."""
    return os.path.join(root, ".venv")


def python_of(root):
    """The environment's interpreter, whether it exists or not."""
    return os.path.join(venv_of(root), "Scripts", "python.exe") if WINDOWS else os.path.join(venv_of(root), "bin", "python")


def requirements_of(root, for_tests):
    """The requirements file to install from; the one for tests includes the other."""
    return os.path.join(root, "requirements-dev.txt" if for_tests else "requirements.txt")


def path_of(root, for_tests):
    """Where the stamp of this set of requirements lies."""
    return os.path.join(venv_of(root), "installed-dev.txt" if for_tests else "installed.txt")


def wanted(root, for_tests):
    """The stamp that an up-to-date environment has."""
    lines = ["python " + os.path.realpath(python_of(root))]
    for name in [False, True] if for_tests else [False]:
        with open(requirements_of(root, name), "rb") as file:
            content = file.read()
        sums = (crc32(content) & 0xFFFFFFFF, adler32(content) & 0xFFFFFFFF, len(content))
        lines.append(os.path.basename(requirements_of(root, name)) + " %08x%08x-%d" % sums)
    return "\n".join(lines) + "\n"


def is_ready(root, for_tests):
    """Whether the environment has exactly what the requirements ask for. Costs three small reads, no network."""
    try:
        with open(path_of(root, for_tests), "rb") as file:
            found = file.read().decode("utf-8", "replace")
    except (IOError, OSError):
        return False
    return found == wanted(root, for_tests) and os.path.exists(python_of(root))


def write(root, for_tests):
    """Say that the requirements are installed."""
    for name in [True, False] if for_tests else [False]:
        path = path_of(root, name)
        with open(path + ".new", "wb") as file:
            file.write(wanted(root, name).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)


def remove(root):
    """Say that the environment is in an unknown state."""
    for name in (True, False):
        if os.path.exists(path_of(root, name)):
            os.remove(path_of(root, name))
