"""Which Python can run Stripboard, and where another one may be found. Old syntax, as in `stripboard`."""

import os
import subprocess
import sys
from glob import glob

OLDEST = (3, 11)
NEWEST = (3, 13)  # OpenTimelineIO has no wheel for later ones; everything else runs there too
NAMES = ["python3.13", "python3.12", "python3.11"]
QUESTION = "import sys, venv, sqlite3, ssl; sys.stdout.write('%d.%d %s' % (sys.version_info[:2] + (sys.executable,)))"


def suits(version):
    """Whether this Python version runs all of Stripboard."""
    return OLDEST <= tuple(version[:2]) <= NEWEST


def find():
    """The path of a Python that suits and really works, or None."""
    for candidate in candidates():
        found = ask(candidate)
        if found:
            return found
    return None


def candidates():
    """Where Pythons that suit usually are, the PATH first."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    for name in NAMES:
        for folder in folders:
            yield os.path.join(folder, name + ".exe" if os.name == "nt" else name)
    home = os.path.expanduser("~")
    pyenv = os.environ.get("PYENV_ROOT", os.path.join(home, ".pyenv"))
    for name in NAMES:
        version = name[len("python") :]
        places = [
            os.path.join(pyenv, "versions", version + "*", "bin", name),
            os.path.join(home, ".local", "share", "uv", "python", "cpython-" + version + "*", "bin", name),
            os.path.join("/usr/local/bin", name),
            os.path.join("/opt/homebrew/bin", name),
            os.path.join("/Library/Frameworks/Python.framework/Versions", version, "bin", name),
        ]
        for place in places:
            for path in sorted(glob(place), reverse=True):
                yield path


def ask(path):
    """The real path of this interpreter when it starts, suits and is complete; else None."""
    if not os.path.isfile(path):
        return None
    try:
        with open(os.devnull) as nothing:
            asked = subprocess.Popen([path, "-c", QUESTION], stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        answer = asked.communicate()[0].decode("utf-8", "replace")
    except OSError:
        return None
    version, _, executable = answer.partition(" ")
    if asked.returncode or not executable or not suits([int(part) for part in version.split(".")]):
        return None
    return executable


def complaint():
    """What to tell a person whose machine has no Python that is new enough."""
    return (
        "Stripboard needs Python 3.11, 3.12 or 3.13. This is Python %d.%d (%s), and no newer one was found on the PATH,\n"
        "in pyenv or among uv's. Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install\n"
        "python@3.13; with uv: uv python install 3.13; or from python.org) and start again."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
