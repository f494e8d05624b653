"""NVIDIA's cards through NVML, the library of their driver; without one there are no cards, and a reason why."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pipeline.domain.errors import Invalid
from pipeline.domain.telemetry.readings import MOST_DEVICES, Reading, believable, named

_NO_LIBRARY = "nvidia-ml-py is not installed here"
_NO_CARD = "the driver knows of no card"


class NvmlProbe:
    """A `GpuProbe` (see `pipeline.ports`). The driver is opened by the first reading, and again when it has been reloaded.

    A card split by MIG is told as a whole, with `(MIG)` in its name: its driver then tells memory, temperature and power, and
    no use. `nvml` stands in for the module `pynvml` (tests).
    """

    def __init__(self, nvml: Any = None) -> None:
        self._given = nvml
        self._nvml: Any = None
        self._lock = threading.Lock()
        self._why_none = ""

    @property
    def why_none(self) -> str:
        """Why the last reading found no card, in words; empty when it found one."""
        return self._why_none

    def read(self, now: datetime) -> list[Reading]:
        """What every card tells just now."""
        with self._lock:
            found = self._read(now)
        if found:
            self._why_none = ""
        return found

    def close(self) -> None:
        """Let go of the driver; a later reading opens it again."""
        with self._lock:
            self._let_go()

    def _read(self, now: datetime) -> list[Reading]:
        nvml = self._opened()
        if nvml is None:
            return []
        try:
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError as error:  # a driver that was unloaded or replaced under us: open it again next time
            self._why_none = _worded(error)
            self._let_go()
            return []
        self._why_none = _NO_CARD
        return [each for number in range(min(count, MOST_DEVICES)) if (each := self._card(nvml, number, now)) is not None]

    def _opened(self) -> Any:
        if self._nvml is not None:
            return self._nvml
        try:
            nvml = self._given or importlib.import_module("pynvml")
        except ImportError:
            self._why_none = _NO_LIBRARY
            return None
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            self._why_none = _worded(error)
            return None
        self._nvml = nvml
        return nvml

    def _let_go(self) -> None:
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            _told(nvml, nvml.nvmlShutdown)

    def _card(self, nvml: Any, number: int, now: datetime) -> Reading | None:
        """One card; None when it cannot be reached, such as one that has fallen off the bus."""
        try:
            card = nvml.nvmlDeviceGetHandleByIndex(number)
            name = named(nvml.nvmlDeviceGetName(card))
            return believable(number, f"{name} (MIG)" if _is_split(nvml, card) else name, now, _numbers(nvml, card))
        except nvml.NVMLError as error:
            self._why_none = f"card {number}: {_worded(error)}"
        except Invalid as error:
            self._why_none = str(error)
        return None


def _numbers(nvml: Any, card: Any) -> dict[str, object]:
    """Every number that this card tells; cards differ in what they do."""
    memory = _told(nvml, nvml.nvmlDeviceGetMemoryInfo, card)
    rates = _told(nvml, nvml.nvmlDeviceGetUtilizationRates, card)
    power = _told(nvml, nvml.nvmlDeviceGetPowerUsage, card)
    limit = _told(nvml, nvml.nvmlDeviceGetEnforcedPowerLimit, card)
    return {
        "use": None if rates is None else rates.gpu / 100,
        "memory_used_bytes": None if memory is None else memory.used,
        "memory_bytes": None if memory is None else memory.total,
        "temperature_c": _told(nvml, nvml.nvmlDeviceGetTemperature, card, nvml.NVML_TEMPERATURE_GPU),
        "power_w": None if power is None else power / 1000,
        "power_limit_w": None if limit is None else limit / 1000,
        "clock_mhz": _told(nvml, nvml.nvmlDeviceGetClockInfo, card, nvml.NVML_CLOCK_SM),
    }


def _is_split(nvml: Any, card: Any) -> bool:
    mode = _told(nvml, nvml.nvmlDeviceGetMigMode, card)
    return mode is not None and mode[0] == nvml.NVML_DEVICE_MIG_ENABLE


def _told(nvml: Any, ask: Callable[..., Any], *arguments: Any) -> Any:
    """The answer, or None from a card or driver that has none. A lost card is an error: it has no answers at all."""
    try:
        return ask(*arguments)
    except nvml.NVMLError_GpuIsLost:
        raise
    except nvml.NVMLError:
        return None


def _worded(error: Exception) -> str:
    return f"the driver says: {named(str(error)).rstrip('.')}"
