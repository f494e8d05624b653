"""A server that speaks ComfyUI's protocol without weights: the workers of the demo fleet, and what tests try fleets on."""

from pipeline.double.server import DoubleServer, fleet

__all__ = ["DoubleServer", "fleet"]
