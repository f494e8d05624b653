"""`python -m pipeline`: the command line."""

from __future__ import annotations

import sys

from pipeline.cli.entry import start

if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
