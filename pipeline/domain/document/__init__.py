"""A production document: plain data to a Production and back."""

from pipeline.domain.document.dumping import dump
from pipeline.domain.document.parsing import Parsed, parse, script_path

__all__ = ["Parsed", "dump", "parse", "script_path"]
