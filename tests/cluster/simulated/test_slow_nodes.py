"""Simulated nodes that faults make slow: in virtual time the factors are exact."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.cluster.simulated.pace import Pace
from tests.cluster.harm import Probe


def took(cluster: rk.Cluster) -> float:
    """Return how many virtual seconds n2 takes for ten calls."""
    asking = cluster.whereis("asking").with_timeout(20.0)
    return sum(asking.call.call_took("asked") for _ in range(10))


@pytest.mark.parametrize("first_healed", [0, 1])
def test_what_stays_when_one_of_two_slownesses_heals_is_the_other(first_healed: int) -> None:
    # Its samples would take turns of their own, of which there are more the longer a call takes.
    quiet = {"schedule": "fifo", "seed": 7, "sample_interval": 60.0}
    with rk.Cluster(nodes=2, backend="simulation", **quiet) as cluster:
        cluster.start(Probe, name="asking", node="n1")
        cluster.start(Probe, name="asked", node="n2")
        plain = took(cluster)
        one = cluster.inject(rk.faults.SlowNode(5.0, targets="n2"))
        factor = {5.0: took(cluster) - plain}
        one.heal()
        one = cluster.inject(rk.faults.SlowNode(21.0, targets="n2"))
        factor[21.0] = took(cluster) - plain
        assert factor[21.0] == pytest.approx(5 * factor[5.0], rel=0.05)
        two = cluster.inject(rk.faults.SlowNode(5.0, targets="n2"))
        both = took(cluster) - plain
        # 105 times slower; the longer it takes, the more turns of something else come in between.
        assert both == pytest.approx(26 * factor[5.0], rel=0.2)
        first, left = [(one, 5.0), (two, 21.0)][first_healed]
        first.heal()
        assert took(cluster) - plain == pytest.approx(factor[left], rel=0.05)
        cluster.heal()
        assert took(cluster) == pytest.approx(plain, rel=0.05)


def test_how_slow_it_was_counts_the_time_in_which_it_ran() -> None:
    pace = Pace()
    pace.goes(10.0)
    pace.slow("a", 3.0, 11.0)  # what it did before is no matter of that fault
    pace.slow("b", 4.0, 14.0)  # one second of its own until here
    assert pace.end("b", 26.0) == pytest.approx(12.0)  # and another one
    assert pace.factor == 3.0
    pace.stands(26.0)
    pace.goes(1000.0)
    assert pace.end("a", 1000.0) == pytest.approx(15.0 / 2.0)
    assert pace.factor == 1.0


def test_who_did_not_run_and_what_is_not_known_was_not_slow() -> None:
    pace = Pace()
    pace.slow("a", 3.0, 1.0)
    assert pace.end("a", 2.0) is None
    assert pace.end("a", 3.0) is None
    pace.goes(4.0)
    pace.slow("a", 3.0, 4.0)
    assert pace.end("a", 4.0) == 3.0, "no time has passed, and it would have been"
    pace.slow("a", 3.0, 4.0)
    pace.stands(4.0)
    assert pace.end("a", 9.0) is None
