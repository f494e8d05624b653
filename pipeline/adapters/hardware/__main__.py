"""`python -m pipeline.adapters.hardware`: what NVML says of this machine, as JSON; ends with 1 when it knows no card."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import UTC, datetime

from pipeline.adapters.hardware.nvml import NvmlProbe


def told() -> dict[str, object]:
    """One reading of every card, and why there is none."""
    probe = NvmlProbe()
    readings = probe.read(datetime.now(UTC))
    probe.close()
    return {"readings": [dataclasses.asdict(each) for each in readings], "why_none": probe.why_none}


if __name__ == "__main__":
    found = told()
    print(json.dumps(found, indent=2, default=str))
    sys.exit(0 if found["readings"] else 1)
