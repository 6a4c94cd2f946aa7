"""Hypothesis state machines over a live cluster: operations, a model beside it, and what breaks.

::

    from hypothesis import strategies as st
    from resilkit.testing import machines, strategies as rst


    class Counting(machines.ClusterMachine):
        system = Counter
        operations = {"increment": rst.arguments(by=st.integers(1, 9)), "get": None}
        model = Model(0, counting)


    TestCounting = Counting.TestCase
"""

from __future__ import annotations

from resilkit.testing.machines.machine import ClusterMachine

__all__ = ["ClusterMachine"]


def __dir__() -> list[str]:
    return sorted(__all__)
