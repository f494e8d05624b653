"""Source images in validation: what quality checks would refuse anyway is told before anything is made."""

from __future__ import annotations

from pipeline.domain.files import FileFact
from pipeline.domain.issues import Severity
from tests.production_documents import body, issue, issues


def test_pictures_too_small_for_quality_checks_and_pictures_of_two_characters_are_told() -> None:
    people = [{"name": name, "source_images": [f"{name}.png"]} for name in ("Mara", "Twin", "Tiny")]
    sizes = {"Mara": (200, "one"), "Twin": (200, "one"), "Tiny": (100, "other")}
    facts = {(f"{name}.png", "image"): FileFact(width=side, height=side, digest=digest) for name, (side, digest) in sizes.items()}
    found = issues(body(characters=people), facts=facts)
    small = issue(found, "production.characters[2].source_images[0]", Severity.ERROR)
    assert "only 100x100 pixels; each side must have 128 at least" in small.message
    shared = issue(found, "production.characters[1].source_images[0]", Severity.WARNING)
    assert shared.message == 'The picture Twin.png of "Twin" is a picture of "Mara", too.'
