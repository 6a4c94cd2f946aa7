"""Rounds: every contestant once a round, in turn, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.contest import Aim, Row

__all__ = ["Judged", "Outcome", "judge", "run"]

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Outcome:
    """The figures of one row, by contestant, one a round; and why some are missing."""

    row: Row
    figures: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, name: str) -> float | None:
        """Return the middle figure of a contestant, or `None` when it has none."""
        found = self.figures.get(name)
        return statistics.median(found) if found else None


@dataclass(frozen=True, slots=True)
class Judged:
    """An aim beside what was reached."""

    aim: Aim
    ratio: float | None
    low: float | None
    high: float | None
    met: bool | None


def run(row: Row, *, rounds: int, seconds: float, tell: Callable[[str], None]) -> Outcome:
    """Run `rounds` rounds of `row`; one that fails is not asked again."""
    outcome = Outcome(row)
    for number in range(rounds):
        names = list(row.contestants)
        if number % 2:
            names.reverse()  # nobody always goes first
        for name in names:
            if name in outcome.failures:
                continue
            tell(f"{row.name}: {name}, round {number + 1} of {rounds}")
            figure, failure = _once(row, name, seconds)
            if figure is None:
                outcome.failures[name] = failure
            else:
                outcome.figures.setdefault(name, []).append(figure)
    return outcome


def judge(outcome: Outcome) -> list[Judged]:
    """Compare what was reached with each aim.

    The ratio is that of the medians; `low` and `high` are the extremes of the rounds' own ratios.
    """
    return [_judge_one(outcome, aim) for aim in outcome.row.aims]


def _judge_one(outcome: Outcome, aim: Aim) -> Judged:
    ours = outcome.figures.get(aim.ours, [])
    theirs = [1.0] * len(ours) if aim.peer is None else outcome.figures.get(aim.peer, [])
    if not ours or not theirs:
        return Judged(aim, None, None, None, None)
    ratio = statistics.median(ours) / statistics.median(theirs)
    each = [mine / other for mine, other in zip(ours, theirs, strict=False)]
    return Judged(aim, ratio, min(each), max(each), outcome.row.met(aim, ratio))


def _once(row: Row, name: str, seconds: float) -> tuple[float | None, str]:
    command = [sys.executable, "-m", "tests.benchmarks.contestant", row.name, name, str(seconds)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=row.longest)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, f"no figure after {row.longest:g} s"
    lines = out.strip().splitlines()
    if process.returncode or not lines:
        told = err.strip().splitlines() or [f"exit status {process.returncode}"]
        return None, told[-1]
    return float(json.loads(lines[-1])["figure"]), ""
