"""How long and how large: from measured history where there is some, else from stated defaults, and it says which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt

from pipeline.domain.cells import CellPlan
from pipeline.domain.production import Production, SceneType
from pipeline.domain.statuses import StillKind

STILL_SIDE_MOST = 1920
STILL_SIDE_LEAST = 480
"""Stills keep to these sizes whatever the scenes have: likeness cannot be told on thumbnails."""


@dataclass(frozen=True)
class Rate:
    """Seconds and bytes for one frame. `samples` 0 means a default, which has no spread.

    `p50_s` and `p90_s` are the seconds for a frame that half, and nine in ten, of the samples did not exceed.
    """

    seconds_per_frame: float
    bytes_per_frame: float
    samples: int = 0
    p50_s: float = 0.0
    p90_s: float = 0.0


@dataclass(frozen=True)
class History:
    """What was measured of the work of a production: of segments by scene type, of variant images by variant, of plates by
    location. The rate of a picture is that of one frame. What is not there was never measured.
    """

    segments: Mapping[str, Rate] = field(default_factory=dict)
    images: Mapping[str, Rate] = field(default_factory=dict)
    plates: Mapping[str, Rate] = field(default_factory=dict)

    def of_still(self, variant: str | None, location: str | None) -> Rate | None:
        """What was measured of a variant image, or of a plate where no variant is named."""
        return self.images.get(variant) if variant else self.plates.get(location or "")


NEW = History()
"""Nothing was measured yet."""


@dataclass(frozen=True)
class Spread:
    """What segments of one scene type have taken at one size: half of them at most `p50_s`, nine in ten at most `p90_s`.

    Seconds for a segment of `frames` frames.
    """

    scene_type: str
    width: int
    height: int
    frames: int
    samples: int
    p50_s: float
    p90_s: float

    @property
    def words(self) -> str:
        """`dance at 1280x720: P50 38 s, P90 52 s for 24 frames (40 samples)`."""
        what = f"{self.scene_type} at {self.width}x{self.height}"
        if self.samples == 1:
            return f"{what}: {_time(self.p50_s)} for {self.frames} frames, measured once"
        return f"{what}: P50 {_time(self.p50_s)}, P90 {_time(self.p90_s)} for {self.frames} frames ({self.samples} samples)"


@dataclass(frozen=True)
class Estimate:
    """Totals for a selection. `measured_share` is the share of generation seconds that rests on measured history.

    `late_seconds` is what it takes at most with nine chances of ten; None while less than half of it is measured. `spreads`
    has what was measured, by scene type; nothing of what never was.
    """

    cells: int
    frames: int
    generation_seconds: float
    disk_bytes: int
    measured_share: float
    samples: int
    late_seconds: float | None = None
    spreads: tuple[Spread, ...] = ()

    @property
    def basis(self) -> str:
        """Where the numbers come from, in words."""
        if not self.cells:
            return "nothing has to be made"
        if self.samples == 0:
            return "stated defaults; nothing measured yet"
        if self.measured_share > 0.999:
            return f"measured, {self.samples} samples"
        return f"{self.measured_share:.0%} measured ({self.samples} samples), the rest stated defaults"


_SECONDS_PER_MEGAPIXEL_FRAME = {"animatic": 0.06, "command": 0.5, "comfyui": 4.0}
_SECONDS_PER_SMALL_FRAME = 0.006
"""However small it is, a frame costs this much."""
_BYTES_PER_MEGAPIXEL_FRAME = 60_000
_EXPORT_BYTES_PER_MEGAPIXEL_FRAME = {
    "h264": 60_000,
    "vp9": 60_000,
    "gif": 600_000,
    "prores_422": 160_000,
    "prores_4444": 260_000,
}
_EXPORT_COPIES = 2
_LAST_FRAME_BYTES_PER_MEGAPIXEL = 1_600_000
_LEAST_MEASURED = 0.5
"""Where less than this share of the time was measured, its spread would be invented."""
_P90 = 1.2816
"""How many standard deviations above the middle nine in ten of a normal distribution end."""
_UNSURE = 0.5
"""The relative deviation of a time that was never measured, or once."""
_STILL_FRAMES = 8
"""Making one still costs about as much as this many frames."""


def is_guess(measured_share: float) -> bool:
    """Whether a time rests on stated defaults more than on what was measured: then it is a first guess, and may be far off."""
    return measured_share < _LEAST_MEASURED


def _time(seconds: float) -> str:
    """`0.24 s`, `38 s`, `3 min 20 s`."""
    if seconds < 9.5:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def default_rate(backend: str, width: int, height: int) -> Rate:
    """The stated default for one frame of this size."""
    megapixels = width * height / 1e6
    seconds = max(_SECONDS_PER_SMALL_FRAME, _SECONDS_PER_MEGAPIXEL_FRAME.get(backend, 1.0) * megapixels)
    return Rate(seconds, _BYTES_PER_MEGAPIXEL_FRAME * megapixels)


def segment_frames(scene_type: SceneType) -> tuple[int, ...]:
    """Frames of each segment: as equal as whole frames allow, longer ones first."""
    base, rest = divmod(scene_type.frames, scene_type.segments)
    return (base + 1,) * rest + (base,) * (scene_type.segments - rest)


def still_size(production: Production) -> tuple[int, int]:
    """Width and height of variant images and plates: those of the largest scene, within the sizes above; both even."""
    width = max((scene.width for scene in production.scene_types), default=1280)
    height = max((scene.height for scene in production.scene_types), default=720)
    longest = max(width, height)
    scale = min(max(longest, STILL_SIDE_LEAST), STILL_SIDE_MOST) / longest
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)


def segment_cost(rate: Rate, frames: int, width: int, height: int) -> tuple[float, int]:
    """(seconds, bytes) of one segment with its last frame."""
    return rate.seconds_per_frame * frames, int(
        rate.bytes_per_frame * frames + _LAST_FRAME_BYTES_PER_MEGAPIXEL * width * height / 1e6
    )


def export_bytes(scene: SceneType, settings: Mapping[str, object]) -> int:
    """What one export of a scene takes on the disk: it goes by the size, rate and codec of the format."""
    width, height = _number(settings, "width", scene.width), _number(settings, "height", scene.height)
    frames = scene.duration_s * _number(settings, "fps", scene.fps)
    dense = _EXPORT_BYTES_PER_MEGAPIXEL_FRAME.get(str(settings.get("codec")), _BYTES_PER_MEGAPIXEL_FRAME)
    return int(dense * frames * width * height / 1e6)


def _number(settings: Mapping[str, object], name: str, default: float) -> float:
    value = settings.get(name)
    return float(value) if isinstance(value, int | float) else default


def still_cost(backend: str, size: tuple[int, int], measured: Rate | None = None) -> tuple[float, int]:
    """(seconds, bytes) of one still of `size`, by what was `measured` of such stills, if anything.

    Bytes are the stated ones: how well a picture packs goes by what it shows, and a budget of disk must hold for all of them.
    """
    stated = default_rate(backend, *size).seconds_per_frame * _STILL_FRAMES
    return measured.seconds_per_frame if measured else stated, int(_LAST_FRAME_BYTES_PER_MEGAPIXEL * size[0] * size[1] / 1e6)


def estimate(production: Production, cells: Iterable[CellPlan], history: History) -> Estimate:
    """Generation seconds and disk for these cells and the stills they need.

    Disk counts segments, last frames, the assembled scene, and every export twice: by itself and in the package.
    """
    types = {scene.name: scene for scene in production.scene_types}
    variants = {variant.name: variant for variant in production.variants}
    count = frames = 0
    scenes: Counter[str] = Counter()
    seconds = measured = 0.0
    disk = 0
    stills: dict[tuple[str | None, str | None, str | None], None] = {}  # a set in an order
    costs: dict[str, tuple[float, int, bool]] = {}
    for cell in cells:
        scene = types[cell.scene_type]
        if scene.name not in costs:
            costs[scene.name] = _scene_cost(production, scene, history)
        scene_seconds, scene_bytes, is_measured = costs[scene.name]
        count += 1
        scenes[scene.name] += 1
        frames += scene.frames
        seconds += scene_seconds
        measured += scene_seconds if is_measured else 0.0
        disk += scene_bytes
        stills[(cell.character, cell.variant, None) if cell.character else (None, None, cell.location)] = None
    size, pictures = still_size(production), Counter[Rate]()
    for _, variant, location in stills:
        made = variants[variant].candidates if variant in variants else 1
        rate = history.of_still(variant, location)
        still_seconds, still_bytes = still_cost(production.backend, size, rate)
        seconds += still_seconds * made
        disk += still_bytes * made
        if rate:
            measured += still_seconds * made
            pictures[rate] += made
    share = measured / seconds if seconds else 0.0
    rates = {name: history.segments[name] for name in scenes if name in history.segments}
    samples = sum(rate.samples for rate in {*rates.values(), *pictures})  # what one graph makes shares its samples
    parts = [(scenes[name], segment_frames(types[name]), rate) for name, rate in rates.items()]
    late = _late(seconds, seconds - measured, [*parts, *((made, (1,), rate) for rate, made in pictures.items())])
    spreads = tuple(_spread(types[name], rate) for name, rate in rates.items())
    return Estimate(count, frames, seconds, disk, share, samples, None if is_guess(share) else late, spreads)


def _spread(scene: SceneType, rate: Rate) -> Spread:
    frames = segment_frames(scene)[0]
    return Spread(scene.name, scene.width, scene.height, frames, rate.samples, frames * rate.p50_s, frames * rate.p90_s)


def _late(seconds: float, unmeasured: float, parts: Iterable[tuple[int, tuple[int, ...], Rate]]) -> float:
    """What all of it does not exceed with nine chances of ten: single segments even out, what few samples miss does not.

    `parts` are how many of a thing are made, the frames of its segments, and their rate.
    """
    variance = (_UNSURE * unmeasured) ** 2
    for count, frames, rate in parts:
        deviation = (rate.p90_s - rate.p50_s) / _P90 if rate.samples > 1 else _UNSURE * rate.seconds_per_frame
        variance += count * sum((part * deviation) ** 2 for part in frames)
        variance += (count * sum(frames) * deviation) ** 2 / max(1, rate.samples)
    return seconds + _P90 * sqrt(variance)


def scene_cost(production: Production, scene: SceneType, history: History) -> tuple[float, int]:
    """(seconds, bytes) of one whole scene, without the stills it needs."""
    seconds, size, _ = _scene_cost(production, scene, history)
    return seconds, size


def seconds_left(
    production: Production, segments: Mapping[str, int], pictures: Mapping[StillKind, int], history: History
) -> float:
    """Generation seconds of so many segments of each scene type and so many variant images and plates."""
    seconds = 0.0
    for scene in production.scene_types:
        seconds += segments.get(scene.name, 0) / scene.segments * scene_cost(production, scene, history)[0]
    size = still_size(production)
    for kind, rates in ((StillKind.VARIANT, history.images), (StillKind.PLATE, history.plates)):
        costs = [rate.seconds_per_frame for rate in rates.values()] or [still_cost(production.backend, size)[0]]
        seconds += pictures.get(kind, 0) * sum(costs) / len(costs)
    return seconds


def _scene_cost(production: Production, scene: SceneType, history: History) -> tuple[float, int, bool]:
    """(seconds, bytes, measured?) of one whole scene."""
    measured = history.segments.get(scene.name)
    rate = measured or default_rate(production.backend, scene.width, scene.height)
    parts = [segment_cost(rate, frames, scene.width, scene.height) for frames in segment_frames(scene)]
    assembled = int(rate.bytes_per_frame * scene.frames)
    exports = sum(export_bytes(scene, output.settings) for output in production.outputs)
    disk = sum(part[1] for part in parts) + assembled + _EXPORT_COPIES * exports
    return sum(part[0] for part in parts), disk, measured is not None
