"""`python -m pipeline.bench.part PART HOME ARGUMENT…` performs one part of a benchmark, and prints one line of JSON.

Like the command line it loads little by itself: processes that a part makes load this module again.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from pipeline.bench.children import perform

    perform(*sys.argv[1:])
