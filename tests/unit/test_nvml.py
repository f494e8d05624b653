"""What NVML tells becomes readings, whatever a card lacks; without a driver there are none, and a reason."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml

from pipeline.adapters.hardware.nvml import NvmlProbe
from tests.cards import NOON, FakeCard, FakeNvml, reading


def test_a_card_tells_everything_in_our_units() -> None:
    assert NvmlProbe(FakeNvml(FakeCard())).read(NOON) == [reading(power_w=612.345)]


def test_names_come_as_bytes_from_old_libraries() -> None:
    [found] = NvmlProbe(FakeNvml(FakeCard(name=b"Tesla V100\x00"))).read(NOON)
    assert found.name == "Tesla V100"


def test_what_a_card_does_not_support_is_unknown_and_the_rest_is_told() -> None:
    card = FakeCard(milliwatts=pynvml.NVMLError_NotSupported(), limit_milliwatts=pynvml.NVMLError_NotSupported())
    [found] = NvmlProbe(FakeNvml(card)).read(NOON)
    assert (found.power_w, found.power_limit_w, found.temperature_c) == (None, None, 64)


def test_numbers_that_cannot_be_true_are_unknown() -> None:
    card = FakeCard(milliwatts=4_294_967_295, celsius=2**31, memory=SimpleNamespace(total=10, free=0, used=20))
    [found] = NvmlProbe(FakeNvml(card)).read(NOON)
    assert (found.power_w, found.temperature_c, found.memory_used_bytes, found.memory_bytes) == (None, None, None, 10)


def test_a_split_card_is_told_as_a_whole_without_its_use() -> None:
    card = FakeCard(mig=(pynvml.NVML_DEVICE_MIG_ENABLE, pynvml.NVML_DEVICE_MIG_ENABLE), rates=pynvml.NVMLError_NotSupported())
    [found] = NvmlProbe(FakeNvml(card)).read(NOON)
    assert (found.name, found.use, found.temperature_c) == ("NVIDIA H100 80GB HBM3 (MIG)", None, 64)


def test_a_lost_card_does_not_silence_the_others() -> None:
    probe = NvmlProbe(FakeNvml(FakeCard(celsius=pynvml.NVMLError_GpuIsLost()), FakeCard()))
    assert [each.device for each in probe.read(NOON)] == [1]


def test_without_a_driver_there_is_no_card_and_the_reason_is_told() -> None:
    for error, words in (
        (pynvml.NVMLError_LibraryNotFound(), "NVML Shared Library Not Found"),
        (pynvml.NVMLError_DriverNotLoaded(), "Driver Not Loaded"),
    ):
        probe = NvmlProbe(FakeNvml(init=error))
        assert (probe.read(NOON), words in probe.why_none) == ([], True)
    probe = NvmlProbe(FakeNvml())
    assert (probe.read(NOON), probe.why_none) == ([], "the driver knows of no card")


def test_a_driver_that_was_reloaded_is_opened_again() -> None:
    nvml = FakeNvml(FakeCard())
    probe = NvmlProbe(nvml)
    assert probe.read(NOON)
    nvml.is_open = False
    assert probe.read(NOON) == [] and "Uninitialized" in probe.why_none
    assert probe.read(NOON) and probe.why_none == ""
    probe.close()
    assert not nvml.is_open and nvml.opened == 2
