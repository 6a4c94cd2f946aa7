"""What is known to come of an injection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.cluster.coming import Coming
from tests.cluster.harm import wait_until

TICK = 0.01
"""Seconds: the clock of a loop may go in milliseconds, and stand still for a turn of it."""


class Clock:
    """A clock of the test's own."""

    time = 50.0

    def now(self) -> float:
        return self.time


@pytest.fixture(scope="module")
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2) as cluster:
        yield cluster


def test_what_is_in_heals_when_the_last_of_its_strikes_does() -> None:
    clock = Clock()
    coming = Coming(clock)  # type: ignore[arg-type]
    assert (coming.strikes_in, coming.heals_in) == (None, None)
    coming.waits(4.0)
    coming.lasts("first", 2.0)
    coming.lasts("second", 6.0)
    clock.time = 53.0
    assert (coming.strikes_in, coming.heals_in) == (1.0, 3.0)
    coming.healed("second")
    assert coming.heals_in == 0.0, "it is late"
    coming.lasts("third", None)
    assert coming.heals_in is None


def test_a_fault_that_waits_tells_when_it_strikes_and_one_that_is_in_when_it_heals(
    cluster: rk.Cluster,
) -> None:
    fault = rk.faults.NodePause(at=30.0, every=30.0, duration=20.0)
    began = monotonic()
    with cluster.inject(fault) as waiting:
        wait_until(lambda: waiting.coming.strikes_in is not None)
        left = waiting.coming.strikes_in or 0.0
        assert 30.0 - (monotonic() - began) - TICK <= left <= 30.0
        assert waiting.coming.heals_in is None
    assert waiting.coming.strikes_in is None
    began = monotonic()
    with cluster.inject(rk.faults.Latency(0.0, 0.001, duration=30.0)) as inside:
        wait_until(lambda: inside.coming.strikes_in is None)
        left = inside.coming.heals_in or 0.0
        assert 30.0 - (monotonic() - began) - TICK <= left <= 30.0
    assert inside.coming.heals_in is None
    with cluster.inject(rk.faults.Latency(0.0, 0.001)) as for_ever:
        assert for_ever.coming.heals_in is None
