"""What a strategy draws: examples, how many it threw away, and the least one that fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.statistics import collector

T = TypeVar("T")


def drawn(strategy: st.SearchStrategy[T], *, examples: int = 100) -> list[T]:
    """Return so many examples, the same each time; fail where one was thrown away on the way.

    Hypothesis's statistics tell of examples that were given up, and of draws that were made again.
    """
    found: list[T] = []
    statistics: list[dict[str, Any]] = []

    @hypothesis.seed(7)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @hypothesis.given(strategy)
    def look(value: T) -> None:
        found.append(value)

    with collector.with_value(statistics.append):
        look()
    cases = statistics[0]["generate-phase"]["test-cases"]
    # An overrun is one that Hypothesis made too short by itself, by changing another.
    assert {case["status"] for case in cases} <= {"valid", "overrun"}
    assert [event for case in cases for event in case["events"]] == []
    return found


def least(strategy: st.SearchStrategy[T], fits: Callable[[T], bool] = lambda _: True) -> T:
    """Return what Hypothesis shrinks to among the values that fit."""
    return hypothesis.find(
        strategy,
        fits,
        settings=settings(
            max_examples=2000,
            phases=[Phase.generate, Phase.shrink],
            database=None,
            deadline=None,
            derandomize=True,
        ),
    )
