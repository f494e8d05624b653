"""Graphics cards for tests: readings, and a stand-in for the module `pynvml` with cards that behave as real ones do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pynvml

from pipeline.domain.telemetry.readings import Reading

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
GIB = 1024**3


def reading(at: datetime = NOON, *, device: int = 0, **changes: Any) -> Reading:
    """A card at work."""
    told: dict[str, Any] = {
        "use": 0.94, "memory_used_bytes": 60 * GIB, "memory_bytes": 80 * GIB, "temperature_c": 64.0, "power_w": 612.0,
        "power_limit_w": 700.0, "clock_mhz": 1755,
    }  # fmt: skip
    return Reading(device, changes.pop("name", "NVIDIA H100 80GB HBM3"), at, **{**told, **changes})


@dataclass
class FakeCard:
    """A card as its driver tells of it. A value that is an exception is raised: not supported, lost."""

    name: Any = "NVIDIA H100 80GB HBM3"
    memory: Any = field(default_factory=lambda: SimpleNamespace(total=80 * GIB, free=20 * GIB, used=60 * GIB))
    rates: Any = field(default_factory=lambda: SimpleNamespace(gpu=94, memory=60))
    celsius: Any = 64
    milliwatts: Any = 612_345
    limit_milliwatts: Any = 700_000
    megahertz: Any = 1755
    mig: Any = field(default_factory=lambda: pynvml.NVMLError_NotSupported())


class FakeNvml:
    """The functions of `pynvml` that are used, over these cards, with the real errors of that module."""

    NVMLError = pynvml.NVMLError
    NVMLError_GpuIsLost = pynvml.NVMLError_GpuIsLost
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    NVML_CLOCK_SM = pynvml.NVML_CLOCK_SM
    NVML_DEVICE_MIG_ENABLE = pynvml.NVML_DEVICE_MIG_ENABLE

    def __init__(self, *cards: FakeCard, init: Exception | None = None) -> None:
        self.cards = list(cards)
        self.init = init
        self.is_open = False
        self.opened = 0

    def nvmlInit(self) -> None:
        """Open the driver."""
        if self.init:
            raise self.init
        self.is_open = True
        self.opened += 1

    def nvmlShutdown(self) -> None:
        """Close it."""
        self._check()
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:
        """How many cards there are."""
        self._check()
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, number: int) -> FakeCard:
        """One of them."""
        self._check()
        return self.cards[number]

    def nvmlDeviceGetName(self, card: FakeCard) -> Any:
        """Text, or bytes from old versions."""
        return self._told(card.name)

    def nvmlDeviceGetMemoryInfo(self, card: FakeCard) -> Any:
        """In bytes."""
        return self._told(card.memory)

    def nvmlDeviceGetUtilizationRates(self, card: FakeCard) -> Any:
        """In per cent."""
        return self._told(card.rates)

    def nvmlDeviceGetTemperature(self, card: FakeCard, sensor: int) -> Any:
        """In degrees."""
        assert sensor == pynvml.NVML_TEMPERATURE_GPU
        return self._told(card.celsius)

    def nvmlDeviceGetPowerUsage(self, card: FakeCard) -> Any:
        """In milliwatts."""
        return self._told(card.milliwatts)

    def nvmlDeviceGetEnforcedPowerLimit(self, card: FakeCard) -> Any:
        """In milliwatts."""
        return self._told(card.limit_milliwatts)

    def nvmlDeviceGetClockInfo(self, card: FakeCard, clock: int) -> Any:
        """In megahertz."""
        assert clock == pynvml.NVML_CLOCK_SM
        return self._told(card.megahertz)

    def nvmlDeviceGetMigMode(self, card: FakeCard) -> Any:
        """The current and the pending mode."""
        return self._told(card.mig)

    def _check(self) -> None:
        if not self.is_open:
            raise pynvml.NVMLError_Uninitialized()

    def _told(self, value: Any) -> Any:
        self._check()
        if isinstance(value, Exception):
            raise value
        return value


@dataclass
class FakeProbe:
    """A `GpuProbe` whose cards a test puts in; each is read with the time of the reading."""

    cards: list[Reading] = field(default_factory=list)
    why_none: str = "the driver says: Driver Not Loaded"

    def read(self, now: datetime) -> list[Reading]:
        """What was put in."""
        return [Reading(**{**vars(card), "at": now}) for card in self.cards]
