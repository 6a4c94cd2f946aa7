"""Runs made by hand, for tests of what is usual and of recoveries from faults."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from resilkit.metrics import RecoveryRule

RULE = RecoveryRule(window=0.5, hold=1.0)
Span = tuple[float, float]


def history(
    duration: float = 20.0,
    *,
    rate: float = 200.0,
    down: tuple[Span, ...] = (),
    slow: tuple[Span, ...] = (),
    silent: tuple[Span, ...] = (),
    seed: int = 1,
) -> pd.DataFrame:
    """An open-loop run: good at about 5 ms, but for spans of failures, of 500 ms, of no sends."""
    rng = np.random.default_rng(seed)
    intended = np.arange(0, duration, 1 / rate)
    response = rng.lognormal(math.log(0.005), 0.3, intended.size)
    status = np.full(intended.size, "ok", dtype=object)
    for begin, end in slow:
        response[(intended >= begin) & (intended < end)] = 0.5
    for begin, end in down:
        status[(intended >= begin) & (intended < end)] = "fail"
    kept = np.ones(intended.size, dtype=bool)
    for begin, end in silent:
        kept &= ~((intended >= begin) & (intended < end))
    return pd.DataFrame({"intended": intended, "status": status, "response": response})[kept]


def fault(start: float, end: float | None = None, label: str = "crash") -> tuple[object, ...]:
    return (start, end, label, "node_crash")
