"""What only REST needs beside the studio: kept answers, lists in pages, productions from outside."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from pipeline import wiring
from pipeline.adapters import yaml_files
from pipeline.services.idempotency import Idempotency as Idempotency
from pipeline.services.idempotency import UnderWay as UnderWay
from pipeline.services.intake import Intake
from pipeline.services.listings import Listings
from pipeline.services.listings import Page as Page


@dataclass(frozen=True)
class Rest:
    """The services behind the routes."""

    idempotency: Idempotency
    listings: Listings
    intake: Intake


def build_rest(studio: wiring.Studio) -> Rest:
    """Over this studio."""
    return Rest(
        idempotency=Idempotency(studio.stores, studio.clock, lambda: str(uuid.uuid4())),
        listings=Listings(studio.stores),
        intake=Intake(
            studio.productions,
            studio.presets,
            media=studio.media,
            load_text=_load_text,
            place=studio.media.copy_out,
            root=studio.settings.uploads_root,
        ),
    )


def _load_text(text: str, base: str) -> yaml_files.Document:
    return yaml_files.load_text(text, base=base, file="production.yaml")
