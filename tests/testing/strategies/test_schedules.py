"""The order of a simulation: a name and a seed, as a cluster takes them."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.simulation.schedules import SCHEDULES
from resilkit.testing import strategies as rst
from tests.cluster.servers import Counter
from tests.testing.strategies.drawing import drawn, least


def test_every_schedule_is_drawn_with_many_seeds() -> None:
    found = drawn(rst.schedules())
    assert {each["schedule"] for each in found} == set(SCHEDULES)
    assert len({each["seed"] for each in found}) > 20


def test_a_cluster_takes_what_is_drawn() -> None:
    for schedule in drawn(rst.schedules(), examples=5):
        with rk.Cluster(nodes=2, backend="simulation", **schedule) as cluster:
            assert cluster.start(Counter, name="counter", node="n2").call.increment() == 1
            assert cluster.seed == schedule["seed"]


def test_it_shrinks_to_the_schedule_that_is_given_first_and_a_small_seed() -> None:
    assert least(rst.schedules()) == {"schedule": "fifo", "seed": 0}
    assert least(rst.schedules(schedules=["pct"]), lambda each: each["seed"] >= 1000) == {
        "schedule": "pct", "seed": 1000
    }  # fmt: skip


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"schedules\[0\]: .*did you mean 'pct'"):
        rst.schedules(schedules=["pctt"])
