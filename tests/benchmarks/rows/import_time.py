"""What the first line of a notebook costs, over a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

from tests.benchmarks.contest import Aim, Contestant, Row

__all__ = ["ROWS"]


def importing(module: str) -> Contestant:
    """Return what measures `import module` in an interpreter of its own."""

    def measure(_: float) -> float:
        return elapsed(f"import {module}") - elapsed("pass")

    return measure


def elapsed(code: str) -> float:
    """Run code in a new interpreter and return how long that took."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return perf_counter() - start


ROWS = (
    Row(
        name="import",
        title="import",
        unit="seconds",
        contestants={
            "resilkit": importing("resilkit"),
            "distributed": importing("distributed"),
            "xoscar": importing("xoscar"),
            "locust": importing("locust"),
        },
        aims=(Aim(None, 0.1),),
    ),
)
