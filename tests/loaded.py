"""Loads the program as its commands do, all of them: processes that are forked from one that has done so begin at once."""

from __future__ import annotations

import gc
import importlib

from pipeline.cli import COMMANDS

for module, _ in COMMANDS.values():
    importlib.import_module(f"pipeline.cli.{module}")
gc.freeze()
