"""One contestant, one repetition, one process; its arguments are row, contestant and seconds."""

from __future__ import annotations

import json
import os
import sys
import warnings

from tests.benchmarks.contest import rows


def main() -> None:
    """Measure once and print the figure as the last line of standard output."""
    row, name, seconds = sys.argv[1:]
    chosen = rows()[row]
    if chosen.cores is not None and hasattr(os, "sched_setaffinity"):
        available = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, available[: chosen.cores])
    warnings.simplefilter("ignore")  # the peers' own; ours fail the test suite
    try:
        figure = chosen.contestants[name](float(seconds))
    except ModuleNotFoundError as error:  # some peers need another version of Python
        sys.exit(f"not available: no module {error.name!r}")
    print(json.dumps({"figure": figure}), flush=True)


if __name__ == "__main__":
    main()
