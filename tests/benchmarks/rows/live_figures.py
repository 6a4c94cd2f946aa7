"""One look at a load that goes on: percentiles, throughput and errors of its last minute."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from tests.benchmarks.contest import Aim, Row

__all__ = ["ROWS"]

RATE = 5_000
LOOKS = 600
EVERY = 0.1
SHOWN = 60.0


class _Load:
    """What figures know of a load."""

    started, ends, finished = 0.0, float("inf"), False

    def __init__(self, history: Any) -> None:
        self.history = history


def _cost(look: Callable[[Any, float], object]) -> float:
    """Return the mean seconds of a look, while generators tell of operations every 0.25 s."""
    from resilkit.history import FAIL, OK, History, Rows
    from resilkit.rng import stream

    rng = stream(7)
    load = _Load(History())
    told, spent = 0, 0.0
    for number in range(1, LOOKS + 1):
        now = number * EVERY
        rows = Rows("g1", ("get",))
        while told / RATE < int(now * 4) / 4:
            begin, bad = told / RATE, told % 50 == 0
            end = begin + rng.lognormvariate(-6.0, 1.0)
            rows.append(0, 0, begin, begin, end, FAIL if bad else OK, "refused" * bad, None)
            told += 1
        load.history.extend(rows)
        began = perf_counter()
        look(load, now)
        spent += perf_counter() - began
    return spent / LOOKS


def resilkit(_: float) -> float:
    """Count what is new since the last look."""
    from resilkit.workload.live import LiveFigures

    figures = LiveFigures(keep=SHOWN)

    def look(load: Any, now: float) -> None:
        figures.take([load])
        figures.curves(now=now, since=now - SHOWN)

    return _cost(look)


def pandas(_: float) -> float:
    """Group the frame of the whole history, as one does without."""

    def look(load: Any, now: float) -> None:
        frame = load.history.frame()
        frame = frame[frame["intended"] > now - SHOWN]
        good = frame["status"] == "ok"
        frame[good].groupby(frame["intended"] // 1.0)["response"].quantile([0.5, 0.95, 0.99])
        good.groupby(frame["done"] // 1.0).agg(["sum", "count"])

    return _cost(look)


ROWS = (
    Row(
        name="live_figures",
        title="a look at 5,000 operations/s",
        unit="seconds",
        contestants={"resilkit": resilkit, "pandas": pandas},
        aims=(Aim(None, 0.001),),
    ),
)
