"""The format of a production file as JSON Schema 2020-12, made from the table that the reader checks with."""

from __future__ import annotations

from typing import Any

from pipeline.domain.format.table import ROOT, sections


def json_schema() -> dict[str, Any]:
    """The schema of a whole production file. Names, files and timing are checked beyond it by `validate`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stripboard production",
        **ROOT.definition(),
        "$defs": {section.name: section.definition() for section in sections() if section is not ROOT},
    }
