"""Every reader of pictures and videos must refuse what is hostile with WorkFailed, and read what is merely unusual."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from pipeline.adapters.media import images, video
from pipeline.domain.errors import WorkFailed
from tests.media_factories import moving, texture, write_video


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def good_png(folder: Path) -> bytes:
    images.write_png(texture(64, 48), folder / "good.png")
    return (folder / "good.png").read_bytes()


GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

HOSTILE_IMAGES = {
    "empty": lambda folder: b"",
    "svg": lambda folder: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "html": lambda folder: b"<html><script>alert(1)</script></html>",
    "truncated": lambda folder: good_png(folder)[:600],
    "header only": lambda folder: good_png(folder)[:20],
    "flipped bytes": lambda folder: good_png(folder)[:200] + bytes(200) + good_png(folder)[400:],
    "bomb": lambda folder: png_header(60000, 60000),
    "just over the limit": lambda folder: png_header(8001, 8001),
    "long and thin": lambda folder: png_header(60000, 10),
    "gif": lambda folder: GIF,
    "eps": lambda folder: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "noise": lambda folder: np.random.default_rng(1).bytes(5000),
}


@pytest.mark.parametrize("name", HOSTILE_IMAGES)
def test_a_hostile_image_is_refused_as_bad_input_by_name(tmp_path, name):
    path = tmp_path / "face.png"
    path.write_bytes(HOSTILE_IMAGES[name](tmp_path))

    with pytest.raises(WorkFailed) as failure:
        images.open_image(path)

    assert failure.value.failure_class == "bad_input"
    assert "face.png" in str(failure.value)


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: os.mkfifo(path), lambda path: None])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, make):
    path = tmp_path / "face.png"
    make(path)

    for read in (images.open_image, video.probe):
        with pytest.raises(WorkFailed, match="does not exist or is not a file"):
            read(path)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(60000, 60000))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("was decoded"))

    with pytest.raises(WorkFailed):
        images.open_image(path)


def test_a_truncated_jpeg_is_refused(tmp_path):
    Image.fromarray(texture(320, 240)).save(tmp_path / "a.jpg", quality=90)
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:4000])

    with pytest.raises(WorkFailed, match="truncated"):
        images.open_image(tmp_path / "a.jpg")


UNUSUAL_MODES = {
    "cmyk.jpg": lambda picture: picture.convert("CMYK"),
    "grey.png": lambda picture: picture.convert("L"),
    "alpha.png": lambda picture: picture.convert("RGBA"),
    "palette.png": lambda picture: picture.convert("P", palette=Image.Palette.ADAPTIVE),
    "bits.png": lambda picture: picture.convert("1"),
    "deep.png": lambda picture: Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257),
    "deep.tiff": lambda picture: Image.fromarray(np.asarray(picture.convert("L")).astype(np.float32) / 255),
    "plain.webp": lambda picture: picture,
    "plain.bmp": lambda picture: picture,
}


@pytest.mark.parametrize("name", UNUSUAL_MODES)
def test_unusual_pictures_are_read_as_rgb_with_their_brightness_kept(tmp_path, name):
    picture = Image.fromarray(texture(80, 60))
    UNUSUAL_MODES[name](picture).save(tmp_path / name)

    rgb = images.open_image(tmp_path / name)

    assert (rgb.shape, rgb.dtype) == ((60, 80, 3), np.uint8)
    assert abs(float(rgb.mean()) - float(np.asarray(picture).mean())) < 12


def test_transparency_shows_over_neutral_grey(tmp_path):
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")

    assert (images.open_image(tmp_path / "clear.png") == 128).all()


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(texture(80, 60)).save(tmp_path / "turned.jpg", exif=exif)

    assert images.open_image(tmp_path / "turned.jpg").shape == (80, 60, 3)
    facts = images.probe_image(tmp_path / "turned.jpg")
    assert (facts.format, facts.width, facts.height) == ("JPEG", 60, 80)


def test_equal_pictures_give_equal_png_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        images.write_png(texture(64, 48), tmp_path / name)

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (images.open_image(tmp_path / "a.png") == texture(64, 48)).all()


def good_video(folder: Path) -> bytes:
    return write_video(folder / "good.mp4", moving()).read_bytes()


HOSTILE_VIDEOS = {
    "empty": lambda folder: b"",
    "playlist": lambda folder: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "concat": lambda folder: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "truncated": lambda folder: good_video(folder)[:3000],
    "header only": lambda folder: good_video(folder)[:40],
    "picture": lambda folder: good_png(folder),
    "noise": lambda folder: np.random.default_rng(1).bytes(5000),
    "noise behind a good start": lambda folder: good_video(folder)[:32] + np.random.default_rng(1).bytes(9000),
}


@pytest.mark.parametrize("name", HOSTILE_VIDEOS)
def test_a_hostile_video_is_refused(tmp_path, name):
    path = tmp_path / "clip.mp4"
    path.write_bytes(HOSTILE_VIDEOS[name](tmp_path))

    with pytest.raises(WorkFailed) as failure:
        video.probe(path, count=True)

    assert failure.value.failure_class == "corrupt_output"


def test_a_video_of_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    with pytest.raises(WorkFailed, match="no picture"):
        video.probe(path)


def test_a_header_that_claims_a_huge_duration_is_refused_or_not_believed(tmp_path):
    data = bytearray(good_video(tmp_path))
    for box in (b"mvhd", b"mdhd", b"tkhd"):
        at = data.index(box) + (24 if box == b"tkhd" else 20)
        data[at : at + 4] = struct.pack(">I", 0xFFFFFFF0)
    (tmp_path / "boast.mp4").write_bytes(bytes(data))
    at = data.index(b"stts") + 16
    data[at : at + 4] = struct.pack(">I", 12288 * 7200)  # each frame is said to last two hours
    (tmp_path / "slow.mp4").write_bytes(bytes(data))

    assert video.probe(tmp_path / "boast.mp4", count=True)["duration_s"] == 0.5
    with pytest.raises(WorkFailed, match="claims"):
        video.probe(tmp_path / "slow.mp4")


def test_limits_on_frames_and_pixels_hold_while_reading(tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving(frames=12))

    for limits in (video.VideoLimits(frames=5), video.VideoLimits(pixels=1000), video.VideoLimits(size_bytes=100)):
        with pytest.raises(WorkFailed):
            list(video.read_frames(path, limits=limits))


def test_damage_in_the_middle_never_leaks_a_library_error(tmp_path):
    data = good_video(tmp_path)
    rng = np.random.default_rng(5)
    for _ in range(60):
        broken = bytearray(data)
        for at in rng.integers(0, len(data), 12):
            broken[at] ^= int(rng.integers(1, 256))
        (tmp_path / "broken.mp4").write_bytes(bytes(broken))
        try:
            video.probe(tmp_path / "broken.mp4", count=True)
        except WorkFailed:
            continue


def test_damage_in_an_image_never_leaks_a_library_error(tmp_path):
    rng = np.random.default_rng(6)
    for suffix in ("png", "jpg", "webp", "tiff", "bmp"):
        Image.fromarray(texture(64, 48)).save(tmp_path / f"whole.{suffix}")
        data = (tmp_path / f"whole.{suffix}").read_bytes()
        for _ in range(40):
            broken = bytearray(data)
            for at in rng.integers(0, len(data), 6):
                broken[at] ^= int(rng.integers(1, 256))
            path = tmp_path / f"broken.{suffix}"
            path.write_bytes(bytes(broken))
            try:
                images.open_image(path, limits=images.ImageLimits(pixels=4_000_000))
            except WorkFailed:
                continue


def test_a_variable_frame_rate_is_told(tmp_path):
    path = tmp_path / "vfr.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 600)
        for at, picture in zip((0, 25, 50, 125, 150), moving(frames=5), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 600)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    assert video.probe(path, count=True)["variable_fps"] is True
    assert video.probe(write_video(tmp_path / "cfr.mp4", moving()), count=True)["variable_fps"] is False


def test_a_written_video_has_exactly_the_asked_size_rate_and_count(tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving(width=162, height=90, frames=13), fps=25)

    facts = video.probe(path, count=True)

    assert (facts["width"], facts["height"], facts["fps"], facts["frames"]) == (162, 90, 25.0, 13)
    assert (facts["codec"], facts["pix_fmt"], facts["duration_s"], facts["audio"]) == ("h264", "yuv420p", 0.52, False)


def test_equal_frames_give_equal_video_bytes_with_the_index_in_front(tmp_path):
    one = write_video(tmp_path / "one.mp4", moving()).read_bytes()
    other = write_video(tmp_path / "other.mp4", moving()).read_bytes()

    assert one == other
    assert one.index(b"moov") < one.index(b"mdat")


def test_colours_survive_writing_and_reading(tmp_path):
    for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 120), (16, 16, 16), (255, 255, 255)):
        flat = np.full((64, 64, 3), color, np.uint8)
        frame = next(video.read_frames(write_video(tmp_path / "flat.mp4", [flat] * 2)))
        assert np.abs(frame.astype(int) - flat).max() <= 5, color


def test_odd_sizes_are_refused_with_the_reason(tmp_path):
    with pytest.raises(WorkFailed, match="even width and height") as failure:
        video.VideoWriter(tmp_path / "odd.mp4", width=161, height=90, fps=24)

    assert failure.value.failure_class == "bad_input"


def test_an_error_while_writing_leaves_no_file(tmp_path):
    path = tmp_path / "clip.mp4"

    with pytest.raises(RuntimeError), video.VideoWriter(path, width=160, height=96, fps=24) as writer:
        writer.write(moving()[0])
        raise RuntimeError

    assert not path.exists()


def test_a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WorkFailed, match="Free some space") as failure:
        images.write_png(texture(32, 32), tmp_path / "a.png")

    assert failure.value.failure_class == "disk_full"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_while_encoding_is_told_as_such(tmp_path):
    (tmp_path / "full.mp4").symlink_to("/dev/full")

    with pytest.raises(WorkFailed) as failure, video.VideoWriter(tmp_path / "full.mp4", width=640, height=360, fps=24) as writer:
        for picture in moving(640, 360, 60):
            writer.write(picture)

    assert failure.value.failure_class == "disk_full"
