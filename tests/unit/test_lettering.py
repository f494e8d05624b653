"""Names in any script, in the order in which they are drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.media.lettering import drawable


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Mara / dance", "Mara / dance"),
        ("Łódź · 漢字", "Łódź · 漢字"),
        ("דוד", "דוד"[::-1]),
        ("שלום עולם", "שלום עולם"[::-1]),
        ("דוד / walk", "walk / " + "דוד"[::-1]),
        ("walk / דוד", "walk / " + "דוד"[::-1]),
        ("walk דוד אב 2 end", "walk 2 " + "דוד אב"[::-1] + " end"),
        ("דוד 123", "123 " + "דוד"[::-1]),
        ("דוד (אב)", "(" + "אב"[::-1] + ") " + "דוד"[::-1]),
        ("שָׁלוֹם", "םוֹלשָׁ"),
        ("Robot 🤖", "Robot •"),
        ("👩‍👩‍👧 crew 👍🏽 🇫🇷 ❤️", "• crew • • ❤"),
        ("🤖🤖", "••"),
    ],
)
def test_a_line_is_drawn_as_it_is_read(text: str, drawn: str) -> None:
    assert drawable(text) == drawn


@given(st.text(st.characters(codec="utf-8", max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=30))
def test_no_letter_is_lost(text: str) -> None:
    letters = sorted(sign for sign in text if sign.isalnum())
    assert sorted(sign for sign in drawable(text) if sign.isalnum()) == letters
