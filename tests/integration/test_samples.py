import itertools
from pathlib import Path

import pytest

from pipeline.adapters.media.images import dhash, hash_distance, open_image
from pipeline.adapters.media.samples import FACIAL_HAIR, HAIR_WITH_BEARD, draw_character, look_of
from tests.media_factories import texture


def test_the_same_name_draws_the_same_bytes_and_another_name_another_face(tmp_path):
    for path, name in (("a.png", "Mara"), ("b.png", "Mara"), ("c.png", "Idris")):
        draw_character(name, tmp_path / path, (256, 256))
    one, same, other = ((tmp_path / path).read_bytes() for path in ("a.png", "b.png", "c.png"))

    assert one == same
    assert one != other


@pytest.mark.parametrize("size", [(768, 768), (320, 180), (200, 400), (64, 64)])
def test_a_portrait_has_exactly_the_asked_size(tmp_path, size):
    draw_character("Noor", tmp_path / "a.png", size)

    assert open_image(tmp_path / "a.png").shape == (size[1], size[0], 3)


def test_ten_characters_are_told_apart(tmp_path):
    hashes = []
    for name in ["Mara", "Idris", "Yuki", "Tomas", "Noor", "Celeste", "Okoro", "Lena", "Viktor", "Paloma"]:
        draw_character(name, tmp_path / "a.png", (256, 256))
        hashes.append(dhash(open_image(tmp_path / "a.png")))

    assert min(hash_distance(one, other) for one, other in itertools.combinations(hashes, 2)) >= 6


def test_beards_and_moustaches_come_with_hair_and_costumes_that_suit_them():
    looks = [look_of(f"name {index}") for index in range(200)]
    hairy = [look for look in looks if look.extra in FACIAL_HAIR]

    assert len(hairy) > 20
    assert {look.hair_style for look in hairy} <= set(HAIR_WITH_BEARD)
    assert "dress" not in {look.outfit_style for look in hairy}
    assert {look.hair_style for look in looks} > set(HAIR_WITH_BEARD)


def test_the_perceptual_hash_forgives_size_and_compression_but_not_another_picture(tmp_path: Path):
    from PIL import Image

    picture = texture(320, 240)
    Image.fromarray(picture).resize((200, 150)).save(tmp_path / "a.jpg", quality=60)

    assert hash_distance(dhash(picture), dhash(open_image(tmp_path / "a.jpg"))) <= 3
    assert hash_distance(dhash(picture), dhash(texture(320, 240, seed=2))) > 12
