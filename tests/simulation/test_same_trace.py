"""The same seed gives the same trace, byte for byte, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from resilkit.faults import registered_faults
from tests.simulation.everything import REFUSED, faults, harmed

ROOT = Path(__file__).parent.parent.parent
TOGETHER = 3
"""Processes that run at the same time."""


def told(processes: Iterable[tuple[str, list[str]]]) -> list[dict[str, str]]:
    """Return what processes tell of the traces of their runs, by run.

    Args:
        processes: The ``PYTHONHASHSEED`` of each, and what it runs, in order.
    """
    left, running, found = list(processes), [], []
    while left or running:
        while left and len(running) < TOGETHER:
            seed, runs = left.pop(0)
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.simulation.everything", "-", *runs],
                    env=os.environ
                    | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        process = running.pop(0)
        lines = process.communicate()[0].splitlines()
        assert process.returncode == 0
        found.append(dict(line.split(" ", 1) for line in lines))
    return found


def test_everything_has_every_kind_of_fault() -> None:
    built_in = {
        name
        for name, made in registered_faults().items()
        if made.__module__.startswith("resilkit.")
    }
    assert {fault.fault_name for fault in faults()} | REFUSED == built_in


def test_every_kind_of_fault_does_harm_in_the_run_that_ten_processes_do() -> None:
    assert harmed() == {fault.fault_name for fault in faults()}


def test_ten_processes_run_everything_with_the_same_trace() -> None:
    run = "random-mesh-open"
    seeds = ["0", "1", "2", "3", "4", "5", "6", "7", "random", "random"]
    found = told((seed, [run]) for seed in seeds)
    assert len(found) == 10
    assert {each[run] for each in found} == {found[0][run]}
    assert int(found[0][run].split()[0]) > 1000  # lines


@pytest.mark.parametrize("schedule", ["fifo", "random", "pct"])
def test_a_run_has_the_same_trace_whatever_ran_before_in_its_process(schedule: str) -> None:
    runs = [f"{schedule}-{what}" for what in ("ring", "chain-closed", "star")]
    first, second = told([("1", runs), ("2", runs[::-1])])
    assert first == second
    assert list(first) == runs


def test_an_experiment_has_the_same_trace_in_another_process() -> None:
    run = "random-mesh-open-judged"
    first, second = told([("1", [run]), ("2", [run])])
    assert first == second
