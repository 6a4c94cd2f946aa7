"""The same seed gives the same trace, byte for byte, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def told(seeds: list[str], *runs: str) -> dict[str, str]:
    """Return what processes with these hash seeds tell of the traces of `runs`, by seed."""
    started = {
        seed: subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.everything", "-", *runs],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for seed in seeds
    }  # fmt: skip
    found = {seed: process.communicate()[0] for seed, process in started.items()}
    assert [process.returncode for process in started.values()] == [0] * len(seeds)
    return found


@pytest.mark.parametrize("schedule", ["fifo", "random", "pct"])
def test_what_is_done_by_hand_has_the_same_trace_with_every_hash_seed(schedule: str) -> None:
    runs = [f"{schedule}-{topology}" for topology in ("mesh", "ring", "star", "chain")]
    found = told(["1", "2", "random"], *runs)
    assert len(found["1"].splitlines()) == len(runs)
    assert found["1"] == found["2"] == found["random"]
