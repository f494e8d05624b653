"""The services of rules."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.adapters import yaml_files
from pipeline.engine.rules import RuleEngine
from pipeline.services.firing import FiringRules
from pipeline.services.trigger_console import Asked as Asked
from pipeline.services.trigger_pages import LogOf as LogOf
from pipeline.services.trigger_views import NamedFiring as NamedFiring
from pipeline.services.trigger_views import NamedVerdict as NamedVerdict
from pipeline.services.trigger_views import RuleView as RuleView

if TYPE_CHECKING:
    from data.store import Stores


def build_rule_engine(stores: Stores, firing: FiringRules, wake: threading.Event) -> RuleEngine:
    """What fires rules, woken by every commit of this process; `wake` wakes the dispatcher to what they have asked for."""
    engine = RuleEngine(firing, wake)
    stores.after_commit = engine.look
    return engine


def load_rules(path: Path) -> yaml_files.Document:
    """A file of rules: a list of them, or a section `triggers` with one."""
    return yaml_files.load(path)


def dump_rules(rules: list[dict[str, Any]]) -> str:
    """Rules as a file that reads back as the same rules."""
    return yaml_files.dump_data({"triggers": rules})
