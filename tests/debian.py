"""What the test command may install: packages of Debian, as root."""

from __future__ import annotations

import os
import shutil
import subprocess

_PATIENTLY = ("-o", "DPkg::Lock::Timeout=300")
"""Somebody else may be installing just now, as on a machine that has only started: wait for them."""


def may_install() -> bool:
    """Whether this machine and this account allow it."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> None:
    """Install one package; what goes wrong is said, not raised."""
    print(f"Installing Debian's {package} package for the tests …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", package]):
        command = ["apt-get", "-q", *_PATIENTLY, *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            print(f"{' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}", flush=True)
