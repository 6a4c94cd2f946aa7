"""Importing the test kit is cheap: Hypothesis loads when its strategies are first asked for."""

from __future__ import annotations

from tests.test_imports import HEAVY, importing


def test_importing_the_test_kit_loads_nothing_heavy() -> None:
    assert HEAVY & set(importing("resilkit.testing")["loaded"]) == set()


def test_the_strategies_load_hypothesis_and_nothing_else_that_is_heavy() -> None:
    assert HEAVY & set(importing("resilkit.testing.strategies")["loaded"]) == {"hypothesis"}
